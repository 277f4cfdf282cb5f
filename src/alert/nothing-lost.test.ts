import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acknowledge, resolve } from './act.ts'
import { type Alert, alertsLike, historyOf } from './alert.ts'
import { AlertsFile } from './alerts-file.ts'
import { aFinding, NOON } from './findings.fixture.ts'
import { flush, nextDueMs } from './flush.ts'
import { gather } from './gather.ts'
import { reckon } from './incidents.ts'
import { Quiet } from './quiet.ts'
import { USUAL_RISK } from './risk.ts'
import { route } from './route.ts'
import { alertSettingsOf } from './settings.ts'
import { addSilence } from './silences.ts'

const THERE = { messages: ['pager', 'mail'], events: [] }

/** Routes that wait, group, hold back, gather, escalate. The last of each takes everything. */
const SETTINGS = [
  'routes: [{ to: pager }]',
  'routes: [{ to: pager, limit: { messages: 2, per: 1h } }]',
  'routes: [{ to: pager, group: { by: [rule], wait: 5m, interval: 20m } }]',
  'routes: [{ to: pager, group: { by: [level], wait: 1m }, limit: { messages: 1, per: 30m } }]',
  "routes: [{ name: a, when: { at_least: high }, to: pager, continue: true, escalate: { after: 10m, to: mail, repeat: 5m } }, { to: mail, digest: { at: '08:00' } }]",
  'routes: [{ when: { hours: 12:00-14:00 }, to: pager, update_every: 10m }, { to: mail, group: { by: [entity] } }]',
  'routes: [{ to: [pager, mail] }]\ninhibit: [{ source: { level: critical }, target: { level: low }, equal: [entity] }]',
].map((text) => alertSettingsOf(text, 'alerts.yaml', THERE))

const step = fc.oneof(
  fc.record({
    kind: fc.constant('find' as const),
    rule: fc.integer({ min: 1, max: 3 }),
    entity: fc.constantFrom('ana', 'bob', 'cem'),
    level: fc.constantFrom('low', 'high', 'critical'),
  }),
  fc.record({ kind: fc.constant('tick' as const), minutes: fc.integer({ min: 0, max: 90 }) }),
  fc.record({ kind: fc.constantFrom('ack' as const, 'resolve' as const), which: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('silence' as const), entity: fc.constantFrom('ana', 'bob') }),
)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly file = AlertsFile.open(':memory:')
  nowMs = NOON.getTime()
  readonly #settings: (typeof SETTINGS)[number]
  #findings = 0

  constructor(settings: (typeof SETTINGS)[number]) {
    this.#settings = settings
  }

  alerts(which: 'open' | 'all'): Alert[] {
    return (['alert', 'incident'] as const).flatMap((kind) => alertsLike(this.file, { kind, which, most: 1000 }))
  }

  take(each: Step): void {
    const acting = { who: 'eve', nowMs: this.nowMs }
    if (each.kind === 'tick') this.nowMs += each.minutes * 60_000
    else if (each.kind === 'silence') {
      const silence = { matcher: { entity: [each.entity] }, endsMs: this.nowMs + 1_800_000, who: 'eve', reason: 'x' }
      addSilence(this.file, { ...silence, nowMs: this.nowMs })
    } else if (each.kind === 'find') {
      this.#findings += 1
      const { rule, entity, level } = each
      const row = aFinding(`f${this.#findings}`, {
        ruleId: `rule-${rule}`,
        entity,
        level,
        firstMs: this.nowMs,
        lastMs: this.nowMs,
      })
      const context = { lasting: this.#settings.lasting, scores: USUAL_RISK, nowMs: this.nowMs }
      this.file.atOnce(() => gather(this.file, [row], context))
    } else {
      const open = this.alerts('open')
      const alert = open[each.which % Math.max(1, open.length)]
      if (alert === undefined) return
      if (each.kind === 'ack') acknowledge(this.file, alert, acting)
      else resolve(this.file, alert, 'true_positive', acting)
    }
    this.run()
  }

  run(): void {
    const { routes, lasting } = this.#settings
    const surroundings = { environments: [], teams: [] }
    this.file.atOnce(() => {
      reckon(this.file, { scores: USUAL_RISK, lasting, nowMs: this.nowMs })
      const quiet = new Quiet(this.file, this.#settings, surroundings, this.nowMs)
      const routing = { routes, surroundings, quiet, telling: { nowMs: this.nowMs, runbookOf: () => [] } }
      route(this.file, routing)
      flush(this.file, routing)
    })
  }

  /** Lets the clock run until nothing waits. */
  settle(): void {
    for (let turns = 0; turns < 500; turns++) {
      const next = nextDueMs(this.file)
      if (next === undefined) return
      this.nowMs = Math.max(this.nowMs, next)
      this.run()
    }
    throw new Error('Something waits for ever.')
  }
}

it('each alert is told in the end, or says why it is not, and no message has the id of another', () => {
  fc.assert(
    fc.property(fc.nat({ max: SETTINGS.length - 1 }), fc.array(step, { maxLength: 40 }), (which, steps) => {
      const world = new World(SETTINGS[which] as (typeof SETTINGS)[number])
      try {
        world.run()
        for (const each of steps) world.take(each)
        world.settle()
        for (const alert of world.alerts('open')) {
          if (alert.quiet !== null) continue
          const history = historyOf(world.file, alert.id)
          const opened = history.findLastIndex(({ what }) => what === 'opened' || what === 'reopened')
          const told = history.findLastIndex(({ what }) => what === 'told')
          expect([alert.facts.title, told > opened]).toEqual([alert.facts.title, true])
        }
        const ids = world.file.all<{ id: string }>('SELECT destination || id AS id FROM outgoing').map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        expect(world.file.all('SELECT * FROM notices')).toEqual([])
      } finally {
        world.file.close()
      }
    }),
    { numRuns: 200, interruptAfterTimeLimit: 20_000 },
  )
}, 30_000)
