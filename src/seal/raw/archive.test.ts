import { randomBytes } from 'node:crypto'
import { appendFile, chmod, mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../core/errors.ts'
import { unwrap } from '../../core/result.ts'
import type { RawRecord } from '../entry.ts'
import { digest, gathered, linesOf, makeHome, PACKED, parquetLike, type TestHome, textOf } from './archive.fixture.ts'
import { RawArchive, type RawOptions, rawOf } from './archive.ts'
import { RawKey } from './key.ts'
import type { RawSource } from './source.ts'

const KEY = RawKey.of(randomBytes(32))
const OTHER_KEY = RawKey.of(randomBytes(32))
const PLAIN: RawOptions = { raw: 'keep', rawKey: null }
const ENCRYPTED: RawOptions = { raw: 'keep', rawKey: 'env:BRICKTRAIL_TEST_RAW_KEY' }

let home: TestHome

beforeEach(async () => {
  home = await makeHome()
  useKey(KEY)
})
afterEach(async () => {
  delete process.env.BRICKTRAIL_TEST_RAW_KEY
  await home.remove()
})

const useKey = (key: RawKey): void => {
  process.env.BRICKTRAIL_TEST_RAW_KEY = Buffer.from(key.reveal()).toString('hex')
}

const open = (options = PLAIN) => RawArchive.open(home, options)

/** Of a record that has a stored file, the file. */
const storedOf = ({ stored }: RawRecord) => stored ?? expect.fail('nothing is stored')

const MEBIBYTE = 1024 * 1024
const SIZES = [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, MEBIBYTE, 5 * MEBIBYTE + 1]

describe.each([
  { name: 'in the clear', options: PLAIN, cipher: [] },
  { name: 'with a key', options: ENCRYPTED, cipher: ['aes-256-gcm'] },
])('An archive $name', ({ options, cipher }) => {
  it('gives back what it was given, whatever the size, and tells the truth of each file', async () => {
    const archive = await open(options)
    const contents = SIZES.flatMap((size) => [textOf(size), linesOf(size), parquetLike(size)])
    const sources = await Promise.all(contents.map((bytes) => home.object(bytes)))
    const records = (await archive.keepAll(sources)).map(unwrap)
    for (const [at, record] of records.entries()) {
      const content = contents[at] as Buffer
      expect(record).toMatchObject({ sha256: digest(content), bytes: content.length })
      const stored = storedOf(record)
      const file = await home.read(stored.path)
      expect([stored.bytes, stored.sha256]).toEqual([file.length, digest(file)])
      const isPacked = content.toString('latin1', 0, 4) === 'PAR1'
      expect(stored.encoding).toEqual([...(isPacked ? [] : ['zstd']), ...cipher])
      expect(digest(await gathered(archive.read(record)))).toBe(record.sha256)
      expect(digest(await gathered(rawOf(home, record.sha256, KEY)))).toBe(record.sha256)
    }
    const named = records.map((record) => storedOf(record).path)
    expect(await home.files()).toEqual([...new Set(named)].sort())
  })

  it.each(Object.keys(PACKED))('stores %s as it is', async (kind) => {
    const archive = await open(options)
    for (const length of [1000, MEBIBYTE]) {
      const source = await home.object(PACKED[kind]?.(length) ?? Buffer.alloc(0))
      const record = await archive.keep(source)
      expect(storedOf(record).encoding).toEqual(cipher)
      if (cipher.length === 0) expect(storedOf(record)).toMatchObject({ sha256: source.sha256, bytes: source.lastByte })
      expect(digest(await gathered(archive.read(record)))).toBe(source.sha256)
    }
  })

  it('gives back any bytes, whole or a range of them', async () => {
    const archive = await open(options)
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 300_000, size: 'max' }),
      fc.nat(),
      fc.nat(),
      async (bytes, from, length) => {
        const firstByte = from % (bytes.length + 1)
        const lastByte = firstByte + (length % (bytes.length - firstByte + 1))
        const { path } = await home.object(bytes)
        const record = await archive.keep({ path, firstByte, lastByte })
        const range = Buffer.from(bytes.subarray(firstByte, lastByte))
        expect([record.sha256, record.bytes]).toEqual([digest(range), range.length])
        expect((await gathered(archive.read(record))).equals(range)).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  it('writes nothing again that stands, and mends what is damaged', async () => {
    const sources = await Promise.all([1000, 2 * MEBIBYTE].map((size) => home.object(linesOf(size))))
    const before = (await (await open(options)).keepAll(sources)).map(unwrap)
    const paths = before.map((record) => join(home.root, storedOf(record).path))
    const inodes = await Promise.all(paths.map(async (path) => (await stat(path)).ino))
    for (const given of [sources, sources.map(({ sha256: _, ...source }) => source)])
      expect((await (await open(options)).keepAll(given)).map(unwrap)).toEqual(before)
    expect(await Promise.all(paths.map(async (path) => (await stat(path)).ino))).toEqual(inodes)
    for (const damage of DAMAGES) {
      for (const path of paths) await damage(path)
      const archive = await open(options)
      const mended = (await archive.keepAll(sources)).map(unwrap)
      for (const record of mended) {
        const file = await home.read(storedOf(record).path)
        expect([storedOf(record).bytes, storedOf(record).sha256]).toEqual([file.length, digest(file)])
        expect(digest(await gathered(archive.read(record)))).toBe(record.sha256)
      }
      // Without a key the same bytes come out, so that what earlier leaves say holds again.
      if (cipher.length === 0) expect(mended).toEqual(before)
    }
    expect(await home.files()).toEqual(before.map((record) => storedOf(record).path).sort())
  })

  it('keeps the same content once, however often it comes in one call or in several at once', async () => {
    const archive = await open(options)
    const [small, large] = [linesOf(5000), linesOf(MEBIBYTE)]
    const sources = await Promise.all([small, large, small, large, small].map((bytes) => home.object(bytes)))
    const calls = [sources, sources.map(({ sha256: _, ...source }) => source), sources]
    const results = await Promise.all(calls.map((call) => archive.keepAll(call)))
    const records = results.flat().map(unwrap)
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(2)
    expect(await home.files()).toHaveLength(2)
    for (const record of records) {
      const { path, sha256 } = storedOf(record)
      expect(digest(await home.read(path))).toBe(sha256)
    }
  })

  it('is its owner’s only', async () => {
    await mkdir(join(home.root, 'raw'), { recursive: true, mode: 0o755 })
    await chmod(join(home.root, 'raw'), 0o755)
    const archive = await open(options)
    const source = await home.object(linesOf(1000))
    const [small, large] = [await archive.keep(source), await archive.keep(await home.object(linesOf(MEBIBYTE)))]
    for (const record of [small, large]) {
      const path = join(home.root, storedOf(record).path)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
    }
    expect((await stat(join(home.root, 'raw'))).mode & 0o777).toBe(0o700)
    await chmod(join(home.root, storedOf(small).path), 0o644)
    await archive.keep(source)
    expect((await stat(join(home.root, storedOf(small).path))).mode & 0o777).toBe(0o600)
  })

  it('tells of each source that is not as it was looked at, and keeps the others', async () => {
    const archive = await open(options)
    const sizes = [1000, MEBIBYTE]
    const sources: RawSource[] = []
    for (const size of sizes) {
      const good = await home.object(linesOf(size))
      const changed = { ...(await home.object(linesOf(size))), sha256: digest(Buffer.from('other')) }
      const shorter = await home.object(linesOf(size))
      await truncate(shorter.path, shorter.lastByte - 1)
      const gone = await home.object(linesOf(size))
      await rm(gone.path)
      const grown = await home.object(linesOf(size))
      await appendFile(grown.path, 'more')
      const { sha256: _, ...unknown } = shorter
      sources.push(good, changed, shorter, gone, grown, unknown)
    }
    const told = (await archive.keepAll(sources)).map((result) => (result.ok ? 'kept' : result.error.code))
    const each = ['kept', 'UNREADABLE', 'UNREADABLE', 'UNREADABLE', 'kept', 'UNREADABLE']
    expect(told).toEqual([...each, ...each])
    expect(await home.files()).toHaveLength(4)
  })

  it('removes a file, and then says that it is missing', async () => {
    const archive = await open(options)
    const record = await archive.keep(await home.object(linesOf(1000)))
    await archive.remove(record)
    expect(await home.files()).toEqual([])
    await archive.remove(record)
    await expect(gathered(archive.read(record))).rejects.toMatchObject({ code: 'BAD_SEAL', fault: 'missing' })
    await expect(gathered(rawOf(home, record.sha256, KEY))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('tells what is wrong with a file', async () => {
    const archive = await open(options)
    for (const size of [5000, 2 * MEBIBYTE]) {
      const record = await archive.keep(await home.object(linesOf(size)))
      const { path, bytes } = storedOf(record)
      const good = await home.read(path)
      const fault = async (damaged: Uint8Array): Promise<string> => {
        await home.write(path, damaged)
        const read = gathered(archive.read(record))
        return read.then(
          () => 'none',
          (cause) => cause.fault,
        )
      }
      expect(await fault(good)).toBe('none')
      expect(await fault(good.subarray(0, bytes - 1))).toBe('cut')
      expect(await fault(Buffer.alloc(0))).toBe('cut')
      expect(await fault(Buffer.concat([good, Buffer.from('x')]))).toBe('changed')
      for (const at of [0, 4, 9, Math.floor(bytes / 2), bytes - 1])
        expect(await fault(flipped(good, at))).toBe('changed')
    }
  })
})

const flipped = (bytes: Buffer, at: number): Buffer => {
  const other = Buffer.from(bytes)
  other[at] = (other[at] ?? 0) ^ 1
  return other
}

const DAMAGES: ((path: string) => Promise<void>)[] = [
  (path) => truncate(path, 700),
  (path) => truncate(path, 0),
  (path) => appendFile(path, 'x'),
  (path) => appendFile(path, Buffer.alloc(3 * MEBIBYTE)),
  (path) => writeFile(path, linesOf(1000)),
]

describe('A grown object', () => {
  it('is kept range by range, and the ranges give it back', async () => {
    const archive = await open()
    const text = linesOf(3000)
    const { path } = await home.object(text)
    const lastBreak = text.lastIndexOf(10, 2000) + 1
    const first = await archive.keep({ path, firstByte: 0, lastByte: 2000 })
    const second = await archive.keep({ path, firstByte: lastBreak, lastByte: text.length })
    const parts = [await gathered(archive.read(first)), await gathered(archive.read(second))]
    expect(Buffer.concat([parts[0]?.subarray(0, lastBreak) ?? '', parts[1] ?? ''] as Buffer[])).toEqual(text)
  })
})

describe('An archive that keeps digests only', () => {
  it('writes nothing and needs no key', async () => {
    const archive = await open({ raw: 'digest-only', rawKey: 'env:BRICKTRAIL_TEST_NO_SUCH' })
    const source = await home.object(linesOf(MEBIBYTE))
    const { sha256: _, ...unknown } = source
    const expected = { sha256: source.sha256, bytes: source.lastByte }
    expect((await archive.keepAll([source, unknown])).map(unwrap)).toEqual([expected, expected])
    await expect(home.files()).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(gathered(archive.read(expected))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})

describe('The key', () => {
  it('is needed, the right one, and told by its id', async () => {
    const archive = await open(ENCRYPTED)
    const record = await archive.keep(await home.object(linesOf(1000)))
    expect(storedOf(record).path).toMatch(new RegExp(`^raw/../[0-9a-f]{64}\\.zst\\.${KEY.id}\\.enc$`))
    const plain = await open()
    for (const read of [plain.read(record), plain.read(record, OTHER_KEY), rawOf(home, record.sha256, OTHER_KEY)]) {
      const failure = await gathered(read).catch((cause) => cause)
      expect(failure).toMatchObject({ code: 'BAD_KEY' })
      expect(failure.message).toContain(KEY.id)
    }
    expect(digest(await gathered(plain.read(record, KEY)))).toBe(record.sha256)
  })

  it('can change: what was kept before stays as it is, and both can be read', async () => {
    const source = await home.object(linesOf(1000))
    const before = await (await open(ENCRYPTED)).keep(source)
    const file = await home.read(storedOf(before).path)
    useKey(OTHER_KEY)
    const after = await (await open(ENCRYPTED)).keep(source)
    const plain = await (await open()).keep(source)
    expect(await home.files()).toEqual([before, after, plain].map((record) => storedOf(record).path).sort())
    expect(await home.read(storedOf(before).path)).toEqual(file)
    for (const key of [KEY, OTHER_KEY, undefined])
      expect(digest(await gathered(rawOf(home, source.sha256, key)))).toBe(source.sha256)
  })

  it('leaves nothing of the content to be seen, nor the same bytes twice', async () => {
    const archive = await open(ENCRYPTED)
    const content = Buffer.from(`password=planted-secret\n${'a'.repeat(100)}`)
    const record = await archive.keep(await home.object(content))
    const first = await home.read(storedOf(record).path)
    expect(first.includes('planted-secret')).toBe(false)
    await archive.remove(record)
    const again = await archive.keep(await home.object(content))
    expect(await home.read(storedOf(again).path)).not.toEqual(first)
  })

  it('is in no print of an archive and no failure', async () => {
    const archive = await open(ENCRYPTED)
    const record = await archive.keep(await home.object(linesOf(1000)))
    await home.write(storedOf(record).path, linesOf(10))
    const failure = await gathered(archive.read(record)).catch((cause) => cause)
    expect(isAppError(failure)).toBe(true)
    const hex = Buffer.from(KEY.reveal()).toString('hex')
    const shown = [failure, archive, KEY].map((value) => inspect(value, { depth: 10, showHidden: true }))
    for (const text of [...shown, JSON.stringify({ archive, KEY }), failure.stack]) {
      expect(text).not.toContain(hex)
      expect(text).not.toContain(inspect(Buffer.from(KEY.reveal())).slice(8, 40))
    }
  })
})

describe('Reading', () => {
  it('takes no path that a record does not have to itself', async () => {
    const archive = await open()
    const record = await archive.keep(await home.object(linesOf(1000)))
    const other = await archive.keep(await home.object(linesOf(1000)))
    for (const path of ['../../etc/passwd', `raw/../${record.sha256}`, storedOf(other).path]) {
      const lying = { ...record, stored: { ...storedOf(record), path } }
      await expect(gathered(archive.read(lying))).rejects.toMatchObject({ fault: 'changed' })
      if (path !== storedOf(other).path) await expect(archive.remove(lying)).rejects.toMatchObject({ fault: 'changed' })
    }
    await expect(gathered(rawOf(home, '../../../etc/passwd'))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(await home.files()).toHaveLength(2)
  })

  it('gives out no more than was received, however much a file unpacks to', async () => {
    const archive = await open()
    const record = await archive.keep(await home.object(textOf(1000)))
    const bomb = await archive.keep(await home.object(Buffer.alloc(64 * MEBIBYTE)))
    const bytes = await home.read(storedOf(bomb).path)
    await home.write(storedOf(record).path, bytes)
    const lying = { ...record, stored: { ...storedOf(record), bytes: bytes.length } }
    let given = 0
    const read = async () => {
      for await (const piece of archive.read(lying)) given += piece.length
    }
    await expect(read()).rejects.toMatchObject({ fault: 'changed' })
    expect(given).toBeLessThanOrEqual(1000)
  })
})
