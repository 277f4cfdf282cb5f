/** Standard input: spooled to a file first, since an object is read more than once and must have a size. */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Source, SourceObject } from '../contract.ts'

/** `-`: records on standard input. */
export const stdin: Source = {
  name: 'stdin',
  doc: 'Records on standard input.',
  takes: (spec) => spec === '-',
  list: async (_spec, context) => [await spooled(context.stdin, context.tmp, 'stdin')],
}

/** Spools a stream. The object's key is the digest of what came, so that sending the same again changes nothing. */
export async function spooled(stream: NodeJS.ReadableStream, tmp: string, name: string): Promise<SourceObject> {
  await mkdir(tmp, { recursive: true })
  const path = join(tmp, `${name}-${randomUUID()}`)
  const digest = createHash('sha256')
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      digest.update(chunk)
      done(null, chunk)
    },
  })
  await pipeline(stream, hashing, createWriteStream(path))
  const { size, mtimeMs } = await stat(path)
  const key = `${name}:${digest.digest('hex').slice(0, 16)}`
  return { key, path, sizeBytes: size, modifiedMs: Math.trunc(mtimeMs) }
}
