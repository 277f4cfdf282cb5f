/**
 * How many events there were of each kind in each quarter of an hour, kept in the engine's memory: made once for each data file, so that
 * facets, histograms and the overview need not read the files. Kinds are what the explorer searches by; searches by other fields scan.
 */
import { EVENT_COLUMNS } from '../../core/event.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { ident, lit } from '../../engine/sql.ts'
import { columnDefinitions, duckdbType } from '../../engine/types.ts'
import { scanSql } from '../../lake/read.ts'
import type { DataFile, Snapshot } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import type { Mask } from '../contract.ts'
import { type Sight, visible } from './visible.ts'

/** A quarter of an hour: histograms of a day have enough of them, and a year does not have too many. */
export const SLOT_MS = 900_000

/** Columns that make a kind. Of targets only the types are kept. */
export const KIND_COLUMNS = [
  'workspace_id',
  'service',
  'action',
  'category',
  'verb',
  'key_event',
  'actor',
  'source_ip',
  'client',
  'geo',
  'targets',
  'status',
  'form',
  'cloud',
] as const

/** Rows of counts that are kept at most: some 40 bytes each. */
const MOST_ROWS = 15_000_000
/** A statement that was made before a file was forgotten has ended by then. */
const FORGET_AFTER_MS = 180_000
/** A file that could not be counted is tried again after so long, and the others go on meanwhile. */
const TRY_AGAIN_MS = 60_000

const COLUMNS = EVENT_COLUMNS.filter(({ name }) => (KIND_COLUMNS as readonly string[]).includes(name))
const NAMES = COLUMNS.map(({ name }) => ident(name)).join(', ')
const TARGETS_TYPE = duckdbType(COLUMNS.find(({ name }) => name === 'targets')?.type ?? 'string')
const EVERY_KIND = `list_distinct(list_transform(targets, lambda t: {'type': t.type, 'id': NULL, 'name': NULL, 'principal': NULL, 'privilege': NULL}))::${TARGETS_TYPE}`
const kindSql = (name: string): string => (name === 'targets' ? `${EVERY_KIND} AS targets` : ident(name))
const KINDS = COLUMNS.map(({ name }) => kindSql(name)).join(', ')
/** Limits look at these, whatever a statement names. */
const LIMITED = ['workspace_id', 'category', 'service']
const isUsed = (name: string, wanted: (name: string) => boolean): boolean => LIMITED.includes(name) || wanted(name)
const kindsOf = (wanted: (name: string) => boolean): string =>
  COLUMNS.filter(({ name }) => isUsed(name, wanted))
    .map(({ name }) => `${kindSql(name)},`)
    .join(' ')

/** The columns of kinds that a statement needs. */
export const usedColumns = (wanted: (name: string) => boolean) => COLUMNS.filter(({ name }) => isUsed(name, wanted))

interface Counted {
  readonly id: number
  readonly rows: number
}

/** Which files of a snapshot are counted. */
export interface Coverage {
  readonly counted: readonly number[]
  readonly rest: readonly DataFile[]
  /** Where every counted file belongs to the snapshot, so that none need be named: the last of them. Later ones are not meant. */
  readonly upTo?: number
}

/** See above. One connection of its own; what is told to it happens in turn. */
export class Slots {
  readonly #engine: Engine
  readonly #table: DeltaTable
  readonly #key: string
  readonly #files = new Map<string, Counted>()
  readonly #gone = new Map<string, number>()
  /** When files that could not be counted are tried again. */
  readonly #failed = new Map<string, number>()
  /** Sets of masks for which there is a table of kinds: it has each kind that a slot names. */
  readonly #masked = new Set<string>()
  /** Sets of masks that somebody waits for. */
  readonly #wishes: (() => Promise<void>)[] = []
  #turn: Promise<void> = Promise.resolve()
  #wanted: Snapshot | undefined
  #kinds = 0
  #rows = 0
  #nextFile = 1
  #closed = false

  private constructor(engine: Engine, table: DeltaTable, key: string) {
    this.#engine = engine
    this.#table = table
    this.#key = key
  }

  /** Makes empty tables in the engine of `engine`, which belongs to this from now on. */
  static async open(engine: Engine, table: DeltaTable, key: string): Promise<Slots> {
    await engine.run(`CREATE TABLE kinds (kind INTEGER, ${columnDefinitions(COLUMNS)})`)
    await engine.run(
      'CREATE TABLE slots (file INTEGER, slot TIMESTAMPTZ, kind INTEGER, n INTEGER, first TIMESTAMPTZ, last TIMESTAMPTZ)',
    )
    return new Slots(engine, table, key)
  }

  /** Rows of counts, kinds, and files that are counted. */
  size(): { rows: number; kinds: number; files: number } {
    return { rows: this.#rows, kinds: this.#kinds, files: this.#files.size }
  }

  /** Counts the files of this snapshot, the newest first, unless a newer one comes; returns at once. */
  follow(snapshot: Snapshot): void {
    if (this.#closed || this.#wanted?.version === snapshot.version) return
    const idle = this.#wanted === undefined
    this.#wanted = snapshot
    if (idle) this.#turn = this.#turn.then(() => this.#work())
  }

  /** Resolves when everything told so far is counted. */
  settled(): Promise<void> {
    return this.#turn
  }

  /** Which of some files are counted. */
  coverage(files: readonly DataFile[]): Coverage {
    const counted: number[] = []
    const rest: DataFile[] = []
    for (const file of files) {
      const known = this.#gone.has(file.path) ? undefined : this.#files.get(file.path)
      if (known === undefined) rest.push(file)
      else counted.push(known.id)
    }
    const isAll = counted.length > 0 && counted.length === this.#files.size
    return { counted, rest, ...(isAll ? { upTo: counted.reduce((most, id) => Math.max(most, id)) } : {}) }
  }

  /** Name of the table of kinds as a sight has them, without its limits of rows. */
  async kindsFor(sight: Sight): Promise<string> {
    const masks = masksOf(sight)
    if (masks.length === 0) return 'kinds'
    const name = tableOf(masks)
    // Only the first use of a set of masks waits, and for one file at most.
    if (!this.#masked.has(name)) {
      await new Promise<void>((resolve, reject) => {
        this.#wishes.push(() => this.#mask(masks).then(resolve, reject))
        this.#turn = this.#turn.then(() => this.#grant())
      })
    }
    return name
  }

  /** Stops counting and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true
    this.#engine.interrupt()
    await this.#turn.catch(() => undefined)
    this.#engine.close()
  }

  async #work(): Promise<void> {
    for (;;) {
      const snapshot = this.#wanted
      if (snapshot === undefined || this.#closed) return
      await this.#grant()
      const next = await this.#step(snapshot).catch(() => false)
      if (next) continue
      if (this.#wanted === snapshot) {
        this.#wanted = undefined
        return
      }
    }
  }

  async #grant(): Promise<void> {
    for (const wish of this.#wishes.splice(0)) await wish()
  }

  /** One file; false when nothing is left to do. A file that cannot be read stays uncounted, and scans tell why; the next one is due. */
  async #step(snapshot: Snapshot): Promise<boolean> {
    const present = new Set(snapshot.files.map(({ path }) => path))
    await this.#forget(present)
    const now = performance.now()
    const uncounted = snapshot.files.filter(
      ({ path }) => !this.#files.has(path) && (this.#failed.get(path) ?? 0) <= now,
    )
    const [newest] = uncounted.sort((a, b) => (a.partition < b.partition ? 1 : a.partition > b.partition ? -1 : 0))
    if (newest === undefined || this.#rows > MOST_ROWS) return false
    try {
      await this.#count(newest)
      this.#failed.delete(newest.path)
    } catch {
      this.#failed.set(newest.path, performance.now() + TRY_AGAIN_MS)
    }
    return true
  }

  /**
   * Each statement stands or falls by itself, and that of the slots is the last that can fail: kinds without slots count nothing, and
   * slots never stand without their file being known.
   */
  async #count(file: DataFile): Promise<void> {
    const id = this.#nextFile
    this.#nextFile += 1
    const engine = this.#engine
    await engine.run(`CREATE OR REPLACE TEMP TABLE counting AS
      SELECT time_bucket(INTERVAL 15 MINUTES, event_time) AS slot, ${KINDS}, count(*)::INTEGER AS n, min(event_time) AS first,
        max(event_time) AS last FROM ${scanSql(this.#table, [file])} GROUP BY ALL`)
    try {
      const same = COLUMNS.map(({ name }) => `c.${ident(name)} IS NOT DISTINCT FROM k.${ident(name)}`).join(' AND ')
      await engine.run(`INSERT INTO kinds SELECT (SELECT coalesce(max(kind), 0) FROM kinds) + row_number() OVER (), ${NAMES}
        FROM (SELECT DISTINCT ${NAMES} FROM counting c WHERE NOT EXISTS (SELECT 1 FROM kinds k WHERE ${same}))`)
      for (const name of this.#masked) await this.#extend(name).catch(() => this.#unmask(name))
      const { kinds, rows } = await engine.row<{ kinds: number; rows: string }>(
        'SELECT (SELECT coalesce(max(kind), 0) FROM kinds) AS kinds, (SELECT count(*) FROM counting) AS rows',
      )
      await engine.run(
        `INSERT INTO slots SELECT ${id}, slot, kind, n, first, last FROM counting c JOIN kinds k ON ${same}`,
      )
      this.#kinds = Number(kinds)
      this.#rows += Number(rows)
      this.#files.set(file.path, { id, rows: Number(rows) })
    } finally {
      // The next one replaces what could not be dropped.
      await engine.run('DROP TABLE counting').catch(() => undefined)
    }
  }

  /** What a compaction replaced is not given out any more at once, and is deleted when nothing can read it. */
  async #forget(present: ReadonlySet<string>): Promise<void> {
    const now = performance.now()
    for (const path of this.#failed.keys()) if (!present.has(path)) this.#failed.delete(path)
    for (const path of this.#files.keys()) {
      if (present.has(path)) this.#gone.delete(path)
      else if (!this.#gone.has(path)) this.#gone.set(path, now)
    }
    for (const [path, since] of this.#gone) {
      const known = this.#files.get(path)
      if (known === undefined || now - since < FORGET_AFTER_MS) continue
      await this.#engine.run(`DELETE FROM slots WHERE file = ${known.id}`)
      this.#rows -= known.rows
      this.#files.delete(path)
      this.#gone.delete(path)
    }
  }

  async #mask(masks: readonly Mask[]): Promise<void> {
    const name = tableOf(masks)
    if (this.#masked.has(name)) return
    try {
      await this.#engine.run(`CREATE OR REPLACE TABLE ${name} AS FROM kinds LIMIT 0`)
      await this.#extend(name)
      this.#masked.add(name)
    } catch (cause) {
      await this.#unmask(name)
      throw cause
    }
  }

  /** Gives up a table of kinds that lacks some; who needs it next has it made anew. */
  async #unmask(name: string): Promise<void> {
    this.#masked.delete(name)
    await this.#engine.run(`DROP TABLE IF EXISTS ${name}`).catch(() => undefined)
  }

  async #extend(name: string): Promise<void> {
    const masks = name.split('_').slice(1) as Mask[]
    const newer = `(SELECT * FROM kinds WHERE kind > (SELECT coalesce(max(kind), 0) FROM ${name}))`
    const shown = visible(newer, COLUMNS, { masks, rows: {} }, { key: this.#key }, ['kind'])
    await this.#engine.run(`INSERT INTO ${name} SELECT kind, ${NAMES} FROM ${shown}`)
  }
}

/** Masks that change a kind; the text of queries is in none. */
const masksOf = ({ masks }: Sight): Mask[] => (['email', 'ip'] as const).filter((mask) => masks.includes(mask))

const tableOf = (masks: readonly Mask[]): string => `kinds_${masks.join('_')}`

/** Columns beside those of kinds: the slot, how many, and when the first and last of them was. */
export const COUNT_COLUMNS = ['slot', 'n', 'first', 'last'] as const

/** SQL of events that nobody has counted yet, in the same columns: each counts once. */
export const countedSql = (events: string, where: string, wanted: (name: string) => boolean): string =>
  `SELECT ${kindsOf(wanted)} time_bucket(INTERVAL 15 MINUTES, event_time) AS slot, 1::INTEGER AS n, event_time AS first,
    event_time AS last FROM ${events} WHERE ${where}`

/** SQL of what is counted in some slots, in the same columns. */
export function slotsSql(
  kinds: string,
  { counted, upTo }: Coverage,
  fromMs: number | undefined,
  toMs: number | undefined,
  wanted: (name: string) => boolean,
): string {
  const conditions = [
    upTo === undefined ? `file IN (${counted.length === 0 ? 'NULL' : counted.join(', ')})` : `file <= ${upTo}`,
    ...(fromMs === undefined ? [] : [`slot >= TIMESTAMPTZ ${lit(new Date(fromMs).toISOString())}`]),
    ...(toMs === undefined ? [] : [`slot < TIMESTAMPTZ ${lit(new Date(toMs).toISOString())}`]),
  ]
  const where = ` WHERE ${conditions.join(' AND ')}`
  const names = usedColumns(wanted).map(({ name }) => `${ident(name)},`)
  return `SELECT ${names.join(' ')} slot, n, first, last FROM (SELECT * FROM slots${where}) JOIN ${kinds} USING (kind)`
}
