import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { SIMULATE_DEFAULTS, simulate } from '../../simulate/simulate.ts'
import { mayHoldQuery, withoutHeld, withoutHeldSql } from './query-text.ts'
import { unchangedIn } from './unchanged.ts'
import { visible } from './visible.ts'

const FIXTURES = join(import.meta.dirname, '../../../fixtures/records')
const COLUMNS = EVENT_COLUMNS.filter(({ name }) =>
  ['event_id', 'query', 'request_params', 'response_result', 'error_message', 'extra'].includes(name),
)
const QUERY = 'SELECT secret, other FROM main.hr.plans'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ memoryLimitMb: 400, threads: 1 })
})
afterAll(() => engine.close())

type Params = Readonly<Record<string, unknown>>
const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const texts = (params: Params) => Object.fromEntries(Object.entries(params).map(([key, value]) => [key, asText(value)]))

/** What is shown of parameters, in JSON, to one who does not see queries. */
async function shown(records: readonly Params[]): Promise<string[]> {
  await engine.tableOf(
    'asked',
    records.map((params, nth) => ({ nth: String(nth), params: JSON.stringify(texts(params)) })),
    ['nth', 'params'],
  )
  const types = new Map(COLUMNS.map(({ name, type }) => [name, duckdbType(type)]))
  const none = (name: string) => `NULL::${types.get(name)} AS ${name}`
  const source = `(SELECT nth AS event_id, params::JSON::MAP(VARCHAR, VARCHAR) AS request_params, params AS response_result,
    params AS extra, ${none('query')}, ${none('error_message')} FROM asked)`
  const relation = visible(source, COLUMNS, { masks: ['query'], rows: {} }, { key: 'k' })
  const rows = await engine.rows<{ json: string }>(
    `SELECT to_json(r)::VARCHAR AS json FROM (SELECT * FROM ${relation} ORDER BY event_id::INTEGER) r`,
  )
  return rows.map(({ json }) => json)
}

const IS_QUERY = /\bSELECT\b[^"]*\bFROM\b|\bCOPY INTO\b|\bspark\.(?:sql|read|table)\b/i

/** One of each set of parameters of each action. */
function kinds(records: readonly { readonly action: string; readonly params: Params }[]): Params[] {
  const known = new Map(
    records.map(({ action, params }) => [
      `${action} ${Object.keys(params).join()} ${IS_QUERY.test(asText(params))}`,
      params,
    ]),
  )
  return [...known.values()]
}

async function simulated(): Promise<Params[]> {
  const out = await mkdtemp(join(tmpdir(), 'bricktrail-queries-'))
  try {
    const options = { ...SIMULATE_DEFAULTS, out, events: 60_000, form: 'delivery', gzip: false } as const
    await simulate({ ...options, scenarios: 'all' })
    const files = (await readdir(out, { recursive: true })).filter((name) => /date=.*[.]json$/.test(name))
    const lines = await Promise.all(files.map(async (name) => (await readFile(join(out, name), 'utf8')).split('\n')))
    return kinds(
      lines.flat().flatMap((line) => {
        if (line === '') return []
        const { actionName, requestParams } = JSON.parse(line) as { actionName: string; requestParams?: Params }
        return [{ action: actionName, params: requestParams ?? {} }]
      }),
    )
  } finally {
    await rm(out, { recursive: true })
  }
}

function recorded(): Params[] {
  const names = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.expected.json'),
  )
  const found = names.flatMap((name) => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as unknown)
  return found.flatMap((each) => {
    const { request_params: params } = (each ?? {}) as { request_params?: Params }
    return params === undefined || params === null ? [] : [params]
  })
}

describe('queries', () => {
  it('are shown by no parameter of any action of the simulator, nor of the recorded examples', async () => {
    const records = [...(await simulated()), ...recorded()]
    const telling = records.filter((params) => IS_QUERY.test(asText(texts(params))))
    expect(records.length).toBeGreaterThan(300)
    expect(telling.some((params) => 'alert' in params)).toBe(true)
    expect((await shown(records)).filter((json) => IS_QUERY.test(json))).toEqual([])
  }, 120_000)

  it('are hidden however their key is written and however deep it stands', async () => {
    const key = fc.constantFrom(
      'query_text',
      'queryText',
      'QUERY-TEXT',
      'sql',
      'statement',
      'Statement_Text',
      'command',
    )
    const wrap = fc.constantFrom<(name: string) => Params>(
      (name) => ({ [name]: QUERY }),
      (name) => ({ alert: { display_name: 'rest stays', [name]: QUERY } }),
      (name) => ({ alert: JSON.stringify({ a: [{ b: { [name]: QUERY } }] }, null, 2) }),
      (name) => ({ alert: JSON.stringify({ body: JSON.stringify({ [name]: QUERY }) }) }),
      (name) => ({ alert: { [name]: [QUERY] } }),
      (name) => ({ alert: { [name]: { parts: [QUERY] } } }),
      (name) => ({ alert: `{"${name}": "say \\"hi\\"; ${QUERY}` }),
      (name) => ({ alert: `{'${name}': '${QUERY}'}` }),
      (name) => ({ alert: `{"${name}": "${QUERY}", "x": ${JSON.stringify(JSON.stringify({ [name]: QUERY }))}}` }),
    )
    const many = fc.array(fc.tuple(key, wrap), { minLength: 20, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(many, async (cases) => {
        const records = cases.map(([name, make]) => make(name))
        expect((await shown(records)).filter((json) => json.includes('secret'))).toEqual([])
      }),
      { numRuns: 4 },
    )
  }, 60_000)

  it('leave the rest of the JSON readable', async () => {
    const alert = { display_name: 'orders empty', query_text: `${QUERY} WHERE a = "b"`, n: 1 }
    const [json = ''] = await shown([{ alert, other: 'stays' }])
    expect(JSON.parse(json).request_params).toEqual({
      alert: '{"display_name":"orders empty","query_text":"[hidden]","n":1}',
      other: 'stays',
    })
  })

  it('are told from words: text about queries stays as it is', async () => {
    const plain = { note: 'a query: what is it?', alert: '{"query_id":"q-1","queries":["a"]}', statement_id: 's' }
    const [json = ''] = await shown([plain])
    expect(JSON.parse(json).request_params).toEqual(plain)
  })

  it('are found alike by the engine and by JavaScript', async () => {
    const piece = fc.constantFrom(
      '"',
      '\\',
      "'",
      'query_text',
      'SQL',
      ':',
      ' ',
      '{',
      '}',
      '[',
      ',',
      'null',
      '1',
      'x',
      '\n',
    )
    const some = fc.array(
      fc.array(piece, { maxLength: 24 }).map((parts) => parts.join('')),
      { minLength: 200, maxLength: 300 },
    )
    await fc.assert(
      fc.asyncProperty(some, async (list) => {
        const rows = list.map((text, nth) => `(${nth}, ${lit(text)})`).join(', ')
        const found = await engine.rows<{ shown: string }>(
          `SELECT ${withoutHeldSql('t')} AS shown FROM (VALUES ${rows}) texts(nth, t) ORDER BY nth`,
        )
        expect(found.map((row) => row.shown)).toEqual(list.map(withoutHeld))
      }),
      { numRuns: 5 },
    )
  }, 60_000)

  it('make their columns no unchanged ones', () => {
    const row = { request_params: { alert: JSON.stringify({ query_text: QUERY }) }, extra: null }
    expect(unchangedIn([row], ['query'])('request_params')).toBe(false)
    expect(unchangedIn([row], ['email'])('request_params')).toBe(true)
    expect(mayHoldQuery('{"query_id":"1"}')).toBe(false)
  })
})
