import { existsSync } from 'node:fs'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { fileSql } from '../engine/sql.ts'
import { inShort, leavesOf, listsOf } from '../ingest/sealed-home.fixture.ts'
import { compact } from '../lake/compact.ts'
import { checkpointKey, commitKey, LAST_CHECKPOINT_KEY } from '../lake/log.ts'
import { scanSql } from '../lake/read.ts'
import { makeFolder, SMALL_TABLE, writeRows } from '../lake/small-table.fixture.ts'
import { type DataFile, DeltaTable, keyOf } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import { SealKeys } from './keys.ts'
import { parseVkey } from './note.ts'
import { Sealer } from './sealer.ts'
import { verifyHome } from './verify.ts'

const DAY = '2026-11-12'
const START_MS = Date.parse('2026-11-13T12:00:00Z')

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

let folder: Awaited<ReturnType<typeof makeFolder>>
let table: DeltaTable
let nowMs: number
let rows: number
beforeEach(async () => {
  folder = await makeFolder()
  table = small()
  nowMs = START_MS
  rows = 0
})
afterEach(() => folder.remove())

const home = () => homeAt(folder.path)
const small = (): DeltaTable => DeltaTable.at(join(home().lake, 'small'), SMALL_TABLE)
const context = { engine: async () => engine, batchOf: async () => undefined }
const leaves = async () => inShort(await leavesOf(home()))
const verified = async () => verifyHome(folder.path, { key: (await SealKeys.load(home().seal)).vkey })

async function open(): Promise<Sealer> {
  const keys = await SealKeys.load(home().seal)
  return Sealer.open({ folder: home().seal, keys, now: () => new Date(nowMs), generator: 'test 1' })
}

/** Commits a file of some rows. */
async function commit(count = 3, day = DAY): Promise<string> {
  const file = await writeRows(engine, table, day, rows, count)
  rows += count
  await table.commit({ adds: [file], operation: 'WRITE', nowMs })
  return keyOf(file)
}

describe('a sealer', () => {
  it('begins a log, and makes a leaf of every version, once', async () => {
    await commit()
    await commit()
    const sealer = await open()
    expect(await sealer.follow([table], context)).toBe(2)
    expect(await sealer.follow([table], context)).toBe(0)
    expect(await (await open()).follow([small()], context)).toBe(0)
    expect(await leaves()).toEqual(['open', 'commit small 0', 'commit small 1'])
    expect(sealer.sealed).toEqual({ small: 1 })
    expect((await verified()).findings).toEqual([])
  })

  it('tells of files older than the columns we have, and of several days, each with its own rows', async () => {
    const older = DeltaTable.at(table.root, { ...SMALL_TABLE, columns: SMALL_TABLE.columns.slice(0, 4) })
    const first = await writeRows(engine, older, DAY, 0, 2)
    await older.commit({ adds: [first], operation: 'WRITE', nowMs })
    const mixed = [
      await writeRows(engine, older, DAY, 10, 70),
      await writeRows(engine, table, DAY, 100, 130),
      await writeRows(engine, table, '2026-11-13', 300, 5),
    ]
    await table.commit({ adds: mixed, operation: 'WRITE', nowMs })
    await (await open()).follow([table], context)
    const [, , leaf] = await leavesOf(home())
    const { adds = [] } = await listsOf(home(), leaf ?? expect.unreachable())
    expect(adds.map(({ path, rows: count }) => [path, count])).toEqual(mixed.map((file) => [keyOf(file), file.rows]))
    expect(new Set(adds.map(({ columns }) => columns)).size).toBe(2)
    expect(adds[1]?.columns).toBe(adds[2]?.columns)
    expect(new Set(adds.map(({ rowsRoot }) => rowsRoot)).size).toBe(3)
  })

  it('tells of a compaction, and of what a vacuum deletes before it does', async () => {
    const sealer = await open()
    const old = [await commit(), await commit(), await commit()]
    await sealer.follow([table], context)
    let before: string[] = []
    const result = await compact(engine, table, {
      nowMs: Date.now() + 1000,
      graceMs: 0,
      minFiles: 2,
      afterCommit: async () => void (await sealer.follow([table], context)),
      beforeDelete: async (files, reason) => {
        await sealer.clean(table, files, reason)
        before = await leaves()
        expect(old.map((key) => existsSync(table.store.locate(key)))).toEqual([true, true, true])
      },
    })
    expect(result.deleted).toBe(3)
    expect(before.slice(-2)).toEqual(['commit small 3', 'clean small vacuum'])
    const [merge, clean] = (await leavesOf(home())).slice(-2)
    expect(merge).toMatchObject({ operation: 'OPTIMIZE' })
    const { adds, removes } = await listsOf(home(), merge ?? expect.unreachable())
    expect([adds?.length, removes?.map(({ path }) => path).sort()]).toEqual([1, [...old].sort()])
    const { deleted } = await listsOf(home(), clean ?? expect.unreachable())
    expect(deleted?.map(({ path }) => path).sort()).toEqual([...old].sort())
    expect((await verified()).findings).toEqual([])
  })

  it('makes no leaf of leftovers that never were part of the table', async () => {
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    await sealer.clean(
      table,
      [
        { key: '_staging/x.parquet', sizeBytes: 1 },
        { key: `day=${DAY}/.tmp-1`, sizeBytes: 1 },
      ],
      'vacuum',
    )
    expect(await leaves()).toEqual(['open', 'commit small 0'])
  })

  it('seals the checkpoint of a table with the version it was written with, though commits do not wait for it', async () => {
    table = DeltaTable.at(table.root, SMALL_TABLE, { checkpointLater: true })
    const sealer = await open()
    for (let version = 0; version <= 11; version++) {
      await commit(1)
      await sealer.follow([table], context)
    }
    const named = await Promise.all(
      (await leavesOf(home())).slice(1).map(async (leaf) => (await listsOf(home(), leaf)).log?.map(({ path }) => path)),
    )
    expect(named[10]).toEqual([
      commitKey(10),
      expect.stringMatching(/0010\.checkpoint\.parquet$/),
      '_delta_log/_last_checkpoint',
    ])
    expect(named.filter((paths) => paths?.length !== 1)).toHaveLength(1)
    expect((await verified()).findings).toEqual([])
  })

  it('says in the entry how far the clock was set back', async () => {
    const sealer = await open()
    await commit()
    nowMs -= 90_000
    await sealer.follow([table], context)
    nowMs += 30_000
    await commit()
    await sealer.follow([table], context)
    const times = (await leavesOf(home())).map(({ time, clockBackMs }) => [time, clockBackMs])
    expect(times).toEqual([
      ['2026-11-13T12:00:00.000Z', undefined],
      ['2026-11-13T11:58:30.000Z', 90_000],
      ['2026-11-13T11:59:00.000Z', undefined],
    ])
    const { findings } = await verified()
    expect(findings).toMatchObject([{ kind: 'reordered', leaf: 1 }])
  })

  it('goes on under a key that took over, and verifies from the first key on', async () => {
    const sealer = await open()
    const first = sealer.vkey
    await commit()
    await sealer.follow([table], context)
    await sealer.rotate()
    expect(sealer.vkey).not.toBe(first)
    await commit()
    await sealer.follow([table], context)
    const again = await open()
    await commit()
    await again.follow([small()], context)
    expect(await leaves()).toEqual(['open', 'commit small 0', 'key', 'commit small 1', 'commit small 2'])
    expect(again.vkey).toBe(sealer.vkey)
    expect(existsSync(join(home().seal, 'keys', `${parseVkey(first).id}.key`))).toBe(false)
    for (const key of [first, again.vkey]) expect((await verifyHome(folder.path, { key })).findings).toEqual([])
  })

  it('appends what it catches up with in parts, and the log says after each how far it goes', async () => {
    for (let version = 0; version < 300; version++) await table.commit({ adds: [], operation: 'WRITE', nowMs })
    const sealer = await open()
    expect(await sealer.follow([table], context)).toBe(300)
    const all = await leavesOf(home())
    expect(all.flatMap((entry) => ('sealed' in entry ? entry.sealed.small : []))).toEqual(
      Array.from({ length: 300 }, (_, version) => version),
    )
    expect(await readFile(join(home().seal, 'checkpoints', '257'.padStart(20, '0')), 'utf8')).toContain('\n257\n')
  }, 60_000)
})

describe('what was sealed', () => {
  it('is recognised as it was', async () => {
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    await sealer.check([small()])
    await (await open()).check([small()])
  })

  it('cannot lack its last version', async () => {
    await commit()
    await commit()
    await (await open()).follow([table], context)
    await rm(table.store.locate(commitKey(1)))
    await expect((await open()).check([small()])).rejects.toMatchObject({
      code: 'SEAL_FORKED',
      hint: expect.stringContaining('bricktrail seal restore --reason'),
    })
  })

  it('cannot have another last version', async () => {
    await commit()
    await (await open()).follow([table], context)
    const path = table.store.locate(commitKey(0))
    await writeFile(path, (await readFile(path, 'utf8')).replace('"WRITE"', '"Write"'))
    await expect((await open()).check([small()])).rejects.toMatchObject({ code: 'SEAL_FORKED', where: path })
  })

  it('is not sealed where a data file is damaged', async () => {
    const path = table.store.locate(await commit())
    const sealer = await open()
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, 100))
    await expect(sealer.follow([table], context)).rejects.toMatchObject({ code: 'ENGINE' })
    expect(await leaves()).toEqual(['open'])
    await writeFile(path, bytes)
    expect(await sealer.follow([table], context)).toBe(1)
  })
})

describe('what was lost before it could be sealed', () => {
  it('is named by the leaf of its version, and the log goes on', async () => {
    const key = await commit()
    await rm(table.store.locate(key))
    await commit()
    const sealer = await open()
    expect(await sealer.follow([table], context)).toBe(2)
    const [, first, second] = await leavesOf(home())
    expect(first).toMatchObject({ version: 0, lost: [key] })
    expect(second).not.toHaveProperty('lost')
    expect((await listsOf(home(), first ?? expect.unreachable())).adds).toEqual([])
    const report = await verified()
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringContaining(`${key} of version 0 of table small was lost`))
  })

  it('is a finding if it comes back, for readers would go by it', async () => {
    const key = await commit()
    await rename(table.store.locate(key), join(folder.path, 'away'))
    await (await open()).follow([table], context)
    await rename(join(folder.path, 'away'), table.store.locate(key))
    expect((await verified()).findings).toMatchObject([{ kind: 'unverifiable', where: `lake/small/${key}` }])
  })

  it('may be merged away later', async () => {
    await rm(table.store.locate(await commit()))
    const [gone] = (await table.snapshot()).files
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    await table.commit({ adds: [], removes: [gone as DataFile], operation: 'OPTIMIZE', dataChange: false, nowMs })
    expect(await sealer.follow([table], context)).toBe(1)
    expect((await verified()).findings).toEqual([])
  })

  it('is, of commits, what a new seal does not begin with: it tells of the table as it stands', async () => {
    table = DeltaTable.at(table.root, SMALL_TABLE)
    const keys: string[] = []
    for (let version = 0; version <= 12; version++) keys.push(await commit(1))
    for (const version of [0, 1, 2]) await rm(table.store.locate(commitKey(version)))
    table = small()
    const sealer = await open()
    expect(await sealer.follow([table], context)).toBe(1)
    await commit(2)
    expect(await sealer.follow([table], context)).toBe(1)
    await (await open()).check([small()])
    expect(await leaves()).toEqual(['open', 'commit small 12', 'commit small 13'])
    const [, base] = await leavesOf(home())
    expect(base).toMatchObject({ operation: 'BASE', version: 12, sealed: { small: 12 } })
    const { log, adds } = await listsOf(home(), base ?? expect.unreachable())
    expect(adds?.map(({ path }) => path).sort()).toEqual(keys.sort())
    expect(log?.map(({ path }) => path)).toEqual(expect.arrayContaining([commitKey(3), commitKey(12)]))
    expect(log).toHaveLength(12)
    const report = await verified()
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringContaining('begins with version 12 as it stood'))
  })

  it('cannot be made up by a commit that calls itself a beginning', async () => {
    await commit()
    const file = await writeRows(engine, table, DAY, 50, 2)
    await table.commit({ adds: [file], operation: 'BASE', nowMs })
    await (await open()).follow([table], context)
    expect((await leavesOf(home())).at(-1)).toMatchObject({ operation: 'UNKNOWN' })
    expect((await verified()).findings).toMatchObject([{ kind: 'gap', leaf: 2 }])
  })
})

describe('a checkpoint of a table', () => {
  const path = () => table.store.locate(checkpointKey(10))

  it.each([
    ['leaves a file out', '', `WHERE "add" IS NULL OR "add"."path" NOT LIKE '%rows-3%'`],
    [
      'says other things of the rows of a file',
      `REPLACE (CASE WHEN "add" IS NOT NULL THEN struct_update("add", stats := '{}') END AS "add")`,
      '',
    ],
  ])('is not sealed if it %s, and is once it is taken away', async (_, replace, where) => {
    for (let version = 0; version <= 10; version++) await commit(1)
    await engine.run(
      `COPY (SELECT * ${replace} FROM read_parquet(${fileSql(path())}) ${where}) TO ${fileSql(`${path()}.new`)} (FORMAT parquet)`,
    )
    await rename(`${path()}.new`, path())
    await expect((await open()).follow([small()], context, true)).rejects.toMatchObject({
      code: 'SEAL_FORKED',
      where: path(),
    })
    await rm(path())
    await rm(table.store.locate(LAST_CHECKPOINT_KEY))
    expect(await (await open()).follow([small()], context, true)).toBe(11)
    expect((await verified()).findings).toEqual([])
  })
})

describe('a merge', () => {
  const optimize = (adds: DataFile[], removes: readonly DataFile[]) =>
    table.commit({ adds, removes, operation: 'OPTIMIZE', dataChange: false, nowMs })
  const written = async (select: string, day = DAY): Promise<DataFile[]> => {
    const file = await writePartition(engine, table, { select, partition: day, stem: `merged-${rows++}` })
    return file ? [file] : []
  }
  const liveFiles = async () => (await table.snapshot()).files
  const merged = (change: string, files: readonly DataFile[]) =>
    written(`SELECT * REPLACE (${change}) FROM ${scanSql(table, files)}`)
  const refused = { code: 'SEAL_FORKED', hint: expect.stringContaining('bricktrail verify') }

  it('may bring files of older columns and of ours together', async () => {
    const older = DeltaTable.at(table.root, { ...SMALL_TABLE, columns: SMALL_TABLE.columns.slice(0, 4) })
    await older.commit({ adds: [await writeRows(engine, older, DAY, 0, 70)], operation: 'WRITE', nowMs })
    rows = 100
    await commit(5)
    const files = await liveFiles()
    await optimize(await merged('id AS id', files), files)
    expect(await (await open()).follow([table], context, true)).toBe(3)
    expect((await leavesOf(home())).at(-1)).not.toHaveProperty('lost')
    expect((await verified()).findings).toEqual([])
  })

  it.each([
    ['a value', "CASE WHEN id = 'id-1' THEN 7 ELSE count END AS count"],
    ['a row for another', "CASE WHEN id = 'id-1' THEN 'id-2' ELSE id END AS id"],
  ])('is not sealed if it changes %s, not even late', async (_, change) => {
    await commit()
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    const files = await liveFiles()
    await optimize(await merged(change, files), files)
    await expect(sealer.follow([table], context)).rejects.toMatchObject(refused)
    await expect((await open()).follow([small()], context, true)).rejects.toMatchObject(refused)
    expect(await leaves()).toEqual(['open', 'commit small 0', 'commit small 1'])
  })

  it('is not sealed if it moves rows to another day, or takes them away', async () => {
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    const files = await liveFiles()
    const moved = await written(`SELECT * FROM ${scanSql(table, files)}`, '2026-11-13')
    await optimize(moved, files)
    await expect(sealer.follow([table], context)).rejects.toMatchObject(refused)
    await rm(table.store.locate(commitKey(1)))
    table = small()
    await optimize([], files)
    await expect(sealer.follow([table], context)).rejects.toMatchObject(refused)
  })

  it('is not sealed if the files it replaces were changed as well', async () => {
    const key = await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    const files = await liveFiles()
    const [forged] = await merged('7 AS count', files)
    await cp(table.store.locate(keyOf(forged ?? expect.unreachable())), table.store.locate(key))
    await optimize([forged as DataFile], files)
    await expect(sealer.follow([table], context)).rejects.toMatchObject({ ...refused, where: table.store.locate(key) })
  })

  it('is sealed with the files it replaced as lost, where they were gone before', async () => {
    const key = await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    const files = await liveFiles()
    await optimize(await merged('id AS id', files), files)
    await rm(table.store.locate(key))
    expect(await sealer.follow([table], context)).toBe(1)
    expect((await leavesOf(home())).at(-1)).toMatchObject({ operation: 'OPTIMIZE', lost: [key] })
    expect((await verified()).findings).toMatchObject([{ kind: 'missing', leaf: 2 }])
  })
})

describe('a restore', () => {
  it('is a leaf that says how much was undone; versions count on from there', async () => {
    await commit()
    await cp(home().lake, join(folder.path, 'before'), { recursive: true })
    await commit()
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    await rm(home().lake, { recursive: true })
    await rename(join(folder.path, 'before'), home().lake)
    table = small()
    const again = await open()
    expect(await again.restore([table], 'a disk broke')).toEqual([{ table: 'small', undone: 2 }])
    expect(await again.restore([table], 'twice')).toEqual([])
    await commit()
    await again.follow([table], context)
    expect((await leaves()).slice(4)).toEqual(['restore small 0', 'commit small 1'])
    const report = await verified()
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringContaining('a disk broke'))
  })

  it('goes back to the newest version that is what was sealed, where a later one was written anew', async () => {
    await commit()
    await commit()
    const sealer = await open()
    await sealer.follow([table], context)
    await rm(table.store.locate(commitKey(1)))
    table = small()
    await commit(5)
    const again = await open()
    expect(await again.restore([table], 'a test')).toEqual([{ table: 'small', undone: 1 }])
    expect(await again.follow([table], context, true)).toBe(1)
    await again.check([table])
    expect((await leavesOf(home())).at(-1)).toMatchObject({ kind: 'commit', version: 1, late: true })
    expect((await verified()).findings).toEqual([])
  })
})
