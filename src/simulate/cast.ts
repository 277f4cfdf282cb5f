/** Plays the chosen scenarios before anything else, so that their number is known when ordinary life is planned. */
import type { Account } from './account/account.ts'
import { peopleOf } from './account/account.ts'
import { DAYS_WITH_NEWCOMERS, type Person } from './account/people.ts'
import type { SimEvent } from './event.ts'
import type { Random } from './random.ts'
import type { Scenario, ScenarioStage } from './scenarios/contract.ts'
import { ALL_SCENARIOS } from './scenarios/registry.ts'
import { browserSession, placeOf } from './sessions.ts'
import { type Session, Thread } from './thread.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** What a played scenario leaves: its events and what stands in the labels. */
export interface Played {
  readonly scenario: Scenario
  readonly events: readonly SimEvent[]
}

/** The period scenarios are played in. */
export interface Period {
  readonly startMs: number
  readonly endMs: number
}

/**
 * Plays scenarios on an account. `carries` tells what the form can show; the rest is left out. All are played, whichever
 * are wanted, so that each has the same actors alone and in company.
 */
export function playScenarios(
  wanted: (scenario: Scenario) => boolean,
  account: Account,
  period: Period,
  root: Random,
  carries: (event: SimEvent) => boolean,
): readonly Played[] {
  const taken = new Set<string>()
  return ALL_SCENARIOS.map((scenario) => {
    const events: SimEvent[] = []
    const keep = (event: SimEvent) => {
      if (carries(event) && event.timeMs < period.endMs) events.push(event)
    }
    scenario.play(stageFor(account, period, root.fork(scenario.id), taken, keep))
    return { scenario, events: events.sort((a, b) => a.timeMs - b.timeMs) }
  }).filter(
    ({ scenario, events }) =>
      wanted(scenario) && events.length > 0 && !(scenario.accountLevel === true && account.cloud === 'azure'),
  )
}

function stageFor(
  account: Account,
  period: Period,
  random: Random,
  taken: Set<string>,
  keep: (event: SimEvent) => void,
): ScenarioStage {
  const dayMs = pickDay(period, random)
  const own = new Set<string>()
  const cast = (crowd: readonly Person[]): Person => {
    const unused = crowd.filter((person) => !own.has(person.email))
    const fresh = unused.filter((person) => !taken.has(person.email))
    const found = random.fork(`person-${own.size}`).pick(fresh.length > 0 ? fresh : unused)
    own.add(found.email)
    taken.add(found.email)
    return found
  }
  const days = (period.endMs - period.startMs) / DAY_MS
  const isThereThroughout = (person: Person) => person.joinsAfter === null || days < DAYS_WITH_NEWCOMERS
  const open = (session: Session, timeMs: number) => new Thread(session, timeMs, random, keep)
  return {
    account,
    random,
    at: (hour) => clamp(dayMs + Math.round(hour * 60) * 60_000, period.startMs, period.endMs - HOUR_MS),
    person: (role, where = () => true) =>
      cast(peopleOf(account, role).filter((one) => isThereThroughout(one) && where(one))),
    dormant: () => cast(account.people.filter((person) => person.dormant)),
    open,
    sit: (person, timeMs, workspace = account.prod) =>
      open(browserSession(person, workspace, placeOf(person, timeMs) ?? person.vpn, timeMs, random), timeMs),
    intrude: (who, timeMs, ip, userAgent, workspace = account.prod) =>
      open({ who, workspace, ip, userAgent, id: random.uuid() }, timeMs),
  }
}

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value))

/** A working day in the later part of the period, so that what came before can be a baseline. */
function pickDay({ startMs, endMs }: Period, random: Random): number {
  const days = Math.round((endMs - startMs) / DAY_MS)
  const from = Math.floor(days * 0.4)
  const until = days > 2 ? days - 2 : days - 1
  const all = Array.from({ length: until - from + 1 }, (_, i) => startMs + (from + i) * DAY_MS)
  const working = all.filter((day) => ![0, 6].includes(new Date(day).getUTCDay()))
  return random.pick(working.length > 0 ? working : all)
}
