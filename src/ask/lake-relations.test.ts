import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Ledger, type Manifest } from '../collect/ledger.ts'
import { EVENT_COLUMNS } from '../core/event.ts'
import { type Home, homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import { type LakeSandboxOptions, mentionsObjects, openLakeSandbox } from './lake-relations.ts'
import { rowsSql, SMALL_EVENTS, writeSmallLake } from './small-lake.fixture.ts'

let parent: string
let home: Home
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "bricktrail it's [a] *home- "))
  home = homeAt(parent)
  await writeSmallLake(home)
})
afterAll(() => rm(parent, { recursive: true, force: true }))

async function rowsOf(sql: string, options: LakeSandboxOptions = {}): Promise<readonly (readonly unknown[])[]> {
  const sandbox = await openLakeSandbox(home, options)
  try {
    return (await sandbox.query(sql)).rows
  } finally {
    await sandbox.close()
  }
}

it('answers over the events and rejects of a home, whatever its path is called', async () => {
  expect(await rowsOf('select count(*), (select count(*) from rejects) from events')).toEqual([[3, 3]])
  const described = await rowsOf('describe events')
  expect(described.map(([name]) => name)).toEqual(EVENT_COLUMNS.map((column) => column.name))
})

it('reads only the files of a range, which still hold all of its events', async () => {
  const range = { fromMs: Date.parse('2026-11-13T00:00:00Z') }
  expect(await rowsOf('select count(*) from events', { range })).toEqual([[1]])
  const none = { fromMs: Date.parse('2027-01-01T00:00:00Z') }
  expect(await rowsOf('select count(*) from events', { range: none })).toEqual([[0]])
})

it('cannot read a file of the home that is not of the newest state', async () => {
  const sandbox = await openLakeSandbox(home)
  const [file] = (await readdir(home.events, { recursive: true })).filter((name) => name.endsWith('.parquet'))
  for (const path of [
    join(home.events, file ?? ''),
    home.ledger,
    join(home.events, '_delta_log', '00000000000000000000.json'),
  ]) {
    await expect(sandbox.query(`select * from read_text('${path.replaceAll("'", "''")}')`)).rejects.toMatchObject({
      code: 'SQL_REFUSED',
    })
  }
  await sandbox.close()
})

it('keeps answering from the state it was opened on while the lake moves on', async () => {
  const other = homeAt(await mkdtemp(join(parent, 'moving-')))
  await writeSmallLake(other)
  const sandbox = await openLakeSandbox(other)
  const engine = await Engine.open()
  const table = DeltaTable.at(other.events, EVENTS_TABLE)
  const select = rowsSql(EVENT_COLUMNS, SMALL_EVENTS)
  const more = await writePartition(engine, table, { select, partition: '2026-11-13', stem: 'more' })
  engine.close()
  await table.commit({ adds: more === undefined ? [] : [more], operation: 'WRITE' })
  expect((await sandbox.query('select count(*) from events')).rows).toEqual([[3]])
  await sandbox.close()
  const later = await openLakeSandbox(other)
  expect((await later.query('select count(*) from events')).rows).toEqual([[4]])
  await later.close()
})

it('shows the source ledger as objects when asked, empty where there is none', async () => {
  expect(await rowsOf('select count(*) from objects', { objects: true })).toEqual([[0]])
  await mkdir(home.manifests, { recursive: true })
  const ledger = await Ledger.open(home)
  ledger.record({ objects: [taking('a.json', 7), taking('b.json', 35)] } as unknown as Manifest)
  ledger.close()
  expect(await rowsOf('select object_key, events from objects order by 1', { objects: true })).toEqual([
    ['a.json', 7],
    ['b.json', 35],
  ])
  expect(await rowsOf('show tables', { objects: true })).toEqual([['events'], ['findings'], ['objects'], ['rejects']])
  await expect(rowsOf('select * from objects')).rejects.toMatchObject({ code: 'SQL_REFUSED' })
})

const taking = (object: string, events: number) => ({
  object_key: object,
  sha256: 'aa',
  size_bytes: 100,
  modified_ms: 0,
  form: 'delivery',
  shape: 'lines',
  compression: 'none',
  batch_id: 'b-1',
  batch_seq: 1,
  ingested_at: '2026-11-13T10:00:00.000Z',
  first_byte: 0,
  last_byte: 100,
  records: events,
  events,
  duplicates: 0,
  rejects: 0,
  resume_byte: null,
  resume_sha256: null,
  resume_lines: null,
})

it('knows when a statement asks about objects', () => {
  expect(mentionsObjects('select * from Objects')).toBe(true)
  expect(mentionsObjects('show tables')).toBe(true)
  expect(mentionsObjects('select source_object from events')).toBe(false)
})

it('says so when there is no lake', async () => {
  await expect(openLakeSandbox(homeAt(join(parent, 'nothing')))).rejects.toMatchObject({ code: 'NO_LAKE' })
})

it.skipIf(process.getuid?.() === 0)('answers for someone who may only read the home', async () => {
  const other = homeAt(await mkdtemp(join(parent, 'read-only-')))
  await writeSmallLake(other)
  await chmod(other.root, 0o555)
  const sandbox = await openLakeSandbox(other)
  expect((await sandbox.query('select count(*) from events')).rows).toEqual([[3]])
  await sandbox.close()
  await chmod(other.root, 0o755)
})
