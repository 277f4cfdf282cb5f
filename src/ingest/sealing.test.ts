/** What ingestion seals, on real lakes: digests are made again here by other means. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileSql } from '../engine/sql.ts'
import { EVENTS_TABLE } from '../lake/table.ts'
import { rowForm } from '../seal/row-form.ts'
import { settingsPath } from '../seal/settings.ts'
import { type IngestOptions, ingest } from './ingest.ts'
import { commitsOf, inShort, leavesOf, listsOf, verified } from './sealed-home.fixture.ts'
import { BATCH_SIZES, deliveryLines, NOW, TakingBench } from './taking.fixture.ts'

let bench: TakingBench
beforeEach(async () => {
  bench = await TakingBench.open()
})
afterEach(() => bench.close())

const at = (path: string): string => join(bench.home.root, path)
const sha = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
const shaOf = (path: string): string => sha(readFileSync(path))
const leaves = async () => inShort(await leavesOf(bench.home))
const lakeFile = (key: string): string => join(bench.home.events, key)
const COMMIT_1 = '_delta_log/00000000000000000001.json'

async function takeWith(specs: readonly string[], options: Partial<IngestOptions>) {
  return ingest({ home: bench.home, specs, form: 'auto', stdin: Readable.from([]), now: () => NOW, ...options })
}

/** RFC 6962, section 2.1, word for word. */
function treeHash(data: readonly Buffer[]): Buffer {
  const [only] = data
  const digest = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
  if (only === undefined) return digest()
  if (data.length === 1) return digest(Buffer.of(0), only)
  let split = 1
  while (split * 2 < data.length) split *= 2
  return digest(Buffer.of(1), treeHash(data.slice(0, split)), treeHash(data.slice(split)))
}

/** The root over the rows of a file, from their bytes. */
async function rowsRootOf(path: string): Promise<{ rows: number; root: string }> {
  const columns = EVENTS_TABLE.columns.filter(({ name }) => name !== EVENTS_TABLE.partitionColumn)
  const rows = await bench.sql(
    `SELECT hex(${rowForm('events', columns).bytes}) AS bytes FROM read_parquet(${fileSql(path)}, file_row_number = true) ORDER BY file_row_number`,
  )
  const digests = rows.map(({ bytes }) => createHash('sha256').update(String(bytes), 'hex').digest())
  const pages = Array.from({ length: Math.ceil(digests.length / 64) }, (_, page) =>
    Buffer.concat(digests.slice(page * 64, page * 64 + 64)),
  )
  return { rows: rows.length, root: treeHash(pages).toString('hex') }
}

describe('a batch', () => {
  it('is one leaf that tells its objects, its counts, and its files down to the rows', async () => {
    const plain = deliveryLines(1, 150)
    const packed = gzipSync(deliveryLines(100, 180))
    await bench.file('logs/a.json', plain)
    await bench.file('logs/b.json.gz', packed)
    await bench.take(join(bench.folder, 'logs'))
    const [leaf, ...others] = await commitsOf(bench.home, 'events')
    if (leaf === undefined) throw new Error('nothing was sealed')
    expect(others).toEqual([])
    expect(leaf).toMatchObject({
      version: 0,
      operation: 'WRITE',
      time: NOW.toISOString(),
      counts: { records: 231, events: 180, duplicates: 51, rejects: 0 },
      batchFile: { path: 'manifests/000000001.json', sha256: shaOf(at('manifests/000000001.json')) },
    })
    expect(leaf).not.toHaveProperty('late')
    const { log = [], adds = [], removes, objects = [] } = await listsOf(bench.home, leaf)
    const commit = '_delta_log/00000000000000000000.json'
    const bytes = readFileSync(join(bench.home.events, commit))
    expect(log).toEqual([{ path: commit, bytes: bytes.length, sha256: sha(bytes) }])
    expect(removes).toEqual([])
    for (const { path, sha256, rows, rowsRoot } of adds) {
      expect(sha256).toBe(shaOf(join(bench.home.events, path)))
      expect({ rows, root: rowsRoot }).toEqual(await rowsRootOf(join(bench.home.events, path)))
    }
    expect(adds.reduce((sum, { rows }) => sum + rows, 0)).toBe(180)
    expect(
      objects.map(({ key, sha256, firstByte, lastByte, records }) => [
        key.slice(-9),
        sha256,
        firstByte,
        lastByte,
        records,
      ]),
    ).toEqual([
      ['ogs/a.json', sha(plain), 0, plain.length, 150].map((v, i) => (i === 0 ? 'gs/a.json' : v)),
      ['b.json.gz', sha(packed), 0, packed.length, 81],
    ])
    for (const { raw } of objects) expect(shaOf(at(raw.stored?.path ?? ''))).toBe(raw.stored?.sha256)
    expect((await verified(bench.home)).findings).toEqual([])
  })

  it('has its rows in the leaf in every form, and all that a governance product tells', async () => {
    await bench.take(join(import.meta.dirname, '../../fixtures/records'))
    for (const leaf of await commitsOf(bench.home, 'events')) {
      for (const { path, rows, rowsRoot } of (await listsOf(bench.home, leaf)).adds ?? [])
        expect({ path, rows, root: rowsRoot }).toEqual({ path, ...(await rowsRootOf(lakeFile(path))) })
    }
    const [told] = await bench.events(
      'count(DISTINCT form) AS forms, count(access_controls) AS controls, count(tags) AS tags',
    )
    expect(Number(told?.forms)).toBeGreaterThan(3)
    expect(Number(told?.controls)).toBeGreaterThan(0)
    expect(Number(told?.tags)).toBeGreaterThan(0)
  })

  it.each(BATCH_SIZES)(
    'of $size size has its rows in the leaf, with and without repeats',
    async ({ smallBatchBytes }) => {
      const ofDay = (day: number, from: number, to: number) => deliveryLines(day * 86_400 + from, day * 86_400 + to)
      const batches = [
        [ofDay(0, 1, 200), ofDay(1, 1, 70) + ofDay(1, 60, 130)],
        [ofDay(0, 150, 300), ofDay(2, 1, 90)],
      ]
      for (const [n, texts] of batches.entries()) {
        for (const [i, text] of texts.entries()) await bench.file(`logs-${n}/${i}.json`, text)
        await takeWith([join(bench.folder, `logs-${n}`)], { smallBatchBytes })
      }
      const counts: number[] = []
      for (const leaf of await commitsOf(bench.home, 'events')) {
        for (const { path, rows, rowsRoot } of (await listsOf(bench.home, leaf)).adds ?? []) {
          expect({ rows, root: rowsRoot }).toEqual(await rowsRootOf(join(bench.home.events, path)))
          counts.push(rows)
        }
      }
      expect(counts.sort((a, b) => a - b)).toEqual([90, 100, 130, 200])
      expect((await verified(bench.home)).findings).toEqual([])
    },
  )
})

describe('sealing', () => {
  it('tells of rejects and of events, in the order of their commits', async () => {
    await bench.take(await bench.file('a.json', `${deliveryLines(1, 3)}no JSON\n{"cut":`))
    expect(await leaves()).toEqual(['open', 'config', 'commit rejects 0', 'commit events 0'])
    const [leaf] = await commitsOf(bench.home, 'events')
    expect(leaf?.counts).toEqual({ records: 5, events: 3, duplicates: 0, rejects: 2 })
    expect(leaf?.sealed).toEqual({ rejects: 0, events: 0 })
    expect((await verified(bench.home)).findings).toEqual([])
  })

  it('adds no leaf where nothing is new', async () => {
    const path = await bench.file('a.json', deliveryLines(1, 3))
    await bench.take(path)
    const before = readFileSync(at('seal/log/checkpoint'), 'utf8')
    await bench.take(path)
    expect(readFileSync(at('seal/log/checkpoint'), 'utf8')).toBe(before)
  })

  it('seals late what was committed and, as after a crash, not sealed', async () => {
    await takeWith([await bench.file('a.json', deliveryLines(1, 3))], { seal: false })
    await takeWith([await bench.file('b.json', deliveryLines(11, 13))], { seal: false })
    await bench.take(await bench.file('c.json', deliveryLines(21, 23)))
    expect((await commitsOf(bench.home)).map(({ version, late }) => [version, late])).toEqual([
      [0, true],
      [1, true],
      [2, undefined],
    ])
    const report = await verified(bench.home)
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringMatching(/^2 versions were sealed later/))
  })

  it('goes on where the record of a batch was lost before it was sealed; the log says so, and verification finds it', async () => {
    await takeWith([await bench.file('a.json', deliveryLines(1, 3))], { seal: false })
    await rm(at('manifests/000000001.json'))
    await bench.take(await bench.file('b.json', deliveryLines(11, 13)))
    const [first, second] = await commitsOf(bench.home)
    expect(first).toMatchObject({ late: true, lost: ['manifests/000000001.json'] })
    expect(first).not.toHaveProperty('batch')
    expect(second).toMatchObject({ batchFile: { path: 'manifests/000000002.json' } })
    const { findings } = await verified(bench.home)
    expect(findings.map(({ kind, leaf }) => [kind, leaf])).toEqual(
      expect.arrayContaining([
        ['missing', 2],
        ['gap', 2],
      ]),
    )
  })

  it('goes on after a crash between the manifest and the append', async () => {
    await bench.take(await bench.file('a.json', deliveryLines(1, 3)))
    const before = join(bench.folder, 'seal-before')
    await cp(bench.home.seal, before, { recursive: true })
    await bench.take(await bench.file('b.json', deliveryLines(11, 13)))
    const [, sealed] = await commitsOf(bench.home)
    await cp(at('seal/manifests'), join(before, 'manifests'), { recursive: true })
    await rm(bench.home.seal, { recursive: true })
    await cp(before, bench.home.seal, { recursive: true })
    await bench.take(await bench.file('b.json', deliveryLines(11, 13)))
    const [, again, ...more] = await commitsOf(bench.home)
    expect(again).toEqual({ ...sealed, late: true })
    expect(more).toEqual([])
    expect((await verified(bench.home)).findings).toEqual([])
  })

  it('keeps no bytes with digest-only, and says in a leaf that it is so', async () => {
    await bench.take(await bench.file('a.json', deliveryLines(1, 3)))
    await writeFile(settingsPath(bench.home), JSON.stringify({ raw: 'digest-only' }))
    const text = deliveryLines(11, 13)
    await bench.take(await bench.file('b.json', text))
    expect(await leaves()).toEqual(['open', 'config', 'commit events 0', 'config', 'commit events 1'])
    const all = await leavesOf(bench.home)
    expect(all[3]).toMatchObject({ settings: { raw: 'digest-only' } })
    const { objects = [] } = await listsOf(bench.home, all[4] as (typeof all)[number])
    expect(objects.map(({ raw }) => raw)).toEqual([{ sha256: sha(text), bytes: text.length }])
    expect((await readdir(at('raw'), { recursive: true })).filter((name) => name.includes(sha(text)))).toEqual([])
    expect((await verified(bench.home)).findings).toEqual([])
  })

  it('has nothing of an object that changed before it could be kept, until the next ingestion', async () => {
    await bench.file('logs/steady.json', deliveryLines(1, 3))
    const path = await bench.file('logs/written.json', deliveryLines(11, 13))
    await bench.file('logs/zz/labels.json', '{"scenarios":[]}\n')
    // Told of the file that is passed by, when all others were looked at and none was read.
    const onProgress = () => writeFileSync(path, deliveryLines(21, 24))
    const report = await takeWith([join(bench.folder, 'logs')], { onProgress })
    expect(report).toMatchObject({ events: 3, unreadable: [{ object: path }] })
    const keysOf = async () =>
      Promise.all(
        (await commitsOf(bench.home)).map(async (leaf) =>
          (await listsOf(bench.home, leaf)).objects?.map(({ key }) => key),
        ),
      )
    expect(await keysOf()).toEqual([[join(bench.folder, 'logs/steady.json')]])
    expect(await bench.take(join(bench.folder, 'logs'))).toMatchObject({ events: 4, unreadable: [] })
    expect(await keysOf()).toEqual([[join(bench.folder, 'logs/steady.json')], [path]])
    expect((await verified(bench.home)).findings).toEqual([])
  })
})

describe('a lake that is not what was sealed', () => {
  const later = () => bench.file('c.json', deliveryLines(21, 23))

  beforeEach(async () => {
    await bench.take(await bench.file('a.json', deliveryLines(1, 3)))
    await cp(bench.home.lake, join(bench.folder, 'lake-before'), { recursive: true })
    await bench.take(await bench.file('b.json', deliveryLines(11, 13)))
  })

  it('takes nothing in where its last commit was changed', async () => {
    const path = lakeFile(COMMIT_1)
    await writeFile(path, readFileSync(path, 'utf8').replace('"WRITE"', '"write"'))
    const refused = await bench.refused(await later())
    expect(refused).toMatchObject({ code: 'SEAL_FORKED', exit: 3 })
    expect(refused.message).toMatch(/Version 1 of the table events is not the one that was sealed/)
    expect(await leaves()).toEqual(['open', 'config', 'commit events 0', 'commit events 1'])
  })

  it('takes nothing in where it was put back, until an operator has said why', async () => {
    await rm(bench.home.lake, { recursive: true })
    await cp(join(bench.folder, 'lake-before'), bench.home.lake, { recursive: true })
    await expect(bench.take(await later())).rejects.toMatchObject({
      code: 'SEAL_FORKED',
      message: expect.stringMatching(/ends at version 0, but version 1 was sealed: 1 commits are gone/),
      hint: expect.stringMatching(/bricktrail seal restore --reason/),
    })
    await bench.sayRestored('the disk was lost')
    await bench.take(await later())
    expect((await leaves()).slice(3)).toEqual(['commit events 1', 'restore events 0', 'commit events 1'])
    const report = await verified(bench.home)
    expect(report.findings).toEqual([])
    expect(report.statements).toContainEqual(expect.stringContaining('the disk was lost'))
  })

  it('loses no record of a batch by the refusal, and gives its number to no other batch', async () => {
    const evidence = () => [readFileSync(at('manifests/000000002.json')), bench.takings()]
    const before = evidence()
    const newer = join(bench.folder, 'lake-newer')
    await cp(bench.home.lake, newer, { recursive: true })
    const putBack = async (from: string) => {
      await rm(bench.home.lake, { recursive: true })
      await cp(from, bench.home.lake, { recursive: true })
    }
    await putBack(join(bench.folder, 'lake-before'))
    await expect(bench.take(await later())).rejects.toMatchObject({ code: 'SEAL_FORKED' })
    expect(evidence()).toEqual(before)
    await putBack(newer)
    expect((await verified(bench.home)).findings).toEqual([])
    await putBack(join(bench.folder, 'lake-before'))
    await bench.sayRestored('the disk was lost')
    await bench.take(await later())
    expect(readFileSync(at('manifests/undone/000000002.json'))).toEqual(before[0])
    expect((await commitsOf(bench.home)).map(({ batchFile }) => batchFile?.path.slice(-6))).toEqual([
      '1.json',
      '2.json',
      '3.json',
    ])
  })

  it('numbers on from the log where manifests and ledger were put back too', async () => {
    await bench.take(await bench.file('d.json', deliveryLines(31, 33)))
    await rm(bench.home.lake, { recursive: true })
    await cp(join(bench.folder, 'lake-before'), bench.home.lake, { recursive: true })
    for (const seq of [2, 3]) await rm(at(`manifests/00000000${seq}.json`))
    await rm(bench.home.ledger)
    await bench.sayRestored('the disk was lost')
    await bench.take(await later())
    expect((await readdir(at('manifests'))).sort()).toEqual(['000000001.json', '000000004.json'])
  })
})
