/** Tokens of programs: random, known only by their digest, with an end, and revocable. */
import { AppError } from '../../core/errors.ts'
import type { Permission, Role, RowLimits } from '../contract.ts'
import type { TokenRow } from '../shapes/access.ts'
import type { AccessFile } from './access-file.ts'
import { checkIsNoAddress } from './names.ts'
import { kept, newId, newSecret, rowOf } from './secret.ts'

/** What every token begins with, so that secret scanners know it. */
export const TOKEN_PREFIX = 'btk_'

/** A token lives at most a year: what nobody renews is forgotten. */
export const MOST_DAYS = 366
const DAY_MS = 86_400_000
const USED_EVERY_MS = 60_000

/** A token to make. */
export interface TokenWish {
  readonly name: string
  readonly role: Role
  /** Permissions, of those of the role; absent for all of them. */
  readonly scopes?: readonly Permission[] | undefined
  readonly rows: RowLimits
  readonly expiresMs: number
  readonly createdBy: string
}

/** A token as it is kept. */
export interface KeptToken {
  readonly id: string
  readonly hash: Uint8Array
  readonly name: string
  readonly role: Role
  readonly scopes: string | null
  readonly rows: string
  readonly created_ms: number
  readonly created_by: string
  readonly expires_ms: number
  readonly last_used_ms: number | null
  readonly revoked_ms: number | null
}

/** The tokens of a home. */
export class Tokens {
  readonly #file: AccessFile
  readonly #now: () => Date
  readonly #used = new Map<string, number>()

  constructor(file: AccessFile, now: () => Date) {
    this.#file = file
    this.#now = now
  }

  /**
   * Makes a token. Its secret is told here and never again.
   * @throws AppError BAD_ARGUMENT for an end that is past or too far, and for a name that the record of use would take for a person's
   */
  make(wish: TokenWish): { readonly token: TokenRow; readonly secret: string } {
    const nowMs = this.#now().getTime()
    if (!(wish.expiresMs > nowMs) || wish.expiresMs > nowMs + MOST_DAYS * DAY_MS)
      throw new AppError('BAD_ARGUMENT', 'A token ends within a year from now.', { hint: 'Use for example 90d.' })
    checkIsNoAddress(wish.name, 'The name of a token', 'Say what it is for, such as "nightly export".')
    const [id, secret] = [newId(), newSecret(TOKEN_PREFIX)]
    const { lookup, hash } = kept(secret)
    this.#file.run(
      `INSERT INTO tokens (id, lookup, hash, name, role, scopes, rows, created_ms, created_by, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      lookup,
      hash,
      wish.name,
      wish.role,
      wish.scopes === undefined ? null : JSON.stringify(wish.scopes),
      JSON.stringify(wish.rows),
      nowMs,
      wish.createdBy,
      wish.expiresMs,
    )
    return { token: rowShown(this.named(id)), secret }
  }

  /** Every token, the newest first. */
  list(): TokenRow[] {
    return this.#file.all<KeptToken>('SELECT * FROM tokens ORDER BY created_ms DESC, id').map(rowShown)
  }

  /** A token by its id. */
  find(id: string): KeptToken | undefined {
    return this.#file.get<KeptToken>('SELECT * FROM tokens WHERE id = ?', id)
  }

  /** A token by its id. @throws AppError NOT_FOUND */
  named(id: string): KeptToken {
    const row = this.find(id)
    if (row === undefined) throw new AppError('NOT_FOUND', `There is no token ${id}.`)
    return row
  }

  /** The token of this secret, whether it still counts or not; undefined where there is none. */
  ofSecret(secret: string): KeptToken | undefined {
    return rowOf(secret, TOKEN_PREFIX, (lookup) =>
      this.#file.all<KeptToken>('SELECT * FROM tokens WHERE lookup = ?', lookup),
    )
  }

  /** Why a token counts no longer; undefined while it does. */
  ended(token: KeptToken): 'revoked' | 'expired' | undefined {
    if (token.revoked_ms !== null) return 'revoked'
    return token.expires_ms <= this.#now().getTime() ? 'expired' : undefined
  }

  /** Notes that a token was used, once a minute. */
  used(id: string): void {
    const nowMs = this.#now().getTime()
    if (nowMs - (this.#used.get(id) ?? 0) < USED_EVERY_MS) return
    this.#used.set(id, nowMs)
    this.#file.run('UPDATE tokens SET last_used_ms = ? WHERE id = ?', nowMs, id)
  }

  /** Ends a token, and the sessions begun with it. @throws AppError NOT_FOUND */
  revoke(id: string): TokenRow {
    const { id: known } = this.named(id)
    this.#file.atOnce(() => {
      this.#file.run(
        'UPDATE tokens SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?',
        this.#now().getTime(),
        known,
      )
      this.#file.run('DELETE FROM sessions WHERE holder = ?', `token:${known}`)
    })
    return rowShown(this.named(known))
  }
}

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

/** A token as it is shown. */
export const rowShown = (token: KeptToken): TokenRow => ({
  id: token.id,
  name: token.name,
  role: token.role,
  scopes: token.scopes === null ? null : (JSON.parse(token.scopes) as Permission[]),
  rows: JSON.parse(token.rows) as TokenRow['rows'],
  created: new Date(token.created_ms).toISOString(),
  createdBy: token.created_by,
  expires: isoOrNull(token.expires_ms),
  lastUsed: isoOrNull(token.last_used_ms),
  revoked: isoOrNull(token.revoked_ms),
})
