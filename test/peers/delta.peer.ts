/** Tables written by `src/lake`, and by the destination that writes as it does, read back by ClickHouse (chdb, delta-kernel-rs) and by delta-rs: the same rows, value by value. */
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column, ColumnType } from '../../src/core/event.ts'
import { numberedBatch } from '../../src/deliver/sinks/delta.fixture.ts'
import { AUDIT_TABLE, delta } from '../../src/deliver/sinks/delta.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { ident } from '../../src/engine/sql.ts'
import { duckdbType } from '../../src/engine/types.ts'
import { compact } from '../../src/lake/compact.ts'
import { checkpointKey, commitKey } from '../../src/lake/log.ts'
import { scanSql } from '../../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE, type TableSpec } from '../../src/lake/table.ts'
import { writePartition } from '../../src/lake/write.ts'
import { check, same } from './check.ts'
import { python } from './install.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Row = Record<string, Json>

const DAYS = ['1969-12-31', '2024-02-29', '2026-11-12']
const COMMITS = 13
const ROWS = 40

const { query } = createRequire(import.meta.url)('chdb') as { query: (sql: string, format: string) => string }

/** SQL of a value of any type that depends on row `i`: nulls, empty things, long texts and odd characters among them. */
function valueSql(type: ColumnType, salt: number): string {
  const pick = `(hash(i, ${salt}) % 7)::INT`
  if (typeof type !== 'string') return nestedSql(type, salt, pick)
  switch (type) {
    case 'boolean':
      return `CASE WHEN ${pick} > 1 THEN ${pick} % 2 = 0 END`
    case 'integer':
    case 'long':
      return `CASE WHEN ${pick} > 1 THEN ((hash(i, ${salt}) % 4000000000)::BIGINT - 2000000000) END`
    case 'timestamp':
      return `CASE WHEN ${pick} > 1 THEN make_timestamptz((hash(i, ${salt}) % 4000000000000000)::BIGINT - 1000000000000000) END`
    case 'date':
      return `CASE WHEN ${pick} > 1 THEN DATE '1950-01-01' + (hash(i, ${salt}) % 60000)::INT END`
    default:
      return `CASE ${pick} WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN repeat('ü😀', 30) || i WHEN 3 THEN repeat('w', 40) || i
        WHEN 4 THEN chr(10) || 'li"ne''s \\n' || chr(9) ELSE 'v' || hash(i, ${salt}) % 50 END`
  }
}

function nestedSql(type: Exclude<ColumnType, string>, salt: number, pick: string): string {
  if ('struct' in type) {
    const fields = type.struct.map((field, at) => `${ident(field.name)} := ${valueSql(field.type, salt * 31 + at)}`)
    return `CASE WHEN ${pick} > 1 THEN struct_pack(${fields.join(', ')}) END`
  }
  if ('array' in type) {
    const [one, two] = [valueSql(type.array, salt * 31 + 1), valueSql(type.array, salt * 31 + 2)]
    return `CASE WHEN ${pick} > 3 THEN [${one}, ${two}] WHEN ${pick} = 3 THEN [${one}] WHEN ${pick} > 0 THEN [] END`
  }
  const value = valueSql(type.map[1], salt * 31 + 1)
  return `CASE WHEN ${pick} > 2 THEN MAP {'Key': ${value}, 'key': NULL, 'KEY.x ü': 'x'} WHEN ${pick} > 0 THEN MAP {} END`
}

/** Rows of one day: the time is in that day, the id is the row's own, the rest is whatever its type allows. */
function rowsSql(spec: TableSpec, day: string, first: number): string {
  const columns = spec.columns.map(({ name, type }, at) => {
    let value = valueSql(type, at + 1)
    if (at === 0) value = `'row-' || i`
    if (name === spec.partitionColumn) value = `DATE '${day}'`
    if (name === spec.timeColumn)
      value = `TIMESTAMPTZ '${day} 00:00:00+00' + to_microseconds(i * 123456789 % 86400000000)`
    return `CAST(${value} AS ${duckdbType(type)}) AS ${ident(name)}`
  })
  return `SELECT ${columns.join(', ')} FROM range(${first}, ${first + ROWS}) rows(i)`
}

/** More than ten commits, so that there is a checkpoint; a compaction; a removal; and commits after them. */
async function writeTable(engine: Engine, table: DeltaTable): Promise<void> {
  for (let n = 0; n < COMMITS; n++) {
    const adds = []
    for (const [at, day] of DAYS.entries()) {
      const select = rowsSql(table.spec, day, (n * DAYS.length + at) * ROWS)
      const file = await writePartition(engine, table, { select, partition: day, stem: `b${n}` })
      if (file) adds.push(file)
    }
    const txn = { appId: 'peer', version: n }
    await table.commit({ adds, operation: 'WRITE', txn, info: { batch: n } })
    if (n === 7) await compact(engine, table, { nowMs: Date.now(), targetBytes: 150_000 })
  }
  const { files } = await table.snapshot()
  await table.commit({ adds: [], removes: files.slice(-1), operation: 'DELETE' })
}

/** A value in one form for all readers. `lenient`: ClickHouse has no null for arrays, maps and (mostly) structs. */
function canonical(type: ColumnType, value: Json | undefined, lenient: boolean): Json {
  if (typeof type === 'string') return value == null ? null : typeof value === 'boolean' ? value : String(value)
  if ('struct' in type) {
    if (value == null && !lenient) return null
    const fields = (value ?? {}) as Row
    return Object.fromEntries(type.struct.map((f) => [f.name, canonical(f.type, fields[f.name], lenient)]))
  }
  if (value == null) return lenient ? [] : null
  if ('array' in type) return (value as Json[]).map((item) => canonical(type.array, item, lenient))
  const entries = Array.isArray(value) ? [] : Object.entries(value as Row)
  return entries.map(([key, item]) => [key, canonical(type.map[1], item, lenient)]).sort() as Json
}

const canonicalRows = (columns: readonly Column[], rows: readonly Row[], lenient: boolean): string[] =>
  rows.map((row) => JSON.stringify(columns.map(({ name, type }) => canonical(type, row[name], lenient)))).sort()

const parseLines = (text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** A SELECT list in which times are microseconds, told by a function of the engine at hand. */
const selectList = (columns: readonly Column[], micros: (name: string) => string): string =>
  columns
    .map(({ name, type }) => (type === 'timestamp' ? `${micros(ident(name))} AS ${ident(name)}` : ident(name)))
    .join(', ')

async function ours(engine: Engine, table: DeltaTable): Promise<Row[]> {
  const { files } = await table.snapshot()
  const columns = selectList(table.spec.columns, (name) => `epoch_us(${name})`)
  const rows = await engine.rows<{ row: string }>(
    `SELECT to_json(r)::VARCHAR AS row FROM (SELECT ${columns} FROM ${scanSql(table, files)}) r`,
  )
  return rows.map(({ row }) => JSON.parse(row))
}

const SETTINGS = 'SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_escape_forward_slashes = 0'

const clickhouse = (sql: string): Row[] => parseLines(query(`${sql} ${SETTINGS}`, 'JSONEachRow'))

function deltaRs(root: string, filters: unknown = null): { facts: Row; rows: Row[] } {
  const { command, env } = python(import.meta.dirname)
  const script = join(import.meta.dirname, 'read-delta.py')
  const args = [script, root, JSON.stringify(filters)]
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
  })
  if (status !== 0) throw new Error(`delta-rs: ${error?.message ?? stderr}`)
  const [facts = {}, ...rows] = parseLines(stdout)
  return { facts, rows }
}

/** Both readers give every row of the table as we read it. */
async function checkRows(engine: Engine, name: string, table: DeltaTable): Promise<void> {
  const { columns } = table.spec
  const expected = await ours(engine, table)
  const { version, files } = await table.snapshot()
  await check(`${name}: our own rows are all there`, () =>
    same(
      expected.length,
      files.reduce((sum, f) => sum + f.rows, 0),
    ),
  )
  await check(`${name}: ClickHouse reads the same rows`, () => {
    const list = selectList(columns, (column) => `toUnixTimestamp64Micro(${column})`)
    const found = clickhouse(`SELECT ${list} FROM deltaLakeLocal('${table.root}')`)
    same(canonicalRows(columns, found, true), canonicalRows(columns, expected, true))
  })
  await check(`${name}: delta-rs reads the same rows, version and files`, () => {
    const { facts, rows } = deltaRs(table.root)
    same(facts, { version, files: files.length, rows: expected.length })
    same(canonicalRows(columns, rows, false), canonicalRows(columns, expected, false))
  })
}

/** Our statistics and partition values lead a reader that skips files by them to the same count. */
async function checkSkipping(engine: Engine, name: string, table: DeltaTable): Promise<void> {
  const { partitionColumn, timeColumn, columns } = table.spec
  const { files } = await table.snapshot()
  const text = columns.find(({ name: n, type }) => type === 'string' && table.spec.statsColumns?.includes(n))?.name
  const filters = [
    [partitionColumn, `= DATE '${DAYS[1]}'`, `= toDate32('${DAYS[1]}')`],
    [timeColumn, `> TIMESTAMPTZ '2026-11-12 12:34:56.789+00'`, `> toDateTime64('2026-11-12 12:34:56.789', 6, 'UTC')`],
    [timeColumn, `< TIMESTAMPTZ '1969-12-31 12:00:00+00'`, `< toDateTime64('1969-12-31 12:00:00', 6, 'UTC')`],
    [text, `> 'v3'`, `> 'v3'`],
    [text, `> repeat('w', 40)`, `> repeat('w', 40)`],
    [text, `> repeat('ü😀', 30)`, `> repeat('ü😀', 30)`],
  ]
  for (const [column, duckdb, foreign] of filters) {
    await check(`${name}: ClickHouse counts alike where ${column} ${foreign}`, async () => {
      const [expected] = await engine.rows(
        `SELECT count(*) AS n FROM ${scanSql(table, files)} WHERE ${column} ${duckdb}`,
      )
      const [found] = clickhouse(
        `SELECT toString(count()) AS n FROM deltaLakeLocal('${table.root}') WHERE ${column} ${foreign}`,
      )
      same(found, expected)
      if (expected?.n === '0') throw new Error('The filter finds nothing, so the check shows nothing.')
    })
  }
  await check(`${name}: delta-rs counts alike where ${text} > 'v3'`, async () => {
    const [expected] = await engine.rows<{ n: number }>(
      `SELECT count(*)::INT AS n FROM ${scanSql(table, files)} WHERE ${text} > 'v3'`,
    )
    same(deltaRs(table.root, [[text, '>', 'v3']]).facts.rows, expected?.n)
  })
}

/** The same table without the commits before its last checkpoint: only the checkpoint can tell. */
async function withoutOldCommits(table: DeltaTable, root: string): Promise<DeltaTable> {
  await cp(table.root, root, { recursive: true })
  const copy = DeltaTable.at(root, table.spec)
  if (!(await copy.store.stat(checkpointKey(10)))) throw new Error('There is no checkpoint of version 10.')
  for (let version = 0; version < 10; version++) await copy.store.delete(commitKey(version))
  return copy
}

/** A table that the destination wrote: more commits than a checkpoint is apart, and some batches sent twice. */
async function writeDelivered(folder: string): Promise<DeltaTable> {
  const sink = await delta.open({ folder: 'audit' }, { name: 'peer', secret: () => '', timeoutMs: 5000, folder })
  for (let number = 0; number < COMMITS; number++)
    for (let time = 0; time <= number % 2; time++) {
      const outcome = await sink.send(numberedBatch(number), AbortSignal.timeout(10_000))
      if (outcome.kind !== 'delivered') throw new Error(JSON.stringify(outcome))
    }
  await sink.close?.()
  return DeltaTable.at(join(folder, 'audit'), AUDIT_TABLE)
}

const folder = await mkdtemp(join(tmpdir(), 'bricktrail-peers-'))
// ClickHouse reads local tables only under the working folder.
process.chdir(folder)
const engine = await Engine.open({ threads: 2, tempDir: join(folder, 'spill') })
try {
  for (const spec of [EVENTS_TABLE, REJECTS_TABLE]) {
    const table = DeltaTable.at(join(folder, spec.name), spec)
    await writeTable(engine, table)
    await checkRows(engine, spec.name, table)
    await checkSkipping(engine, spec.name, table)
    const copy = await withoutOldCommits(table, join(folder, `${spec.name}-from-checkpoint`))
    await checkRows(engine, `${spec.name} from its checkpoint`, copy)
  }
  await checkRows(engine, 'delivered', await writeDelivered(folder))
} finally {
  engine.close()
  await rm(folder, { recursive: true, force: true })
}
