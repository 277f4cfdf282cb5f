import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { parseRules } from '../sigma/parse.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { duckdb } from './duckdb.ts'
import { eventShape } from './event-fields.ts'
import { jsonShape, listFieldsIn } from './json-fields.ts'
import { type BatchReport, RuleRunner } from './runner.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const EVENT = {
  event_id: "'e1'",
  event_time: "TIMESTAMPTZ '2026-11-14 13:45:10Z'",
  event_date: "DATE '2026-11-14'",
  service: "'unityCatalog'",
  action: "'updatePermissions'",
  audit_level: "'ACCOUNT_LEVEL'",
  category: "'permission'",
  actor: "{'email': 'Ada@Example.com', 'type': 'user', 'run_as': 'bob@example.com'}",
  source_ip: "'10.1.2.3'",
  geo: "{'country': 'DE', 'asn': 64500}",
  targets: "[{'type': 'table', 'name': 'main.hr.salaries'}, {'type': 'catalog', 'name': 'main'}]",
  status: "'SUCCESS'",
  status_code: '200',
  request_params: `MAP {'Changes': '[{"principal":"all users","add":["SELECT","MODIFY"]}]', 'securable_type': 'TABLE', 'a.b': 'dotted'}`,
  response_result: `'{"count":3}'`,
  extra: `'{"shardName":"s1"}'`,
}

async function events(...rows: readonly Readonly<Record<string, string>>[]): Promise<string> {
  const selects = rows.map((row) =>
    EVENT_COLUMNS.map(({ name, type }) => `${row[name] ?? 'NULL'}::${duckdbType(type)} AS ${ident(name)}`).join(', '),
  )
  await engine.run(
    `CREATE OR REPLACE TABLE events AS ${selects.map((select) => `SELECT ${select}`).join(' UNION ALL ')}`,
  )
  return 'events'
}

const rule = (detection: string, title = 'T'): string =>
  `title: ${title}\nlogsource:\n  product: databricks\ndetection:\n${detection.replaceAll(/^/gm, '  ')}\n`

function rulesOf(...texts: readonly string[]): DetectionRule[] {
  const { rules, problems } = parseRules(texts.join('\n---\n'), 't.yml')
  expect(problems).toEqual([])
  return rules.filter((each) => each.kind === 'detection')
}

async function run(relation: string, ...texts: readonly string[]): Promise<BatchReport> {
  return new RuleRunner(engine, rulesOf(...texts), eventShape(duckdb), duckdb).run(relation)
}

describe('a field of events', () => {
  it.each([
    'serviceName: UNITYCATALOG',
    'service_name: unity*',
    'service: unityCatalog',
    'userIdentity.email: ada@example.com',
    'user_identity.email|cased: Ada@Example.com',
    'actor.email|endswith: "@example.com"',
    'identity_metadata.run_as: bob@example.com',
    'sourceIPAddress|cidr: 10.0.0.0/8',
    'response.statusCode: 200',
    'response.status_code: "200"',
    'response.statusCode|lt: 300',
    'response.result.count: 3',
    'geo.country: de',
    'geo.asn|gte: 64500',
    'targets.name: main.hr.salaries',
    'targets.type|all:\n  - table\n  - catalog',
    'requestParams.securable_type: table',
    'request_params.Securable_Type: table',
    'requestParams.a.b: dotted',
    'requestParams.changes.principal: all users',
    'requestParams.Changes.add|all: [select, modify]',
    'requestParams.changes.add|exists: true',
    'requestParams.nope|exists: false',
    'requestParams|contains: MODIFY',
    'shardName: s1',
    'nobody.has.this: null',
    'timestamp|hour: 13',
    'event_time|week: 46',
    'timestamp|gt: 1794600000000',
    'error_message: null',
    'targets.principal: null',
    'userIdentity.email|fieldref|neq: actor.run_as',
  ])('is found by the name %s', async (line) => {
    const relation = await events(EVENT)
    const report = await run(relation, rule(`s:\n${line.replaceAll(/^/gm, '  ')}\ncondition: s`))
    expect([...report.matches]).toEqual([[0, 1]])
    const without = await run(relation, rule(`s:\n${line.replaceAll(/^/gm, '  ')}\ncondition: not s`))
    expect(without.matches.size).toBe(0)
  })

  it('is not mistaken for another parameter where two differ in case only', async () => {
    const relation = await events({ ...EVENT, request_params: "MAP {'User': 'eve', 'user': 'ada'}" })
    const report = await run(
      relation,
      rule('s:\n  requestParams.user: ada\n  requestParams.User: eve\ncondition: s'),
      rule('s:\n  requestParams.user: eve\ncondition: s'),
    )
    expect([...report.matches.keys()]).toEqual([0])
  })
})

describe('a match', () => {
  it('says which selections matched, by which field with which value', async () => {
    const relation = await events(EVENT, { ...EVENT, event_id: "'e2'", source_ip: "'192.168.0.1'" })
    await run(
      relation,
      rule(
        'grant:\n  serviceName: unityCatalog\n  targets.name|startswith: main.\nnobody:\n  - actor.email: x\n  - requestParams.changes.principal: All Users\nlan:\n  sourceIPAddress|cidr: 192.168.0.0/16\nwords:\n  - SELECT\n  - nope\ncondition: grant and 1 of (*',
      ).replace('1 of (*', '(nobody or words) and not lan'),
    )
    expect(await engine.rows('SELECT * FROM temp.rule_matches')).toEqual([
      {
        rule: 0,
        event_id: 'e1',
        event_time: '2026-11-14 13:45:10+00',
        selections: ['grant', 'nobody', 'words'],
        because: [
          { selection: 'grant', field: 'serviceName', value: 'unityCatalog' },
          { selection: 'grant', field: 'targets.name', value: 'main.hr.salaries' },
          { selection: 'nobody', field: 'requestParams.changes.principal', value: 'all users' },
          { selection: 'words', field: '', value: 'SELECT' },
        ],
        fields: [],
      },
    ])
  })

  it('says the same where it follows from what many events have in common', async () => {
    const relation = await events(
      EVENT,
      { ...EVENT, event_id: "'e2'" },
      { ...EVENT, event_id: "'e3'", source_ip: "'10.9.9.9'" },
    )
    const report = await run(
      relation,
      rule('grant:\n  serviceName: unityCatalog\nlan:\n  sourceIPAddress: 10.1.2.3\ncondition: grant and lan'),
      rule('s:\n  actor.email: ada@example.com\n  targets.name: main\ncondition: s'),
    )
    expect(report.matches).toEqual(
      new Map([
        [0, 2],
        [1, 3],
      ]),
    )
    const found = await engine.rows(
      'SELECT event_id, selections, because FROM temp.rule_matches WHERE rule = 0 ORDER BY event_id',
    )
    const because = [
      { selection: 'grant', field: 'serviceName', value: 'unityCatalog' },
      { selection: 'lan', field: 'sourceIPAddress', value: '10.1.2.3' },
    ]
    expect(found).toEqual(['e1', 'e2'].map((event_id) => ({ event_id, selections: ['grant', 'lan'], because })))
    const told = await engine.rows('SELECT because FROM temp.rule_matches WHERE rule = 1 LIMIT 1')
    expect(told).toEqual([
      {
        because: [
          { selection: 's', field: 'actor.email', value: 'Ada@Example.com' },
          { selection: 's', field: 'targets.name', value: 'main' },
        ],
      },
    ])
  })

  it('is found however many rules there are', async () => {
    const relation = await events(EVENT, { ...EVENT, event_id: "'e2'", service: "'accounts'" })
    const many = Array.from({ length: 300 }, (_, at) =>
      rule(
        `s:\n  serviceName: ${at % 3 === 0 ? 'accounts' : 'unityCatalog'}\n  requestParams.securable_type: ${at % 2 === 0 ? 'table' : 'x'}\ncondition: s`,
      ),
    )
    const report = await run(relation, ...many)
    expect(report.matches.size).toBe(150)
    expect([...report.matches.values()].every((count) => count === 1)).toBe(true)
  })

  it('of an event that no gate lets through is not looked for', async () => {
    const runner = new RuleRunner(
      engine,
      rulesOf(
        rule('s:\n  serviceName: accounts\n  requestParams.a: 1\ncondition: s'),
        rule('s:\n  actor.email|contains: ada\nf:\n  actionName: updatePermissions\ncondition: s and not f'),
        rule('s:\n  actor.email|contains: ada\nf:\n  actor.email: x\ncondition: s and not f'),
      ),
      eventShape(duckdb),
      duckdb,
    )
    expect(await runner.run(await events(EVENT))).toMatchObject({ candidates: 1, matches: new Map([[2, 1]]) })
    const others = await events(
      { ...EVENT, action: "'getTable'" },
      { ...EVENT, event_id: "'e2'", service: "'accounts'" },
    )
    expect(await runner.run(others)).toMatchObject({
      candidates: 3,
      matches: new Map([
        [1, 1],
        [2, 2],
      ]),
    })
  })
})

describe('a rule that cannot run', () => {
  it('because the engine refuses it stops no other', async () => {
    const report = await run(
      await events(EVENT),
      rule('s:\n  service: unityCatalog\ncondition: s'),
      rule('s:\n  user_agent|re: "[b-a]"\ncondition: s', 'Reversed'),
      rule('s:\n  action: updatePermissions\ncondition: s'),
    )
    expect([...report.matches.keys()].sort()).toEqual([0, 2])
    expect(report.unrun.map(({ rule: { rule: own }, reason }) => [own.meta.title, reason])).toEqual([
      ['Reversed', 'failed'],
    ])
  })

  it('because the engine refuses to say why it matched leaves the matches of the others, each once', async () => {
    const rules = rulesOf(
      ...Array.from({ length: 60 }, () =>
        rule('s:\n  service: unityCatalog\n  requestParams.securable_type: table\ncondition: s'),
      ),
      rule('s:\n  user_agent: null\n  requestParams.securable_type: TABLE\ncondition: s', 'Unsaid'),
    )
    // In the last of several explanations, after the others have added their matches.
    const dialect = {
      ...duckdb,
      left: (x: string, most: number) => (x.includes('user_agent') ? "error('Unsaid.')" : duckdb.left(x, most)),
    }
    const runner = new RuleRunner(engine, rules, eventShape(dialect), dialect)
    const report = await runner.run(await events(EVENT, { ...EVENT, event_id: "'e2'" }))
    expect(report.unrun.map(({ rule: { rule: own }, reason }) => [own.meta.title, reason])).toEqual([
      ['Unsaid', 'failed'],
    ])
    expect([...report.matches.values()]).toEqual(Array(60).fill(2))
  })

  it('in time is left out and named', async () => {
    await engine.run(
      `CREATE OR REPLACE TABLE long AS SELECT i AS record, json_object('t', md5(i::VARCHAR) || sha256(i::VARCHAR) || sha256((-i)::VARCHAR), 'n', i) AS json FROM range(60000) t(i)`,
    )
    const rules = rulesOf(
      rule('s:\n  n: 7\ncondition: s'),
      rule(`s:\n  t|re: '(?:[0-7][0-9a-f]{22}[8-9]|[a-d][0-9a-f]{19}[e-f])[g-z]'\ncondition: s`, 'Slow'),
    )
    const lists = await listFieldsIn(engine, 'long', ['n', 't'], duckdb)
    const runner = new RuleRunner(engine, rules, jsonShape(duckdb, lists), duckdb, { timeoutSecs: 1.5 })
    const report = await runner.run('long')
    expect(report.unrun.map(({ rule: { rule: own }, reason }) => [own.meta.title, reason])).toEqual([
      ['Slow', 'too slow'],
    ])
    expect(report.matches.get(0)).toBe(1)
  }, 120_000)
})
