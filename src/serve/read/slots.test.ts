import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { addEvents, smallHome } from './asked.fixture.ts'
import { counts } from './counts.ts'
import { type LakeReader, openLakeReader } from './lake-reader.ts'
import { slotsSql } from './slots.ts'
import type { Sight } from './visible.ts'

const ALL: Sight = { masks: [], rows: {} }
const MASKED: Sight = { masks: ['email'], rows: {} }
const { signal } = new AbortController()

let reader: LakeReader
beforeEach(async () => {
  reader = await openLakeReader(await smallHome(), { memoryLimitMb: 300, threads: 1 })
})
afterEach(async () => {
  await reader.close()
  await rm(join(reader.home.root, '..'), { recursive: true, force: true })
})

/** Counts everything there is now. */
async function settled(): Promise<void> {
  reader.snapshots.expire()
  reader.slots.follow((await reader.snapshots.newest()).events)
  await reader.slots.settled()
}

async function total(sight: Sight): Promise<number | undefined> {
  const sql = (source: string) => `SELECT sum(n)::INTEGER AS n FROM ${source}`
  return (await counts<{ n: number }>(reader, sight, sql, { signal })).rows[0]?.n
}

const add = (id: string, day: string, email = 'new@example.com') =>
  addEvents(reader.home, day, [
    { event_id: `'${id}'`, event_time: `TIMESTAMPTZ '${day} 01:00:00Z'`, actor: `{'email': '${email}'}` },
  ])

it('counts each event once although a table of masked kinds could not be kept up', async () => {
  await settled()
  expect(await total(MASKED)).toBe(3)
  const beside = await reader.beside()
  await beside.run('DROP TABLE kinds_email')
  beside.close()
  await add('4', '2026-11-14')
  await settled()
  expect([await total(ALL), await total(MASKED)]).toEqual([4, 4])
  await add('5', '2026-11-15', 'newer@example.com')
  await settled()
  expect([await total(ALL), await total(MASKED)]).toEqual([5, 5])
  expect(reader.slots.size().rows).toBe(5)
})

it('counts the other files although one cannot be read', async () => {
  await add('4', '2026-11-14')
  reader.snapshots.expire()
  const { files } = (await reader.snapshots.newest()).events
  const newest = files.filter(({ partition }) => partition === '2026-11-14')
  for (const path of reader.snapshots.events.absolutePaths(newest)) await writeFile(path, 'no parquet')
  await settled()
  expect(reader.slots.size().files).toBe(files.length - 1)
})

it('a statement that was made before a file was counted does not count it', async () => {
  await settled()
  const { files } = (await reader.snapshots.newest()).events
  const coverage = reader.slots.coverage(files)
  expect(coverage).toMatchObject({ rest: [], upTo: expect.any(Number) })
  await add('4', '2026-11-14')
  await settled()
  const made = slotsSql('kinds', coverage, undefined, undefined, () => false)
  const sql = `SELECT sum(n)::INTEGER AS n FROM (${made})`
  expect(await reader.connections.rows(sql, { lane: 'quick', timeoutMs: 5000, signal })).toEqual([{ n: 3 }])
})
