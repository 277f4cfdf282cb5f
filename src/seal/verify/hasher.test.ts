import { randomBytes } from 'node:crypto'
import { link, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DigestResult } from './digest-job.ts'
import { Hasher, type OwnShare } from './hasher.ts'
import { hexOf } from './sealed-home.fixture.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-hasher-'))
})
afterEach(() => rm(folder, { recursive: true }))

type Job = Parameters<Hasher['add']>[0]

/** Leaves all of the work to threads. */
const NO_SHARE = { bytes: 0, files: 0 }

async function digested(jobs: readonly Job[], own?: OwnShare): Promise<DigestResult[]> {
  const hasher = new Hasher(2, own)
  const results: DigestResult[] = []
  try {
    for (const [at, job] of jobs.entries()) {
      await hasher.add(job, (result) => {
        results[at] = result
      })
    }
    await hasher.settled()
    return results
  } finally {
    await hasher.close()
  }
}

/** Received objects as they are kept, each with its digest: some are read as streams, which threads do not do at once. */
async function received(count: number): Promise<{ job: Job; text: Buffer }[]> {
  const made: { job: Job; text: Buffer }[] = []
  for (let n = 0; n < count; n++) {
    const text = n % 3 === 0 ? randomBytes(1_500_000) : Buffer.from(`object ${n} `.repeat(n))
    const stored = zstdCompressSync(text)
    const sha256 = hexOf(text)
    await writeFile(join(folder, sha256), stored)
    const raw = { home: folder, key: `raw/${sha256.slice(0, 2)}/${sha256}.zst`, bytes: text.length }
    await mkdir(join(folder, 'raw', sha256.slice(0, 2)), { recursive: true })
    await link(join(folder, sha256), join(folder, raw.key))
    made.push({ job: { path: join(folder, sha256), bytes: stored.length, raw }, text })
  }
  return made
}

describe('a hasher', () => {
  it.each([
    { who: 'threads alone', own: NO_SHARE },
    { who: 'the caller and a thread', own: undefined },
  ])('answers each object with its own digests, by $who', async ({ own }) => {
    const objects = await received(60)
    const hasher = new Hasher(2, own)
    hasher.startAhead()
    const found: (string | undefined)[] = []
    try {
      for (const [at, { job }] of objects.entries())
        await hasher.add(job, (result) => {
          found[at] = result.kind === 'digest' ? result.content?.sha256 : result.kind
        })
      await hasher.settled()
    } finally {
      await hasher.close()
    }
    expect(found).toEqual(objects.map(({ text }) => hexOf(text)))
  })

  it.each([NO_SHARE, { bytes: 20_000, files: 5 }, undefined])(
    'tells of each in its order, whoever was quicker: %o',
    async (own) => {
      const objects = await received(12)
      const path = join(folder, 'one')
      await writeFile(path, 'text')
      const jobs = objects.flatMap(({ job }) => [job, ...Array.from({ length: 100 }, () => ({ path, bytes: 4 }))])
      const told: number[] = []
      const hasher = new Hasher(2, own)
      try {
        for (const [at, job] of jobs.entries()) await hasher.add(job, () => void told.push(at))
        await hasher.settled()
      } finally {
        await hasher.close()
      }
      expect(told).toEqual(jobs.map((_, at) => at))
    },
  )

  it('takes more jobs than may wait, and answers all', async () => {
    const path = join(folder, 'one')
    await writeFile(path, 'text')
    const results = await digested(
      Array.from({ length: 3000 }, () => ({ path, bytes: 4 })),
      NO_SHARE,
    )
    const [digest] = new Set(results.map((result) => result.kind === 'digest' && result.file.sha256))
    expect([results.length, digest]).toEqual([3000, hexOf('text')])
  })

  it.each([NO_SHARE, undefined])(
    'fails where the caller cannot take an answer, and does not wait for ever',
    async (own) => {
      const path = join(folder, 'one')
      await writeFile(path, 'text')
      const hasher = new Hasher(2, own)
      const take = async () => {
        for (let n = 0; n < 700; n++)
          await hasher.add({ path, bytes: 4 }, () => {
            throw new Error('not that one')
          })
        await hasher.settled()
      }
      await expect(take()).rejects.toThrow('not that one')
      await hasher.close()
    },
  )

  it('digests many files, few or large, and answers each with its own', async () => {
    const files = Array.from({ length: 1500 }, (_, at) => ({
      path: join(folder, `${at}`),
      text: `file ${at} `.repeat(at % 7),
    }))
    for (const { path, text } of files) await writeFile(path, text)
    const large = join(folder, 'large')
    await writeFile(large, Buffer.alloc(3_000_000, 'x'))
    const jobs = [...files.map(({ path, text }) => ({ path, bytes: text.length })), { path: large, bytes: 3_000_000 }]
    const results = await digested(jobs)
    const expected = [...files.map(({ text }) => hexOf(text)), hexOf(Buffer.alloc(3_000_000, 'x'))]
    expect(results.map((result) => result.kind === 'digest' && result.file.sha256)).toEqual(expected)
  })

  it('tells files that are missing, of another length or none, without reading them', async () => {
    const sparse = join(folder, 'sparse')
    await writeFile(sparse, '')
    await truncate(sparse, 2 ** 40)
    const results = await digested([
      { path: join(folder, 'none'), bytes: 1 },
      { path: sparse, bytes: 10 },
      { path: folder, bytes: 10 },
      { path: '/dev/zero', bytes: 0 },
    ])
    expect(results.map(({ kind }) => kind)).toEqual(['absent', 'resized', 'unreadable', 'unreadable'])
  })

  it('unpacks what was received, and never more than there should be', async () => {
    const received = Buffer.from('{"a":1}\n'.repeat(1000))
    const bomb = Buffer.alloc(50_000_000)
    const put = async (bytes: Buffer, content: Buffer, ending = '.zst') => {
      const sha256 = hexOf(content)
      const key = `raw/${sha256.slice(0, 2)}/${sha256}${ending}`
      const path = join(folder, sha256)
      await writeFile(path, bytes)
      return { path, bytes: bytes.length, raw: { home: folder, key, bytes: content.length } }
    }
    const good = await put(zstdCompressSync(received), received)
    const whole = { ...good, raw: { ...good.raw, bytes: received.length - 10 } }
    const broken = await put(Buffer.from('no zstd'), Buffer.from('something'))
    const large = await put(zstdCompressSync(bomb), bomb)
    const cut = { ...large, raw: { ...large.raw, bytes: 1000 } }
    const results = await digested([good, whole, broken, cut])
    expect(results[0]).toMatchObject({ content: { sha256: hexOf(received), bytes: received.length } })
    for (const result of results.slice(1)) {
      expect(result).toMatchObject({ kind: 'digest', unpackFault: expect.any(String) })
    }
  })
})
