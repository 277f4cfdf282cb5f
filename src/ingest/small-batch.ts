/**
 * Staging of a small batch, such as comes every minute. Planning and starting the event statement costs far more than a
 * thousand records do; so the records go through it once, the tolerant way, into a table, and its plan is kept: it names the same
 * tables every time, and what differs from batch to batch is filled in when the table is written to files.
 */
import { AS_WRITTEN, type Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { columnDefinitions } from '../engine/types.ts'
import { EVENTS_TABLE } from '../lake/table.ts'
import type { StagedFile } from '../lake/write-days.ts'
import type { Form } from '../normalise/contract.ts'
import { eventsSql } from '../normalise/event.ts'
import { formNamed } from '../normalise/registry.ts'
import { callerFacts, learnCallers, makeCallers } from './callers.ts'
import { REFUSED } from './locate.ts'
import { OBJECT_COLUMNS, objectRows, objectsSql } from './objects.ts'
import type { Work } from './plan.ts'
import { estimatedBytes, isLines, rawSql } from './raw.ts'
import { type ReadCount, readCounts } from './read-counts.ts'
import { SMALL } from './tables.ts'

/** Writes rows of events to files of no table, by day. */
export type Stage = (select: string) => Promise<readonly StagedFile[]>

/**
 * Raw text up to which a batch is small: an estimate of where the careful reading of all records on one thread takes as long as
 * planning the two readings does, some five thousand records.
 */
export const SMALL_BATCH_BYTES = 4 * 1024 * 1024

/** Raw text between two checkpoints; what it leaves behind takes some three times this in memory. */
const CHECKPOINT_BYTES = 32 * 1024 * 1024

const OBJECTS = 'objects'
const RECORDS = `${SMALL}.records`
const STAGED = `${SMALL}.staged`
const TABLES = [`${SMALL}.${OBJECTS}`, RECORDS, STAGED]

/** What a batch must not be, so that it can be planned before it is there: it is filled in when the staged rows are written. */
const ANY_BATCH = { source: '', batchId: '', ingestTime: new Date(0) }

const statements = new Map<string, string>()

/** True for a batch of lines that is small. */
export const isSmall = (works: readonly Work[], smallBatchBytes: number): boolean =>
  works.every(isLines) && rawBytes(works) <= smallBatchBytes

const rawBytes = (works: readonly Work[]): number =>
  works.reduce((sum, work) => sum + Math.max(work.textBytes ?? 0, estimatedBytes(work)), 0)

/** What the staged rows say of where they come from. */
export interface SmallBatch {
  readonly source: string
  readonly batchId: string
  readonly ingestTime: Date
}

/** Small batches of one engine, one after another. */
export class SmallBatches {
  readonly #engine: Engine
  #takenBytes = 0

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Makes the tables; once per engine. */
  static async open(engine: Engine): Promise<SmallBatches> {
    await engine.run(`CREATE TABLE ${SMALL}.${OBJECTS} (${OBJECT_COLUMNS.map((name) => `${name} VARCHAR`).join(', ')})`)
    await engine.run(`CREATE TABLE ${RECORDS} (json JSON, file VARCHAR)`)
    await engine.run(`CREATE TABLE ${STAGED} (${columnDefinitions(EVENTS_TABLE.columns)})`)
    await makeCallers(engine)
    return new SmallBatches(engine)
  }

  /** Stages a batch; refused rows go where the large ones' go. */
  async stage(
    works: readonly Work[],
    { source, batchId, ingestTime }: SmallBatch,
    stage: Stage,
  ): Promise<{ readonly files: readonly StagedFile[]; readonly read: ReadonlyMap<string, ReadCount> }> {
    const [first] = works as [Work, ...Work[]]
    const engine = this.#engine
    const form = formNamed(first.form)
    await this.#clear(rawBytes(works))
    await engine.append(OBJECTS, objectRows(works), OBJECT_COLUMNS, SMALL)
    await engine.run(`INSERT INTO ${RECORDS} SELECT json, file FROM ${rawSql(works, false)}`)
    await learnCallers(engine, form, RECORDS)
    await engine.runKept(statementOf(form), AS_WRITTEN)
    const read = await readCounts(engine, STAGED)
    await engine.run(
      `INSERT INTO ${REFUSED} SELECT source_object, status_reason, extra FROM ${STAGED} WHERE event_date IS NULL`,
    )
    const files = await stage(`SELECT * REPLACE (${lit(source)} AS source, ${lit(batchId)} AS batch_id,
      ${lit(ingestTime.toISOString())}::TIMESTAMPTZ AS ingest_time) FROM ${STAGED} WHERE event_date IS NOT NULL`)
    return { files, read }
  }

  /** Deleted rows stay in memory until a checkpoint, and after that plans are stale. */
  async #clear(nextBytes: number): Promise<void> {
    for (const table of TABLES) await this.#engine.run(`DELETE FROM ${table}`)
    this.#takenBytes += nextBytes
    if (this.#takenBytes <= CHECKPOINT_BYTES) return
    await this.#engine.run(`CHECKPOINT ${SMALL}`)
    this.#engine.forgetPlans()
    this.#takenBytes = nextBytes
  }
}

/** The same text for a form every time, so that its plan is found again. */
function statementOf(form: Form): string {
  let statement = statements.get(form.name)
  if (statement === undefined) {
    const context = { ...ANY_BATCH, objects: objectsSql(`${SMALL}.${OBJECTS}`), enrichment: callerFacts() }
    statement = `INSERT INTO ${STAGED} ${eventsSql(form, RECORDS, context, { signatures: null })}`
    statements.set(form.name, statement)
  }
  return statement
}
