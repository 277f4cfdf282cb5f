import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DigestResult } from './digest.ts'
import { Hasher } from './hasher.ts'
import { hexOf } from './sealed-home.fixture.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-hasher-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function digested(jobs: readonly Parameters<Hasher['add']>[0][], threads = 2): Promise<DigestResult[]> {
  const hasher = new Hasher(threads)
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

describe('a hasher', () => {
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
