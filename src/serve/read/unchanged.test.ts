import { afterAll, beforeAll, expect, it } from 'vitest'
import { rowsSql, type SqlRow } from '../../ask/small-lake.fixture.ts'
import { type ColumnType, EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import type { Mask } from '../contract.ts'
import { maskedRows } from './rows-shown.ts'
import { unchangedIn } from './unchanged.ts'
import { visibleEvents } from './visible.ts'

const KEY = 'a key for tests'
const SETS: readonly (readonly Mask[])[] = [['email'], ['ip'], ['query'], ['email', 'ip', 'query']]
const TEXTS = [
  'plain',
  '',
  'ana@example.com',
  'ana%40example.com',
  'a\\u0040b.example',
  'ana＠example.com',
  "o'neil@example.com",
  '10.20.30.40',
  'ip-10-1-2-3',
  '2001:db8:1:2:3:4:5:6',
  'fe80::1',
  '::FFFF:10.2.3.4',
  'at 08:15:30',
  'SELECT secret FROM t',
  '{"sql":"SELECT secret FROM t"}',
]

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ memoryLimitMb: 400, threads: 1 })
})
afterAll(() => engine.close())

/** SQL of a value of a type, all of whose texts are one. */
function sqlOf(type: ColumnType, text: string): string {
  if (type === 'string') return lit(text)
  if (type === 'integer' || type === 'long') return '9007199254740993 % 2147483647'
  if (type === 'boolean') return 'true'
  if (type === 'timestamp') return "TIMESTAMPTZ '2026-11-12 08:15:30.123456Z'"
  if (type === 'date') return "DATE '2026-11-12'"
  if ('array' in type) return `[${sqlOf(type.array, text)}]`
  if ('map' in type) return `MAP {${lit(text)}: ${lit(text)}, 'other': NULL}`
  return `{${type.struct.map((field) => `${lit(field.name)}: ${sqlOf(field.type, text)}`).join(', ')}}`
}

/** Rows in which one column holds something, and the others nothing or something harmless. */
const rowsOf = (text: string): SqlRow[] => [
  Object.fromEntries(EVENT_COLUMNS.map(({ name, type }) => [name, sqlOf(type, text)])),
  { event_id: "'2'", error_message: lit(text), service: "'iam'", actor: "{'name': 'Ana'}" },
  { event_id: "'3'", request_params: `MAP {${lit(`${text}!`)}: 'x', 'SQL': ${lit(text)}}`, extra: lit(text) },
  { event_id: "'4'", query: `{'text': 'SELECT secret FROM t'}`, response_result: lit(text) },
  { event_id: "'5'", actor: `{'email': ${lit(text)}, 'type': 'user'}`, targets: `[{'name': ${lit(text)}}]` },
]

it.each(TEXTS.map((text, nth) => ({ text, nth })))(
  'few rows with "$text" are masked as all are',
  async ({ text, nth }) => {
    for (const [at, row] of rowsOf(text).entries()) {
      const source = `(${rowsSql(EVENT_COLUMNS, [row])})`
      const asText = (relation: string) =>
        engine.row<{ row: string }>(`SELECT to_json(r)::VARCHAR AS "row" FROM (SELECT * FROM ${relation}) r`)
      const { json } = await engine.row<{ json: string }>(`SELECT to_json(list(r))::VARCHAR AS json FROM ${source} r`)
      // Each kind of row meets each set of masks, and each text every kind of row or mask: all of them together take minutes.
      for (const masks of SETS.filter((_, set) => (nth + at + set) % SETS.length === 0)) {
        const sight = { masks, rows: {} }
        const few = maskedRows({ key: KEY }, sight, json, () => true)
        expect(await asText(few)).toEqual(await asText(visibleEvents(source, sight, { key: KEY })))
      }
    }
  },
)

it('a row without anything to hide needs no mask', () => {
  const unchanged = unchangedIn([{ action: 'getTable', actor: { email: null, name: null } }], ['email', 'ip', 'query'])
  expect(['action', 'actor.email', 'actor.name', 'targets', 'query'].map(unchanged)).toEqual(Array(5).fill(true))
  expect(unchangedIn([{ actor: { name: 'Ana' } }], ['email'])('actor.name')).toBe(false)
})
