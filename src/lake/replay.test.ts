import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkpointKey, commitKey, LAST_CHECKPOINT_KEY } from './log.ts'
import { fakeFile, makeFolder, SMALL_TABLE } from './small-table.fixture.ts'
import { DeltaTable } from './table.ts'

let template: Awaited<ReturnType<typeof makeFolder>>
let folder: Awaited<ReturnType<typeof makeFolder>>
let table: DeltaTable

/** A table at version 25, with a file a version and checkpoints of 10 and 20. */
beforeAll(async () => {
  template = await makeFolder()
  const made = DeltaTable.at(template.path, SMALL_TABLE)
  for (let n = 0; n <= 25; n++) await made.commit({ adds: [fakeFile(`f${n}`)], operation: 'WRITE' })
})
afterAll(() => template.remove())
beforeEach(async () => {
  folder = await makeFolder()
  await cp(template.path, folder.path, { recursive: true })
  table = DeltaTable.at(folder.path, SMALL_TABLE)
  await table.snapshot()
})
afterEach(() => folder.remove())

const cold = () => DeltaTable.at(folder.path, SMALL_TABLE).snapshot()
const path = (key: string): string => join(folder.path, key)
const garble = (key: string, text: string | Buffer): Promise<void> => writeFile(path(key), text)
const lose = async (...keys: string[]): Promise<void> => {
  for (const key of keys) await table.store.delete(key)
}
const commits = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => commitKey(from + index))

describe('a damaged log is told by name', () => {
  test.each([
    ['half a line', '{"add":{"path":'],
    ['nothing', ''],
    ['a word', '"add"\n'],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xfe, 0x0a])],
    ['an add without a size', '{"add":{"path":"day=2026-11-12/x.parquet","partitionValues":{}}}\n'],
    ['a path that is not encoded', '{"add":{"path":"100%","partitionValues":{"day":"2026-11-12"},"size":1}}\n'],
    ['a path out of the table', '{"add":{"path":"../x.parquet","partitionValues":{"day":"2026-11-12"},"size":1}}\n'],
    ['a file of another table', '{"add":{"path":"file:///x","partitionValues":{"day":"2026-11-12"},"size":1}}\n'],
    ['a file of no day', '{"add":{"path":"x","partitionValues":{"day":null},"size":1}}\n'],
    ['another partition column', '{"metaData":{"schemaString":"{}","partitionColumns":["month"]}}\n'],
  ])('a commit that holds %s', async (_, text) => {
    await garble(commitKey(23), text)
    const error = await cold().catch((cause) => cause)
    expect(error).toMatchObject({ code: 'BAD_LAKE' })
    expect(error.where).toContain(path(commitKey(23)))
  })

  test('a commit that is missing between others', async () => {
    await lose(commitKey(23))
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', where: path(commitKey(23)) })
  })

  test('a first commit that is missing where no checkpoint stands for it', async () => {
    await lose(checkpointKey(10), checkpointKey(20), LAST_CHECKPOINT_KEY, commitKey(0))
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', where: path(commitKey(0)) })
  })

  test('a log that ends before the last checkpoint', async () => {
    await lose(checkpointKey(20), ...commits(15, 25))
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', where: path(commitKey(15)) })
  })

  test('a log of which only the pointer to a checkpoint is left', async () => {
    await lose(checkpointKey(10), checkpointKey(20), ...commits(0, 25))
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', where: path(commitKey(0)) })
  })

  test('a checkpoint that cannot be read where commits before it are gone', async () => {
    await garble(checkpointKey(20), 'PAR1 no more')
    await lose(checkpointKey(10), ...commits(0, 5))
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', where: path(checkpointKey(20)) })
  })

  test('a protocol of a later time', async () => {
    await garble(commitKey(25), '{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}\n')
    await expect(cold()).rejects.toMatchObject({ code: 'BAD_LAKE', message: expect.stringContaining('3/7') })
  })
})

describe('what the rest of the log makes up for does no harm', () => {
  const whole = async (): Promise<void> => {
    const snapshot = await cold()
    expect(snapshot.version).toBe(25)
    expect(snapshot.files.map((file) => file.path).sort()).toEqual(
      (await table.snapshot()).files.map((file) => file.path).sort(),
    )
  }

  test('an unreadable checkpoint: the older one and the commits stand in', async () => {
    await garble(checkpointKey(20), 'garbled')
    await whole()
    await lose(...commits(0, 9))
    await whole()
  })

  test('a checkpoint cut short', async () => {
    const bytes = await readFile(path(checkpointKey(20)))
    await writeFile(path(checkpointKey(20)), bytes.subarray(0, bytes.length / 2))
    await whole()
  })

  test('unreadable checkpoints only: the commits stand in', async () => {
    await garble(checkpointKey(10), '')
    await garble(checkpointKey(20), '')
    await whole()
  })

  test('a missing or garbled pointer', async () => {
    await garble(LAST_CHECKPOINT_KEY, '{"version":')
    await whole()
    await lose(LAST_CHECKPOINT_KEY)
    await whole()
  })

  test('commits before a checkpoint', async () => {
    await lose(...commits(0, 19))
    await garble(commitKey(20), 'never read')
    await whole()
  })
})

test('a reader that slept while the log was cleaned up past it starts over', async () => {
  const reader = DeltaTable.at(folder.path, SMALL_TABLE)
  await reader.snapshot()
  for (let n = 26; n <= 31; n++) await table.commit({ adds: [fakeFile(`f${n}`)], operation: 'WRITE' })
  await lose(...commits(0, 29))
  expect((await reader.snapshot()).files).toHaveLength(32)
})

test('a reader that meets a damaged commit keeps to the error and recovers when it is mended', async () => {
  const reader = DeltaTable.at(folder.path, SMALL_TABLE)
  await reader.snapshot()
  await table.commit({ adds: [fakeFile('f26')], operation: 'WRITE' })
  const good = await readFile(path(commitKey(26)))
  await garble(commitKey(26), 'oops')
  await expect(reader.snapshot()).rejects.toMatchObject({ code: 'BAD_LAKE' })
  await writeFile(path(commitKey(26)), good)
  expect((await reader.snapshot()).files).toHaveLength(27)
})
