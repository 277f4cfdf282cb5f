import { canonicalize } from 'json-canonicalize'
import { describe, expect, it } from 'vitest'
import { canonical, type Entry, entryBytes, entryTime, parseCanonical, parseEntry } from './entry.ts'
import { listProof, listRoot, listSummary, verifyRecord } from './lists.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from './merkle.ts'

const entry: Entry = {
  v: 1,
  kind: 'commit',
  time: '2026-11-12T10:00:00.000Z',
  generator: 'bricktrail 0.1.0',
  table: 'events',
  version: 3,
  operation: 'WRITE',
  sealed: { events: 3, rejects: 0 },
}
const text = Buffer.from(entryBytes(entry)).toString()

describe('canonical JSON', () => {
  it('is what the library writes, in order or not', () => {
    const names = ['', '1', '10', '9', 'a', 'b', 'ä', '\u20ac', '\ud83d\ude00', '__proto__', 'toString']
    const leaves = [0, -0, 1e21, 0.1, NaN, 'text', '\u2028"\\', '\ud800', true, null, undefined]
    let seed = 1
    const next = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const value = (depth: number): unknown => {
      const kind = depth === 0 ? 0 : next(4)
      if (kind < 2) return leaves[next(leaves.length)]
      const count = next(4)
      if (kind === 2) return Array.from({ length: count }, () => value(depth - 1))
      return Object.fromEntries(Array.from({ length: count }, () => [names[next(names.length)], value(depth - 1)]))
    }
    const inOrder = (some: unknown): unknown => JSON.parse(canonicalize(some))
    for (let round = 0; round < 2000; round++) {
      const made = { made: value(4) }
      const expected = canonicalize(JSON.parse(JSON.stringify(made)))
      expect(canonical(made)).toBe(expected)
      expect(canonical(inOrder(JSON.parse(JSON.stringify(made))))).toBe(expected)
    }
  })

  it('follows RFC 8785', () => {
    // The example of RFC 8785 §3.2.2.
    const value = {
      numbers: JSON.parse('[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]'),
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    }
    expect(canonical(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    const order = [...canonical(keys).matchAll(/:(\d)/g)].map(([, digit]) => Number(digit))
    // By UTF-16 code unit; whole-number keys are no exception.
    expect(order).toEqual([2, 4, 6, 7, 1, 5, 3])
  })

  it('writes an object that stands in two places twice', () => {
    const shared = { a: 1 }
    expect(canonical({ list: shared, lists: shared, deep: { list: [shared, shared] } })).toBe(
      '{"deep":{"list":[{"a":1},{"a":1}]},"list":{"a":1},"lists":{"a":1}}',
    )
  })
})

describe('an entry', () => {
  it('is read as it was written', () => {
    expect(parseEntry(entryBytes(entry))).toEqual(entry)
    expect(text).toMatch(/^\{"generator":"bricktrail 0.1.0","kind":"commit"/)
  })

  it.each([
    ['another order', text.replace(/^\{("generator":"[^"]+"),("kind":"commit"),/, '{$2,$1,')],
    ['spaces', text.replace(',', ', ')],
    ['another spelling of a number', text.replace('"version":3', '"version":3.0')],
    ['a field twice', text.replace('"version":3', '"version":3,"version":3')],
    ['an escape that is not needed', text.replace('commit', '\\u0063ommit')],
    ['a byte order mark', `\ufeff${text}`],
  ])('is refused with %s, though it is the same JSON', (_, other) => {
    expect(other).not.toBe(text)
    expect(() => parseEntry(Buffer.from(other))).toThrow(/canonical|not JSON/)
  })

  it.each([
    ['a later version', { ...entry, v: 2 }],
    ['an unknown kind', { ...entry, kind: 'other' }],
    ['no time', { ...entry, time: undefined }],
    ['a time that is none', { ...entry, time: '2026-13-45T10:00:00.000Z' }],
    ['a local time', { ...entry, time: '2026-11-12T10:00:00.000+01:00' }],
    ['no generator', { ...entry, generator: undefined }],
  ])('is refused with %s', (_, other) => {
    expect(() => parseEntry(Buffer.from(canonical(other)))).toThrow(/Not an entry of the seal/)
  })

  it('is a JSON object', () => {
    for (const other of ['[]', 'null', '1', '"a"', '', '{'])
      expect(() => parseCanonical(Buffer.from(other))).toThrow(/Not an entry/)
    expect(() => parseCanonical(Buffer.of(0x7b, 0xff, 0x7d))).toThrow(/not JSON/)
  })

  it('says by how much the clock was set back', () => {
    const nowMs = Date.parse(entry.time)
    expect(entryTime(nowMs)).toEqual({ time: entry.time })
    expect(entryTime(nowMs, { time: entry.time })).toEqual({ time: entry.time })
    expect(entryTime(nowMs - 2001, entry)).toEqual({ time: '2026-11-12T09:59:57.999Z', clockBackMs: 2001 })
    expect(entryTime(nowMs - 2000, entry)).toEqual({ time: entry.time })
  })
})

describe('a list of records', () => {
  const records = Array.from({ length: 5 }, (_, n) => ({ path: `event_date=2026-11-12/${n}.parquet`, bytes: n }))

  it('has the RFC 6962 root over its records', () => {
    expect(listRoot([])).toEqual(EMPTY_ROOT)
    const [one, two] = records.map((record) => leafHash(Buffer.from(canonical(record))))
    expect(listRoot(records.slice(0, 2))).toEqual(nodeHash(one ?? EMPTY_ROOT, two ?? EMPTY_ROOT))
    expect(listSummary(records)).toEqual({ count: 5, root: Buffer.from(listRoot(records)).toString('hex') })
  })

  it('shows one record without the others', () => {
    const summary = listSummary(records)
    for (const [at, record] of records.entries()) {
      const proof = listProof(records, at)
      expect(verifyRecord(record, at, summary, proof)).toBeUndefined()
      expect(verifyRecord({ bytes: at, path: record.path }, at, summary, proof)).toBeUndefined()
      expect(verifyRecord({ ...record, bytes: 9 }, at, summary, proof)).toBeDefined()
      expect(verifyRecord(record, (at + 1) % 5, summary, proof)).toBeDefined()
      expect(verifyRecord(record, at, { ...summary, root: 'zz' }, proof)).toBeDefined()
    }
  })
})
