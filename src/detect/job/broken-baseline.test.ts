import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import type { BaselineRule, PackRule } from '../pack/pack.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, type PlainEvent, packOf } from './pack.fixture.ts'

const DAY_SECS = 86_400

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const [drops] = packOf(
  'title: Dropped\nname: dropped\nlogsource: {}\ndetection:\n  picked:\n    actionName: drop\n  condition: picked\n',
).rules as [PackRule]

/** A baseline over what the rule picks; a window or a time to learn beyond all bounds fails when it is run. */
const baseline = (key: string, more: Partial<BaselineRule>): PackRule => {
  const { rule } = drops
  if (rule.kind !== 'detection') throw new TypeError('It is a detection rule.')
  return {
    ...drops,
    key,
    rule: {
      kind: 'baseline',
      meta: { ...rule.meta, name: key, title: key },
      logsource: {},
      type: 'first_seen',
      select: rule,
      by: ['actor.email'],
      value: ['sourceIPAddress'],
      learnSecs: DAY_SECS,
      measure: 'count',
      threshold: {},
      ...more,
    },
  }
}

const events: PlainEvent[] = Array.from({ length: 40 }, (_, n) => ({
  id: `e${String(n).padStart(2, '0')}`,
  secs: n * 7200,
  action: 'drop',
  who: 'ada',
  ip: n < 39 ? '10.0.0.1' : '10.0.0.2',
}))

it('a baseline that cannot be compared is named and left out, and detection goes on', async () => {
  const broken = { type: 'spike', value: [], windowSecs: 3600, learnSecs: 999_999_999 * 604_800 } as const
  const rules = [
    drops,
    baseline('good', {}),
    baseline('broken', broken),
    baseline('other spike', { ...broken, learnSecs: DAY_SECS }),
  ]
  const relation = await eventTable(engine, 'closed', events)
  const report = await detectOver(engine, { rules }, relation, { now: new Date('2026-12-01T00:00:00Z') })
  expect(report.leftOut).toMatchObject([{ key: 'broken', reason: 'failed' }])
  const found = await engine.rows(`SELECT DISTINCT rule_id FROM ${FOUND} ORDER BY rule_id`)
  expect(found.map(({ rule_id }) => rule_id)).toEqual(['dropped', 'good'])
  expect(await engine.row("SELECT current_setting('disabled_optimizers') AS value")).toEqual({ value: '' })
})
