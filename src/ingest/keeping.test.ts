/** What was received is kept while it is read: what is committed when, and what of either failure is left. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

/** Until rows of a batch are written. */
const untilStaged = () => vi.waitFor(() => expect(staged()).not.toEqual([]), { timeout: 30_000, interval: 20 })

/** Has the archive do something before it keeps the next objects, and something once it has. */
function keepBetween(before: () => Promise<unknown>, after?: () => unknown): void {
  const { keepAll } = RawArchive.prototype
  vi.spyOn(RawArchive.prototype, 'keepAll').mockImplementationOnce(async function (this: RawArchive, sources) {
    await before()
    const kept = await keepAll.call(this, sources)
    await after?.()
    return kept
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
  const versions: number[] = []
  keepBetween(untilStaged, async () => versions.push(await version()))
  expect(await bench.take(path)).toMatchObject({ events: 3, unreadable: [] })
  expect([...versions, await version()]).toEqual([-1, 0])
  expect((await verified(bench.home)).findings).toEqual([])
})

test.each([
  { when: 'as is told at once', before: async () => undefined },
  { when: 'as is told after the reading', before: untilStaged },
])(
  'where bytes cannot be kept, $when, nothing is committed or left over, and all goes in once they can',
  async ({ before }) => {
    const text = deliveryLines(1, 3)
    const path = await bench.file('a.json', text)
    const barrier = bar(text)
    keepBetween(before)
    await expect(bench.take(path)).rejects.toMatchObject({ code: 'BAD_HOME' })
    expect(await version()).toBe(-1)
    expect(await bench.leftovers()).toEqual([])
    rmSync(barrier)
    expect(await bench.take(path)).toMatchObject({ events: 3 })
    expect((await verified(bench.home)).findings).toEqual([])
  },
)

test('where the reading fails, keeping ends first, and the bytes that are kept do no harm', async () => {
  const path = await bench.file('a.json', deliveryLines(1, 3))
  const reading = vi.spyOn(await import('./staging.ts'), 'stageWorks')
  reading.mockRejectedValueOnce(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
  const told = vi.fn()
  const toldAtTheEnd: number[] = []
  keepBetween(
    async () => {
      await vi.waitFor(() => expect(reading).toHaveBeenCalled(), { timeout: 30_000 })
      // Time for one that does not wait for the archive.
      await vi.waitFor(() => expect(told).toHaveBeenCalled(), { timeout: 200, interval: 10 }).catch(() => undefined)
    },
    () => toldAtTheEnd.push(told.mock.calls.length),
  )
  await expect(bench.take(path).finally(told)).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect(toldAtTheEnd).toEqual([0])
  expect(await bench.leftovers()).toEqual([])
  expect(await bench.take(path)).toMatchObject({ events: 3 })
  expect((await verified(bench.home)).findings).toEqual([])
})
