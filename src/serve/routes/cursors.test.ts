import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Home } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { mergeFiles } from '../../lake/merge.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { addEvents, smallHome } from '../read/asked.fixture.ts'
import { type LakeReader, openLakeReader } from '../read/lake-reader.ts'
import { type Served, served } from '../served.fixture.ts'
import type { EventPage } from '../shapes/events.ts'
import { auditEvents } from './audit-events.ts'
import { events } from './events.ts'

let home: Home
let reader: LakeReader
let server: Served

const open = async () => {
  reader = await openLakeReader(home, { memoryLimitMb: 300, threads: 1 })
  server = served(home, [events, auditEvents], { lake: reader })
}
const shut = async () => {
  await server.close()
  await reader.close()
}
/** The service ends, more comes into the lake, and the service starts again. */
async function restarted(): Promise<void> {
  await shut()
  await addEvents(home, '2026-11-12', [{ event_id: "'late'", event_time: "TIMESTAMPTZ '2026-11-12 08:30:00Z'" }])
  await open()
}
const page = async (query: string) => {
  const answer = await server.fetch(`/api/v1/events?${query === '' ? 'limit=2' : query}`, { as: 'admin' })
  return { status: answer.status, ...((await answer.json()) as EventPage) }
}
const idsOf = (...pages: EventPage[]) => pages.flatMap((each) => each.events.map(({ id }) => id))

beforeEach(async () => {
  home = await smallHome()
  await open()
})
afterEach(async () => {
  await shut()
  await rm(join(home.root, '..'), { recursive: true, force: true })
})

it('a cursor goes on after a restart as if nothing had come meanwhile', async () => {
  const first = await page('')
  await restarted()
  const second = await page(`cursor=${first.nextCursor}`)
  expect([second.status, second.version, second.nextCursor]).toEqual([200, first.version, null])
  expect(idsOf(first, second).sort()).toEqual(['1', '2', '3'])
  expect(idsOf(await page('limit=10'))).toContain('late')
})

it('a page token of the older API does so, too', async () => {
  type Records = { events: object[]; next_page_token?: string }
  const ask = async (query: string) =>
    (await (await server.fetch(`/api/2.0/audit/events?max_results=2${query}`, { as: 'admin' })).json()) as Records
  const first = await ask('')
  await restarted()
  const second = await ask(`&page_token=${first.next_page_token}`)
  expect([first.events.length, second.events.length, second.next_page_token]).toEqual([2, 1, undefined])
  expect(await ask('&end_time=soon')).toMatchObject({ status: 422, errors: [{ in: 'query', name: 'end_time' }] })
  expect(await ask('&page_token=x')).toMatchObject({ status: 422, errors: [{ in: 'query', name: 'page_token' }] })
})

it('a cursor whose files were merged and cleaned away is refused, not answered from others', async () => {
  const first = await page('')
  await restarted()
  await shut()
  const table = DeltaTable.at(home.events, EVENTS_TABLE)
  const engine = await Engine.open({ tempDir: home.tmp })
  const { files } = await table.snapshot()
  const old = files.filter(({ partition }) => partition === '2026-11-12')
  const adds = await mergeFiles(engine, table, old, { targetBytes: 1e9, stem: 'merged' })
  engine.close()
  await table.commit({ adds, removes: old, operation: 'OPTIMIZE', dataChange: false })
  await open()
  expect((await page(`cursor=${first.nextCursor}`)).status).toBe(200)
  await shut()
  for (const path of table.absolutePaths(old)) await rm(path)
  await open()
  const refused = await server.fetch(`/api/v1/events?cursor=${first.nextCursor}`, { as: 'admin' })
  expect([refused.status, await refused.json()]).toMatchObject([422, { hint: expect.stringContaining('first page') }])
})
