/** Destinations of a home, and what they refused for good. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { DELIVER_FILE } from '../../deliver/open.ts'
import { type DeadLetter, Outbox } from '../../deliver/outbox.ts'
import { type DeliverSettings, type DestinationSettings, readDeliverSettings } from '../../deliver/settings.ts'
import { statusOf } from '../../deliver/status.ts'
import { replayLetters, sendTest } from '../../deliver/trial.ts'
import type { DeadLine, DeliveryBook, DestinationLine, Replayed, Tested } from '../../remote/contract.ts'
import type { CliContext } from '../contract.ts'

const PAGE = 1000

/** The settings of delivery. @throws AppError NO_LAKE where there is no home */
export async function deliverSettings(cli: CliContext): Promise<DeliverSettings> {
  const { root } = cli.home()
  if (!existsSync(root)) throw new AppError('NO_LAKE', `There is no home ${root}.`)
  return readDeliverSettings(join(root, DELIVER_FILE))
}

/** See above. */
export class HomeDelivery implements DeliveryBook {
  readonly #cli: CliContext

  constructor(cli: CliContext) {
    this.#cli = cli
  }

  async status(): Promise<readonly DestinationLine[]> {
    return statusOf(this.#cli.home(), await deliverSettings(this.#cli))
  }

  async names(): Promise<readonly string[]> {
    return (await deliverSettings(this.#cli)).destinations.map(({ name }) => name)
  }

  async test(name: string): Promise<Tested> {
    const outcome = await sendTest(this.#cli.home(), await this.#destination(name), this.#cli.now())
    const reason =
      'reason' in outcome ? outcome.reason : outcome.kind === 'partly' ? outcome.refused[0]?.reason : undefined
    return { outcome: outcome.kind, reason }
  }

  async replay(name: string): Promise<Replayed> {
    return replayLetters(this.#cli.home(), await this.#destination(name), this.#cli.now())
  }

  async dead(name: string | undefined, most: number): Promise<readonly DeadLine[]> {
    return this.#withOutbox((outbox) => lettersOf(outbox, name, 0, most))
  }

  async discard(name: string, really: boolean): Promise<number> {
    return this.#withOutbox((outbox) => {
      let [after, count] = [0, 0]
      for (let page = lettersOf(outbox, name, after); page.length > 0; page = lettersOf(outbox, name, after)) {
        for (const { seq } of page) {
          after = seq
          count += 1
          if (really) outbox.discard(seq)
        }
      }
      return count
    })
  }

  async #destination(name: string): Promise<DestinationSettings> {
    const found = (await deliverSettings(this.#cli)).destinations.find((each) => each.name === name)
    if (found === undefined) throw new AppError('BAD_ARGUMENT', `There is no destination ${name}.`)
    return found
  }

  #withOutbox<T>(work: (outbox: Outbox) => T): T {
    const outbox = Outbox.open(this.#cli.home().outbox)
    try {
      return work(outbox)
    } finally {
      outbox.close()
    }
  }
}

const lettersOf = (outbox: Outbox, name: string | undefined, after: number, most = PAGE): DeadLetter[] =>
  outbox.dead({ ...(name === undefined ? {} : { destination: name }), after, most })
