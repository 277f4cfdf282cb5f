import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { parseRules } from '../sigma/parse.ts'
import { duckdb } from './duckdb.ts'
import { eventShape } from './event-fields.ts'
import { MATCHES_TABLE, SUMS_TABLE } from './match-tables.ts'
import { type BatchReport, RuleRunner, type RunnerOptions } from './runner.ts'
import { stoppedBy } from './stopping.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
  await engine.run(`CREATE TABLE events AS ${eventsSql(4000)}`)
  await engine.run('CREATE TEMP TABLE of_one_connection AS FROM events')
})
afterAll(() => engine.close())

function eventsSql(count: number, more: Readonly<Record<string, string>> = {}): string {
  const given: Record<string, string> = {
    event_id: "'e' || i",
    event_time: "(TIMESTAMPTZ '2026-11-02 09:00:00Z' + to_seconds(i * 97))",
    event_date: "DATE '2026-11-02'",
    service: "CASE WHEN i % 40 = 0 THEN 'unityCatalog' ELSE 'accounts' END",
    action: "CASE WHEN i % 3 = 0 THEN 'login' ELSE 'logout' END",
    source_ip: "('10.0.0.' || (i % 7))",
    actor: "{'email': 'person' || (i % 11)}",
    request_params:
      "MAP {'user': 'U' || (i % 5), 'note': CASE WHEN i % 50 = 0 THEN 'so long... TRUNCATED' ELSE 'short' END}",
    ...more,
  }
  const columns = EVENT_COLUMNS.map(
    ({ name, type }) => `(${given[name] ?? 'NULL'})::${duckdbType(type)} AS ${ident(name)}`,
  )
  return `SELECT ${columns.join(', ')} FROM range(${count}) t(i)`
}

const rule = (title: string, selection: string): string =>
  `title: ${title}\nlogsource: { product: databricks }\ndetection:\n  selection: ${selection}\n  condition: selection\n`

const RULES = [
  rule('Of contexts', '{ actionName: login }'),
  rule('Of contexts, added up', "{ actor.email|contains: '1' }"),
  rule('Of many', "{ requestParams|endswith: '... truncated' }"),
  rule('Of many, added up', '{ requestParams.user: u1 }'),
  rule('Of few', '{ serviceName: unityCatalog, requestParams.user: u0 }'),
  rule('Of few, added up', "{ serviceName: unityCatalog, requestParams.user|endswith: '0' }"),
]

const OPTIONS: RunnerOptions = {
  captured: new Map(
    RULES.map((_, number) => [number, number === 1 ? ['actor.email'] : ['actor.email', 'requestParams.user']]),
  ),
  summed: new Set([1, 3, 5]),
}

const runnerOf = (texts: readonly string[], options: RunnerOptions, on = engine): RuleRunner =>
  new RuleRunner(
    on,
    parseRules(texts.join('---\n'), 't.yml').rules.filter((each) => each.kind === 'detection'),
    eventShape(duckdb),
    duckdb,
    options,
  )

const titlesOf = ({ unrun }: BatchReport): string[] => unrun.map(({ rule: { rule: own } }) => own.meta.title).sort()

const BESIDE = { recordsToPart: 0 }

describe('a batch that two connections work on', () => {
  const told = async (relation: string, options: RunnerOptions): Promise<unknown[]> => {
    const { matches, unrun, candidates } = await runnerOf(RULES, { ...OPTIONS, ...options }).run(relation)
    expect(unrun).toEqual([])
    const rows = [MATCHES_TABLE, SUMS_TABLE].map((table) => engine.rows(`SELECT * FROM ${table} ORDER BY ALL`))
    return [[...matches].sort(), candidates, ...(await Promise.all(rows))]
  }

  it('gives the same as one that one works on, also where only one of them sees its records', async () => {
    const whole = await told('events', {})
    expect(whole[0]).toEqual([
      [0, 1334],
      [1, expect.any(Number)],
      [2, 80],
      [3, 800],
      [4, 100],
      [5, 100],
    ])
    expect(await told('events', BESIDE)).toEqual(whole)
    expect(await told('temp.of_one_connection', BESIDE)).toEqual(whole)
  })

  it('leaves out rules that fail, on either, and nothing of the others', async () => {
    const texts = [
      ...RULES,
      rule('Refused, of contexts', "{ user_agent|re: '[b-a]' }"),
      rule('Refused, of few', "{ serviceName: unityCatalog, requestParams.user|re: '[b-a]' }"),
    ]
    const report = await runnerOf(texts, { ...OPTIONS, ...BESIDE }).run('events')
    expect(titlesOf(report)).toEqual(['Refused, of contexts', 'Refused, of few'])
    const { matches } = await runnerOf(RULES, OPTIONS).run('events')
    expect([...report.matches].sort()).toEqual([...matches].sort())
  })

  it('leaves out a rule that cannot be told of, and tells of the others once', async () => {
    const texts = Array.from({ length: 60 }, (_, at) =>
      rule(`Rule ${at}`, `{ serviceName: unityCatalog, requestParams.user: u0 }`),
    )
    const rowsOf = async (on: Engine): Promise<unknown> =>
      on.rows(`SELECT * FROM ${MATCHES_TABLE} WHERE rule <> 7 ORDER BY ALL`)
    await runnerOf(texts, {}).run('events')
    const whole = await rowsOf(engine)
    const own = await Engine.open({ threads: 2 })
    await own.run(`CREATE TABLE events AS ${eventsSql(4000)}`)
    const told: Engine[] = []
    const watched = (each: Engine): Engine => {
      const run = each.run.bind(each)
      each.run = async (sql) => {
        if (sql.startsWith('INSERT INTO matching.record_matches')) told.push(each)
        if (sql.includes('SELECT 7 AS rule')) throw new Error('refused')
        await run(sql)
      }
      return each
    }
    const beside = own.beside.bind(own)
    own.beside = async () => watched(await beside())
    const report = await runnerOf(texts, BESIDE, watched(own)).run('events')
    expect(titlesOf(report)).toEqual(['Rule 7'])
    expect(await rowsOf(own)).toEqual(whole)
    expect(new Set(told).size).toBe(2)
    expect(await own.rows("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'found_records%'")).toEqual([])
    own.close()
  })

  it('leaves out a rule that takes too long on the second', async () => {
    const hashes = Array.from({ length: 20 }, (_, at) => `md5((i * 20 + ${at})::VARCHAR)`).join(' || ')
    await engine.run(`CREATE TABLE long AS ${eventsSql(20_000, { user_agent: hashes })}`)
    const texts = [
      ...RULES.slice(0, 1),
      rule('Slow', "{ user_agent|re: '(?:[0-7][0-9a-f]{22}[8-9]|[a-d][0-9a-f]{19}[e-f])[g-z]' }"),
      ...RULES.slice(2, 3),
    ]
    const report = await runnerOf(texts, { ...BESIDE, timeoutSecs: 3 }).run('long')
    expect(titlesOf(report)).toEqual(['Slow'])
    expect([...report.matches].sort()).toEqual([
      [0, 6667],
      [2, 400],
    ])
  }, 120_000)

  it('is stopped on both', async () => {
    const stop = new AbortController()
    const own = await Engine.open({ threads: 2 })
    const beside = own.beside.bind(own)
    own.beside = async () => {
      const side = await beside()
      setTimeout(() => stop.abort(), 200)
      return side
    }
    await own.run(`CREATE TABLE events AS ${eventsSql(4000)}`)
    const runner = runnerOf(RULES, { ...OPTIONS, ...BESIDE }, own)
    const work = stoppedBy(own, stop.signal, () => runner.run('(SELECT e.* FROM events e, range(300))'))
    await expect(work).rejects.toMatchObject({ name: 'AbortError' })
    expect(await own.row('SELECT 1 AS one')).toEqual({ one: 1 })
    own.close()
  }, 60_000)
})
