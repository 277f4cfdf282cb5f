/** Records as the pipeline reads them, without files: for tests of forms and of events. */
import { join } from 'node:path'
import { homeAt } from '../core/home.ts'
import { Engine, type Row } from '../engine/duckdb.ts'
import { enrichment, learn, prepareEnrichment } from '../enrich/memo.ts'
import { loadCatalogue } from './catalogue/sql.ts'
import type { Form } from './contract.ts'
import { type EventContext, eventsSql } from './event.ts'

/** When the objects of every record were last written: the time of receipt where the record says none. */
export const OBJECT_TIME = '2030-01-01 00:00:00+00'

/** Compiled networks stay here between test files and runs, as compiling them takes seconds. */
export const CACHE_HOME = join(import.meta.dirname, '../../node_modules/.cache/bricktrail')

/** One record as text, and the object it stands in. */
export interface RecordText {
  readonly object: string
  readonly text: string
  /** Workspace that the object's path names. */
  readonly pathWorkspace?: string
}

/** Both readings of records: rows by object. Give each record an object of its own to find its row again. */
export interface Readings {
  readonly tolerant: ReadonlyMap<string, Row>
  readonly quick: ReadonlyMap<string, Row>
}

const context = (): EventContext => ({
  source: 'fixtures',
  batchId: 'b',
  ingestTime: new Date(0),
  objects: 'objects',
  enrichment: enrichment(),
})

/** An engine that reads records. Close it. */
export class RecordReader {
  readonly engine: Engine

  private constructor(engine: Engine) {
    this.engine = engine
  }

  static async open(): Promise<RecordReader> {
    const engine = await Engine.open({ threads: 2 })
    await loadCatalogue(engine)
    await prepareEnrichment(engine, homeAt(CACHE_HOME))
    return new RecordReader(engine)
  }

  /** Reads records both ways; the addresses and user agents of all of them are learnt before. */
  async read(form: Form, records: readonly RecordText[]): Promise<Readings> {
    await this.#load(records)
    const tolerantSql = eventsSql(form, 'raw', context(), { signatures: null })
    await learn(this.engine, (input) => `SELECT ${input} FROM (${tolerantSql})`)
    const signatures = await this.#signatures(form)
    return {
      tolerant: await this.#rows(tolerantSql),
      quick: await this.#rows(eventsSql(form, 'raw', context(), { signatures })),
    }
  }

  close(): void {
    this.engine.close()
  }

  async #load(records: readonly RecordText[]): Promise<void> {
    const rows = records.map(({ object, text, pathWorkspace }) => ({ text, object, workspace: pathWorkspace ?? null }))
    await this.engine.tableOf('record_text', rows, ['text', 'object', 'workspace'])
    await this.engine.run(
      'CREATE OR REPLACE TEMP TABLE raw AS SELECT try_cast(text AS JSON) AS json, object AS file FROM record_text',
    )
    await this.engine.run(`CREATE OR REPLACE TEMP TABLE objects AS SELECT DISTINCT object AS file, object AS source_object,
      workspace AS path_workspace, '${OBJECT_TIME}'::TIMESTAMPTZ AS object_time FROM record_text`)
  }

  /** Key lists that hold known keys only, as the pipeline finds them. */
  async #signatures(form: Form): Promise<string[][]> {
    const rows = await this.engine.rows<{ keys: string[] }>(
      "SELECT DISTINCT json_keys(json) AS keys FROM raw WHERE json_type(json) = 'OBJECT'",
    )
    return rows.map(({ keys }) => keys).filter((keys) => keys.every((key) => form.knownKeys.includes(key)))
  }

  async #rows(sql: string): Promise<Map<string, Row>> {
    const rows = await this.engine.rows(sql)
    return new Map(rows.map((row) => [String(row.source_object), row]))
  }
}
