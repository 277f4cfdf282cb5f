import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { isoMs, jsonFromText, listOfPresent, struct, structIfAny, withoutNulls } from './json-sql.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

const value = async (sql: string): Promise<unknown> => (await engine.row<{ v: unknown }>(`SELECT ${sql} AS v`)).v

it('leaves out what is NULL, at any depth, and keeps what is empty or false', async () => {
  const sql = struct({
    a: 'NULL::VARCHAR',
    b: struct({ c: 'NULL::INTEGER', d: "''" }),
    e: structIfAny({ f: 'NULL::VARCHAR' }),
    g: 'false',
    h: '[]::VARCHAR[]',
  })
  expect(JSON.parse(String(await value(withoutNulls(sql))))).toEqual({ b: { d: '' }, g: false, h: [] })
})

it('makes no list of nothing', async () => {
  expect(await value(listOfPresent("[NULL, 'a', NULL]"))).toEqual(['a'])
  expect(await value(listOfPresent('[NULL::VARCHAR]'))).toBeNull()
  expect(await value(listOfPresent('NULL::VARCHAR[]'))).toBeNull()
})

it('takes text for JSON only if it is', async () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['{ "a" :\n [1, null] }', { a: [1, null] }],
    ['{"a":', '{"a":'],
    ['{"a":NaN}', '{"a":NaN}'],
    ['-Infinity', '-Infinity'],
    ['Information', 'Information'],
    ['', ''],
    ['"x"', 'x'],
  ]
  for (const [text, expected] of cases) {
    const json = String(await value(`(${jsonFromText(lit(text))})::VARCHAR`))
    expect(json).not.toContain('\n')
    expect(JSON.parse(json)).toEqual(expected)
  }
  expect(await value(jsonFromText('NULL::VARCHAR'))).toBeNull()
})

it('writes times in UTC to the millisecond, cut, not rounded', async () => {
  expect(await value(isoMs("TIMESTAMPTZ '2026-03-04 05:06:07.089999+02'"))).toBe('2026-03-04T03:06:07.089Z')
})
