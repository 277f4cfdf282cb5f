import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { readCheckpoint } from './checkpoint.ts'
import { checkpointKey, commitKey } from './log.ts'
import { answers, fakeFile, makeFolder, SMALL_TABLE, writeRows } from './small-table.fixture.ts'
import { TEMP_PREFIX } from './stores/contract.ts'
import { DeltaTable } from './table.ts'

let engine: Engine
let folder: Awaited<ReturnType<typeof makeFolder>>
let table: DeltaTable

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())
beforeEach(async () => {
  folder = await makeFolder()
  table = DeltaTable.at(folder.path, SMALL_TABLE)
})
afterEach(() => folder.remove())

const another = (): DeltaTable => DeltaTable.at(folder.path, SMALL_TABLE)

const logLines = async (version: number): Promise<Record<string, Record<string, unknown>>[]> =>
  (await readFile(join(folder.path, commitKey(version)), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('an earlier version', () => {
  const paths = (snapshot: { files: readonly { path: string }[] } | undefined) =>
    snapshot?.files.map(({ path }) => path).sort()

  test('is read from the log, with or without a checkpoint before it', async () => {
    const told: (string[] | undefined)[] = []
    for (let nth = 0; nth < 13; nth++) {
      const adds = [await writeRows(engine, table, '2026-11-12', nth * 10, 10)]
      await table.commit({ adds, operation: 'WRITE' })
      told.push(paths(await table.snapshot()))
    }
    const newest = await table.snapshot()
    for (const version of [0, 5, 10, 11]) {
      const earlier = await another().snapshotAt(version, newest)
      expect([earlier?.version, paths(earlier)]).toEqual([version, told[version]])
    }
    for (const version of [-1, 12, 13, 999]) expect(await another().snapshotAt(version, newest)).toBeUndefined()
    await rm(join(folder.path, commitKey(3)))
    expect(await another().snapshotAt(5, newest)).toBeUndefined()
    expect(paths(await another().snapshotAt(11, newest))).toEqual(told[11])
  })

  test('is there as long as its files are, though others stand for them now', async () => {
    const old = await writeRows(engine, table, '2026-11-12', 0, 10)
    await table.commit({ adds: [old], operation: 'WRITE' })
    const merged = await writeRows(engine, table, '2026-11-12', 0, 10)
    await table.commit({ adds: [merged], removes: [old], operation: 'OPTIMIZE', dataChange: false })
    const newest = await table.snapshot()
    expect(paths(await another().snapshotAt(0, newest))).toEqual([old.path])
    for (const path of table.absolutePaths([old])) await rm(path)
    expect(await another().snapshotAt(0, newest)).toBeUndefined()
  })
})

describe('commits', () => {
  test('a table that is not there is at version -1 and has no files', async () => {
    const snapshot = await table.snapshot()
    expect(snapshot.version).toBe(-1)
    expect(snapshot.files).toEqual([])
    expect(snapshot.txnVersion('app')).toBeUndefined()
  })

  test('the first commit brings protocol and metadata, later ones only their change', async () => {
    const file = await writeRows(engine, table, '2026-11-12', 0, 10)
    expect(await table.commit({ adds: [file], operation: 'WRITE', info: { batch: 'b1' }, nowMs: 1000 })).toEqual({
      version: 0,
    })
    const [info, protocol, metaData, add] = await logLines(0)
    expect(info?.commitInfo).toMatchObject({ timestamp: 1000, operation: 'WRITE', bricktrail: { batch: 'b1' } })
    expect(protocol?.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
    expect(metaData?.metaData).toMatchObject({ name: 'small', partitionColumns: ['day'], createdTime: 1000 })
    expect(add?.add).toMatchObject({ path: file.path, partitionValues: { day: '2026-11-12' }, dataChange: true })
    await table.commit({ adds: [fakeFile('x')], operation: 'WRITE' })
    expect((await logLines(1)).map((line) => Object.keys(line)[0])).toEqual(['commitInfo', 'add'])
  })

  test('what one instance commits another one reads, file by file the same', async () => {
    const reader = another()
    await reader.snapshot()
    const file = await writeRows(engine, table, '2026-11-12', 0, 100)
    await table.commit({ adds: [file], operation: 'WRITE', txn: { appId: 'app', version: 7 } })
    for (const side of [table, reader, another()]) {
      const snapshot = await side.snapshot()
      expect(snapshot.version).toBe(0)
      expect(snapshot.files).toEqual([file])
      expect(snapshot.txnVersion('app')).toBe(7)
    }
  })

  test('a snapshot does not change under its reader', async () => {
    await table.commit({ adds: [fakeFile('a')], operation: 'WRITE', txn: { appId: 'app', version: 1 } })
    const before = await table.snapshot()
    await table.commit({ adds: [], removes: before.files, operation: 'DELETE', txn: { appId: 'app', version: 2 } })
    expect(before.files).toHaveLength(1)
    expect(before.txnVersion('app')).toBe(1)
    expect((await table.snapshot()).files).toEqual([])
  })

  test('a file whose partition is no day is refused and leaves no version behind', async () => {
    const commit = table.commit({ adds: [fakeFile('a', 'yesterday')], operation: 'WRITE' })
    await expect(commit).rejects.toMatchObject({ code: 'BAD_LAKE' })
    expect((await table.snapshot()).version).toBe(-1)
  })
})

describe('writers at the same time', () => {
  test('both get in, each once, however often they meet', async () => {
    const [one, two] = [table, another()]
    for (let round = 0; round < 30; round++) {
      const commits = [one, two].map((side, index) =>
        side.commit({
          adds: [fakeFile(`r${round}-${index}`)],
          operation: 'WRITE',
          txn: { appId: `w${index}`, version: round },
        }),
      )
      const versions = (await Promise.all(commits)).map(({ version }) => version)
      expect(versions.sort((a, b) => a - b)).toEqual([round * 2, round * 2 + 1])
    }
    const { files } = await another().snapshot()
    expect(new Set(files.map(({ path }) => path)).size).toBe(60)
    expect((await one.snapshot()).files).toHaveLength(60)
  })

  test('a transaction that both try goes in once, and both learn its version', async () => {
    const [one, two] = [table, another()]
    for (let round = 0; round < 20; round++) {
      const change = { adds: [fakeFile(`r${round}`)], operation: 'WRITE', txn: { appId: 'same', version: round } }
      const [first, second] = await Promise.all([one.commit(change), two.commit(change)])
      expect(first).toEqual({ version: round })
      expect(second).toEqual({ version: round })
    }
    expect((await another().snapshot()).files).toHaveLength(20)
  })

  test('a transaction that is already in is not done again, nor is an older one of its writer', async () => {
    await table.commit({ adds: [fakeFile('a')], operation: 'WRITE', txn: { appId: 'app', version: 5 } })
    await table.commit({ adds: [fakeFile('b')], operation: 'WRITE' })
    const again = { adds: [fakeFile('c')], operation: 'WRITE' }
    expect(await another().commit({ ...again, txn: { appId: 'app', version: 5 } })).toEqual({ version: 0 })
    expect(await table.commit({ ...again, txn: { appId: 'app', version: 4 } })).toEqual({ version: 0 })
    expect((await table.snapshot()).version).toBe(1)
  })

  test('of two that remove one file the second is told of the conflict', async () => {
    await table.commit({ adds: [fakeFile('a'), fakeFile('b')], operation: 'WRITE' })
    const removes = (await table.snapshot()).files
    const merge = (side: DeltaTable, name: string) =>
      side.commit({ adds: [fakeFile(name)], removes, operation: 'OPTIMIZE', dataChange: false })
    const results = await Promise.allSettled([merge(table, 'm1'), merge(another(), 'm2')])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = results.find((result) => result.status === 'rejected')
    expect(lost?.reason).toMatchObject({ code: 'LAKE_CONFLICT' })
    expect((await another().snapshot()).files).toHaveLength(1)
  })
})

describe('checkpoints', () => {
  test('every tenth commit leaves one that stands for the log before it', async () => {
    const files = []
    for (let n = 0; n <= 12; n++) {
      const file = await writeRows(engine, table, `2026-11-${10 + (n % 3)}`, n * 10, 10)
      files.push(file)
      await table.commit({ adds: [file], operation: 'WRITE', txn: { appId: `app${n % 2}`, version: n } })
    }
    await table.commit({ adds: [], removes: files.slice(0, 2), operation: 'DELETE' })
    expect(table.checkpointFailure).toBeUndefined()
    const before = await answers(engine, table)
    for (let version = 0; version <= 10; version++) await table.store.delete(commitKey(version))
    const reader = another()
    const snapshot = await reader.snapshot()
    expect(snapshot.version).toBe(13)
    expect([...snapshot.files].sort((a, b) => a.modificationTime - b.modificationTime)).toEqual(files.slice(2))
    expect(snapshot.txnVersion('app0')).toBe(12)
    expect(snapshot.txnVersion('app1')).toBe(11)
    expect(await answers(engine, reader)).toEqual(before)
    expect(await reader.commit({ adds: [], operation: 'WRITE', txn: { appId: 'app0', version: 9 } })).toEqual({
      version: 12,
    })
  })

  test('one is read where the path of the table looks like a pattern', async () => {
    const root = join(folder.path, "it's [x]* ?")
    const writer = DeltaTable.at(root, table.spec)
    for (let n = 0; n <= 10; n++) await writer.commit({ adds: [fakeFile(`f${n}`)], operation: 'WRITE' })
    for (let version = 0; version < 10; version++) await writer.store.delete(commitKey(version))
    expect((await DeltaTable.at(root, table.spec).snapshot()).files).toHaveLength(11)
  })

  test('one that is written later holds its own version, whatever is committed meanwhile', async () => {
    const writer = DeltaTable.at(table.root, table.spec, { checkpointLater: true })
    for (let n = 0; n <= 21; n++) await writer.commit({ adds: [fakeFile(`f${n}`)], operation: 'WRITE' })
    await writer.settled()
    expect(writer.checkpointFailure).toBeUndefined()
    for (const version of [10, 20]) {
      const state = await readCheckpoint(table.store, version, table.spec)
      expect([state.version, state.files.size]).toEqual([version, version + 1])
    }
    for (let version = 0; version <= 20; version++) await table.store.delete(commitKey(version))
    expect((await another().snapshot()).files).toHaveLength(22)
  })

  test('one that cannot be written fails no commit', async () => {
    for (let n = 0; n < 10; n++) await table.commit({ adds: [fakeFile(`f${n}`)], operation: 'WRITE' })
    await writeFile(join(folder.path, '_staging'), 'in the way')
    expect(await table.commit({ adds: [fakeFile('f10')], operation: 'WRITE' })).toEqual({ version: 10 })
    expect(table.checkpointFailure?.code).toBe('BAD_HOME')
    expect(await table.store.stat(checkpointKey(10))).toBeUndefined()
    expect((await another().snapshot()).files).toHaveLength(11)
  })

  test('removed files are remembered through one, for as long as a grace period can be', async () => {
    const nowMs = 1_800_000_000_000
    const dayMs = 86_400_000
    await table.commit({ adds: [fakeFile('a'), fakeFile('b'), fakeFile('c')], operation: 'WRITE', nowMs })
    const [a, b] = (await table.snapshot()).files
    await table.commit({ adds: [], removes: a ? [a] : [], operation: 'DELETE', nowMs: nowMs - 31 * dayMs })
    await table.commit({ adds: [], removes: b ? [b] : [], operation: 'DELETE', nowMs: nowMs - 29 * dayMs })
    for (let n = 0; n < 8; n++) await table.commit({ adds: [], operation: 'WRITE', nowMs })
    for (let version = 0; version <= 10; version++) await table.store.delete(commitKey(version))
    expect([...(await another().removedFiles())]).toEqual([[b?.path, nowMs - 29 * dayMs]])
  })
})

test('leftovers of a crash are passed over', async () => {
  await table.commit({ adds: [fakeFile('a')], operation: 'WRITE' })
  for (const name of [
    `_delta_log/${TEMP_PREFIX}1`,
    '_delta_log/00000000000000000001.json.tmp',
    'day=2026-11-12/orphan.parquet',
  ]) {
    await table.store.put(name, new TextEncoder().encode('half a commi'))
  }
  expect((await another().snapshot()).files).toHaveLength(1)
  expect(await table.commit({ adds: [fakeFile('b')], operation: 'WRITE' })).toEqual({ version: 1 })
})

test('a writer with new columns grows the schema, once, and one with fewer keeps it', async () => {
  await table.commit({ adds: [fakeFile('a')], operation: 'WRITE' })
  const columns = [...SMALL_TABLE.columns, { name: 'extra', type: 'string' as const, doc: 'New.' }]
  const newer = DeltaTable.at(folder.path, { ...SMALL_TABLE, columns })
  await newer.commit({ adds: [fakeFile('b')], operation: 'WRITE' })
  await newer.commit({ adds: [fakeFile('c')], operation: 'WRITE' })
  await table.commit({ adds: [fakeFile('d')], operation: 'WRITE' })
  const grown = await Promise.all([1, 2, 3].map(logLines))
  expect(grown.map((lines) => lines.some((line) => line.metaData !== undefined))).toEqual([true, false, false])
  expect(String(grown[0]?.find((line) => line.metaData)?.metaData?.schemaString)).toContain('"extra"')
  const [file] = (await table.snapshot()).files
  const rewrite = table.commit({ adds: [], removes: file ? [file] : [], operation: 'OPTIMIZE', dataChange: false })
  await expect(rewrite).rejects.toMatchObject({ code: 'BAD_LAKE', message: expect.stringContaining('would drop') })
})
