/**
 * Examples of rules as events: their records go the way of every delivered record, all at once, through normalisation and
 * enrichment into one relation. Events of one example are told from those of others by `source_object`.
 */
import { type Column, EVENT_COLUMNS } from '../../core/event.ts'
import type { Home } from '../../core/home.ts'
import { isYamlMap, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { enrichment, learn, prepareEnrichment } from '../../enrich/memo.ts'
import { catalogue, once } from '../../normalise/catalogue/catalogue.ts'
import { spellings } from '../../normalise/catalogue/spellings.ts'
import { loadCatalogue } from '../../normalise/catalogue/sql.ts'
import type { Form } from '../../normalise/contract.ts'
import { type EventContext, eventsSql } from '../../normalise/event.ts'
import { FORMS, formNamed } from '../../normalise/registry.ts'

/** Records that stand together, and what their events are known by. */
export interface ExampleRecords {
  /** Goes to `source_object`. */
  readonly id: string
  readonly records: readonly YamlValue[]
}

/** A record that made no event. */
export interface UnreadRecord {
  readonly id: string
  /** Such as `missing_time`. */
  readonly reason: string
}

/** The table of events; it is made anew each time. */
export const EXAMPLE_EVENTS = 'temp.example_events'

/** An account and a workspace that stand for any. */
const ACCOUNT = '2e8f3c74-0000-4000-8000-000000000001'
const WORKSPACE = '1000000000000001'

const levels = once(
  () =>
    new Map(
      catalogue().flatMap((entry) =>
        spellings(entry).map(({ service, action }) => [`${service}.${action}`.toLowerCase(), entry.level] as const),
      ),
    ),
)

/**
 * A record as it would be delivered: what an example leaves out because every record has it is filled in.
 *
 * @param number tells records apart that are the same otherwise, as request ids do
 */
export function deliveredRecord(record: YamlMap, number: number): YamlMap {
  if (!('serviceName' in record)) return record
  const known = levels().get(`${String(record.serviceName)}.${String(record.actionName)}`.toLowerCase())
  const auditLevel = record.auditLevel ?? (known === 'account' ? 'ACCOUNT_LEVEL' : 'WORKSPACE_LEVEL')
  return {
    version: '2.0',
    auditLevel,
    accountId: ACCOUNT,
    workspaceId: auditLevel === 'ACCOUNT_LEVEL' ? '0' : WORKSPACE,
    requestId: `example-${number}`,
    ...record,
  }
}

/** Makes the reference tables that {@link loadExamples} reads; once per engine. `home` keeps compiled networks between runs. */
export async function prepareExamples(engine: Engine, home: Home): Promise<void> {
  await loadCatalogue(engine)
  await prepareEnrichment(engine, home)
}

/** Fills {@link EXAMPLE_EVENTS}; what made no event comes back. */
export async function loadExamples(engine: Engine, examples: readonly ExampleRecords[]): Promise<UnreadRecord[]> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE example_events (${columnDefinitions(EVENT_COLUMNS)})`)
  const rows = examples.flatMap(({ id, records }) =>
    records.map((record, at) => ({ id, record: delivered(record, at) })),
  )
  const unread: UnreadRecord[] = []
  for (const [form, own] of Map.groupBy(rows, ({ record }) => formOf(record))) {
    await engine.tableOf(
      'example_text',
      own.map(({ id, record }) => ({ object: id, text: JSON.stringify(record, withoutBigints) })),
      ['object', 'text'],
    )
    unread.push(...(await loadForm(engine, form)))
  }
  return unread
}

const delivered = (record: YamlValue, at: number): YamlValue =>
  isYamlMap(record) ? deliveredRecord(record, at) : record

/** Numbers of any length are read as text. */
const withoutBigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

const formOf = (record: YamlValue): Form =>
  (isYamlMap(record) ? FORMS.find((form) => form.recognises(record)) : undefined) ?? formNamed('delivery')

async function loadForm(engine: Engine, form: Form): Promise<UnreadRecord[]> {
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE example_raw AS SELECT try_cast(text AS JSON) AS json, object AS file FROM example_text`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE example_objects AS SELECT DISTINCT object AS file, object AS source_object,
    NULL::VARCHAR AS path_workspace, TIMESTAMPTZ '2000-01-01 00:00:00Z' AS object_time FROM example_text`)
  const context: EventContext = {
    source: 'examples',
    batchId: 'examples',
    ingestTime: new Date(0),
    objects: 'example_objects',
    enrichment: enrichment(),
  }
  const select = eventsSql(form, 'example_raw', context, { signatures: null })
  await learn(engine, (input) => `SELECT ${input} FROM (${select})`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE example_read AS ${select}`)
  // What an ingestion would find delivered twice counts once, within its example.
  await engine.run(`INSERT INTO ${EXAMPLE_EVENTS} SELECT DISTINCT ON (source_object, event_id) ${columnList(EVENT_COLUMNS)}
    FROM example_read WHERE event_date IS NOT NULL`)
  return engine.rows<{ id: string; reason: string }>(
    'SELECT source_object AS id, status_reason AS reason FROM example_read WHERE event_date IS NULL ORDER BY 1',
  )
}

const columnList = (columns: readonly Column[]): string => columns.map(({ name }) => `"${name}"`).join(', ')
