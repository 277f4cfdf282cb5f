/** From events through rules to correlations. */
import { expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { parseRules } from '../sigma/parse.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { MATCHES_TABLE } from '../sql/match-tables.ts'
import { RuleRunner } from '../sql/runner.ts'
import { linkCorrelations } from './link.ts'
import { runCorrelations } from './runner.ts'

const RULES = `
title: Failed login
name: failed
logsource: { product: databricks }
detection:
  selection:
    actionName: login
    response.statusCode: [401, 403]
  condition: selection
---
title: Login
name: login
logsource: { product: databricks }
detection:
  selection:
    actionName: login
    response.statusCode: 200
  condition: selection
---
title: Guessing
name: guessing
correlation:
  type: event_count
  rules: [failed]
  group-by: [requestParams.user]
  timespan: 10m
  condition:
    gte: 3
---
title: Guessed
correlation:
  type: temporal_ordered
  rules: [guessing, login]
  group-by: [who]
  timespan: 1h
  aliases:
    who:
      guessing: requestParams.user
      login: actor.email
`

it('failed logins and then one that works are found, by names that differ between the two', async () => {
  const engine = await Engine.open({ threads: 2 })
  try {
    await engine.run(`CREATE TABLE events (${columnDefinitions(EVENT_COLUMNS)})`)
    const login = (id: number, minute: number, status: number, fields: string) =>
      `INSERT INTO events BY NAME SELECT 'e${id}' AS event_id, TIMESTAMPTZ '2026-11-14 10:00:00Z' + INTERVAL ${minute} MINUTE AS event_time,
        'accounts' AS service, 'login' AS "action", ${status} AS status_code, ${fields}`
    for (const minute of [0, 2, 4])
      await engine.run(login(minute, minute, 401, "MAP {'user': 'ada'} AS request_params"))
    await engine.run(login(7, 7, 401, "MAP {'user': 'bob'} AS request_params"))
    await engine.run(
      login(
        30,
        30,
        200,
        "{'type': NULL, 'id': NULL, 'name': NULL, 'email': 'ada', 'identity_provider': NULL, 'run_by': NULL, 'run_as': NULL, 'acting_resource': NULL, 'impersonated_by': NULL} AS actor",
      ),
    )
    const { rules, problems } = parseRules(RULES, 'r.yml')
    expect(problems).toEqual([])
    const detections = rules.filter((rule) => rule.kind === 'detection')
    const linked = linkCorrelations(
      detections,
      rules.filter((rule) => rule.kind === 'correlation'),
    )
    const runner = new RuleRunner(engine, detections, eventShape(duckdb), duckdb, { captured: linked.captured })
    expect((await runner.run('events')).matches).toEqual(
      new Map([
        [0, 4],
        [1, 1],
      ]),
    )
    expect(await runCorrelations(engine, linked.correlations, MATCHES_TABLE, duckdb)).toEqual([])
    const found = await engine.rows(
      'SELECT rule, map_values("group") AS "group", events::INTEGER AS events, event_ids FROM temp.correlation_findings ORDER BY rule',
    )
    expect(found).toEqual([
      { rule: 2, group: ['ada'], events: 3, event_ids: ['e0', 'e2', 'e4'] },
      { rule: 3, group: ['ada'], events: 2, event_ids: ['e4', 'e30'] },
    ])
  } finally {
    engine.close()
  }
})
