/**
 * Which data files can hold twins of a batch's events, known from the ids of files that were looked through before. A data file
 * never changes under its name, so what was read of it stays true whoever commits meanwhile; files not seen before are looked
 * through as ever.
 */
import type { Engine } from '../engine/duckdb.ts'
import { scanSql } from '../lake/read.ts'
import type { DataFile, DeltaTable } from '../lake/table.ts'
import { sharedPartSql } from '../normalise/fingerprint.ts'
import { SCRATCH } from './tables.ts'

const IDS = `${SCRATCH}.remembered_ids`

/** Ids remembered at once, at about 20 bytes each. Days with more are looked through every time. */
export const MAX_REMEMBERED = 12_000_000

/** Files asked for that are noted at once. */
const MAX_SEEN = 100_000

/** 64 bits: one batch in a billion hits by chance, and a hit only costs time. */
const markSql = (id: string): string => `hash(${sharedPartSql(id)})`

/** The ids of files that were asked for more than once. For one engine, whose memory they are kept in. */
export class RememberedIds {
  readonly #engine: Engine
  readonly #limit: number
  /** Number of each remembered file. */
  readonly #numbers = new Map<string, number>()
  /** Files asked for once: an ingestion that stands alone remembers nothing. */
  readonly #seen = new Set<string>()
  #rows = 0

  private constructor(engine: Engine, limit: number) {
    this.#engine = engine
    this.#limit = limit
  }

  /** Remembers nothing yet. */
  static async open(engine: Engine, limit = MAX_REMEMBERED): Promise<RememberedIds> {
    const ids = new RememberedIds(engine, limit)
    await ids.#forget()
    return ids
  }

  /** Of `files`, those that may hold a row that is one event with a row of `fresh`, a relation with the column `event_id`. */
  async withTwins(table: DeltaTable, files: readonly DataFile[], fresh: string): Promise<DataFile[]> {
    await this.#remember(table, files)
    const known = files.filter((file) => this.#numbers.has(nameOf(file)))
    if (known.length === 0) return [...files]
    const numbers = known.map((file) => this.#numbers.get(nameOf(file)))
    const hits = await this.#engine.rows<{ file: number }>(
      `SELECT DISTINCT file FROM ${IDS} WHERE file IN (${numbers.join(', ')}) AND mark IN (SELECT ${markSql('event_id')} FROM ${fresh})`,
    )
    const hit = new Set(hits.map(({ file }) => file))
    return files.filter((file) => {
      const number = this.#numbers.get(nameOf(file))
      return number === undefined || hit.has(number)
    })
  }

  async #remember(table: DeltaTable, files: readonly DataFile[]): Promise<void> {
    const rows = files.reduce((sum, file) => sum + file.rows, 0)
    if (rows > this.#limit) return
    // Other writers may leave out how many rows a file has; what cannot be counted is not remembered.
    const again = files.filter(
      (file) => this.#seen.has(nameOf(file)) && !this.#numbers.has(nameOf(file)) && file.rows > 0,
    )
    const more = again.reduce((sum, file) => sum + file.rows, 0)
    if (this.#rows + more > this.#limit || this.#seen.size > MAX_SEEN) await this.#forget()
    for (const file of again) {
      const number = this.#numbers.size + 1
      await this.#engine.run(
        `INSERT INTO ${IDS} SELECT ${number}, ${markSql('event_id')} FROM ${scanSql(table, [file])}`,
      )
      this.#numbers.set(nameOf(file), number)
      this.#rows += file.rows
    }
    for (const file of files) this.#seen.add(nameOf(file))
  }

  /** Makes room: what is asked for from now on is what is worth remembering. */
  async #forget(): Promise<void> {
    this.#numbers.clear()
    this.#seen.clear()
    this.#rows = 0
    await this.#engine.run(`CREATE OR REPLACE TABLE ${IDS} (file INTEGER, mark UBIGINT)`)
  }
}

/** A name that no other bytes can have, should a lake be put back and go on from there. */
const nameOf = ({ path, sizeBytes, modificationTime }: DataFile): string => `${path} ${sizeBytes} ${modificationTime}`
