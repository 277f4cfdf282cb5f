/** A lake of three events and three rejects, for the tests of the questions people ask. */
import { type Column, EVENT_COLUMNS, REJECT_COLUMNS } from '../core/event.ts'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { ident, lit } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { type DataFile, DeltaTable, EVENTS_TABLE, REJECTS_TABLE, type TableSpec } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'

/** A row as SQL expressions; columns left out are null, and a struct names only the fields it has. */
export type SqlRow = Readonly<Record<string, string>>

/** Their ids are 1, 2 and 3, in order of time. */
export const SMALL_EVENTS: readonly SqlRow[] = [
  {
    event_id: "'1'",
    event_time: "TIMESTAMPTZ '2026-11-12 08:15:30Z'",
    event_date: "DATE '2026-11-12'",
    service: "'accounts'",
    action: "'tokenLogin'",
    category: "'authentication'",
    verb: "'login'",
    actor: "{'email': 'Ada@Example.com', 'name': 'Ada Lovelace'}",
    source_ip: "'10.1.2.3'",
    geo: "{'country': 'DE'}",
    status: "'SUCCESS'",
    workspace_id: "'42'",
    request_params: "MAP {'user': 'ada@example.com', 'Note': '100% sure_'}",
  },
  {
    event_id: "'2'",
    event_time: "TIMESTAMPTZ '2026-11-12 09:00:00.123456Z'",
    event_date: "DATE '2026-11-12'",
    service: "'unityCatalog'",
    action: "'getTable'",
    category: "'data_access'",
    verb: "'read'",
    actor: "{'id': 'c0ffee', 'run_as': 'bob@example.com'}",
    targets: "[{'type': 'table', 'name': 'main.hr.salaries', 'id': 't-1'}]",
    source_ip: "'2001:db8::1'",
    status: "'UNAUTHORIZED'",
    error_message: "'PERMISSION_DENIED: no SELECT on main.hr.salaries'",
    workspace_id: "'42'",
    user_agent: "'Mozilla' || chr(27) || '[2J'",
  },
  {
    event_id: "'3'",
    event_time: "TIMESTAMPTZ '2026-11-13 00:00:00Z'",
    event_date: "DATE '2026-11-13'",
    service: "'accounts'",
    action: "'addPrincipalToGroup'",
    category: "'identity'",
    verb: "'add'",
    key_event: "'role_permission_update'",
    actor: "{'email': 'smith, john@example.com', 'name': chr(27) || '[31mJohn'}",
    targets: "[{'type': 'group', 'name': 'admins' || chr(10) || 'forged', 'principal': 'eve@example.com'}]",
    status: "'FAILURE'",
    workspace_id: "'7'",
    query: "{'text': 'SELECT ''a*b'' FROM t'}",
    response_result: '\'{"id": 99}\'',
  },
]

const reject = (id: string, object: string, reason: string, line: number, content: Uint8Array | string): SqlRow => {
  const bytes = Buffer.from(content)
  return {
    reject_id: lit(id.repeat(8)),
    reject_date: "DATE '2026-11-13'",
    ingest_time: `TIMESTAMPTZ '2026-11-13 10:00:0${line}Z'`,
    batch_id: "'b-1'",
    source_object: lit(object),
    form: "'delivery'",
    reason: lit(reason),
    detail: lit(`what is wrong with line ${line}`),
    line: String(line),
    size_bytes: String(bytes.length),
    content_base64: lit(bytes.toString('base64')),
  }
}

/** Their ids begin with `a1`, `b2` and `a3`. */
export const SMALL_REJECTS: readonly SqlRow[] = [
  reject('a1', 'logs/one.json', 'malformed_json', 1, '{"a": \x1b[2J\n'),
  reject('b2', 'logs/two.json', 'malformed_json', 2, `{"long": "${'x'.repeat(500)}`),
  reject('a3', 'logs/two.json', 'not_a_record', 3, Uint8Array.of(0xff, 0xfe, 0x00, 0x41)),
]

/** SQL for rows of a table of `columns`. */
export function rowsSql(columns: readonly Column[], rows: readonly SqlRow[]): string {
  const select = (row: SqlRow) =>
    `SELECT ${columns.map(({ name, type }) => `(${row[name] ?? 'NULL'})::${duckdbType(type)} AS ${ident(name)}`).join(', ')}`
  return rows.map(select).join(' UNION ALL ')
}

/** Writes the lake into a home. */
export async function writeSmallLake(home: Home): Promise<void> {
  const engine = await Engine.open()
  await write(engine, DeltaTable.at(home.events, EVENTS_TABLE), rowsSql(EVENT_COLUMNS, SMALL_EVENTS), [
    '2026-11-12',
    '2026-11-13',
  ])
  await write(engine, DeltaTable.at(home.rejects, REJECTS_TABLE), rowsSql(REJECT_COLUMNS, SMALL_REJECTS), [
    '2026-11-13',
  ])
  engine.close()
}

async function write(engine: Engine, table: DeltaTable & { spec: TableSpec }, select: string, days: readonly string[]) {
  const adds: DataFile[] = []
  for (const partition of days) {
    const file = await writePartition(engine, table, { select, partition, stem: 'test' })
    if (file !== undefined) adds.push(file)
  }
  await table.commit({ adds, operation: 'WRITE' })
}
