import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EVENT_COLUMNS } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { duckdbType } from '../engine/types.ts'
import { type DataFile, DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import { RememberedIds } from './remembered-ids.ts'
import { attachDatabases } from './tables.ts'

let folder: string
let engine: Engine
let table: DeltaTable
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'remembered-'))
  engine = await Engine.open({ threads: 1 })
  await attachDatabases(engine)
  table = DeltaTable.at(join(folder, 'events'), EVENTS_TABLE)
})
afterEach(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

/** A 32-digit id; `route` is what only some routes tell. */
const id = (n: number, route = '0000000000'): string => `${String(n).padStart(22, '0')}${route}`

const DAY_S = Date.parse('2026-11-10T00:00:00Z') / 1000

/** A data file of events of one second of the day. */
async function fileOf(stem: string, ids: readonly string[], second = 0): Promise<DataFile> {
  const columns = EVENT_COLUMNS.map(({ name, type }) => {
    if (name === 'event_id') return 'i AS event_id'
    if (name === 'event_time') return `to_timestamp(${DAY_S + second}.5) AS event_time`
    if (name === 'event_date') return "DATE '2026-11-10' AS event_date"
    return `NULL::${duckdbType(type)} AS "${name}"`
  })
  const select = `SELECT ${columns.join(', ')} FROM (SELECT unnest([${ids.map(lit).join(', ')}]) AS i)`
  const file = await writePartition(engine, table, { select, partition: '2026-11-10', stem })
  if (file === undefined) throw new Error('no file')
  await table.commit({ adds: [file], operation: 'WRITE' })
  return file
}

const fresh = (...ids: string[]): string => freshAt(0, ...ids)
const freshAt = (second: number, ...ids: string[]): string =>
  `(SELECT unnest([${ids.map(lit).join(', ')}]) AS event_id, to_timestamp(${DAY_S + second}.25) AS event_time)`

const stems = (files: readonly DataFile[]): (string | undefined)[] =>
  files.map(({ path }) => /=2026-11-10\/(.*)-0\.parquet$/.exec(path)?.[1])

test('a file that was asked for twice is left out from then on, unless it holds a twin', async () => {
  const files = [await fileOf('one', [id(1), id(2)]), await fileOf('two', [id(3), id(4)])]
  const ids = new RememberedIds(engine)
  expect(await ids.withTwins(table, files, fresh(id(9)))).toEqual(files)
  expect(await ids.withTwins(table, files, fresh(id(9)))).toEqual([])
  expect(stems(await ids.withTwins(table, files, fresh(id(9), id(4))))).toEqual(['two'])
  expect(stems(await ids.withTwins(table, files, fresh(id(1), id(4))))).toEqual(['one', 'two'])
})

test('a twin that another route told is found by what both tell', async () => {
  const files = [await fileOf('one', [id(1, 'aaaaabbbbb')])]
  const ids = new RememberedIds(engine)
  for (let n = 0; n < 2; n++) await ids.withTwins(table, files, fresh(id(9)))
  expect(await ids.withTwins(table, files, fresh(id(1)))).toEqual(files)
})

test('a file that another writer has committed meanwhile is looked through', async () => {
  const one = await fileOf('one', [id(1)])
  const ids = new RememberedIds(engine)
  for (let n = 0; n < 2; n++) await ids.withTwins(table, [one], fresh(id(9)))
  const two = await fileOf('two', [id(2)])
  expect(stems(await ids.withTwins(table, [one, two], fresh(id(9))))).toEqual(['two'])
})

test('files with more ids than may be remembered are looked through every time', async () => {
  const files = [await fileOf('one', [id(1), id(2)]), await fileOf('two', [id(3), id(4)])]
  const ids = new RememberedIds(engine, 3)
  for (let n = 0; n < 4; n++) expect(await ids.withTwins(table, files, fresh(id(9)))).toEqual(files)
})

test('other files are forgotten where there is no room for new ones', async () => {
  const [one, two] = [await fileOf('one', [id(1), id(2)]), await fileOf('two', [id(3), id(4)])]
  const ids = new RememberedIds(engine, 3)
  for (let n = 0; n < 2; n++) await ids.withTwins(table, [one], fresh(id(9)))
  for (let n = 0; n < 2; n++) await ids.withTwins(table, [two], fresh(id(9)))
  expect(await ids.withTwins(table, [two], fresh(id(9)))).toEqual([])
  expect(await ids.withTwins(table, [one], fresh(id(9)))).toEqual([one])
  expect(await ids.withTwins(table, [two], fresh(id(3)))).toEqual([two])
})

test('only what happened at the time of a file is looked for in it', async () => {
  const files = [
    await fileOf('one', [id(1), id(2)], 0),
    await fileOf('two', [id(3)], 600),
    await fileOf('three', [id(4)], 1200),
  ]
  const ids = new RememberedIds(engine)
  for (let n = 0; n < 2; n++) await ids.withTwins(table, files, fresh(id(9)))
  const both = `(FROM ${freshAt(600, id(3))} UNION ALL FROM ${freshAt(1200, id(8))} UNION ALL FROM ${freshAt(0, id(4))})`
  expect(stems(await ids.withTwins(table, files, both))).toEqual(['two'])
  expect(stems(await ids.withTwins(table, files, freshAt(1200, id(4))))).toEqual(['three'])
})

test('times before 1970 and after 2106 are looked for like others', async () => {
  const decade = 10 * 365 * 86_400
  for (const second of [-6 * decade, 9 * decade]) {
    const file = await fileOf(`far${second}`, [id(1)], second)
    const ids = new RememberedIds(engine)
    for (let n = 0; n < 2; n++) await ids.withTwins(table, [file], freshAt(second, id(9)))
    expect(await ids.withTwins(table, [file], freshAt(second, id(9)))).toEqual([])
    expect(await ids.withTwins(table, [file], freshAt(second, id(1)))).toEqual([file])
  }
})
