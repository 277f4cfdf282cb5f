/** Failed sign-ins, by address and by name, and who is locked out for how long. Kept on disk: a restart forgives nothing. */
import type { AccessFile } from './access-file.ts'

/** Failures further apart than this do not add up. */
const FORGET_MS = 15 * 60_000
const FIRST_LOCK_MS = 60_000
const LONGEST_LOCK_MS = 60 * 60_000
/** Names come from outside, so their number is bounded; the oldest are forgotten first. */
const MOST_KEYS = 20_000
/** Locks grow while somebody goes on; a day of quiet forgives. */
const FORGIVE_MS = 24 * 60 * 60_000

interface Kept {
  readonly failures: number
  readonly last_ms: number
  readonly locks: number
  readonly locked_until_ms: number
}

/** Failed sign-ins of a home. */
export class Failures {
  readonly #file: AccessFile
  readonly #now: () => Date
  readonly #most: number

  constructor(file: AccessFile, now: () => Date, most: number) {
    this.#file = file
    this.#now = now
    this.#most = most
  }

  /** Seconds until any of these may try again; 0 if now. */
  lockedSeconds(keys: readonly string[]): number {
    const nowMs = this.#now().getTime()
    const until = keys.map((key) => this.#kept(key)?.locked_until_ms ?? 0)
    return Math.max(0, Math.ceil((Math.max(0, ...until) - nowMs) / 1000))
  }

  /** Counts a failure of each, and locks out what failed too often: a minute, then twice as long each time. */
  failed(keys: readonly string[]): void {
    const nowMs = this.#now().getTime()
    this.#file.atOnce(() => {
      for (const key of keys) this.#count(key, nowMs)
      this.#file.run(
        'DELETE FROM failures WHERE last_ms < ? OR key IN (SELECT key FROM failures ORDER BY last_ms DESC LIMIT -1 OFFSET ?)',
        nowMs - FORGIVE_MS,
        MOST_KEYS,
      )
    })
  }

  /** A sign-in that went well forgets the failures before it. */
  succeeded(keys: readonly string[]): void {
    for (const key of keys) this.#file.run('DELETE FROM failures WHERE key = ?', key)
  }

  #count(key: string, nowMs: number): void {
    const before = this.#kept(key)
    const isNew = before === undefined || nowMs - before.last_ms > FORGIVE_MS
    const locks = isNew ? 0 : before.locks
    const failures = isNew || nowMs - before.last_ms > FORGET_MS ? 1 : before.failures + 1
    const isLocked = failures >= this.#most
    const lockMs = Math.min(FIRST_LOCK_MS * 2 ** locks, LONGEST_LOCK_MS)
    this.#file.run(
      'INSERT OR REPLACE INTO failures (key, failures, last_ms, locks, locked_until_ms) VALUES (?, ?, ?, ?, ?)',
      key,
      isLocked ? 0 : failures,
      nowMs,
      isLocked ? locks + 1 : locks,
      isLocked ? nowMs + lockMs : (before?.locked_until_ms ?? 0),
    )
  }

  #kept(key: string): Kept | undefined {
    return this.#file.get<Kept>('SELECT * FROM failures WHERE key = ?', key)
  }
}
