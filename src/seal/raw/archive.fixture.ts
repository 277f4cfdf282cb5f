/** A home in a folder of its own with objects to keep, for tests of the raw archive. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { RawSource } from './source.ts'

/** Hex digest of bytes. */
export const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** All pieces in one. */
export async function gathered(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/** A new home, and how to remove it. */
export async function makeHome() {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-raw-'))
  const root = join(folder, 'home')
  let count = 0
  return {
    root,
    /** Writes an object beside the home, to be kept whole. */
    async object(bytes: Uint8Array): Promise<RawSource & { sha256: string }> {
      const path = join(folder, `object-${count++}`)
      await writeFile(path, bytes)
      return { path, firstByte: 0, lastByte: bytes.length, sha256: digest(bytes) }
    },
    path: (name: string) => join(folder, name),
    /** Files below the home, as paths in it. */
    async files(): Promise<string[]> {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .sort()
    },
    read: (path: string) => readFile(join(root, path)),
    write: (path: string, bytes: Uint8Array) => writeFile(join(root, path), bytes),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What {@link makeHome} gives. */
export type TestHome = Awaited<ReturnType<typeof makeHome>>

/** Text that compresses, of exactly this length. */
export const textOf = (length: number): Buffer =>
  Buffer.alloc(length, Array.from({ length: 500 }, (_, i) => `{"n":${i * 7919},"user":"u${i}"}\n`).join(''))

/** Lines no two of which are alike, about this long in all. */
export const linesOf = (length: number): Buffer =>
  Buffer.from(
    Array.from({ length: Math.ceil(length / 70) }, () => `${randomBytes(32).toString('hex')}{"n":1}\n`).join(''),
  )

/** Bytes that begin as a Parquet file does. */
export const parquetLike = (length: number): Buffer =>
  Buffer.concat([Buffer.from('PAR1'), randomBytes(Math.max(0, length - 8)), Buffer.from('PAR1')])

/** Objects that are compressed already. */
export const PACKED: Readonly<Record<string, (length: number) => Buffer>> = {
  gzip: (length) => gzipSync(linesOf(length)),
  zstd: (length) => zstdCompressSync(linesOf(length)),
  parquet: parquetLike,
}
