/** SQL that people write: in sandboxes, over what each may see. Few at once, the rest waits its turn. */
import { copyObjects, LAKE_TABLES, mentionsObjects, namingTables } from '../../ask/lake-relations.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { type Answer, openSandbox, type QueryLimits, type Sandbox } from '../../engine/sandbox.ts'
import { removeScratch, scratchFolder } from '../../ingest/scratch.ts'
import { nobodyWaits } from './connections.ts'
import { askerOf, type LakeReader } from './lake-reader.ts'
import type { LakeSnapshot } from './snapshots.ts'
import { isLimitedByLists, type Sight } from './visible.ts'

/** Each is a process of its own with half a gigabyte at most. */
const SANDBOXES = 2
/** Statements that wait, of everybody and of one who asks; one more is refused. */
const WAITING = 10
const WAITING_OF_ONE = 3

interface Kept {
  /** What it shows. */
  readonly shows: string
  readonly sandbox: Sandbox
}

/** See above. */
export class PeopleSql {
  readonly #reader: () => LakeReader
  #folder: string | undefined
  #idle: Kept[] = []
  #places = SANDBOXES
  #waiting: { readonly start: () => void; readonly by: string | undefined }[] = []
  #closed = false

  constructor(reader: () => LakeReader) {
    this.#reader = reader
  }

  /**
   * Runs one SELECT over `events`, `rejects`, `findings` and `objects` as somebody sees them.
   *
   * @throws AppError BAD_SQL, SQL_REFUSED, SQL_TIMEOUT, BUSY, NO_LAKE
   */
  async run(sight: Sight, sql: string, limits: QueryLimits & { readonly signal: AbortSignal }): Promise<Answer> {
    if (sight.masks.length > 0 && /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*explain\b/i.test(sql)) {
      throw new AppError('SQL_REFUSED', 'A plan shows how values are masked.', {
        hint: 'Ask somebody from whom nothing is masked.',
      })
    }
    await this.#place(limits.signal, askerOf(sight))
    let kept: Kept | undefined
    try {
      kept = await this.#sandbox(sight, sql)
      return await kept.sandbox.query(sql, limits)
    } catch (cause) {
      if (limits.signal.aborted) throw nobodyWaits(limits.signal, cause)
      throw withoutKey(namingTablesOf(sight, cause), this.#reader().key)
    } finally {
      await this.#leave(kept)
    }
  }

  /** Ends all sandboxes. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map(({ sandbox }) => sandbox.close()))
    if (this.#folder !== undefined) await removeScratch(this.#folder)
  }

  async #place(signal: AbortSignal, by: string | undefined): Promise<void> {
    if (this.#places > 0) {
      this.#places -= 1
      return
    }
    if (this.#waiting.length >= WAITING) throw new AppError('BUSY', `${WAITING} statements are waiting already.`)
    if (by !== undefined && this.#waiting.filter((each) => each.by === by).length >= WAITING_OF_ONE) {
      throw new AppError('BUSY', `${WAITING_OF_ONE} of your statements are waiting already.`)
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        reject(nobodyWaits(signal))
      }
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const waiting = { start, by }
      this.#waiting.push(waiting)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  async #leave(kept: Kept | undefined): Promise<void> {
    if (kept !== undefined) {
      if (this.#closed) await kept.sandbox.close()
      else this.#idle.push(kept)
    }
    const next = this.#waiting.shift()
    if (next === undefined) this.#places += 1
    else next.start()
  }

  /** One that shows the same, else a new one in place of the one used longest ago. */
  async #sandbox(sight: Sight, sql: string): Promise<Kept> {
    const reader = this.#reader()
    const snapshot = await reader.snapshots.newest()
    const { relations, paths } = reader.sandboxed(sight, snapshot)
    const withObjects = mentionsObjects(sql) && seesObjects(sight)
    const shows = `${withObjects} ${versionsOf(snapshot)} ${relations.events}${relations.rejects}${relations.findings}`
    const same = this.#idle.findIndex((each) => each.shows === shows)
    if (same >= 0) return this.#idle.splice(same, 1)[0] as Kept
    if (this.#idle.length > 0 && this.#idle.length >= SANDBOXES - 1) await this.#idle.shift()?.sandbox.close()
    const { home } = reader
    this.#folder ??= scratchFolder(home, 'people')
    const sandbox = await openSandbox({
      relations,
      allowedPaths: paths,
      tempDir: this.#folder,
      ...(withObjects ? { copies: { objects: (path: string) => copyObjects(home, path) } } : {}),
    })
    return { shows, sandbox }
  }
}

/** Objects belong to no workspace, and their names are not masked. */
const seesObjects = (sight: Sight): boolean =>
  !isLimitedByLists(sight.rows) && sight.masks.every((mask) => mask === 'query')

/** As {@link namingTables}, of the tables that somebody may read; one that they may not is there all the same. */
function namingTablesOf(sight: Sight, cause: unknown): unknown {
  if (seesObjects(sight)) return namingTables(cause)
  const tables = LAKE_TABLES.filter((name) => name !== 'objects')
  const isAsked = isAppError(cause) && /^There is no table (?:(?:memory\.)?main\.)?objects here\.$/.test(cause.message)
  if (!isAsked) return namingTables(cause, tables)
  const why = isLimitedByLists(sight.rows) ? 'sees rows of some workspaces or categories only' : 'sees masked values'
  return new AppError('SQL_REFUSED', `Who ${why} may not read the table objects: it names files of all.`, {
    hint: `The tables you may read are ${tables.join(', ')}.`,
    cause,
  })
}

const versionsOf = ({ events, rejects, findings }: LakeSnapshot): string =>
  `${events.version} ${rejects.version} ${findings.version}`

/** The engine may quote an expression of ours in a message. */
function withoutKey(cause: unknown, key: string): unknown {
  if (!isAppError(cause) || !cause.message.includes(key)) return cause
  return new AppError(cause.code, cause.message.replaceAll(key, '…'), { hint: cause.hint })
}
