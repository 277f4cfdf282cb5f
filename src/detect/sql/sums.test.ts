import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident, lit } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { parseRules } from '../sigma/parse.ts'
import { duckdb } from './duckdb.ts'
import { eventShape } from './event-fields.ts'
import { MATCHES_TABLE, SUMS_TABLE } from './match-tables.ts'
import { RuleRunner, type RunnerOptions } from './runner.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
  const rows = [
    ['e1', '09:10:00', 'login', 'ada', '10.0.0.1'],
    ['e2', '09:50:00', 'login', 'ada', '10.0.0.1'],
    ['e0', '09:50:00', 'login', 'ada', '10.0.0.1'],
    ['e3', '10:00:00', 'login', 'ada', '10.0.0.1'],
    ['e4', '09:30:00', 'login', 'ada', '10.0.0.2'],
    ['e5', '09:20:00', 'getTable', 'bob', '10.0.0.9'],
  ].map(([id = '', time, action = '', email = '', ip = '']) => {
    const given: Record<string, string> = {
      event_id: lit(id),
      event_time: `TIMESTAMPTZ '2026-11-02 ${time}Z'`,
      service: "'accounts'",
      action: lit(action),
      source_ip: lit(ip),
      actor: `{'email': ${lit(email)}}`,
      request_params: `MAP {'user': ${lit(email)}}`,
    }
    return `SELECT ${EVENT_COLUMNS.map(({ name, type }) => `${given[name] ?? 'NULL'}::${duckdbType(type)} AS ${ident(name)}`).join(', ')}`
  })
  await engine.run(`CREATE TABLE events AS ${rows.join(' UNION ALL ')}`)
})
afterAll(() => engine.close())

const RULES = `title: Sign-ins
logsource: { product: databricks }
detection:
  selection: { actionName: login, requestParams.user: ada }
  condition: selection
---
title: Anything
logsource: { product: databricks }
detection:
  selection: { serviceName|contains: acc }
  condition: selection
`

const CAPTURED = new Map([
  [0, ['actor.email', 'source_ip']],
  [1, ['actor.email', 'requestParams.user']],
])

async function run(options: RunnerOptions): Promise<Map<number, number>> {
  const rules = parseRules(RULES, 't.yml').rules.filter((rule) => rule.kind === 'detection')
  const report = await new RuleRunner(engine, rules, eventShape(duckdb), duckdb, {
    captured: CAPTURED,
    ...options,
  }).run('events')
  expect(report.unrun).toEqual([])
  return new Map(report.matches)
}

const time = (column: string): string => `strftime(${column}, '%H:%M') AS ${column}`

describe('matches that are added up', () => {
  it('are a row for an hour and the values of their fields, with the first and last event', async () => {
    const matches = await run({ summed: new Set([0]) })
    expect(matches).toEqual(
      new Map([
        [1, 6],
        [0, 5],
      ]),
    )
    const rows = await engine.rows(`SELECT rule, ${time('hour')}, fields['source_ip'] AS ip, events::INTEGER AS events,
      ${time('first_time')}, first_event, ${time('last_time')}, last_event FROM ${SUMS_TABLE} ORDER BY ALL`)
    expect(rows.map((row) => Object.values(row).join(' '))).toEqual([
      '0 09:00 10.0.0.1 3 09:10 e1 09:50 e2',
      '0 09:00 10.0.0.2 1 09:30 e4 09:30 e4',
      '0 10:00 10.0.0.1 1 10:00 e3 10:00 e3',
    ])
    expect(await engine.rows(`SELECT DISTINCT rule FROM ${MATCHES_TABLE}`)).toEqual([{ rule: 1 }])
  })

  it('are the same for rules that few of a batch may match', async () => {
    const sums = async (options: RunnerOptions): Promise<unknown[]> => {
      await run({ summed: new Set([0, 1]), ...options })
      return engine.rows(`SELECT * FROM ${SUMS_TABLE} ORDER BY ALL`)
    }
    for (const captured of [CAPTURED, new Map([[1, ['actor.email', 'userAgent']]])])
      expect(await sums({ captured, recordsToPart: 0 })).toEqual(await sums({ captured }))
  })

  it('of one rule are not told apart by the fields of another', async () => {
    await run({ summed: new Set([0, 1]) })
    const rows = await engine.rows(
      `SELECT fields['actor.email'] AS email, sum(events)::INTEGER AS events, count(*)::INTEGER AS n FROM ${SUMS_TABLE} WHERE rule = 1 GROUP BY ALL ORDER BY ALL`,
    )
    expect(rows).toEqual([
      { email: 'ada', events: 5, n: 2 },
      { email: 'bob', events: 1, n: 1 },
    ])
  })
})

describe('matches that need not say why', () => {
  it('have their fields and no reasons, and others keep theirs', async () => {
    await run({ unexplained: new Set([1]) })
    const rows = await engine.rows(
      `SELECT rule, len(selections)::INTEGER AS selections, len(because)::INTEGER AS because, min(fields['actor.email']) AS email, count(*)::INTEGER AS n FROM ${MATCHES_TABLE} GROUP BY ALL ORDER BY ALL`,
    )
    expect(rows).toEqual([
      { rule: 0, selections: 1, because: 2, email: 'ada', n: 5 },
      { rule: 1, selections: 0, because: 0, email: 'ada', n: 6 },
    ])
  })
})
