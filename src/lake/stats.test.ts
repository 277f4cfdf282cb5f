import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { makeFolder, SMALL_TABLE } from './small-table.fixture.ts'
import { BOUND_LENGTH, deltaStats, lowerBound, timeBounds, upperBound } from './stats.ts'
import { DeltaTable } from './table.ts'
import { writePartition } from './write.ts'

const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8')
const anyText = fc.string({ unit: 'binary', maxLength: 90 })
const highText = fc
  .array(fc.constantFrom('a', '\u007f', '\ud7ff', '\ue000', '\uffff', '\u{10ffff}', '\u{1f600}'), { maxLength: 80 })
  .map((points) => points.join(''))

describe('string bounds', () => {
  test('sort around the text they stand for, byte by byte', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, highText), (text) => {
        expect(Buffer.compare(utf8(lowerBound(text)), utf8(text))).toBeLessThanOrEqual(0)
        const upper = upperBound(text)
        if (upper !== undefined) expect(Buffer.compare(utf8(upper), utf8(text))).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('are never longer than 32 characters and never half a character', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, highText), (text) => {
        for (const bound of [lowerBound(text), upperBound(text) ?? '']) {
          expect([...bound].length).toBeLessThanOrEqual(BOUND_LENGTH)
          expect(bound.isWellFormed()).toBe(true)
        }
      }),
    )
  })

  test('are the text itself where it is short enough, also in characters of two code units', () => {
    for (const text of ['', 'a'.repeat(32), '\u{1f600}'.repeat(32)]) {
      expect(lowerBound(text)).toBe(text)
      expect(upperBound(text)).toBe(text)
    }
  })

  test('step over the surrogates and carry over the last character there is', () => {
    expect(upperBound(`${'a'.repeat(31)}\ud7ffx`)).toBe(`${'a'.repeat(31)}\ue000`)
    expect(upperBound(`${'a'.repeat(30)}b\u{10ffff}x`)).toBe(`${'a'.repeat(30)}c`)
    expect(upperBound('\u{10ffff}'.repeat(40))).toBeUndefined()
  })
})

describe('statistics of written files', () => {
  let engine: Engine
  let folder: Awaited<ReturnType<typeof makeFolder>>
  let table: DeltaTable

  beforeAll(async () => {
    engine = await Engine.open({ threads: 2 })
    folder = await makeFolder()
    table = DeltaTable.at(folder.path, SMALL_TABLE)
  })

  afterAll(async () => {
    engine.close()
    await folder.remove()
  })

  const statsOf = async (values: string): Promise<Record<string, Record<string, unknown>>> => {
    const columns = `id, "at"::TIMESTAMPTZ AS "at", DATE '2026-11-12' AS day, count, NULL AS ok, NULL AS who, NULL AS labels, NULL AS params`
    const select = `SELECT ${columns} FROM (VALUES ${values}) v(id, "at", count)`
    const file = await writePartition(engine, table, { select, partition: '2026-11-12', stem: 's' })
    return JSON.parse(file?.stats ?? '{}')
  }

  test('bound every text of the file, whatever its characters', async () => {
    const texts = fc.array(fc.oneof(anyText, highText), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(texts, async (some) => {
        const clean = some.map((text) => text.replaceAll('\0', '').toWellFormed())
        const { minValues, maxValues } = await statsOf(clean.map((text) => `(${lit(text)}, NULL, 0)`).join(', '))
        for (const text of clean) {
          if (minValues?.id !== undefined) {
            expect(Buffer.compare(utf8(String(minValues.id)), utf8(text))).toBeLessThanOrEqual(0)
          }
          if (maxValues?.id !== undefined) {
            expect(Buffer.compare(utf8(String(maxValues.id)), utf8(text))).toBeGreaterThanOrEqual(0)
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  test('round times outwards to milliseconds', async () => {
    const { minValues, maxValues } = await statsOf(
      `('a', '2026-11-12 01:02:03.000001+00', 1), ('b', '2026-11-12 01:02:03.999001+00', 2)`,
    )
    expect(minValues?.at).toBe('2026-11-12T01:02:03.000Z')
    expect(maxValues?.at).toBe('2026-11-12T01:02:04.000Z')
  })

  test('hold for times long before 1970 and far ahead, and leave out a year Delta cannot write', async () => {
    const old = await statsOf(`('a', '0001-01-01 00:00:00.5+00', 1), ('b', '9999-12-31 23:59:59.999+00', 2)`)
    expect(old.minValues?.at).toBe('0001-01-01T00:00:00.500Z')
    expect(old.maxValues?.at).toBe('9999-12-31T23:59:59.999Z')
    const beyond = await statsOf(`('a', '9999-12-31 23:59:59.999999+00', 1), ('b', '0044-03-15 (BC) 00:00:00+00', 2)`)
    expect(beyond.minValues).not.toHaveProperty('at')
    expect(beyond.maxValues).not.toHaveProperty('at')
  })

  test('count nulls, keep 64-bit numbers exact, and have no bounds where all is null', async () => {
    const stats = await statsOf(`('a', NULL, 9223372036854775807), ('b', NULL, NULL)`)
    expect(stats.nullCount).toMatchObject({ id: 0, at: 2, count: 1 })
    expect(stats.minValues).not.toHaveProperty('at')
    const raw = deltaStats(SMALL_TABLE, {
      count: '2',
      file_size_bytes: '1',
      column_statistics: [{ key: '"count"', value: [{ key: 'max', value: '9223372036854775807' }] }],
    })
    expect(raw).toContain('"count":9223372036854775807')
  })
})

test('time bounds are read back, absent where the text has none', () => {
  const stats =
    '{"numRecords":5,"minValues":{"at":"2026-11-12T00:00:00.001Z"},"maxValues":{"at":"2026-11-12T00:00:01Z"}}'
  expect(timeBounds(SMALL_TABLE, stats)).toEqual({ rows: 5, minTimeMs: 1794441600001, maxTimeMs: 1794441601000 })
  expect(timeBounds(SMALL_TABLE, '{"numRecords":5}')).toEqual({ rows: 5 })
  expect(timeBounds(SMALL_TABLE, 'nonsense')).toBeUndefined()
})
