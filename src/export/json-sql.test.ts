import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import {
  constant,
  ifAny,
  isoMs,
  json,
  jsonFromText,
  list,
  listFrom,
  object,
  objectIfAny,
  plain,
  quoted,
  whole,
} from './json-sql.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

async function value(sql: string): Promise<unknown> {
  const { v } = await engine.row<{ v: string | null }>(`SELECT ${sql} AS v`)
  return v === null ? undefined : JSON.parse(v)
}

const ABSENT = json('NULL::VARCHAR')

it('leaves out what is absent, wherever it stands, and keeps what is empty or false', async () => {
  const sql = object({
    first: ABSENT,
    b: object({ c: ABSENT, d: json("''") }),
    e: objectIfAny({ f: ABSENT }),
    g: plain('false'),
    h: json('[]::VARCHAR[]'),
    'quo"ted': quoted("'x'"),
    last: ABSENT,
  })
  expect(await value(sql)).toEqual({ b: { d: '' }, g: false, h: [], 'quo"ted': 'x' })
  expect(await value(object({ a: ABSENT }))).toEqual({})
})

it('shows nulls where every member is to be seen', async () => {
  expect(await value(whole({ a: ABSENT, b: plain('1') }))).toEqual({ a: null, b: 1 })
})

it('writes neighbours that are known now as one literal', async () => {
  const sql = object({ a: constant(1), 'b"': constant("it's"), c: json("'x'"), d: constant({ e: [null] }) })
  expect(await value(sql)).toEqual({ a: 1, 'b"': "it's", c: 'x', d: { e: [null] } })
  expect(sql.match(/\|\|/g)).toHaveLength(1)
})

it('takes further members as text', async () => {
  expect(await value(object({ a: plain('1') }, `'"b":2,"c":3'`))).toEqual({ a: 1, b: 2, c: 3 })
  expect(await value(whole({ a: plain('1') }, 'NULL'))).toEqual({ a: 1 })
})

it('makes lists of what is there', async () => {
  expect(await value(list([ABSENT, constant('a'), ABSENT, plain('2')]))).toEqual(['a', 2])
  expect(await value(listFrom("['x', NULL, 'y']", json('item')))).toEqual(['x', 'y'])
  expect(await value(listFrom('NULL::VARCHAR[]', json('item')))).toEqual([])
  expect(await value(ifAny(list([ABSENT])))).toBeUndefined()
})

it('escapes what JSON must escape', async () => {
  const text = 'a"b\\c\r\n\t\u0001\u2028\u007f😀'
  expect(await value(json(lit(text)))).toBe(text)
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
  for (const [text, expected] of cases) expect(await value(jsonFromText(lit(text)))).toEqual(expected)
  expect(String((await engine.row(`SELECT ${jsonFromText(lit('[1,\n2]'))} AS v`)).v)).toBe('[1,2]')
  expect(await value(jsonFromText('NULL::VARCHAR'))).toBeUndefined()
})

it('writes times in UTC to the millisecond, cut, not rounded', async () => {
  expect(await value(quoted(isoMs("TIMESTAMPTZ '2026-03-04 05:06:07.089999+02'")))).toBe('2026-03-04T03:06:07.089Z')
})
