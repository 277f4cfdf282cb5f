/** What is known of each source: counts of the ledger, and its newest event. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError, messageOf } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { fixedPart } from './source-watch.ts'

/** Counts of what was taken from a source. */
export interface SourceCounts {
  readonly objects: number
  readonly events: number
  readonly rejects: number
}

/** Objects below the fixed parts of specs, as the ledger has them. */
export class SourceLedger {
  readonly #path: string
  readonly #known = new Map<string, { readonly last: number; readonly counts: SourceCounts }>()

  constructor(home: Pick<Home, 'ledger'>) {
    this.#path = home.ledger
  }

  /** Counts of all takings of a source; worked out again only where there are new ones. @throws AppError BAD_HOME */
  counts(name: string, specs: readonly string[]): SourceCounts {
    const nothing = { objects: 0, events: 0, rejects: 0 }
    if (!existsSync(this.#path)) return nothing
    const db = this.#open()
    try {
      const last = Number(db.prepare('SELECT max(id) AS last FROM takings').get()?.last ?? 0)
      const known = this.#known.get(name)
      if (known?.last === last) return known.counts
      const counts = specs.reduce((sum, spec) => added(sum, countsBelow(db, fixedPart(spec))), nothing)
      this.#known.set(name, { last, counts })
      return counts
    } finally {
      db.close()
    }
  }

  #open(): DatabaseSync {
    try {
      const db = new DatabaseSync(this.#path, { readOnly: true })
      db.exec('PRAGMA busy_timeout = 2000')
      return db
    } catch (cause) {
      throw new AppError('BAD_HOME', `The ledger ${this.#path} cannot be opened: ${messageOf(cause)}`, { cause })
    }
  }
}

const added = (a: SourceCounts, b: SourceCounts): SourceCounts => ({
  objects: a.objects + b.objects,
  events: a.events + b.events,
  rejects: a.rejects + b.rejects,
})

/** The file itself, and all below the folder; the index of keys answers it. */
function countsBelow(db: DatabaseSync, path: string): SourceCounts {
  const below = path.endsWith(sep) ? path : `${path}${sep}`
  const row = db
    .prepare(
      `SELECT count(DISTINCT object_key) AS objects, coalesce(sum(events), 0) AS events, coalesce(sum(rejects), 0) AS rejects
       FROM takings WHERE object_key = ?1 OR (object_key >= ?2 AND object_key < ?3)`,
    )
    .get(path, below, `${below.slice(0, -1)}${String.fromCharCode(sep.charCodeAt(0) + 1)}`)
  return { objects: Number(row?.objects), events: Number(row?.events), rejects: Number(row?.rejects) }
}

/** Times of the newest event of each source, kept over restarts; safe to lose. */
export class NewestEvents {
  readonly #path: string
  readonly #times = new Map<string, number>()

  private constructor(path: string) {
    this.#path = path
  }

  /** As they were left, or none. */
  static async read(home: Pick<Home, 'serviceLock'>, now: Date): Promise<NewestEvents> {
    const newest = new NewestEvents(`${home.serviceLock}.sources`)
    try {
      // Nothing that was written down then had happened later.
      const latestMs = Math.min(now.getTime(), (await stat(newest.#path)).mtimeMs)
      const found: unknown = JSON.parse(await readFile(newest.#path, 'utf8'))
      for (const [name, ms] of Object.entries(found ?? {}))
        if (typeof ms === 'number') newest.#times.set(name, Math.min(ms, Math.floor(latestMs)))
    } catch {
      // There is none yet, or it was cut off by a crash.
    }
    return newest
  }

  /** Unix ms; undefined where nothing is known. */
  of(name: string): number | undefined {
    return this.#times.get(name)
  }

  /** Takes note of a time, if it is later. A record dated in the future came now: it must not hide that none comes after it. */
  async saw(name: string, newestMs: number, now: Date): Promise<void> {
    const ms = Math.min(newestMs, now.getTime())
    if (ms <= (this.#times.get(name) ?? -Infinity)) return
    this.#times.set(name, ms)
    const draft = `${this.#path}.${process.pid}`
    await mkdir(dirname(this.#path), { recursive: true })
    await writeFile(draft, JSON.stringify(Object.fromEntries(this.#times)))
    await rename(draft, this.#path)
  }
}
