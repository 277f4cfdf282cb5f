import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NewestEvents } from './sources.ts'

const NOW = new Date('2026-11-12T12:00:00.000Z')
const DAY_MS = 86_400_000

let folder: string
let home: { serviceLock: string }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'))
  home = { serviceLock: join(folder, 'service.lock') }
})
afterEach(() => rm(folder, { recursive: true }))

it('a record dated in the future is as new as its arrival, so that lag grows after it', async () => {
  const newest = await NewestEvents.read(home, NOW)
  await newest.saw('a', NOW.getTime() + 365 * DAY_MS, NOW)
  expect(newest.of('a')).toBe(NOW.getTime())
  const later = new Date(NOW.getTime() + DAY_MS)
  await newest.saw('a', NOW.getTime() + 60_000, later)
  expect(newest.of('a')).toBe(NOW.getTime() + 60_000)
  expect((await NewestEvents.read(home, later)).of('a')).toBe(NOW.getTime() + 60_000)
})

it('a time in the future that was kept before counts as the time at which it was kept', async () => {
  const path = `${home.serviceLock}.sources`
  await writeFile(path, JSON.stringify({ a: NOW.getTime() + 365 * DAY_MS, b: NOW.getTime() - 2 * DAY_MS }))
  await utimes(path, NOW, new Date(NOW.getTime() - DAY_MS))
  const newest = await NewestEvents.read(home, NOW)
  expect(newest.of('a')).toBe(NOW.getTime() - DAY_MS)
  expect(newest.of('b')).toBe(NOW.getTime() - 2 * DAY_MS)
})
