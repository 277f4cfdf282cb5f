import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { withinSecs } from '../correlate/runner.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { attachState, STATE, STATE_MATCHES } from '../state.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, type PlainEvent, packOf } from './pack.fixture.ts'
import { Detector } from './pass.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const rule = (name: string, action: string, more = ''): string =>
  `title: Rule ${name}\nname: ${name}\nlevel: high\ntags: [attack.t1098]\nlogsource: {}\ndetection:\n  picked:\n    actionName: ${action}\n  condition: picked\n${more}`

const FEEDS = 'bricktrail: { feeds: true }\n'

const counted = (more = ''): string =>
  `title: Many\nname: many\ncorrelation:\n  type: event_count\n  rules: [base]\n  group-by: [actor.email]\n  timespan: 10m\n  condition:\n    gte: 3\n${more}`

const at = (action: string, who: string | null, ...secs: readonly number[]): PlainEvent[] =>
  secs.map((sec) => ({ id: `${action}-${who}-${sec}`, secs: sec, action, who }))

const options = { now: new Date('2026-12-01T00:00:00Z') }

async function found(text: string, events: readonly PlainEvent[]) {
  const report = await detectOver(engine, packOf(text), await eventTable(engine, 'closed', events), options)
  expect(report.leftOut).toEqual([])
  return engine.rows(`SELECT * FROM ${FOUND} ORDER BY title, entity, first_time`)
}

it('gathers the matches of a rule by its entity while they follow each other within an hour', async () => {
  const events = [...at('drop', 'ada', 0, 3000, 6000, 20_000), ...at('drop', 'bob', 10), ...at('read', 'ada', 5)]
  const rows = await found(rule('one', 'drop'), events)
  expect(rows.map(({ entity, events: n, event_ids }) => [entity, n, event_ids])).toEqual([
    ['ada', '3', ['drop-ada-0', 'drop-ada-3000', 'drop-ada-6000']],
    ['ada', '1', ['drop-ada-20000']],
    ['bob', '1', ['drop-bob-10']],
  ])
  expect(rows[0]).toMatchObject({
    finding_date: '2026-11-14',
    revision: 1,
    rule_id: 'one',
    rule_kind: 'detection',
    rule_version: 'v1',
    level: 'high',
    tags: ['attack.t1098'],
    entity_field: 'actor.email',
    first_time: '2026-11-14 00:00:00+00',
    last_time: '2026-11-14 01:40:00+00',
    measure: null,
    superseded_by: null,
    summary: 'Rule one: ada, 3 events from 2026-11-14 00:00:00 to 2026-11-14 01:40:00 UTC.',
    explanation: [{ selection: 'picked', field: 'actionName', value: 'drop' }],
  })
})

it('takes an entity that is written in another way for the same, and shows the first', async () => {
  const rows = await found(rule('one', 'drop'), [...at('drop', 'Bob@x.io', 0), ...at('drop', 'bob@X.IO', 10)])
  expect(rows).toMatchObject([{ entity: 'Bob@x.io', group: [{ key: 'actor.email', value: 'Bob@x.io' }], events: '2' }])
})

it('has one finding for matches of nobody in particular', async () => {
  const rows = await found(rule('one', 'drop'), at('drop', null, 0, 10))
  expect(rows).toMatchObject([
    {
      entity: null,
      group: [],
      events: '2',
      summary: 'Rule one, 2 events from 2026-11-14 00:00:00 to 2026-11-14 00:00:10 UTC.',
    },
  ])
})

it('tells of correlations what was counted, and nothing of rules that only feed them', async () => {
  const rows = await found([rule('base', 'login', FEEDS), counted()].join('---\n'), at('login', 'ada', 0, 5, 9, 700))
  expect(rows).toMatchObject([
    {
      rule_kind: 'correlation',
      entity: 'ada',
      events: '3',
      measure: '3',
      event_ids: ['login-ada-0', 'login-ada-5', 'login-ada-9'],
      explanation: [
        { selection: 'base', field: 'events', value: '3' },
        { selection: 'condition', field: 'event_count', value: '3 within 10m, asked for at least 3' },
      ],
    },
  ])
})

it('gives a correlation the entity that its events have where it is not what it groups by', async () => {
  const text = [rule('base', 'login', FEEDS), counted('bricktrail: { entity: source_ip }\n')].join('---\n')
  const events = at('login', 'ada', 0, 5, 9).map((event) => ({ ...event, ip: '10.1.2.3' }))
  expect(await found(text, events)).toMatchObject([{ entity: '10.1.2.3', entity_field: 'source_ip' }])
})

it('refuses a second rule of the same id, and runs the others', async () => {
  const twins = [rule('one', 'drop'), rule('one', 'read'), rule('two', 'read')].join('---\n')
  const report = await detectOver(engine, packOf(twins), await eventTable(engine, 'closed', at('read', 'ada', 1)))
  expect(report.problems.map(({ message }) => message)).toEqual(['rules.yml has a rule of the same id (one).'])
  expect([...report.matches]).toEqual([['two', 1]])
})

describe('a correlation that cannot be run', () => {
  const endless = counted().replaceAll('many', 'endless').replace('Many', 'Endless')
  const read = packOf([rule('base', 'login', FEEDS), endless, counted()].join('---\n'))
  // A window longer than time is, which no file may ask for: the engine fails at it, and only when it comes to it.
  const pack = {
    rules: read.rules.map((each) =>
      each.key === 'endless' && each.rule.kind === 'correlation'
        ? { ...each, rule: { ...each.rule, timespanSecs: 999_999_999 * 86_400 } }
        : each,
    ),
  }

  it('is named and left out, and the others run', async () => {
    const events = at('login', 'ada', 0, 5, 9)
    const report = await detectOver(engine, pack, await eventTable(engine, 'closed', events), options)
    expect(report.leftOut).toMatchObject([{ key: 'endless', title: 'Endless', reason: 'failed' }])
    expect(await engine.rows(`SELECT rule_id FROM ${FOUND}`)).toEqual([{ rule_id: 'many' }])
  })

  it('leaves what is remembered whole', async () => {
    const detector = await Detector.open(engine, {
      pack,
      shape: eventShape(duckdb),
      entity: 'actor.email',
    })
    await attachState(engine)
    try {
      const settled: number[] = []
      for (const [pass, secs] of [[0, 5, 9], [30]].entries()) {
        const report = await detector.pass(await eventTable(engine, 'batch', at('login', 'ada', ...secs)), {
          now: new Date(0),
          asOf: new Date(0),
          pass,
          settle: async (rows) => void settled.push(rows),
        })
        expect(report.leftOut).toMatchObject([{ key: 'endless' }])
      }
      expect(settled).toEqual([1, 1])
      expect(await engine.rows(`SELECT count(*)::INTEGER AS n FROM ${STATE_MATCHES}`)).toEqual([{ n: 4 }])
    } finally {
      await engine.run(`DETACH ${STATE}`)
    }
  })

  it('is cancelled where it takes too long', async () => {
    const slow = withinSecs(engine, 0.05, () =>
      engine.run('SELECT count(*) FROM range(100000) a, range(10000000) b WHERE a.range * b.range % 7 = 1'),
    )
    expect(await slow).toEqual({ reason: 'too slow', message: 'It took longer than 0.05 s.' })
    expect(await withinSecs(engine, 5, () => engine.run('SELECT 1'))).toBeUndefined()
  })
})
