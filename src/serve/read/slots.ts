/**
 * How many events there were of each kind in each quarter of an hour, kept in the engine's memory: made once for each data file, so that
 * facets, histograms and the overview need not read the files. Kinds are what the explorer searches by; searches by other fields scan.
 */
import { AppError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { ident } from '../../engine/sql.ts'
import { columnDefinitions, duckdbType } from '../../engine/types.ts'
import { scanSql } from '../../lake/read.ts'
import type { DataFile, Snapshot } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import type { Mask } from '../contract.ts'
import { AIM_COLUMNS, markSql, numberedSql, PLACES, type Placed, Places } from './places.ts'
import { instantSql } from './spans.ts'
import { LIMITED, type Sight, visible } from './visible.ts'

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
/** Tables of what counts name by number: each has a table of its own for each set of masks. */
const NAMED = { kinds: { id: 'kind', columns: COLUMNS }, aims: { id: 'aim', columns: AIM_COLUMNS } } as const
type Named = keyof typeof NAMED

const isUsed = (name: string, wanted: (name: string) => boolean): boolean => LIMITED.includes(name) || wanted(name)
const kindsOf = (wanted: (name: string) => boolean): string =>
  COLUMNS.filter(({ name }) => isUsed(name, wanted))
    .map(({ name }) => `${kindSql(name)},`)
    .join(' ')

/** The columns of kinds that a statement needs. */
export const usedColumns = (wanted: (name: string) => boolean) => COLUMNS.filter(({ name }) => isUsed(name, wanted))

interface Counted extends Placed {
  readonly id: number
  readonly rows: number
  readonly events: number
}

/** Which files of a snapshot are counted. */
export interface Coverage {
  readonly counted: readonly number[]
  readonly rest: readonly DataFile[]
  /** Where every counted file belongs to the snapshot, so that none need be named: the last of them. Later ones are not meant. */
  readonly upTo?: number
  /** Those that are counted, and whose events are not placed. */
  readonly unplaced: readonly DataFile[]
  /** True where the targets of all that are placed are known. */
  readonly isAimed: boolean
}

/** See above. One connection of its own; what is told to it happens in turn. */
export class Slots {
  readonly #engine: Engine
  readonly #table: DeltaTable
  readonly #key: string
  readonly #places: Places
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
  /** True once a file was placed in part: its number must not be read. */
  #isStray = false
  #closed = false

  private constructor(engine: Engine, table: DeltaTable, key: string, places: Places) {
    this.#engine = engine
    this.#table = table
    this.#key = key
    this.#places = places
  }

  /** Makes empty tables in the engine of `engine`, which belongs to this from now on. */
  static async open(engine: Engine, table: DeltaTable, key: string): Promise<Slots> {
    await engine.run(`CREATE TABLE kinds (kind INTEGER, ${columnDefinitions(COLUMNS)})`)
    await engine.run(
      'CREATE TABLE slots (file INTEGER, slot TIMESTAMPTZ, kind INTEGER, n INTEGER, first TIMESTAMPTZ, last TIMESTAMPTZ)',
    )
    return new Slots(engine, table, key, await Places.open(engine))
  }

  /** Rows of counts, kinds, files that are counted; events that are placed, and lists of targets. */
  size(): { rows: number; kinds: number; files: number; places: number; aims: number } {
    return { rows: this.#rows, kinds: this.#kinds, files: this.#files.size, ...this.#places.size() }
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
    const unplaced: DataFile[] = []
    let isAimed = true
    for (const file of files) {
      const known = this.#gone.has(file.path) ? undefined : this.#files.get(file.path)
      if (known === undefined) {
        rest.push(file)
        continue
      }
      counted.push(known.id)
      if (!known.isPlaced) unplaced.push(file)
      else if (!known.isAimed) isAimed = false
    }
    const isAll = counted.length > 0 && counted.length === this.#files.size && !this.#isStray
    const upTo = isAll ? { upTo: counted.reduce((most, id) => Math.max(most, id)) } : {}
    return { counted, rest, unplaced, isAimed, ...upTo }
  }

  /** The number of a counted file in {@link PLACES}. */
  idOf({ path }: DataFile): number | undefined {
    return this.#files.get(path)?.id
  }

  /** Name of the table of kinds as a sight has them, without its limits of rows. */
  kindsFor(sight: Sight): Promise<string> {
    return this.#tableFor('kinds', sight)
  }

  /** As {@link kindsFor}, of lists of targets. */
  aimsFor(sight: Sight): Promise<string> {
    return this.#tableFor('aims', sight)
  }

  async #tableFor(named: Named, sight: Sight): Promise<string> {
    const masks = masksOf(sight)
    if (masks.length === 0) return named
    const name = tableOf(named, masks)
    // Only the first use of a set of masks waits, and for one file at most.
    if (!this.#masked.has(name)) {
      await new Promise<void>((resolve, reject) => {
        this.#wishes.push(() => this.#mask(name).then(resolve, reject))
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
        await this.#places.compress()
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
   * slots never stand without their file being known. A combination of all that makes a kind, and of targets, has a number by which
   * events are counted: comparing texts once for each of them, not for each event.
   */
  async #count(file: DataFile): Promise<void> {
    const id = this.#nextFile
    this.#nextFile += 1
    const engine = this.#engine
    const isPlaced = this.#places.takes(this.#table, file)
    const source = isPlaced ? numberedSql(this.#table, file) : scanSql(this.#table, [file])
    try {
      await engine.run(`CREATE OR REPLACE TEMP TABLE reading AS
        SELECT event_time, ${isPlaced ? '"row"::INTEGER' : 'NULL::INTEGER'} AS "row", hash(${NAMES}) AS h,
          ${markSql('session_id')} AS session, ${markSql('request_id')} AS request FROM ${source}`)
      await engine.run(`CREATE OR REPLACE TEMP TABLE combos AS SELECT h, ${KINDS}, targets AS aimed
        FROM (SELECT DISTINCT hash(${NAMES}) AS h, ${NAMES} FROM ${source})`)
      const same = COLUMNS.map(({ name }) => `c.${ident(name)} IS NOT DISTINCT FROM k.${ident(name)}`).join(' AND ')
      await engine.run(`INSERT INTO kinds SELECT (SELECT coalesce(max(kind), 0) FROM kinds) + row_number() OVER (), ${NAMES}
        FROM (SELECT DISTINCT ${NAMES} FROM combos c WHERE NOT EXISTS (SELECT 1 FROM kinds k WHERE ${same}))`)
      const isAimed = isPlaced && (await this.#places.aim())
      for (const name of this.#masked) await this.#extend(name).catch(() => this.#unmask(name))
      await engine.run(`CREATE OR REPLACE TEMP TABLE known AS SELECT h, kind, ${isAimed ? 'aim' : 'NULL::INTEGER AS aim'}
        FROM combos c JOIN kinds k ON ${same}${isAimed ? ' JOIN aims a ON a.targets IS NOT DISTINCT FROM c.aimed' : ''}`)
      const events = await this.#checkKnown()
      if (isPlaced) await this.#places.add(id, events)
      const before = await this.#slotRows()
      await engine.run(`INSERT INTO slots SELECT ${id}, ${slotOf(SLOT_MS)} AS slot, kind, count(*)::INTEGER,
        min(event_time), max(event_time) FROM reading JOIN known USING (h) GROUP BY slot, kind`)
      const rows = (await this.#slotRows()) - before
      this.#rows += rows
      this.#files.set(file.path, { id, rows, events, isPlaced, isAimed })
    } catch (cause) {
      this.#isStray = true
      throw cause
    } finally {
      // The next one replaces what could not be dropped.
      for (const name of ['reading', 'combos', 'known']) {
        await engine.run(`DROP TABLE IF EXISTS ${name}`).catch(() => undefined)
      }
    }
  }

  async #slotRows(): Promise<number> {
    return Number((await this.#engine.row<{ n: string }>('SELECT count(*) AS n FROM slots')).n)
  }

  /** Every event must have one kind: two combinations with the same hash would be taken for each other. */
  async #checkKnown(): Promise<number> {
    const { kinds, events, strays } = await this.#engine.row<Record<'kinds' | 'events' | 'strays', string>>(
      `SELECT (SELECT coalesce(max(kind), 0) FROM kinds) AS kinds, (SELECT count(*) FROM reading) AS events,
        (SELECT count(*) FROM reading ANTI JOIN known USING (h)) + (SELECT count(*) - count(DISTINCT h) FROM known) AS strays`,
    )
    this.#kinds = Number(kinds)
    if (Number(strays) > 0) throw new AppError('ENGINE', `${strays} combinations are not told apart.`)
    return Number(events)
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
      if (known.isPlaced) await this.#places.forget(known.id, known.events)
      this.#rows -= known.rows
      this.#files.delete(path)
      this.#gone.delete(path)
    }
  }

  async #mask(name: string): Promise<void> {
    if (this.#masked.has(name)) return
    try {
      await this.#engine.run(`CREATE OR REPLACE TABLE ${name} AS FROM ${namedOf(name)} LIMIT 0`)
      await this.#extend(name)
      this.#masked.add(name)
    } catch (cause) {
      await this.#unmask(name)
      throw cause
    }
  }

  /** Gives up a masked table that lacks some; who needs it next has it made anew. */
  async #unmask(name: string): Promise<void> {
    this.#masked.delete(name)
    await this.#engine.run(`DROP TABLE IF EXISTS ${name}`).catch(() => undefined)
  }

  async #extend(name: string): Promise<void> {
    const masks = name.split('_').slice(1) as Mask[]
    const named = namedOf(name)
    const { id, columns } = NAMED[named]
    const newer = `(SELECT * FROM ${named} WHERE ${id} > (SELECT coalesce(max(${id}), 0) FROM ${name}))`
    const shown = visible(newer, columns, { masks, rows: {} }, { key: this.#key }, [id])
    const names = columns.map((column) => ident(column.name)).join(', ')
    await this.#engine.run(`INSERT INTO ${name} SELECT ${id}, ${names} FROM ${shown}`)
  }
}

/** Masks that change a kind; the text of queries is in none. */
const masksOf = ({ masks }: Sight): Mask[] => (['email', 'ip'] as const).filter((mask) => masks.includes(mask))

const tableOf = (named: Named, masks: readonly Mask[]): string => `${named}_${masks.join('_')}`
const namedOf = (table: string): Named => (table.startsWith('aims') ? 'aims' : 'kinds')

/** Columns beside those of kinds: the slot, how many, and when the first and last of them was. */
export const COUNT_COLUMNS = ['slot', 'n', 'first', 'last'] as const

/** The beginning of the slot of an event. */
const slotOf = (slotMs: number): string => `time_bucket(INTERVAL ${slotMs} MILLISECONDS, event_time)`

/** SQL of events that nobody has counted yet, in the same columns: each counts once. */
export const countedSql = (
  events: string,
  where: string,
  wanted: (name: string) => boolean,
  slotMs = SLOT_MS,
): string =>
  `SELECT ${kindsOf(wanted)} ${slotOf(slotMs)} AS slot, 1::INTEGER AS n, event_time AS first,
    event_time AS last FROM ${events} WHERE ${where}`

/** A condition for the files of a coverage. */
export const countedFiles = ({ counted, upTo }: Coverage): string =>
  upTo === undefined ? `file IN (${counted.length === 0 ? 'NULL' : counted.join(', ')})` : `file <= ${upTo}`

/** SQL of what is counted in some slots, in the same columns. */
export function slotsSql(
  kinds: string,
  coverage: Coverage,
  fromMs: number | undefined,
  toMs: number | undefined,
  wanted: (name: string) => boolean,
): string {
  const conditions = [
    countedFiles(coverage),
    ...(fromMs === undefined ? [] : [`slot >= ${instantSql(fromMs)}`]),
    ...(toMs === undefined ? [] : [`slot < ${instantSql(toMs)}`]),
  ]
  const where = ` WHERE ${conditions.join(' AND ')}`
  const names = usedColumns(wanted).map(({ name }) => `${ident(name)},`)
  return `SELECT ${names.join(' ')} slot, n, first, last FROM (SELECT * FROM slots${where}) JOIN ${kinds} USING (kind)`
}

/** SQL of the same, from the events themselves: of spans with any ends, `to` excluded, and of those that meet a condition over places. */
export function placesSql(
  kinds: string,
  coverage: Coverage,
  spans: readonly (readonly [fromMs: number, toMs: number])[],
  wanted: (name: string) => boolean,
  { condition = 'TRUE', slotMs = SLOT_MS }: { readonly condition?: string; readonly slotMs?: number | undefined } = {},
): string {
  const within = spans.map(([from, to]) => {
    const ends = [
      ...(from > -FAR_MS ? [`event_time >= ${instantSql(from)}`] : []),
      ...(to < FAR_MS ? [`event_time < ${instantSql(to)}`] : []),
    ]
    return `(${ends.length === 0 ? 'TRUE' : ends.join(' AND ')})`
  })
  const slot = wanted('slot') ? slotOf(slotMs) : 'NULL::TIMESTAMPTZ'
  const ends = wanted('first') || wanted('last') ? 'min(event_time)' : 'NULL::TIMESTAMPTZ'
  const names = usedColumns(wanted).map(({ name }) => `${ident(name)},`)
  return `SELECT ${names.join(' ')} slot, n, first, last FROM (SELECT kind, ${slot} AS slot, count(*)::INTEGER AS n, ${ends} AS first,
      ${ends.replace('min', 'max')} AS last FROM ${PLACES} WHERE ${countedFiles(coverage)} AND (${within.join(' OR ')}) AND ${condition}
    GROUP BY kind, slot) JOIN ${kinds} USING (kind)`
}

/** Years that a time in SQL can have without words. */
export const FAR_MS = 8.64e15
