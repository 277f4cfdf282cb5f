import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Outbox } from '../deliver/outbox.ts'
import { acknowledge, resolve } from './act.ts'
import { type Alert, alertsLike } from './alert.ts'
import { AlertBench, aFinding, later, NOON } from './findings.fixture.ts'
import { addSilence } from './silences.ts'
import { outgoing } from './told.ts'

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
})
afterEach(() => bench.close())

const settings = (text: string) => bench.file('alerts.yaml', text)
const all = (): Alert[] => bench.look((file) => alertsLike(file, { kind: 'alert', which: 'all', most: 100 }))
const alertOf = (entity: string): Alert => all().find(({ facts }) => facts.entity === entity) as Alert
const people = (...names: readonly string[]) => names.map((name) => aFinding(`f-${name}`, { entity: name }))
const at = (minutes: number) => ({ who: 'ana', nowMs: later(minutes).getTime() })
const routes = (...lines: readonly string[]) => settings(`routes:\n${lines.map((line) => `  - ${line}\n`).join('')}`)

describe('a route', () => {
  it('is the first that fits, and those after it that it lets through', async () => {
    await routes(
      '{ name: quiet, when: { entity: robot* }, to: [] }',
      '{ name: night, when: { at_least: high }, to: [pager], continue: true }',
      '{ name: rest, to: [mail] }',
    )
    await bench.found(...people('ana', 'robot-7'), aFinding('f-low', { entity: 'bob', level: 'low' }))
    await bench.run()
    expect(bench.told('pager').map(({ entity }) => entity?.value)).toEqual(['ana'])
    expect(bench.told('mail').map(({ entity }) => entity?.value)).toEqual(['ana', 'bob'])
  })

  it('fits by team, threat, tag and rule, without case', async () => {
    await settings(`
teams:
  identity: { tag: [attack.privilege-escalation] }
routes:
  - { when: { team: identity, threat: PRIVILEGE-*, rule: [Admin-Granted] }, to: [pager] }
`)
    await bench.found(...people('ana'), aFinding('g', { entity: 'bob', tags: [] }))
    await bench.run()
    expect(bench.told('pager').map(({ entity }) => entity?.value)).toEqual(['ana'])
  })

  it('is taken only in its hours, in its time zone', async () => {
    await routes(
      '{ name: day, when: { hours: 08:00-18:00, days: mon-fri, time_zone: America/New_York }, to: [mail] }',
      '{ name: night, to: [pager] }',
    )
    await bench.found(...people('ana'))
    // Noon in UTC is seven in the morning in New York.
    await bench.run()
    expect([bench.told('mail').length, bench.told('pager').length]).toEqual([0, 1])
    await bench.found(...people('bob'))
    await bench.run(later(60))
    expect([bench.told('mail').length, bench.told('pager').length]).toEqual([1, 0])
  })

  it('makes one message of a group, waits between two, and closes it when all of it is resolved', async () => {
    await routes('{ to: [pager], group: { by: [rule], wait: 1m, interval: 10m } }')
    await bench.found(...people('ana', 'bob'))
    await bench.run()
    expect(bench.told('pager')).toEqual([])
    await bench.run(later(1))
    const [first, ...none] = bench.told('pager')
    expect(none).toEqual([])
    expect(first).toMatchObject({ action: 'opened', title: '2 alerts: Account admin granted', events: 2 })
    expect(first?.because).toHaveLength(2)
    await bench.found(...people('cem'))
    await bench.run(later(3))
    expect(bench.told('pager')).toEqual([])
    await bench.run(later(11))
    const [second] = bench.told('pager')
    expect(second).toMatchObject({ action: 'updated', dedupKey: first?.dedupKey, entity: { value: 'cem' } })
    bench.look((file) => {
      resolve(file, alertOf('ana'), 'benign', at(12))
      resolve(file, alertOf('bob'), 'benign', at(12))
    })
    await bench.run(later(12))
    expect(bench.told('pager')).toEqual([])
    bench.look((file) => resolve(file, alertOf('cem'), 'benign', at(13)))
    await bench.run(later(13))
    expect(bench.told('pager')).toMatchObject([
      { action: 'resolved', dedupKey: first?.dedupKey, status: 'resolved', title: '3 alerts: Account admin granted' },
    ])
  })

  it('leaves out of a group what was resolved before it was told', async () => {
    await routes('{ to: [pager], group: { by: [rule], wait: 1m } }')
    await bench.found(...people('ana', 'bob'))
    await bench.run()
    bench.look((file) => resolve(file, alertOf('ana'), 'benign', at(0)))
    await bench.run(later(1))
    expect(bench.told('pager')).toMatchObject([{ action: 'opened', entity: { value: 'bob' } }])
  })

  it('gathers a digest for its hour', async () => {
    await routes("{ to: [mail], digest: { at: '08:00', time_zone: Europe/Berlin } }")
    await bench.found(...people('ana', 'bob'))
    const { nextMs } = await bench.run()
    expect(new Date(nextMs ?? 0).toISOString()).toBe('2026-11-13T07:00:00.000Z')
    await bench.found(...people('cem'))
    await bench.run(later(600))
    expect(bench.told('mail')).toEqual([])
    await bench.run(new Date('2026-11-13T07:00:00Z'))
    expect(bench.told('mail')).toMatchObject([{ title: '3 alerts: Account admin granted' }])
    expect((await bench.run(new Date('2026-11-13T07:01:00Z'))).messages).toBe(0)
  })

  it('closes a digest, and what was held back, where it opened something, once all of it is over', async () => {
    await bench.file(
      'deliver.yaml',
      'destinations: { mail: { kind: file, path: m }, pager: { kind: pagerduty, routing_key: env:PD } }',
    )
    await routes(
      "{ when: { entity: [ana, bob] }, to: [mail, pager], digest: { at: '12:30' } }",
      '{ to: [mail, pager], limit: { messages: 1, per: 1h } }',
    )
    await bench.found(...people('ana', 'bob', 'cem', 'dan'))
    await bench.run()
    await bench.run(later(31))
    const opened = bench.told('pager')
    expect(opened.map(({ action, title }) => [action, title])).toEqual([
      ['opened', '2 alerts: Account admin granted'],
      ['opened', '2 alerts: Account admin granted'],
    ])
    bench.told('mail')
    const end = async (entity: string, minutes: number) => {
      bench.look((file) => resolve(file, alertOf(entity), 'benign', at(minutes)))
      await bench.run(later(minutes))
    }
    for (const entity of ['ana', 'cem']) await end(entity, 40)
    expect(bench.told('pager')).toEqual([])
    for (const entity of ['bob', 'dan']) await end(entity, 50)
    const closed = bench.told('pager')
    expect(closed.map(({ action }) => action)).toEqual(['resolved', 'resolved'])
    expect(closed.map(({ dedupKey }) => dedupKey).sort()).toEqual(opened.map(({ dedupKey }) => dedupKey).sort())
    expect(bench.told('mail')).toEqual([])
  })

  it('holds back what is beyond its limit, tells it together later, and loses none', async () => {
    await routes('{ to: [pager], limit: { messages: 3, per: 1h } }')
    const names = Array.from({ length: 10 }, (_, n) => `person${n}`)
    await bench.found(...people(...names), aFinding('worst', { entity: 'zoe', level: 'critical' }))
    await bench.run()
    const told = bench.told('pager')
    expect(told.map(({ title }) => title)).toEqual([
      'Account admin granted',
      'Account admin granted',
      '9 alerts: Account admin granted',
    ])
    expect(told[0]).toMatchObject({ level: 'critical', entity: { value: 'zoe' } })
    await bench.found(...people('late1', 'late2'))
    const { nextMs } = await bench.run(later(10))
    expect(bench.told('pager')).toEqual([])
    expect(nextMs).toBe(later(60).getTime())
    await bench.run(later(60))
    expect(bench.told('pager').map(({ entity }) => entity?.value)).toEqual(expect.arrayContaining(['late1', 'late2']))
  })

  it('tells others if nobody takes it on, again and again, until somebody does', async () => {
    await routes('{ to: [mail], escalate: { after: 30m, to: [pager], repeat: 1h, times: 3 } }')
    await bench.found(...people('ana', 'bob'))
    await bench.run()
    bench.look((file) => acknowledge(file, alertOf('bob'), at(10)))
    await bench.run(later(29))
    expect(bench.told('pager')).toEqual([])
    const { nextMs } = await bench.run(later(30))
    expect(nextMs).toBe(later(90).getTime())
    expect(bench.told('pager')).toMatchObject([{ action: 'escalated', entity: { value: 'ana' } }])
    await bench.run(later(90))
    expect(bench.told('pager')).toHaveLength(1)
    bench.look((file) => acknowledge(file, alertOf('ana'), at(95)))
    await bench.run(later(95))
    expect(bench.told('pager')).toMatchObject([{ action: 'acknowledged' }])
    await bench.run(later(600))
    expect(bench.told('pager')).toEqual([])
  })

  it('escalates no more often than it was told to', async () => {
    await routes('{ to: [mail], escalate: { after: 30m, to: [pager], repeat: 1h, times: 2 } }')
    await bench.found(...people('ana'))
    await bench.run()
    for (const minutes of [30, 90, 150, 210]) await bench.run(later(minutes))
    expect(bench.told('pager')).toHaveLength(2)
  })

  it('fills in the link', async () => {
    await settings('url: "https://trail.example.com/{kind}s/{id}?who={entity}"\nroutes: [{ to: [pager] }]')
    await bench.found(...people('ana@example.com'))
    await bench.run()
    const { id } = alertOf('ana@example.com')
    expect(bench.told('pager')[0]?.url).toBe(`https://trail.example.com/alerts/${id}?who=ana%40example.com`)
  })

  it('that is gone hands what waits there to those that are left', async () => {
    await routes("{ name: old, to: [mail], digest: { at: '08:00' } }")
    await bench.found(...people('ana'))
    await bench.run()
    await routes('{ name: newer, to: [pager] }')
    await bench.run(later(1))
    expect(bench.told('pager')).toMatchObject([{ entity: { value: 'ana' } }])
  })
})

describe('what is kept quiet', () => {
  it('is what somebody silenced, until the silence is over', async () => {
    await routes('{ to: [pager] }')
    bench.look((file) =>
      addSilence(file, {
        matcher: { entity: ['an*'] },
        endsMs: later(60).getTime(),
        who: 'eve',
        reason: 'Migration.',
        nowMs: NOON.getTime(),
      }),
    )
    await bench.found(...people('ana', 'bob'))
    await bench.run()
    expect(bench.told('pager').map(({ entity }) => entity?.value)).toEqual(['bob'])
    expect(alertOf('ana')).toMatchObject({ state: 'new', quiet: 'silenced by eve: Migration.' })
    await bench.found(aFinding('more', { entity: 'ana' }))
    await bench.run(later(61))
    expect(bench.told('pager')).toMatchObject([{ entity: { value: 'ana' }, events: 2 }])
    expect(alertOf('ana').quiet).toBeNull()
  })

  it('is what happened during maintenance, however late it was found', async () => {
    await settings(`
routes: [{ to: [pager] }]
maintenance:
  - { name: weekly, when: { rule: admin-granted }, days: thu, hours: 11:00-11:45 }
`)
    const lastMs = later(-5).getTime()
    await bench.found(...people('ana'), aFinding('g', { entity: 'bob', firstMs: lastMs, lastMs }))
    await bench.run()
    expect(bench.told('pager').map(({ entity }) => entity?.value)).toEqual(['bob'])
    expect(alertOf('ana').quiet).toBe('maintenance: weekly')
  })

  it('is what another open alert says already, whichever came first', async () => {
    await settings(`
routes: [{ to: [pager] }]
inhibit:
  - { name: takeover, source: { rule: account-taken-over }, target: { level: [medium, high] }, equal: [entity] }
`)
    await bench.found(
      ...people('ana', 'bob'),
      aFinding('worse', { ruleId: 'rule-9', ruleName: 'account-taken-over', entity: 'ana', level: 'critical' }),
    )
    await bench.run()
    expect(bench.told('pager').map(({ entity, level }) => [entity?.value, level])).toEqual(
      expect.arrayContaining([
        ['ana', 'critical'],
        ['bob', 'high'],
      ]),
    )
    const quiet = all().filter((alert) => alert.quiet !== null)
    expect(quiet).toMatchObject([{ level: 3, facts: { entity: 'ana' } }])
    expect(quiet[0]?.quiet).toMatch(/^takeover: while [0-9a-f]{16} is open$/)
  })
})

describe('messages', () => {
  it('that were put and not yet forgotten when it was killed arrive once', async () => {
    await routes('{ to: [pager] }')
    await bench.found(...people('ana'))
    await bench.run()
    const outbox = Outbox.open(bench.home.outbox)
    const [waiting] = outbox.due('pager', Number.MAX_SAFE_INTEGER, 10)
    outbox.close()
    bench.look((file) =>
      file.run(
        'INSERT INTO outgoing (destination, id, key, body, weight, at_ms) VALUES (?, ?, ?, ?, 3, 0)',
        'pager',
        waiting?.id ?? '',
        waiting?.key ?? '',
        waiting?.body ?? '',
      ),
    )
    expect(await bench.run(later(1))).toMatchObject({ messages: 0 })
    expect(bench.look((file) => outgoing(file, 10))).toEqual([])
    expect(bench.told('pager')).toHaveLength(1)
  })

  it('of an alert have the same ids where alerts.db is lost and made again, so that nobody is paged twice', async () => {
    await routes('{ to: [pager] }')
    await bench.found(...people('ana'))
    await bench.run()
    const { rm } = await import('node:fs/promises')
    for (const end of ['', '-wal', '-shm']) await rm(bench.home.alerts + end, { force: true })
    expect(await bench.run(later(5))).toMatchObject({ opened: 1, messages: 0 })
    expect(bench.told('pager')).toHaveLength(1)
  })
})
