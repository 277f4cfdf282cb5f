/** Destinations of a server, and what they refused for good. */
import type { DeadLetterPage, DestinationList } from '../serve/shapes/operations.ts'
import type { ApiClient } from './client.ts'
import type { DeadLine, DeliveryBook, Replayed, Tested } from './contract.ts'
import { pagesOf } from './pages.ts'

/** Most letters of a page. */
const PAGE = 200
/** Other systems may be slow to take what is sent to them. */
const SENDING_SILENT_MS = 150_000

/** See above. */
export class ServerDelivery implements DeliveryBook {
  readonly #api: ApiClient

  constructor(api: ApiClient) {
    this.#api = api
  }

  async status() {
    return (await this.#api.get<DestinationList>('/api/v1/destinations', 'destinations')).destinations
  }

  async names(): Promise<readonly string[]> {
    return (await this.status()).map(({ name }) => name)
  }

  test(name: string): Promise<Tested> {
    return this.#api.ask<Tested & object>('POST', `${pathOf(name)}/test`, 'outcome', { silentMs: SENDING_SILENT_MS })
  }

  replay(name: string): Promise<Replayed> {
    return this.#api.ask<Replayed & object>('POST', `${pathOf(name)}/replay`, 'revived', {
      silentMs: SENDING_SILENT_MS,
    })
  }

  async dead(name: string | undefined, most: number): Promise<readonly DeadLine[]> {
    const found: DeadLine[] = []
    for (const each of name === undefined ? await this.names() : [name]) {
      for await (const letter of this.#letters(each)) {
        if (found.length >= most) return found
        found.push(letter)
      }
    }
    return found
  }

  async discard(name: string, really: boolean): Promise<number> {
    let letters = 0
    for await (const { seq } of this.#letters(name)) {
      if (really) await this.#api.act('DELETE', `${pathOf(name)}/dead/${seq}`)
      letters += 1
    }
    return letters
  }

  async *#letters(name: string): AsyncGenerator<DeadLine> {
    const ask = (cursor: string | undefined) =>
      this.#api.get<DeadLetterPage>(`${pathOf(name)}/dead`, 'letters', { query: { limit: PAGE, cursor } })
    for await (const { letters } of pagesOf(ask))
      for (const { time, ...letter } of letters) yield { ...letter, deadMs: Date.parse(time) }
  }
}

const pathOf = (name: string): string => `/api/v1/destinations/${encodeURIComponent(name)}`
