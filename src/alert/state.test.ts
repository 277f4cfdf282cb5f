import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { acknowledge, addNote, assign, reopen, resolve, start } from './act.ts'
import { type Alert, historyOf, newestOfKey } from './alert.ts'
import { AlertsFile } from './alerts-file.ts'
import { aFinding, NOON } from './findings.fixture.ts'
import { gather } from './gather.ts'
import { alertKey } from './identity.ts'
import { USUAL_RISK } from './risk.ts'
import { DEEDS, isOpen, STATES, stateAfter } from './state.ts'

const HOUR_MS = 3_600_000
const QUIET_HOURS = 24
const REOPEN_HOURS = 72
const LASTING = {
  quietAfterMs: { benign: QUIET_HOURS * HOUR_MS, false_positive: QUIET_HOURS * HOUR_MS },
  reopenMs: REOPEN_HOURS * HOUR_MS,
  historyMs: 1e15,
}
const KEY = alertKey(aFinding('any'))

/** What a person would expect, in the plainest words. */
interface Model {
  hour: number
  findings: number
  n: number
  state: string
  outcome: string | null
  assignee: string | null
  resolvedAt: number
  counted: number
  entries: number
}

class Real {
  readonly file = AlertsFile.open(':memory:')
  get alert(): Alert {
    const alert = newestOfKey(this.file, KEY)
    if (alert === undefined) throw new Error('There is no alert.')
    return alert
  }
}

const acting = (model: Model) => ({ who: 'ana', nowMs: NOON.getTime() + model.hour * HOUR_MS })
const isResolved = ({ state }: Model) => state === 'resolved'

function check(model: Model, { file, alert }: Real): void {
  const { n, state, outcome, assignee, counted } = model
  expect(alert).toMatchObject({ n, state, outcome, assignee, counted })
  expect(file.all("SELECT id FROM alerts WHERE state <> 'resolved'").length).toBeLessThanOrEqual(1)
  const history = historyOf(file, alert.id)
  expect(history).toHaveLength(model.entries)
  // Each entry goes on where the one before it ended.
  history.slice(1).forEach((entry, at) => {
    expect(entry.from).toBe(history[at]?.to)
  })
  expect(history.at(-1)?.to).toBe(state)
}

type Command = fc.Command<Model, Real>

const command = (name: string, can: (model: Model) => boolean, run: (model: Model, real: Real) => void): Command => ({
  check: can,
  run: (model, real) => {
    run(model, real)
    check(model, real)
  },
  toString: () => name,
})

const taking = (name: 'acknowledged' | 'in progress'): Command =>
  command(
    name,
    (model) => !isResolved(model),
    (model, real) => {
      const isNews = name === 'acknowledged' ? ['new', 'reopened'].includes(model.state) : model.state !== name
      const deed = name === 'acknowledged' ? acknowledge : start
      expect(deed(real.file, real.alert, acting(model))).toBe(isNews)
      if (isNews) Object.assign(model, { state: name, entries: model.entries + 1 })
    },
  )

const resolving = (outcome: 'true_positive' | 'benign' | 'false_positive'): Command =>
  command(
    `resolve ${outcome}`,
    () => true,
    (model, real) => {
      const isNews = model.outcome !== outcome
      expect(resolve(real.file, real.alert, outcome, acting(model))).toBe(isNews)
      if (isNews)
        Object.assign(model, { state: 'resolved', outcome, resolvedAt: model.hour, entries: model.entries + 1 })
    },
  )

const reopening = command(
  'reopen',
  () => true,
  (model, real) => {
    if (!isResolved(model)) {
      expect(() => reopen(real.file, real.alert, acting(model))).toThrow(/does nothing/)
      return
    }
    reopen(real.file, real.alert, acting(model))
    Object.assign(model, { state: 'reopened', outcome: null, entries: model.entries + 1 })
  },
)

const refusing = command('ack of what is resolved', isResolved, (model, real) => {
  expect(() => acknowledge(real.file, real.alert, acting(model))).toThrow(/is resolved/)
})

const giving = (assignee: string | null): Command =>
  command(
    `assign ${assignee}`,
    () => true,
    (model, real) => {
      const isNews = model.assignee !== assignee
      expect(assign(real.file, real.alert, assignee, acting(model))).toBe(isNews)
      if (isNews) Object.assign(model, { assignee, entries: model.entries + 1 })
    },
  )

const noting = command(
  'note',
  () => true,
  (model, real) => {
    addNote(real.file, real.alert, 'Seen.', acting(model))
    model.entries += 1
  },
)

const waiting = (hours: number): Command =>
  command(
    `wait ${hours} h`,
    () => true,
    (model) => {
      model.hour += hours
    },
  )

const evidence = command(
  'new finding',
  () => true,
  (model, real) => {
    model.findings += 1
    const row = aFinding(`f${model.findings}`)
    const { nowMs } = acting(model)
    real.file.atOnce(() => gather(real.file, [row], { lasting: LASTING, scores: USUAL_RISK, nowMs }))
    if (!isResolved(model)) return
    const since = model.hour - model.resolvedAt
    if (model.outcome !== 'true_positive' && since < QUIET_HOURS) model.counted += 1
    else if (since < REOPEN_HOURS)
      Object.assign(model, { state: 'reopened', outcome: null, entries: model.entries + 1 })
    else Object.assign(model, { n: model.n + 1, state: 'new', outcome: null, assignee: null, counted: 0, entries: 1 })
  },
)

const ALL = [
  fc.constantFrom(taking('acknowledged'), taking('in progress'), reopening, refusing, noting, evidence),
  fc.constantFrom(resolving('true_positive'), resolving('benign'), resolving('false_positive')),
  fc.constantFrom(giving('bob'), giving('eve'), giving(null)),
  fc.integer({ min: 1, max: 60 }).map(waiting),
  fc.constant(evidence),
]

const opened: Real[] = []
afterEach(() => {
  for (const { file } of opened.splice(0)) file.close()
})

describe('an alert', () => {
  it('does what people and findings do to it, in every order, and its history tells all of it', () => {
    const setup = () => {
      const real = new Real()
      opened.push(real)
      const model: Model = {
        hour: 0,
        findings: 1,
        n: 1,
        state: 'new',
        outcome: null,
        assignee: null,
        resolvedAt: 0,
        counted: 0,
        entries: 1,
      }
      const context = { lasting: LASTING, scores: USUAL_RISK, nowMs: acting(model).nowMs }
      real.file.atOnce(() => gather(real.file, [aFinding('f1')], context))
      return { model, real }
    }
    fc.assert(
      fc.property(fc.commands(ALL, { maxCommands: 40 }), (commands) => {
        fc.modelRun(setup, commands)
      }),
      { numRuns: 150, interruptAfterTimeLimit: 20_000 },
    )
  }, 30_000)

  it('is open in every state but one, and evidence never leaves it resolved', () => {
    expect(STATES.filter((state) => !isOpen(state))).toEqual(['resolved'])
    for (const state of STATES) expect(isOpen(stateAfter(state, 'evidence') ?? 'resolved')).toBe(true)
  })

  it('can be resolved in every state, and only be reopened once it is', () => {
    for (const state of STATES) expect(stateAfter(state, 'resolve')).toBe('resolved')
    expect(STATES.filter((state) => stateAfter(state, 'reopen') !== undefined)).toEqual(['resolved'])
    expect(DEEDS.flatMap((deed) => stateAfter('resolved', deed) ?? [])).toEqual(['resolved', 'reopened', 'reopened'])
  })
})
