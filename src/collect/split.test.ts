import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_RECORD_BYTES, split } from './split.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'split-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function splitText(
  text: string | Buffer,
  shape: 'documents' | 'lines' = 'documents',
  compression: 'none' | 'gzip' = 'none',
) {
  const path = join(folder, 'in')
  await writeFile(path, text)
  const report = await split({ path, compression }, shape, join(folder, 'out'))
  const lines = (await readFile(join(folder, 'out'), 'utf8')).split('\n').filter((line) => line !== '')
  return { report, lines }
}

const json = fc.json().filter((text) => /^\s*\{/.test(text))

describe('documents', () => {
  test('an array gives one line a record', async () => {
    expect((await splitText('[{"a":1},\n {"b":[{"c":"}]"}]}]')).lines).toEqual(['{"a":1}', '{"b":[{"c":"}]"}]}'])
  })
  test('a pretty-printed record becomes one line', async () => {
    expect((await splitText('{\n  "a": 1\n}\n')).lines.map((line) => JSON.parse(line))).toEqual([{ a: 1 }])
  })
  test('an envelope gives its records, several envelopes too', async () => {
    const { lines } = await splitText('{"records":[{"a":1},{"b":2}]}\n{ "records" : [ {"c":3} ], "more": {"x": 1} }\n')
    expect(lines).toEqual(['{"a":1}', '{"b":2}', '{"c":3}'])
  })
  test('a record whose first value is a list is no envelope', async () => {
    expect((await splitText('[{"items":[{"a":1}]}]')).lines).toEqual(['{"items":[{"a":1}]}'])
  })
  test('text between records is kept as a candidate', async () => {
    expect((await splitText('{"a":1} garbage\n{"b":2}')).lines).toEqual(['{"a":1}', 'garbage', '{"b":2}'])
  })
  test('a record that never ends is kept as a candidate', async () => {
    expect((await splitText('[{"a":1},{"b":')).lines).toEqual(['{"a":1}', '{"b":'])
  })
  test('a record with a missing quote takes no other with it', async () => {
    expect((await splitText('[{"a":"x},\n{"b":2},\n{"c":3}]')).lines).toEqual(['{"a":"x},', '{"b":2}', '{"c":3}'])
    const { lines } = await splitText('{"records":[{"a":1},{"b":"x},{"c":1}]}\n{"records":[{"d":4}]}\n')
    expect(lines).toEqual(['{"a":1}', '{"b":"x},{"c":1}]}', '{"d":4}'])
  })
  test('text at the end of an envelope is kept as a candidate', async () => {
    expect((await splitText('{"records":[{"a":1}, oops]}\n{"b":2}')).lines).toEqual(['{"a":1}', 'oops', '{"b":2}'])
  })
  test('a byte order mark is taken off', async () => {
    expect((await splitText('\uFEFF{"a":1}')).lines).toEqual(['{"a":1}'])
  })
  test('any list of objects comes back as it went in, however it is printed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(json, { maxLength: 8 }), fc.constantFrom(0, 1, 2), async (texts, indent) => {
        const records = texts.map((text) => JSON.parse(text))
        const { lines } = await splitText(JSON.stringify(records, null, indent))
        expect(lines.map((line) => JSON.parse(line))).toEqual(records)
      }),
      { numRuns: 100 },
    )
  })
})

describe('lines', () => {
  test('a line too long is reported, not spooled', async () => {
    const { report, lines } = await splitText(`{"a":1}\n{"b":"${'x'.repeat(MAX_RECORD_BYTES)}"}\n{"c":3}\n`, 'lines')
    expect(lines).toEqual(['{"a":1}', '{"c":3}'])
    expect(report.tooLong).toMatchObject([{ place: 2, sizeBytes: MAX_RECORD_BYTES + 8 }])
  })
  test('the spool has the lines of the object at their own numbers', async () => {
    await splitText(`{"a":1}\n\n{"b":"${'x'.repeat(MAX_RECORD_BYTES)}"}\r\n \n{"c":3}`, 'lines')
    const spool = await readFile(join(folder, 'out'), 'utf8')
    expect(spool.split('\n').slice(0, 5)).toEqual(['{"a":1}', '', '', '', '{"c":3}'])
  })
  test('damaged compression gives what came before the damage, and says so', async () => {
    const whole = gzipSync(Array.from({ length: 5000 }, (_, n) => `{"n":${n},"r":"${Math.sin(n)}"}\n`).join(''))
    const { report, lines } = await splitText(whole.subarray(0, whole.length >> 1), 'lines', 'gzip')
    expect(report.damage).toMatch(/unexpected end/i)
    expect(lines.length).toBeGreaterThan(1000)
    expect(lines[0]).toBe('{"n":0,"r":"0"}')
  })
})
