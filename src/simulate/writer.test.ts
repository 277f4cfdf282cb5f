import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogWriter } from './writer.ts'

let out: string
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'writer-'))
})
afterEach(() => rm(out, { recursive: true, force: true }))

describe('the writer', () => {
  it('keeps the pieces of a file in order, whatever their size', async () => {
    const writer = new LogWriter(out, true)
    const pieces = Array.from({ length: 30 }, (_, i) => Buffer.from(`${i} ${'x'.repeat((30 - i) * 20_000)}\n`))
    for (const piece of pieces) writer.add('a/b.json', piece)
    await writer.finish()
    const text = gunzipSync(await readFile(join(out, 'a/b.json.gz'))).toString()
    expect(text).toBe(pieces.join(''))
    expect(writer.files).toBe(1)
  })

  it('counts files and bytes on disk', async () => {
    const writer = new LogWriter(out, false)
    for (const name of ['a', 'b', 'c']) writer.add(`${name}.json`, Buffer.from('{}\n'))
    await writer.finish()
    expect([writer.files, writer.bytes]).toEqual([3, 9])
  })

  it('waits while too much is pending', async () => {
    const writer = new LogWriter(out, true)
    for (let i = 0; i < 16; i++) {
      writer.add(`${i}.json`, Buffer.alloc(5 * 1024 * 1024, 65))
      await writer.breathe()
    }
    await writer.finish()
    expect(writer.files).toBe(16)
  })

  it('says which file could not be written', async () => {
    await writeFile(join(out, 'blocked'), 'a file where a folder must be')
    const writer = new LogWriter(out, false)
    writer.add('blocked/a.json', Buffer.from('{}\n'))
    await expect(writer.finish()).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('blocked/a.json'),
    })
  })
})
