/** Tokens of a server. */
import { AppError } from '../core/errors.ts'
import type { MadeToken, NewToken, TokenRow } from '../serve/shapes/access.ts'
import type { ApiClient } from './client.ts'
import type { TokenBook } from './contract.ts'

/** See above. */
export class ServerTokens implements TokenBook {
  readonly #api: ApiClient

  constructor(api: ApiClient) {
    this.#api = api
  }

  make(wish: NewToken): Promise<MadeToken> {
    return this.#api.ask<MadeToken>('POST', '/api/v1/tokens', 'secret', { body: wish })
  }

  async list(): Promise<readonly TokenRow[]> {
    return (await this.#api.get<{ tokens: TokenRow[] }>('/api/v1/tokens', 'tokens')).tokens
  }

  async revoke(ids: readonly string[], done: (token: TokenRow) => void): Promise<void> {
    const all = await this.list()
    const known = ids.map((id) => all.find((token) => token.id === id) ?? missing(id))
    for (const token of known) {
      await this.#api.act('DELETE', `/api/v1/tokens/${encodeURIComponent(token.id)}`)
      done({ ...token, revoked: token.revoked ?? new Date().toISOString() })
    }
  }
}

function missing(id: string): never {
  throw new AppError('NOT_FOUND', `There is no token ${id}.`)
}
