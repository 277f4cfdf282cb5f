import { cpSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EVENT_COLUMNS, REJECT_COLUMNS } from '../core/event.ts'
import type { Home } from '../core/home.ts'
import { lit } from '../engine/sql.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { Ingester } from './ingest.ts'
import { SMALL_BATCH_BYTES } from './small-batch.ts'
import { deliveryLines, deliveryRecord, NOW, TakingBench } from './taking.fixture.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/records')

let bench: TakingBench
let opened: Ingester[] = []
beforeEach(async () => {
  bench = await TakingBench.open()
})
afterEach(async () => {
  for (const ingester of opened.splice(0)) await ingester.close()
  await bench.close()
})

function ingester(home: Home, smallBatchBytes: number): Ingester {
  const made = new Ingester({ home, now: () => NOW, smallBatchBytes })
  opened = [...opened, made]
  return made
}

const take = (by: Ingester, path: string) => by.ingest({ specs: [path], form: 'auto', stdin: Readable.from([]) })

/** Of twins in one batch any may stay, so what tells of the object says nothing. */
const PROVENANCE = ['batch_id', 'source_object', 'received_time', 'record_bytes']

/** All rows of a home's events and rejects, but for where they come from. */
async function contents(home: Home) {
  const tables = [
    { table: DeltaTable.at(home.events, EVENTS_TABLE), columns: EVENT_COLUMNS, order: 'event_id' },
    { table: DeltaTable.at(home.rejects, REJECTS_TABLE), columns: REJECT_COLUMNS, order: 'reject_id' },
  ]
  const found = tables.map(async ({ table, columns, order }) => {
    const names = columns.flatMap(({ name }) => (PROVENANCE.includes(name) ? [] : [`"${name}"`]))
    const files = filesBetween(await table.snapshot())
    return bench.sql(`SELECT ${names.join(', ')} FROM ${scanSql(table, files)} ORDER BY ${order}`)
  })
  return Promise.all(found)
}

/** Lines of every kind that the quick reading sets aside or refuses, and good ones. */
const ODD = [
  deliveryLines(1, 30),
  'no json\n',
  '[1]\n"text"\n\n',
  `${JSON.stringify({ ...deliveryRecord(31), timestamp: 'yesterday' })}\n`,
  `${JSON.stringify({ ...deliveryRecord(32), actionName: '' })}\n`,
  `${JSON.stringify({ ...deliveryRecord(33), newThing: { deep: [1, null] } })}\n`,
  `${JSON.stringify({ ...deliveryRecord(34), userAgent: `cli/1 ${['da', 'pi', '0123456789abcdef'.repeat(2)].join('')}` })}\n`,
  `${JSON.stringify({ ...deliveryRecord(35), requestParams: { password: 'hunter2', note: 'pwd=hunter3;' } })}\n`,
  `${JSON.stringify({ ...deliveryRecord(36), requestParams: '{"a":"1"}' })}\n`,
  `${JSON.stringify({ ...deliveryRecord(37), sourceIPAddress: '[2001:db8::1]:443', orgId: null })}\n`,
  deliveryLines(1, 2),
  '{"version":"2.0","timest',
].join('')

/** Takes the logs one file after another: of twins in one batch any may stay, and the fixtures have twins spelled differently. */
async function takeEach(by: Ingester) {
  const total = { records: 0, events: 0, duplicates: 0, rejects: 0, redactions: 0 }
  const names = await readdir(join(bench.folder, 'logs'), { recursive: true, withFileTypes: true })
  const paths = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  for (const path of paths.sort()) {
    const report = await take(by, path).catch(nothingThere)
    if (report === undefined) continue
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += report[name]
  }
  return total
}

/** A file without a record is said to be one, and its rejects are kept all the same. */
function nothingThere(cause: { code?: string }): undefined {
  if (cause.code !== 'NO_RECORDS') throw cause
}

test('small batches are the same rows as large ones, for all records of all forms', async () => {
  cpSync(FIXTURES, join(bench.folder, 'logs'), { recursive: true })
  await bench.file('logs/workspaceId=77/odd.json', ODD)
  const [small, large] = [bench.home, await bench.anotherHome('large')]
  const [one, other] = [await takeEach(ingester(small, SMALL_BATCH_BYTES)), await takeEach(ingester(large, -1))]
  expect(one).toEqual(other)
  expect(one?.events).toBeGreaterThan(40)
  expect(one?.redactions).toBeGreaterThan(2)
  expect(await contents(small)).toEqual(await contents(large))
}, 600_000)

test('one small batch leaves nothing to the next, nor does a large one between them', async () => {
  const by = ingester(bench.home, 20_000)
  for (let n = 0; n < 4; n++) {
    const size = n === 2 ? 100 : 5
    const path = await bench.file(
      `workspaceId=${n}/${n}.json`,
      `${deliveryLines(n * 1000, n * 1000 + size - 1)}broken\n`,
    )
    expect(await take(by, path)).toMatchObject({ records: size + 1, events: size, duplicates: 0, rejects: 1 })
  }
  const rows = await bench.events(
    `source_object, source, form, min(batch_id) = max(batch_id) AS one_batch, count(*) AS n, min(ingest_time) = ${lit(NOW.toISOString())}::TIMESTAMPTZ AS now`,
    'GROUP BY ALL ORDER BY ALL',
  )
  expect(rows).toEqual(
    [0, 1, 2, 3].map((n) => ({
      source_object: join(bench.folder, `workspaceId=${n}/${n}.json`),
      source: 'files',
      form: 'delivery',
      one_batch: true,
      n: n === 2 ? '100' : '5',
      now: true,
    })),
  )
  expect(await bench.events('count(DISTINCT batch_id) AS n')).toEqual([{ n: '4' }])
})
