/** Standard input: spooled to a file first, since an object is read more than once and must have a size. */
import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Source } from '../contract.ts'

/** `-`: records on standard input. Its key is the digest of what came, so that sending the same again changes nothing. */
export const stdin: Source = {
  name: 'stdin',
  doc: 'Records on standard input.',
  takes: (spec) => spec === '-',
  async list(_spec, context) {
    await mkdir(context.tmp, { recursive: true })
    const path = join(context.tmp, `stdin-${randomUUID()}`)
    const digest = createHash('sha256')
    const hashing = new Transform({
      transform(chunk, _encoding, done) {
        digest.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(context.stdin, hashing, createWriteStream(path))
    const { size, mtimeMs } = await stat(path)
    const key = `stdin:${digest.digest('hex').slice(0, 16)}`
    return [{ key, path, sizeBytes: size, modifiedMs: Math.trunc(mtimeMs), named: true }]
  },
}
