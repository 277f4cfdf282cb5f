import { randomBytes } from 'node:crypto'
import { appendFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unwrap } from '../../core/result.ts'
import type { RawRecord } from '../entry.ts'
import { digest, gathered, linesOf, makeHome, PACKED, type TestHome, textOf } from './archive.fixture.ts'
import { RawArchive, type RawOptions, rawOf } from './archive.ts'
import { RawKey } from './key.ts'
import { Frames, PACK_HEADER_BYTES, packOf } from './pack.ts'
import { PackFile } from './pack-file.ts'
import type { RawSource } from './source.ts'
import { parsePackPath, zstdAside, zstdWhole } from './stored.ts'

const KEY = RawKey.of(randomBytes(32))
const OTHER_KEY = RawKey.of(randomBytes(32))
const PLAIN: RawOptions = { raw: 'keep', rawKey: null }
const ENCRYPTED: RawOptions = { raw: 'keep', rawKey: 'env:BRICKTRAIL_TEST_PACK_KEY' }

let home: TestHome
beforeEach(async () => {
  home = await makeHome()
  process.env.BRICKTRAIL_TEST_PACK_KEY = Buffer.from(KEY.reveal()).toString('hex')
})
afterEach(async () => {
  delete process.env.BRICKTRAIL_TEST_PACK_KEY
  await home.remove()
})

const open = (options = PLAIN) => RawArchive.open(home, options)
const objectsOf = (contents: readonly Buffer[]) => Promise.all(contents.map((bytes) => home.object(bytes)))
const pathOf = ({ stored }: RawRecord): string => stored?.path ?? expect.fail('nothing is stored')

/** Small objects of all kinds, some of which compress and some of which are compressed already. */
const manyOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, at) =>
    at % 7 === 3 ? (PACKED.gzip?.(3000) ?? Buffer.alloc(0)) : linesOf(1000 + at * 500),
  )

describe.each([
  { name: 'in the clear', options: PLAIN, encoding: ['pack'] },
  { name: 'with a key', options: ENCRYPTED, encoding: ['pack', 'aes-256-gcm'] },
])('Many small objects $name', ({ options, encoding }) => {
  it('stand in few files, and each is given back', async () => {
    const archive = await open(options)
    const contents = [...manyOf(200), linesOf(1024 * 1024), Buffer.alloc(0), linesOf(250_000)]
    const records = (await archive.keepAll(await objectsOf(contents))).map(unwrap)
    expect(await home.files()).toEqual([...new Set(records.map(pathOf))].sort())
    expect(await home.files()).toHaveLength(3)
    for (const [at, record] of records.entries()) {
      const content = contents[at] as Buffer
      expect(record).toMatchObject({ sha256: digest(content), bytes: content.length })
      const file = await home.read(pathOf(record))
      expect([record.stored?.bytes, record.stored?.sha256]).toEqual([file.length, digest(file)])
      if (at < 200) expect(record.stored?.encoding).toEqual(encoding)
      expect((await gathered(archive.read(record))).equals(content)).toBe(true)
      expect((await gathered(rawOf(home, record.sha256, KEY))).equals(content)).toBe(true)
    }
  })

  it('are given back whatever they are, whether they were at hand or are read', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 70_000, size: 'max' }), { minLength: 40, maxLength: 60 }),
      fc.nat(),
      async (contents, held) => {
        const archive = await open(options)
        const sources = await objectsOf(contents.map((bytes) => Buffer.from(bytes)))
        for (const [at, source] of sources.entries())
          if ((held >> (at % 16)) & 1) {
            const bytes = Buffer.from(contents[at] as Uint8Array)
            const held = archive.hold(source.sha256, bytes)
            // A copy was taken: the memory is for others.
            bytes.fill(0)
            await held
          }
        const records = (await archive.keepAll(sources)).map(unwrap)
        for (const [at, record] of records.entries())
          expect((await gathered(archive.read(record))).equals(contents[at] as Uint8Array)).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: 8 })
  })

  it('may be noted long before their turn, and need not be there any more then', async () => {
    const archive = await open(options)
    const contents = manyOf(100)
    const sources = await objectsOf(contents)
    for (const [at, source] of sources.entries()) await archive.hold(source.sha256, contents[at] as Buffer)
    for (const { path } of sources) await rm(path)
    const [first, second] = [await archive.keepAll(sources.slice(0, 50)), await archive.keepAll(sources.slice(50))]
    const records = [...first, ...second].map(unwrap)
    for (const record of records) expect(digest(await gathered(archive.read(record)))).toBe(record.sha256)
  })

  it('are their owner’s only', async () => {
    const archive = await open(options)
    const [first] = (await archive.keepAll(await objectsOf(manyOf(40)))).map(unwrap)
    const path = join(home.root, pathOf(first as RawRecord))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
  })

  it('stand as files of their own where they stood so, and the same content stands once', async () => {
    const archive = await open(options)
    const contents = manyOf(40)
    const alone = await archive.keep(await home.object(contents[0] as Buffer))
    const records = (await archive.keepAll(await objectsOf([...contents, ...contents]))).map(unwrap)
    expect(records[0]).toEqual(alone)
    expect(records.slice(0, 40)).toEqual(records.slice(40))
    expect(new Set(records.map(pathOf)).size).toBe(2)
  })

  it('fail one by one', async () => {
    const archive = await open(options)
    const sources: RawSource[] = await objectsOf(manyOf(80))
    const [changed, gone, unknown] = sources.splice(0, 3) as [RawSource, RawSource, RawSource]
    await writeFile(changed.path, linesOf(changed.lastByte))
    await rm(gone.path)
    const given = [changed, gone, { ...unknown, sha256: undefined }, ...sources]
    const told = (await archive.keepAll(given)).map((result) => (result.ok ? 'kept' : result.error.code))
    expect(told).toEqual(['UNREADABLE', 'UNREADABLE', ...Array(78).fill('kept')])
  })

  it('tell what is wrong with their pack', async () => {
    const archive = await open(options)
    const contents = [...manyOf(34), textOf(200_000), textOf(199_999)]
    const records = (await archive.keepAll(await objectsOf(contents))).map(unwrap)
    const path = pathOf(records[0] as RawRecord)
    const good = await home.read(path)
    const faults = async (damaged: Buffer) => {
      await home.write(path, damaged)
      const each = records.map((record) =>
        gathered(archive.read({ ...record, stored: { ...(record.stored as object), bytes: damaged.length } as never })),
      )
      return (await Promise.allSettled(each)).flatMap((one) => (one.status === 'rejected' ? [one.reason.fault] : []))
    }
    expect(await faults(good)).toEqual([])
    for (const length of [0, 10, 30, 100, 2000, good.length - 1]) {
      const found = await faults(good.subarray(0, length))
      expect(found.length).toBeGreaterThan(0)
      for (const fault of found) expect(['cut', 'changed']).toContain(fault)
    }
    expect((await faults(Buffer.concat([good, Buffer.from('x')]))).length).toBeGreaterThan(0)
    for (let at = 0; at < good.length; at += Math.ceil(good.length / 15)) {
      const other = Buffer.from(good)
      other[at] = (other[at] ?? 0) ^ 1
      for (const fault of await faults(other)) expect(fault).toBe('changed')
    }
    await rm(join(home.root, path))
    await expect(gathered(archive.read(records[1] as RawRecord))).rejects.toMatchObject({ fault: 'missing' })
  })

  it('are deleted with their pack', async () => {
    const archive = await open(options)
    const records = (await archive.keepAll(await objectsOf(manyOf(40)))).map(unwrap)
    await archive.remove(records[5] as RawRecord)
    expect(await home.files()).toEqual([])
    await expect(gathered(rawOf(home, (records[6] as RawRecord).sha256, KEY))).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    })
  })
})

describe('A pack', () => {
  it('is the same for the same objects, so that one that is damaged is mended', async () => {
    const sources = await objectsOf(manyOf(40))
    const before = (await (await open()).keepAll(sources)).map(unwrap)
    const path = join(home.root, pathOf(before[0] as RawRecord))
    for (const damage of [() => truncate(path, 50), () => appendFile(path, 'x'), () => rm(path)]) {
      await damage()
      expect((await (await open()).keepAll(sources)).map(unwrap)).toEqual(before)
      expect(digest(await home.read(pathOf(before[0] as RawRecord)))).toBe(before[0]?.stored?.sha256)
    }
  })

  it('is the same however many frames are packed at once, and who waits', async () => {
    const objects = manyOf(150).map((bytes) => ({ bytes, sha256: digest(bytes) }))
    const packs = new Set<string>()
    for (const [atOnce, patient] of [
      [0, true],
      [2, true],
      [2, false],
      [100, false],
    ] as const) {
      const frames = new Frames(atOnce)
      const adding = []
      for (const { bytes, sha256 } of objects) {
        adding.push(frames.add(sha256, bytes))
        if (patient) await adding.at(-1)
      }
      const taken = await frames.take(objects.map(({ sha256 }) => sha256))
      await Promise.all(adding)
      expect(taken.length).toBeGreaterThan(10)
      packs.add(packOf(taken).sha256)
      expect([frames.storedBytes, frames.has(objects[0]?.sha256 ?? '')]).toEqual([0, false])
    }
    expect(packs.size).toBe(1)
    for (const bytes of [linesOf(300_000), textOf(500_000), Buffer.alloc(0)])
      expect((await zstdAside(bytes)).equals(zstdWhole(bytes))).toBe(true)
  })

  it('that is damaged keeps nobody from what another holds', async () => {
    const contents = manyOf(40)
    const archive = await open()
    const records = (await archive.keepAll(await objectsOf(contents))).map(unwrap)
    await archive.keepAll(await objectsOf([...contents, linesOf(100)]))
    await home.write(pathOf(records[0] as RawRecord), Buffer.from('nothing'))
    for (const { sha256 } of records) expect(digest(await gathered(rawOf(home, sha256)))).toBe(sha256)
    await expect(gathered(rawOf(home, digest(Buffer.from('unknown'))))).rejects.toMatchObject({ code: 'BAD_SEAL' })
  })

  it('needs the key it is encrypted with', async () => {
    const [record] = (await (await open(ENCRYPTED)).keepAll(await objectsOf(manyOf(40)))).map(unwrap)
    const plain = await open()
    for (const read of [
      plain.read(record as RawRecord),
      plain.read(record as RawRecord, OTHER_KEY),
      rawOf(home, (record as RawRecord).sha256, OTHER_KEY),
    ])
      await expect(gathered(read)).rejects.toMatchObject({ code: 'BAD_KEY' })
    const bytes = await home.read(pathOf(record as RawRecord))
    expect(bytes.includes(Buffer.from((record as RawRecord).sha256, 'hex'))).toBe(false)
  })

  it('says which of its members it lacks', async () => {
    const records = (await (await open()).keepAll(await objectsOf(manyOf(40)))).map(unwrap)
    const path = pathOf(records[0] as RawRecord)
    expect(parsePackPath(path)?.sha256).toBe(records[0]?.stored?.sha256)
    const pack = PackFile.open(home.root, path)
    const [first, second] = records as [RawRecord, RawRecord]
    const unknown = { sha256: digest(Buffer.from('unknown')), bytes: 7 }
    const known = [...records, { ...first, bytes: first.bytes + 1 }, unknown, second]
    const read: Buffer[] = []
    expect(pack.lacking(known, (bytes) => read.push(Buffer.from(bytes))).sort()).toEqual(
      [first.sha256, unknown.sha256].sort(),
    )
    expect(Buffer.concat(read).equals(await home.read(path))).toBe(true)
    pack.close()
  })

  it('of which a frame is no frame is read to its end all the same, and lacks what was in it', async () => {
    const records = (await (await open()).keepAll(await objectsOf(manyOf(40)))).map(unwrap)
    const path = pathOf(records[0] as RawRecord)
    const sound = await home.read(path)
    // How a frame is packed, how long it is unpacked, and where it begins.
    for (const at of [PACK_HEADER_BYTES + 8, PACK_HEADER_BYTES + 7, sound.length - 1000]) {
      const changed = Buffer.from(sound)
      changed[at] = (changed[at] ?? 0) ^ 0x40
      await home.write(path, changed)
      const pack = PackFile.open(home.root, path)
      const read: Buffer[] = []
      expect(pack.lacking(records, (bytes) => read.push(Buffer.from(bytes))).length).toBeGreaterThan(0)
      expect(Buffer.concat(read).equals(changed)).toBe(true)
      pack.close()
    }
  })

  it('of more than memory should hold is written as several', async () => {
    const archive = await open()
    const contents = Array.from({ length: 150 }, () => randomBytes(250_000))
    const sources = await objectsOf(contents)
    const records = (await archive.keepAll(sources)).map(unwrap)
    expect(new Set(records.map(pathOf)).size).toBe(2)
    for (const record of records) expect(digest(await gathered(archive.read(record)))).toBe(record.sha256)
  })
})
