import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acknowledge, resolve } from './act.ts'
import { type Alert, alertsLike, historyOf } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { AlertBench, aFinding, later, NOON } from './findings.fixture.ts'

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
})
afterEach(() => bench.close())

const all = (): Alert[] => bench.look((file) => alertsLike(file, { kind: 'alert', which: 'all', most: 100 }))
const only = (): Alert => {
  const alerts = all()
  expect(alerts).toHaveLength(1)
  return alerts[0] as Alert
}
const act = <T>(work: (file: AlertsFile) => T): T => bench.look(work)
const ana = (minutes: number) => ({ who: 'ana', nowMs: later(minutes).getTime() })

describe('a run of alerts', () => {
  it('opens one alert for a rule and entity, and tells every destination of messages once', async () => {
    await bench.found(aFinding('f1'), aFinding('f2', { entity: 'ANA@example.com', events: 3 }))
    expect(await bench.run()).toMatchObject({ findings: 2, opened: 1, messages: 2 })
    expect(only()).toMatchObject({ state: 'new', findings: 2, events: 4, level: 3, quiet: null })
    const [message, ...more] = bench.told('pager')
    expect(more).toEqual([])
    expect(message).toMatchObject({
      action: 'opened',
      alertId: only().id,
      level: 'high',
      events: 4,
      findings: ['f1', 'f2'],
      because: ['selection: action = setAccountAdmin'],
      entity: { field: 'actor.email' },
      sentTime: NOON.toISOString(),
    })
    expect(bench.told('mail')).toHaveLength(1)
    expect(await bench.run(later(1))).toMatchObject({ findings: 0, opened: 0, messages: 0 })
  })

  it('gathers later findings and revisions, and tells of them once an hour, of a higher level at once', async () => {
    await bench.found(aFinding('f1', { level: 'medium' }))
    await bench.run()
    bench.told('pager')
    await bench.found(aFinding('f1', { level: 'medium', revision: 2, events: 5 }))
    const { nextMs } = await bench.run(later(1))
    expect(nextMs).toBe(later(60).getTime())
    expect(only()).toMatchObject({ findings: 1, events: 5 })
    expect(bench.told('pager')).toEqual([])
    await bench.run(later(60))
    expect(bench.told('pager')).toMatchObject([{ action: 'updated', events: 5 }])
    await bench.found(aFinding('f2', { level: 'critical' }))
    await bench.run(later(61))
    expect(bench.told('pager')).toMatchObject([{ action: 'updated', level: 'critical' }])
  })

  it('tells whoever was told that somebody has it, and what it was', async () => {
    await bench.found(aFinding('f1'))
    await bench.run()
    bench.told('pager')
    act((file) => acknowledge(file, only(), ana(5)))
    await bench.run(later(5))
    expect(bench.told('pager')).toMatchObject([{ action: 'acknowledged', status: 'acknowledged', note: 'by ana' }])
    act((file) => resolve(file, only(), 'true_positive', { ...ana(6), why: 'Ticket 7.' }))
    await bench.run(later(6))
    expect(bench.told('pager')).toMatchObject([
      { action: 'resolved', status: 'resolved (true positive)', note: 'by ana: Ticket 7.' },
    ])
  })

  it('opens a resolved alert again on new evidence, and only on that', async () => {
    await bench.found(aFinding('f1'))
    await bench.run()
    act((file) => resolve(file, only(), 'true_positive', ana(5)))
    await bench.found(aFinding('f1', { revision: 2, summary: 'Other words.' }))
    expect(await bench.run(later(6))).toMatchObject({ reopened: 0 })
    expect(only().state).toBe('resolved')
    await bench.found(aFinding('f1', { revision: 3, events: 2 }))
    expect(await bench.run(later(7))).toMatchObject({ reopened: 1 })
    expect(only()).toMatchObject({ state: 'reopened', outcome: null })
    expect(bench.told('pager').at(-1)).toMatchObject({ action: 'reopened', note: 'New evidence.' })
  })

  it('only counts what comes of a key that was a false positive, for a week', async () => {
    await bench.found(aFinding('f1'))
    await bench.run()
    act((file) => resolve(file, only(), 'false_positive', ana(5)))
    await bench.run(later(5))
    bench.told('pager')
    await bench.found(aFinding('f2'))
    expect(await bench.run(later(60))).toMatchObject({ counted: 1, opened: 0, reopened: 0, messages: 0 })
    expect(only()).toMatchObject({ state: 'resolved', counted: 1, findings: 2 })
    const week = 8 * 1440
    const lastMs = later(week - 5).getTime()
    await bench.found(aFinding('f3', { firstMs: lastMs, lastMs }))
    expect(await bench.run(later(week))).toMatchObject({ opened: 1 })
    expect(all().map(({ n, state }) => [n, state])).toEqual([
      [2, 'new'],
      [1, 'resolved'],
    ])
  })

  it('stays quiet on a duplicate while the other is open', async () => {
    await bench.found(aFinding('f1'), aFinding('g1', { entity: 'bob@example.com' }))
    await bench.run()
    const [one, other] = all() as [Alert, Alert]
    act((file) => resolve(file, one, 'duplicate', { ...ana(1), duplicateOf: other }))
    await bench.found(aFinding('n1', { entity: one.facts.entity }))
    expect(await bench.run(later(2))).toMatchObject({ counted: 1, reopened: 0 })
    act((file) => resolve(file, other, 'true_positive', ana(3)))
    await bench.found(aFinding('n2', { entity: one.facts.entity }))
    expect(await bench.run(later(4))).toMatchObject({ counted: 0, reopened: 1 })
  })

  it('withdraws an alert whose findings turned out to be part of others', async () => {
    await bench.found(aFinding('f1'))
    await bench.run()
    bench.told('pager')
    await bench.found(aFinding('f1', { revision: 2, supersededBy: 'f0' }))
    await bench.run(later(1))
    expect(only()).toMatchObject({ state: 'resolved', outcome: 'withdrawn', findings: 0 })
    expect(bench.told('pager')).toMatchObject([{ action: 'resolved', status: 'resolved (withdrawn)' }])
  })

  it('lists what is old when it is found, and tells nobody', async () => {
    const lastMs = later(-10 * 1440).getTime()
    await bench.found(aFinding('f1', { firstMs: lastMs, lastMs }))
    expect(await bench.run()).toMatchObject({ opened: 1, history: 1, messages: 0 })
    expect(only()).toMatchObject({ state: 'new', quiet: 'history' })
  })

  it('reads a table of findings that was put back, and changes nothing it knows', async () => {
    await bench.found(aFinding('f1'))
    await bench.found(aFinding('f2'))
    await bench.run()
    const { rm } = await import('node:fs/promises')
    await rm(bench.home.findings, { recursive: true })
    await bench.found(aFinding('f1'), aFinding('f3', { entity: 'bob@example.com' }))
    expect(await bench.run(later(1))).toMatchObject({ opened: 1 })
    expect(all()).toHaveLength(2)
  })

  it('writes down who did what, and lets nobody change it', async () => {
    await bench.found(aFinding('f1'))
    await bench.run()
    act((file) => acknowledge(file, only(), { ...ana(1), why: 'Looking.' }))
    const { id } = only()
    expect(act((file) => historyOf(file, id))).toMatchObject([
      { who: 'bricktrail', what: 'opened', to: 'new' },
      { who: 'bricktrail', what: 'told', why: 'opened, to mail, pager' },
      { who: 'ana', what: 'acknowledged', from: 'new', to: 'acknowledged', why: 'Looking.' },
    ])
    expect(() => act((file) => file.run("UPDATE history SET who = 'bob'"))).toThrow(/append-only/)
    expect(() => act((file) => file.run('DELETE FROM history'))).toThrow(/append-only/)
  })
})
