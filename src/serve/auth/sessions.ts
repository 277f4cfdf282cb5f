/** Sessions of people: a random secret in a cookie, known only by its digest, with an end and an idle time. */
import type { Role, RowLimits } from '../contract.ts'
import type { AccessFile } from './access-file.ts'
import { kept, newId, newSecret, rowOf } from './secret.ts'

const SESSION_PREFIX = 'bts_'
const SEEN_EVERY_MS = 60_000

/** Whose session it is to be. */
export interface SessionWish {
  /** `token:<id>`, `person:<id>` or `link:<role>:<name>`. */
  readonly holder: string
  readonly name: string
  /** The role of links; tokens and people have theirs elsewhere, where it may change. */
  readonly role: Role | null
  readonly rows: RowLimits
}

/** A session as it is kept. */
export interface KeptSession {
  readonly id: string
  readonly hash: Uint8Array
  readonly holder: string
  readonly name: string
  readonly role: Role | null
  readonly rows: string
  readonly created_ms: number
  readonly seen_ms: number
  readonly ends_ms: number
  /** Where it was last used from; null for one that a version before began. */
  readonly address: string | null
}

/** The sessions of a home. */
export class Sessions {
  readonly #file: AccessFile
  readonly #now: () => Date
  readonly #longestMs: number
  readonly #idleMs: number

  constructor(file: AccessFile, now: () => Date, limits: { hours: number; idleMinutes: number }) {
    this.#file = file
    this.#now = now
    this.#longestMs = limits.hours * 3_600_000
    this.#idleMs = limits.idleMinutes * 60_000
  }

  /** Begins a session, always with a secret of its own: one that a browser brings along is never taken up. */
  begin(
    wish: SessionWish,
    address?: string,
  ): { readonly secret: string; readonly id: string; readonly endsMs: number } {
    const nowMs = this.#now().getTime()
    const [id, secret, endsMs] = [newId(), newSecret(SESSION_PREFIX), nowMs + this.#longestMs]
    const { lookup, hash } = kept(secret)
    this.#file.atOnce(() => {
      this.#file.run('DELETE FROM sessions WHERE ends_ms <= ? OR seen_ms <= ?', nowMs, nowMs - this.#idleMs)
      this.#file.run(
        'INSERT INTO sessions (id, lookup, hash, holder, name, role, rows, created_ms, seen_ms, ends_ms, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        id,
        lookup,
        hash,
        wish.holder,
        wish.name,
        wish.role,
        JSON.stringify(wish.rows),
        nowMs,
        nowMs,
        endsMs,
        address ?? null,
      )
    })
    return { secret, id, endsMs }
  }

  /** The session of this secret; undefined where there is none, or it ended. Use from an address keeps it alive; looking does not. */
  ofSecret(secret: string, usedFrom?: string): KeptSession | undefined {
    const session = rowOf(secret, SESSION_PREFIX, (lookup) =>
      this.#file.all<KeptSession>('SELECT * FROM sessions WHERE lookup = ?', lookup),
    )
    const nowMs = this.#now().getTime()
    if (session === undefined || session.ends_ms <= nowMs || session.seen_ms <= nowMs - this.#idleMs) return undefined
    if (usedFrom !== undefined && nowMs - session.seen_ms >= SEEN_EVERY_MS)
      this.#file.run('UPDATE sessions SET seen_ms = ?, address = ? WHERE id = ?', nowMs, usedFrom, session.id)
    return session
  }

  /** A session by its id, as it stands: looking does not keep it alive. Undefined where it ended. */
  standing(id: string): KeptSession | undefined {
    const nowMs = this.#now().getTime()
    const session = this.#file.get<KeptSession>('SELECT * FROM sessions WHERE id = ?', id)
    return session === undefined || session.ends_ms <= nowMs || session.seen_ms <= nowMs - this.#idleMs
      ? undefined
      : session
  }

  /** When a session ends if nobody does anything. */
  endsMs(session: KeptSession): number {
    return Math.min(session.ends_ms, this.#now().getTime() + this.#idleMs)
  }

  /** Every session that has not ended, or those of somebody, the newest first. */
  list(holder?: string): KeptSession[] {
    const nowMs = this.#now().getTime()
    return this.#file.all<KeptSession>(
      'SELECT * FROM sessions WHERE ends_ms > ? AND seen_ms > ? AND holder = coalesce(?, holder) ORDER BY created_ms DESC, id',
      nowMs,
      nowMs - this.#idleMs,
      holder ?? null,
    )
  }

  /** Ends one session; undefined where there is none, or none of this holder. */
  end(id: string, holder?: string): KeptSession | undefined {
    return this.#file.get<KeptSession>(
      'DELETE FROM sessions WHERE id = ? AND holder = coalesce(?, holder) RETURNING *',
      id,
      holder ?? null,
    )
  }

  /** Ends all sessions of somebody. */
  endAllOf(holder: string): void {
    this.#file.run('DELETE FROM sessions WHERE holder = ?', holder)
  }

  /** Ends all sessions of a name, by whatever way they began; of everybody where absent. Returns how many. */
  endAll(name?: string): number {
    if (name === undefined) return this.#file.run('DELETE FROM sessions')
    return this.#file.run('DELETE FROM sessions WHERE name = ?', name)
  }

  /** How many sessions somebody has. */
  countOf(holder: string): number {
    return this.list(holder).length
  }
}
