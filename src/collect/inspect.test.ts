import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { firstText, lookAt, lookAtLines } from './head.ts'
import { inspect } from './inspect.ts'
import { Pace } from './pace.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-inspect-'))
})
afterAll(() => rm(folder, { recursive: true }))

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function inspected(bytes: Uint8Array, listedBytes = bytes.length) {
  const path = join(folder, randomBytes(6).toString('hex'))
  await writeFile(path, bytes)
  const { mtimeMs } = await stat(path)
  return inspect(
    { key: path, path, sizeBytes: listedBytes, modifiedMs: Math.trunc(mtimeMs) },
    3,
    new Pace(),
    Buffer.alloc(256 * 1024),
  )
}

const LINE = fc.oneof(
  fc.json({ maxDepth: 1 }),
  fc.constantFrom(
    '',
    ' ',
    '{"a":1}',
    '{"records":[{"a":1}]}',
    '{"records":[]}',
    '[{"a":1}]',
    '{"a":',
    '\uFEFF{"a":1}',
    'x,y',
  ),
)

it('lines that are looked at alone show what a look at the whole shows', () => {
  fc.assert(
    fc.property(
      fc.array(LINE, { maxLength: 8 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      (lines, ends, records) => {
        const raw = Buffer.from(lines.join('\n') + (ends ? '\n' : ''))
        const quick = lookAtLines(raw, records)
        if (quick === undefined) return
        expect(quick).toEqual(lookAt(raw, { text: raw.toString('utf8'), whole: true, damaged: false }, records))
      },
    ),
    { numRuns: 500 },
  )
})

it('a small object is told of as one that is read piece by piece', async () => {
  const text = '{"a":1}\n{"b":2}\n{"c":3}\n{"d":4}\n'
  const contents = ['', text, `${text}{"half`, '{"no break":1}', '\n', 'junk', '[{"a":1},\n{"b":2}]', `\uFEFF${text}`]
  for (const content of [...contents.map((each) => Buffer.from(each)), gzipSync(text), randomBytes(5000)]) {
    const { bytes, ...quick } = await inspected(content)
    expect(bytes?.equals(content)).toBe(true)
    // One that has become larger than it was listed is read piece by piece.
    const { bytes: none, ...careful } = await inspected(content, Math.max(0, content.length - 1))
    if (content.length > 0) expect(none).toBeUndefined()
    const { object: _, ...first } = quick.inspected
    const { object: __, ...second } = careful.inspected
    expect({ ...quick, inspected: first }).toEqual({ ...careful, inspected: second })
    expect(first.sha256).toBe(sha(content))
    expect(first.breakSha256).toBe(sha(content.subarray(0, first.lastBreak)))
  }
})

it('a pace that has met a slow file waits beside others for a while, and lets others have their turn', async () => {
  const pace = new Pace()
  const slow = () => {
    const until = performance.now() + 10
    while (performance.now() < until);
    return 'quick'
  }
  expect(await pace.call(slow, async () => 'patient')).toBe('quick')
  expect(await pace.call(slow, async () => 'patient')).toBe('patient')
  let turns = 0
  const other = new Pace()
  setImmediate(() => turns++)
  for (let n = 0; turns === 0 && n < 1_000_000; n++)
    await other.call(
      () => n,
      async () => n,
    )
  expect(turns).toBe(1)
  await expect(
    new Pace().call(
      () => {
        throw new Error('gone')
      },
      async () => 1,
    ),
  ).rejects.toThrow('gone')
})

it('a large object of plain lines shows records from all over it; what it is, its head says', async () => {
  const line = (n: number) => `${JSON.stringify({ n, text: 'x'.repeat(n % 700) })}\n`
  const text = Array.from({ length: 12_000 }, (_, n) => line(n)).join('')
  const { head, samples, inspected: of } = await inspected(Buffer.from(text))
  expect(head.map(({ n }) => n)).toEqual([0, 1, 2])
  expect(of).toMatchObject({ sha256: sha(Buffer.from(text)), lineBreaks: 12_000 })
  const places = samples.map(({ n }) => Number(n))
  expect(samples.map((sample, at) => `${JSON.stringify(sample)}\n` === line(places[at] as number))).not.toContain(false)
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b))
  expect(places.length).toBeGreaterThan(60)
  expect(places.at(-1)).toBeGreaterThan(9000)
})

it.each([
  ['compressed', gzipSync(randomBytes(1024 * 1024).toString('hex'))],
  ['one document', Buffer.from(`[\n${'{"a":1},\n'.repeat(300_000)}{"a":1}]`)],
  ['CSV', Buffer.from(`a,b\n${'1,{"a":1}\n'.repeat(300_000)}`)],
  ['one long line', Buffer.from(`{"a":"${'x'.repeat(4 * 1024 * 1024)}"}\n`)],
])('a large object that is %s shows none', async (_, bytes) => {
  expect((await inspected(bytes)).samples).toEqual([])
})

it('a gzip object that begins with records is looked at by its first bytes alone', async () => {
  const lines = Array.from({ length: 200 }, (_, at) => `{"at":${at},"of":"${randomBytes(60).toString('hex')}"}`)
  const packed = gzipSync(`${lines.join('\n')}\n`)
  const begins = firstText(packed, 'gzip', 3) as Buffer
  expect(begins.length).toBeLessThan(packed.length)
  expect(`${lines.join('\n')}\n`.startsWith(begins.toString('utf8'))).toBe(true)
  const { head, inspected: whole } = await inspected(packed)
  expect(head).toEqual(lines.slice(0, 3).map((line) => JSON.parse(line)))
  expect(whole).toMatchObject({ shape: 'lines', compression: 'gzip', sha256: sha(packed) })
})

it('a gzip object whose first bytes do not do is inflated further', async () => {
  const long = JSON.stringify({ long: randomBytes(5000).toString('hex') })
  const { head } = await inspected(gzipSync(`${long}\n{"a":1}\n{"a":2}\n`))
  expect(head).toEqual([JSON.parse(long), { a: 1 }, { a: 2 }])
  expect(firstText(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 7]), 'gzip', 3)).toBeUndefined()
  expect(firstText(gzipSync('{}\n'), 'gzip', 200)).toBeUndefined()
})
