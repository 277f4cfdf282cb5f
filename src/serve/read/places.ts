/**
 * Where each event stands: its file and row, with its kind and its targets. Kept compressed in the engine's memory, about 13 bytes an
 * event, so that a page finds its events, and parts of a quarter of an hour are counted, without the files.
 */

import { AppError } from '../../core/errors.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { fileSql, ident, lit } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { schemaTag } from '../../lake/schema.ts'
import { type DataFile, SCHEMA_TAG } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'

/** Events that are placed at most; files beyond are counted by quarters of an hour only. */
const MOST_PLACES = 30_000_000
/** Different lists of targets that are kept at most; files beyond are searched for targets by reading them. */
const MOST_AIMS = 300_000
/** Files after which what was added is compressed. */
const COMPRESS_AFTER = 8

/** Columns of the lists of targets. */
export const AIM_COLUMNS = EVENT_COLUMNS.filter(({ name }) => name === 'targets')

/** What of a file is kept. */
export interface Placed {
  readonly isPlaced: boolean
  /** True where its targets are known, too. */
  readonly isAimed: boolean
}

/**
 * The table of places: `file`, `event_time`, `row` in the file, `kind`, `aim`, which names a list of targets, and `session` and `request`,
 * which are marks: see {@link markSql}.
 */
export const PLACES = 'compact.places'

/** SQL of a mark of a text: whoever has the text has the mark, and few others have. Not to be told from others where it is absent. */
export const markSql = (text: string): string => `(hash(${text}) % 16777216)::INTEGER`

/** See above. Belongs to `Slots`, which tells it of files in turn. */
export class Places {
  readonly #engine: Engine
  #places = 0
  #aims = 0
  #added = 0

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Makes the tables. */
  static async open(engine: Engine): Promise<Places> {
    await engine.run("ATTACH ':memory:' AS compact (COMPRESS)")
    await engine.run(
      `CREATE TABLE ${PLACES} (file INTEGER, event_time TIMESTAMPTZ, "row" INTEGER, kind INTEGER, aim INTEGER,
        session INTEGER, request INTEGER)`,
    )
    await engine.run(`CREATE TABLE aims (aim INTEGER, ${columnDefinitions(AIM_COLUMNS)})`)
    return new Places(engine)
  }

  /** Events and lists of targets that are kept. */
  size(): { places: number; aims: number } {
    return { places: this.#places, aims: this.#aims }
  }

  /** True where there is room for the events of a file, and its rows can be read by their numbers. */
  takes(table: DeltaTable, file: DataFile): boolean {
    return isNumbered(table, file) && this.#places + file.rows <= MOST_PLACES
  }

  /** Gives the lists of targets of `combos` a number each, as long as there is room; tells whether all have one. */
  async aim(): Promise<boolean> {
    const { found } = await this.#engine.row<{ found: string }>('SELECT count(DISTINCT aimed) AS found FROM combos')
    if (this.#aims + Number(found) > MOST_AIMS) return false
    await this.#engine.run(`INSERT INTO aims SELECT ${this.#aims} + row_number() OVER (), aimed FROM
      (SELECT DISTINCT aimed FROM combos WHERE NOT EXISTS (SELECT 1 FROM aims WHERE targets IS NOT DISTINCT FROM aimed))`)
    const { most } = await this.#engine.row<{ most: number }>('SELECT coalesce(max(aim), 0) AS most FROM aims')
    this.#aims = Number(most)
    return true
  }

  /** Adds the events of `reading`, whose combinations are `known`, in the order of time. */
  async add(file: number, rows: number): Promise<void> {
    await this.#engine.run(`INSERT INTO ${PLACES} SELECT ${file}, event_time, "row", kind, aim, session, request FROM reading JOIN known USING (h)
      ORDER BY event_time`)
    this.#places += rows
    this.#added += 1
    if (this.#added >= COMPRESS_AFTER) await this.compress()
  }

  /** Forgets a file. */
  async forget(file: number, rows: number): Promise<void> {
    await this.#engine.run(`DELETE FROM ${PLACES} WHERE file = ${file}`)
    this.#places -= rows
    this.#added += 1
  }

  /** Compresses what was added since, unless a statement is just reading it: then it is done after the next file. */
  async compress(): Promise<void> {
    if (this.#added === 0) return
    const done = await this.#engine.run('CHECKPOINT compact').then(
      () => true,
      () => false,
    )
    if (done) this.#added = 0
  }
}

/** True for files whose columns are those of today, and lie in the file itself. */
const isNumbered = ({ spec }: DeltaTable, { tags }: DataFile): boolean => tags?.[SCHEMA_TAG] === schemaTag(spec.columns)

/** SQL of the rows of a file that `Places.takes`, with their numbers as `row`; only the numbered ones where some are named. */
export function numberedSql(table: DeltaTable, file: DataFile, rows?: readonly number[]): string {
  const [path] = table.absolutePaths([file])
  if (path === undefined) throw new AppError('ENGINE', 'A data file has no path.')
  const { columns, partitionColumn } = table.spec
  const list = columns.map(({ name }) =>
    name === partitionColumn ? `DATE ${lit(file.partition)} AS ${ident(name)}` : ident(name),
  )
  const where = rows === undefined ? '' : ` WHERE file_row_number IN (${rows.join(', ')})`
  return `(SELECT ${list.join(', ')}, file_row_number AS "row"
    FROM read_parquet(${fileSql(path)}, hive_partitioning = false, file_row_number = true)${where})`
}
