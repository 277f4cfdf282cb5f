import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { detectOver } from '../job/over.ts'
import { eventTable, type PlainEvent, packOf } from '../job/pack.fixture.ts'
import type { Level } from '../sigma/rule.ts'
import { type LabelledScenario, writeAttacks } from './labels.ts'
import { judge, type Verdict, wrongOf } from './verdict.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const rule = (name: string, action: string, level: Level, more = ''): string =>
  `title: ${name}\nname: ${name}\nlevel: ${level}\nlogsource: {}\ndetection:\n  s:\n    actionName: ${action}\n  condition: s\n${more}`

const at = (action: string, who: string, ...secs: readonly number[]): PlainEvent[] =>
  secs.map((sec) => ({ id: `${action}-${who}-${sec}`, secs: sec, action, who }))

const scenario = (id: string, rules: readonly string[], ...requestIds: readonly string[]): LabelledScenario => ({
  id,
  title: id,
  rules,
  requestIds,
})

async function judged(
  texts: readonly string[],
  events: readonly PlainEvent[],
  scenarios: readonly LabelledScenario[],
  from?: string,
): Promise<Verdict> {
  const { rules } = packOf(texts.join('---\n'))
  const named = rules.map((each) => ({ ...each, file: `/anywhere/rules/threat/${each.key}.yml`, isShipped: true }))
  const relation = await eventTable(engine, 'judged', events)
  await engine.run(`UPDATE ${relation} SET request_id = event_id`)
  await detectOver(engine, { rules: named }, relation)
  await writeAttacks(engine, scenarios, relation)
  return judge(engine, named, scenarios, from)
}

describe('a rule', () => {
  it('is right about findings with an event of an attack, and wrong about the others', async () => {
    const events = [...at('drop', 'ada', 0, 60), ...at('drop', 'bob', 10), ...at('drop', 'cy', 20)]
    const { rules } = await judged([rule('drops', 'drop', 'high')], events, [
      scenario('x', ['drops'], 'drop-ada-60'),
      scenario('y', ['drops'], 'nothing'),
    ])
    expect(rules).toEqual([
      {
        name: 'threat/drops',
        key: 'drops',
        level: 'high',
        findings: 3,
        right: 1,
        wrong: 2,
        precision: 1 / 3,
        expected: 2,
        told: 1,
        recall: 0.5,
      },
    ])
    expect((await wrongOf(engine, 'drops', 1)).map(({ summary }) => summary)).toEqual([
      'drops: bob, 1 event at 2026-11-14 00:00:10 UTC.',
    ])
  })

  it('that found nothing has no precision, and one that nothing is expected of has no recall', async () => {
    const { rules } = await judged([rule('drops', 'drop', 'high')], at('read', 'ada', 1), [])
    expect(rules).toMatchObject([{ findings: 0, precision: null, expected: 0, recall: null }])
  })

  it('is forgiven what it says of no attack before a time', async () => {
    const events = [...at('drop', 'ada', 0), ...at('drop', 'bob', 10), ...at('drop', 'cy', 7200)]
    const known = [scenario('x', ['drops'], 'drop-ada-0')]
    const { rules } = await judged([rule('drops', 'drop', 'high')], events, known, '2026-11-14T01:00:00Z')
    expect(rules).toMatchObject([{ findings: 2, right: 1, wrong: 1 }])
  })

  it('that only feeds others is not judged', async () => {
    const feeds = 'bricktrail: { feeds: true }\n'
    const { rules } = await judged([rule('drops', 'drop', 'high', feeds)], at('drop', 'ada', 1), [])
    expect(rules).toEqual([])
  })
})

describe('an attack', () => {
  const pack = [rule('drops', 'drop', 'high'), rule('reads', 'read', 'medium'), rule('logins', 'login', 'low')]
  const events = [...at('drop', 'ada', 0), ...at('read', 'ada', 5), ...at('login', 'ada', 9)]

  it('is detected by a rule that should tell of it; others are named beside it', async () => {
    const { scenarios } = await judged(pack, events, [scenario('x', ['drops', 'logins'], 'drop-ada-0', 'read-ada-5')])
    expect(scenarios).toMatchObject([
      { id: 'x', isDetected: true, by: ['threat/drops'], silent: ['logins'], also: ['threat/reads'] },
    ])
  })

  it('is not detected by a rule for something else, nor below a level that asks for attention', async () => {
    const { scenarios } = await judged(pack, events, [
      scenario('else', ['drops'], 'read-ada-5'),
      scenario('low', ['logins'], 'login-ada-9'),
    ])
    expect(scenarios.map(({ id, isDetected }) => [id, isDetected])).toEqual([
      ['else', false],
      ['low', false],
    ])
  })

  it('that names no rules is detected by any', async () => {
    const { scenarios } = await judged(pack, events, [scenario('x', [], 'read-ada-5'), scenario('y', [], 'none')])
    expect(scenarios.map(({ isDetected }) => isDetected)).toEqual([true, false])
  })
})

it('findings are counted by level, those on no attack apart', async () => {
  const events = [...at('drop', 'ada', 0), ...at('drop', 'bob', 0), ...at('login', 'ada', 9)]
  const pack = [rule('drops', 'drop', 'high'), rule('logins', 'login', 'low')]
  const { levels } = await judged(pack, events, [scenario('x', [], 'drop-ada-0')])
  expect(levels).toEqual([
    { level: 'informational', findings: 0, wrong: 0 },
    { level: 'low', findings: 1, wrong: 1 },
    { level: 'medium', findings: 0, wrong: 0 },
    { level: 'high', findings: 2, wrong: 1 },
    { level: 'critical', findings: 0, wrong: 0 },
  ])
})

it('the busiest day is the one with the most findings on no attack that ask for attention', async () => {
  const day = 86_400
  const events = [...at('drop', 'ada', 0, day, 2 * day), ...at('drop', 'bob', day), ...at('login', 'ada', 0, 1, 2)]
  const pack = [rule('drops', 'drop', 'high'), rule('logins', 'login', 'low')]
  const { busiest } = await judged(pack, events, [scenario('x', [], 'drop-ada-0')])
  expect(busiest).toEqual({ day: '2026-11-15', wrong: 2 })
  expect((await judged(pack, at('login', 'ada', 0), [])).busiest).toBeUndefined()
})
