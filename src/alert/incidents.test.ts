import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acknowledge, resolve } from './act.ts'
import { type Alert, alertsLike } from './alert.ts'
import type { FindingRow } from './finding-feed.ts'
import { AlertBench, aFinding, later } from './findings.fixture.ts'
import { timelineOf } from './incidents.ts'
import { type RiskRow, reckoned, USUAL_RISK } from './risk.ts'

const HOUR_MS = 3_600_000

const row = (n: number, more: Partial<RiskRow> = {}): RiskRow => ({
  finding: `f${n}`,
  rule: `rule-${n}`,
  score: 50,
  timeMs: n * HOUR_MS,
  tactics: [],
  ...more,
})

describe('risk', () => {
  it('is too much above a hundred within a day, from the first row of that day on', () => {
    expect(reckoned([row(1), row(2)], USUAL_RISK)).toEqual({ score: 100, isBroad: false })
    expect(reckoned([row(1), row(2), row(3, { score: 1 })], USUAL_RISK)).toEqual({
      score: 101,
      isBroad: false,
      fromMs: HOUR_MS,
    })
  })

  it('forgets what is a day old', () => {
    expect(reckoned([row(1), row(2), row(25)], USUAL_RISK)).toEqual({ score: 100, isBroad: false })
    expect(reckoned([row(1), row(2), row(24)], USUAL_RISK)).toMatchObject({ score: 150, fromMs: HOUR_MS })
  })

  it('of one rule is never more than its cap, however often it fires', () => {
    const rows = Array.from({ length: 50 }, (_, n) => row(n / 10, { rule: 'noisy' }))
    expect(reckoned(rows, USUAL_RISK)).toEqual({ score: 100, isBroad: false })
    expect(reckoned([...rows, row(6, { score: 10 })], USUAL_RISK)).toMatchObject({ score: 110 })
  })

  it('is too much with three tactics by four rules within a week, however small', () => {
    const small = (n: number, tactic: string) => row(n * 30, { score: 1, rule: `rule-${n}`, tactics: [tactic] })
    const rows = [small(1, 'discovery'), small(2, 'persistence'), small(3, 'persistence')]
    expect(reckoned(rows, USUAL_RISK)).toMatchObject({ isBroad: false })
    expect(reckoned([...rows, small(4, 'impact')], USUAL_RISK)).toEqual({
      score: 1,
      isBroad: true,
      fromMs: 30 * HOUR_MS,
    })
    expect(reckoned([...rows, small(7, 'impact')], USUAL_RISK)).toMatchObject({ isBroad: false })
  })
})

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
})
afterEach(() => bench.close())

const incidents = (): Alert[] =>
  bench.look((file) => alertsLike(file, { kind: 'incident', which: 'all', most: 100 })).sort((a, b) => a.n - b.n)
const alertOf = (rule: string): Alert =>
  bench.look((file) => alertsLike(file, { kind: 'alert', which: 'all', rule, most: 1 }))[0] as Alert

const ofRule = (n: number, minutes: number, more: Partial<FindingRow> = {}): FindingRow => {
  const lastMs = later(minutes).getTime()
  const rule = { ruleId: `rule-${n}`, ruleName: `name-${n}`, title: `Title ${n}` }
  return aFinding(`f${n}-${minutes}`, { ...rule, firstMs: lastMs, lastMs, ...more })
}
const at = (minutes: number) => ({ who: 'ana', nowMs: later(minutes).getTime() })

describe('an incident', () => {
  it('is opened once, gathers what comes, and lists timeline, tactics and alerts', async () => {
    await bench.found(ofRule(1, -60), ofRule(2, -30))
    expect(await bench.run()).toMatchObject({ incidents: 0 })
    bench.told('pager')
    await bench.found(ofRule(3, -10, { level: 'low', tags: ['attack.exfiltration'] }))
    expect(await bench.run()).toMatchObject({ incidents: 1 })
    const [incident, ...more] = incidents()
    expect(more).toEqual([])
    expect(incident).toMatchObject({
      state: 'new',
      level: 2,
      findings: 3,
      facts: {
        title: 'Risk of ana@example.com',
        summary: 'ana@example.com came to a risk of 110 within 24 hours.',
        because: ['50 by Title 1 (1 findings)', '50 by Title 2 (1 findings)', '10 by Title 3 (1 findings)'],
        risk: { kind: 'actor', score: 110, tactics: ['exfiltration', 'privilege-escalation'] },
      },
    })
    expect(incident?.facts.risk?.alerts).toHaveLength(3)
    expect(bench.told('pager')).toMatchObject([{ title: 'Risk of ana@example.com', action: 'opened', level: 'medium' }])
    await bench.found(ofRule(4, 5, { level: 'critical' }), ofRule(5, 6, { level: 'high' }))
    expect(await bench.run(later(10))).toMatchObject({ incidents: 0 })
    expect(incidents()).toMatchObject([{ id: incident?.id, level: 3, findings: 5, facts: { risk: { score: 260 } } }])
    const timeline = bench.look((file) => timelineOf(file, incident?.id ?? '', 100))
    expect(timeline.map(({ title, score }) => [title, score])).toEqual([
      ['Title 1', 50],
      ['Title 2', 50],
      ['Title 3', 10],
      ['Title 4', 100],
      ['Title 5', 50],
    ])
  })

  it('once resolved does not count again; what crosses anew is another', async () => {
    await bench.found(ofRule(1, -60), ofRule(2, -30), ofRule(3, -10))
    await bench.run()
    bench.look((file) => resolve(file, incidents()[0] as Alert, 'true_positive', at(1)))
    await bench.found(ofRule(4, 2))
    expect(await bench.run(later(3))).toMatchObject({ incidents: 0 })
    await bench.found(ofRule(5, 4), ofRule(6, 5))
    expect(await bench.run(later(6))).toMatchObject({ incidents: 1 })
    expect(incidents().map(({ n, state, findings }) => [n, state, findings])).toEqual([
      [1, 'resolved', 3],
      [2, 'new', 3],
    ])
  })

  it('ends by itself where its alerts turn out to be false, unless somebody works on it', async () => {
    await bench.found(ofRule(1, -60), ofRule(2, -30), ofRule(3, -10, { level: 'low' }))
    await bench.run()
    bench.look((file) => resolve(file, alertOf('name-1'), 'false_positive', at(1)))
    await bench.run(later(1))
    expect(incidents()).toMatchObject([{ state: 'resolved', outcome: 'withdrawn' }])
    await bench.found(ofRule(4, 2))
    await bench.run(later(3))
    expect(incidents()).toMatchObject([{ state: 'new', outcome: null, n: 1, findings: 3 }])
    bench.look((file) => acknowledge(file, incidents()[0] as Alert, at(4)))
    bench.look((file) => resolve(file, alertOf('name-2'), 'false_positive', at(5)))
    await bench.run(later(5))
    expect(incidents()).toMatchObject([{ state: 'acknowledged', findings: 2, facts: { risk: { score: 60 } } }])
  })

  it('is of the asset too, where the findings name one', async () => {
    const { gather } = await import('./gather.ts')
    const { reckon } = await import('./incidents.ts')
    const lasting = { quietAfterMs: { benign: 1, false_positive: 1 }, reopenMs: 1, historyMs: 1e15 }
    const context = { lasting, scores: USUAL_RISK, nowMs: later(0).getTime() }
    const rows = ['ana', 'bob', 'cem'].map((entity, n) => ofRule(n, n, { entity, assets: ['table:main.hr.pay'] }))
    bench.look((file) =>
      file.atOnce(() => {
        gather(file, rows, context)
        reckon(file, context)
      }),
    )
    expect(incidents().map(({ facts, quiet }) => [facts.entity, quiet])).toEqual([['table:main.hr.pay', null]])
    // The same by one actor is that actor's incident.
    const byOne = ['x', 'y', 'z'].map((_, n) => ofRule(n, n + 10, { entity: 'zoe', assets: ['table:main.hr.tax'] }))
    bench.look((file) =>
      file.atOnce(() => {
        gather(file, byOne, context)
        reckon(file, context)
      }),
    )
    const [zoe] = incidents().filter(({ facts }) => facts.entity === 'zoe')
    const [tax] = incidents().filter(({ facts }) => facts.entity === 'table:main.hr.tax')
    expect(tax?.quiet).toBe(`part of incident ${zoe?.id}`)
  })

  it('is of nobody where the log names nobody', async () => {
    await bench.found(...[1, 2, 3].map((n) => ofRule(n, -n, { entity: 'unknown' })))
    expect(await bench.run()).toMatchObject({ opened: 3, incidents: 0 })
  })

  it('follows the scores of the settings', async () => {
    await bench.file('alerts.yaml', 'risk: { day_score: 60, levels: { high: 31 }, rules: { name-2: 0 } }')
    await bench.found(ofRule(1, -60), ofRule(2, -30))
    expect(await bench.run()).toMatchObject({ incidents: 0 })
    await bench.found(ofRule(3, -10))
    expect(await bench.run()).toMatchObject({ incidents: 1 })
    expect(incidents()).toMatchObject([{ facts: { risk: { score: 62, rules: ['rule-1', 'rule-3'] } } }])
  })
})
