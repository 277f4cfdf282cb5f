import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import {
  constant,
  either,
  isoMs,
  type Json,
  json,
  jsonFromText,
  list,
  listFrom,
  object,
  objectIfAny,
  plain,
  quoted,
  sqlOf,
  sureJson,
  surePlain,
  when,
  whole,
} from './json-sql.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

async function value(made: Json): Promise<unknown> {
  const { v } = await engine.row<{ v: string | null }>(`SELECT ${sqlOf(made)} AS v`)
  return v === null ? undefined : JSON.parse(v)
}

const ABSENT = json('NULL::VARCHAR')

it('leaves out what is absent, wherever it stands, and keeps what is empty or false', async () => {
  const made = object({
    first: ABSENT,
    b: object({ c: ABSENT, d: json("''") }),
    e: objectIfAny({ f: ABSENT, g: plain('NULL::INTEGER') }),
    g: plain('false'),
    h: json('[]::VARCHAR[]'),
    'quo"ted': quoted("'x'"),
    i: when('false', constant(1)),
    j: when('true', objectIfAny({ k: ABSENT, l: plain('1') })),
    last: ABSENT,
  })
  expect(await value(made)).toEqual({ b: { d: '' }, g: false, h: [], 'quo"ted': 'x', j: { l: 1 } })
  expect(await value(object({ a: ABSENT }))).toEqual({})
  expect(await value(object({ a: ABSENT, b: json("'x'"), c: ABSENT, d: plain('2') }))).toEqual({ b: 'x', d: 2 })
  expect(await value(objectIfAny({ a: ABSENT }))).toBeUndefined()
})

it('shows nulls where every member is to be seen', async () => {
  const made = whole({ a: ABSENT, b: plain('1'), c: when('false', constant({})) })
  expect(await value(made)).toEqual({ a: null, b: 1, c: null })
})

it('puts neighbours that are known now into one literal', async () => {
  const made = object({ a: constant(1), 'b"': constant("it's"), c: sureJson("'x'"), d: constant({ e: [null] }) })
  expect(await value(made)).toEqual({ a: 1, 'b"': "it's", c: 'x', d: { e: [null] } })
  expect(sqlOf(object({ a: constant(1), b: object({ c: constant(2) }) }))).toBe(`'{"a":1,"b":{"c":2}}'`)
})

it('takes further members as text', async () => {
  expect(await value(object({ a: surePlain('1') }, `'"b":2,"c":3'`))).toEqual({ a: 1, b: 2, c: 3 })
  expect(await value(object({ a: ABSENT }, `'"b":2'`))).toEqual({ b: 2 })
  expect(await value(whole({ a: plain('1') }, 'NULL'))).toEqual({ a: 1 })
})

it('chooses between values, absent ones included', async () => {
  const made = (n: string) =>
    either(
      [
        [`${n} = 1`, constant('one')],
        [`${n} = 2`, ABSENT],
      ],
      object({ n: json(n) }),
    )
  expect([await value(made('1')), await value(made('2')), await value(made('3'))]).toEqual(['one', undefined, { n: 3 }])
  expect(await value(object({ a: made('2'), b: made('1') }))).toEqual({ b: 'one' })
})

it('makes lists of what is there', async () => {
  expect(await value(list([ABSENT, constant('a'), ABSENT, plain('2')]))).toEqual(['a', 2])
  expect(await value(list([constant('a'), constant('b')]))).toEqual(['a', 'b'])
  expect(await value(list([ABSENT]))).toEqual([])
  expect(await value(listFrom("['x', NULL, 'y']", json('item')))).toEqual(['x', 'y'])
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
  expect(String((await engine.row(`SELECT ${sqlOf(jsonFromText(lit('[1,\n2]')))} AS v`)).v)).toBe('[1,2]')
  expect(await value(jsonFromText('NULL::VARCHAR'))).toBeUndefined()
})

it('writes times in UTC to the millisecond, cut, not rounded', async () => {
  expect(await value(json(isoMs("TIMESTAMPTZ '2026-03-04 05:06:07.089999+02'")))).toBe('2026-03-04T03:06:07.089Z')
})
