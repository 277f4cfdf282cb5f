import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import type { Home } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident } from '../../engine/sql.ts'
import { TakingBench } from '../../ingest/taking.fixture.ts'
import { scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { SIMULATE_DEFAULTS, simulate } from '../../simulate/simulate.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { AWKWARD, type EventRow, event, tableOfEvents } from '../rows.fixture.ts'
import { exportTarget } from '../target.ts'
import { exportFile } from '../write.ts'
import { raw } from './raw.ts'

exportFormatSuite(raw)

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

async function recordOf(row: EventRow): Promise<Record<string, unknown>> {
  await tableOfEvents(engine, 'one', [event(row)])
  const { line } = await engine.row<{ line: string }>(raw.select('one'))
  return JSON.parse(line)
}

it('writes the record of the vendor, member by member', async () => {
  const record = await recordOf({
    service: 'unityCatalog',
    action: 'getTable',
    audit_level: 'ACCOUNT_LEVEL',
    workspace_id: '42',
    actor: { email: 'alice@example.com', run_by: 'bob@example.com' },
    request_params: { workspace_id: '42', full_name_arg: 'main.hr.salaries', empty: '', missing: null },
    response_result: '{"id":1}',
    extra: '{"shardName":"s-1", "new": [1, {"deep": null}], "word": "inf\\"inity"}',
  })
  expect(record).toEqual({
    version: '2.0',
    auditLevel: 'ACCOUNT_LEVEL',
    timestamp: Date.UTC(2026, 2, 4, 5, 6, 7, 89),
    orgId: '0',
    workspaceId: '0',
    accountId: '77636e6d-ac57-484f-9302-f7922285b9a5',
    sourceIPAddress: '203.0.113.7',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    sessionId: '6f1b5f6e-8f4e-4b64-9d3e-1f2f3a4b5c6d',
    userIdentity: { email: 'alice@example.com', subjectName: null },
    identityMetadata: { run_by: 'bob@example.com' },
    serviceName: 'unityCatalog',
    actionName: 'getTable',
    requestId: 'ServiceMain-0001',
    requestParams: { workspace_id: '42', full_name_arg: 'main.hr.salaries', empty: '', missing: null },
    response: { statusCode: 200, errorMessage: null, result: '{"id":1}' },
    shardName: 's-1',
    new: [1, { deep: null }],
    word: 'inf"inity',
  })
})

it('has no member twice, and none that is no JSON', async () => {
  for (const extra of ['{"serviceName": "x", "a": 1}', '{"v":NaN}', '{"v":-Infinity}', 'not json {', '[1]', '{}']) {
    expect(Object.keys(await recordOf({ extra, request_params: { k: AWKWARD } }))).toEqual([
      ...['version', 'auditLevel', 'timestamp', 'orgId', 'workspaceId', 'accountId', 'sourceIPAddress', 'userAgent'],
      ...['sessionId', 'userIdentity', 'serviceName', 'actionName', 'requestId', 'requestParams', 'response'],
    ])
  }
})

it('has a response of null where the record had none', async () => {
  expect(await recordOf({ status: null, status_code: null })).toMatchObject({ response: null })
})

/** What is new with every taking: when, from where, how long the record was; and how many secrets were cut out, as none is left. */
const OF_THE_TAKING = [
  'redactions',
  'received_time',
  'ingest_time',
  'source',
  'source_object',
  'batch_id',
  'record_bytes',
  'form',
]

/** Times are told to the millisecond. */
const told = (alias: string, name: string): string =>
  name === 'event_time' ? `epoch_ms(${alias}.event_time)` : `to_json(${alias}.${ident(name)})::VARCHAR`

/** The columns of which a record of that form says more than delivery can. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  delivery: [],
  'system-table': ['event_id', 'native_id'],
  azure: ['event_id', 'native_id', 'cloud'],
}

describe('taken in again into another home', () => {
  let bench: TakingBench
  beforeAll(async () => {
    bench = await TakingBench.open()
  })
  afterAll(() => bench.close())

  async function relationOf(home: Home): Promise<string> {
    const table = DeltaTable.at(home.events, EVENTS_TABLE)
    return scanSql(table, (await table.snapshot()).files)
  }

  /** Takes logs in, writes them as raw, takes that in; returns both relations. */
  async function thereAndBack(name: string, logs: string): Promise<{ before: string; after: string; events: number }> {
    const [first, second] = [await bench.anotherHome(`${name}-1`), await bench.anotherHome(`${name}-2`)]
    await bench.take(logs, { home: first })
    const before = await relationOf(first)
    const target = exportTarget(raw, join(bench.folder, `${name}.ndjson.gz`))
    const events = (await exportFile(engine, raw, before, target))?.events ?? 0
    const report = await bench.take(target.path, { home: second })
    expect(report).toMatchObject({ records: events, rejects: 0 })
    return { before, after: await relationOf(second), events }
  }

  const differing = async (before: string, after: string, join: string) => {
    const columns = EVENT_COLUMNS.filter(({ name }) => !OF_THE_TAKING.includes(name))
    const counts = columns.map(
      ({ name }) =>
        `count(*) FILTER (WHERE ${told('b', name)} IS DISTINCT FROM ${told('a', name)})::INTEGER AS ${ident(name)}`,
    )
    const found = await engine.row(
      `SELECT count(*)::INTEGER AS n, ${counts.join(', ')} FROM ${before} b JOIN ${after} a ON ${join}`,
    )
    return Object.fromEntries(Object.entries(found).filter(([, count]) => count !== 0))
  }

  it.each([1, 2])('simulated events of delivery are the same events, column by column (seed %i)', async (seed) => {
    const out = join(bench.folder, `logs-${seed}`)
    const options = { events: 4000, days: 3, form: 'delivery', gzip: true, scenarios: 'all' } as const
    await simulate({ ...SIMULATE_DEFAULTS, ...options, seed, out })
    const { before, after, events } = await thereAndBack(`delivery-${seed}`, out)
    expect(events).toBeGreaterThan(3900)
    expect(await differing(before, after, 'a.event_id = b.event_id')).toEqual({ n: events })
  })

  it('odd records of delivery are the same events', async () => {
    const fixtures = join(import.meta.dirname, '../../../fixtures/records/delivery/*.jsonl')
    const { before, after, events } = await thereAndBack('odd', fixtures)
    expect(events).toBeGreaterThan(30)
    expect(await differing(before, after, 'a.event_id = b.event_id')).toEqual({ n: events })
  })

  it.each(['system-table', 'azure'] as const)(
    'events of %s are the same but for what delivery has no place for',
    async (form) => {
      const out = join(bench.folder, `logs-${form}`)
      await simulate({ ...SIMULATE_DEFAULTS, out, events: 3000, days: 2, form, gzip: true, scenarios: 'none' })
      const { before, after, events } = await thereAndBack(form, out)
      const shared = 'substr(a.event_id, 1, 22) = substr(b.event_id, 1, 22)'
      const { n, ...found } = await differing(before, after, shared)
      expect(n).toBe(events)
      expect(Object.keys(found).filter((column) => !MORE[form]?.includes(column))).toEqual([])
    },
  )
})
