/** What was received is kept while it is read: what is committed when, and what of either failure is left. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { RawArchive } from '../seal/raw/archive.ts'
import { verified } from './sealed-home.fixture.ts'
import { deliveryLines, TakingBench } from './taking.fixture.ts'

let bench: TakingBench
beforeEach(async () => {
  bench = await TakingBench.open()
})
afterEach(() => {
  vi.restoreAllMocks()
  return bench.close()
})

const staged = (): string[] =>
  readdirSync(bench.home.tmp, { recursive: true, encoding: 'utf8' }).filter((name) => /days-.*\.parquet$/.test(name))

const version = async (): Promise<number> => (await DeltaTable.at(bench.home.events, EVENTS_TABLE).snapshot()).version

/** Has the archive wait before it keeps anything. */
function keepAfter(gate: Promise<unknown>): void {
  const { keepAll } = RawArchive.prototype
  vi.spyOn(RawArchive.prototype, 'keepAll').mockImplementation(async function (this: RawArchive, sources) {
    await gate
    return keepAll.call(this, sources)
  })
}

/** Puts a file where the archive wants a folder for these bytes. */
function bar(text: string): string {
  const digest = createHash('sha256').update(text).digest('hex')
  const path = join(bench.home.root, 'raw', digest.slice(0, 2))
  mkdirSync(join(bench.home.root, 'raw'), { recursive: true })
  writeFileSync(path, '')
  return path
}

test('a batch is read while its bytes are kept, and committed once they are', async () => {
  const path = await bench.file('a.json', deliveryLines(1, 3))
  const gate = Promise.withResolvers<void>()
  keepAfter(gate.promise)
  const taking = bench.take(path)
  await vi.waitFor(() => expect(staged()).not.toEqual([]), { timeout: 30_000, interval: 20 })
  await setTimeout(100)
  expect(await version()).toBe(-1)
  gate.resolve()
  expect(await taking).toMatchObject({ events: 3, unreadable: [] })
  expect((await verified(bench.home)).findings).toEqual([])
})

test('nothing is committed and nothing left over where the bytes cannot be kept, and all goes in once they can', async () => {
  const text = deliveryLines(1, 3)
  const path = await bench.file('a.json', text)
  const barrier = bar(text)
  await expect(bench.take(path)).rejects.toMatchObject({ code: 'BAD_HOME' })
  expect(await version()).toBe(-1)
  expect(await bench.leftovers()).toEqual([])
  rmSync(barrier)
  expect(await bench.take(path)).toMatchObject({ events: 3 })
  expect((await verified(bench.home)).findings).toEqual([])
})

test('where the reading fails, keeping ends first, and the bytes that are kept do no harm', async () => {
  const path = await bench.file('a.json', deliveryLines(1, 3))
  const ended = vi.fn()
  keepAfter(setTimeout(3000).then(ended))
  const reading = vi.spyOn(await import('./staging.ts'), 'stageWorks')
  reading.mockRejectedValueOnce(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
  await expect(bench.take(path)).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(ended).toHaveBeenCalled()
  expect(await bench.leftovers()).toEqual([])
  expect(await bench.take(path)).toMatchObject({ events: 3 })
  expect((await verified(bench.home)).findings).toEqual([])
})
