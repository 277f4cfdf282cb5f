/** Plays the chosen scenarios before anything else, so that their number is known when ordinary life is planned. */
import type { Account } from './account/account.ts'
import { peopleOf } from './account/account.ts'
import type { Role } from './account/people.ts'
import type { SimEvent } from './event.ts'
import type { Random } from './random.ts'
import type { Scenario, ScenarioStage } from './scenarios/contract.ts'
import { Thread } from './thread.ts'

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

/** Plays scenarios on an account. `carries` tells what the form can show; the rest is left out. */
export function playScenarios(
  scenarios: readonly Scenario[],
  account: Account,
  period: Period,
  root: Random,
  carries: (event: SimEvent) => boolean,
): readonly Played[] {
  return scenarios
    .filter((scenario) => scenario.accountLevel !== true || account.cloud !== 'azure')
    .map((scenario) => {
      const events: SimEvent[] = []
      const keep = (event: SimEvent) => {
        if (carries(event) && event.timeMs < period.endMs) events.push(event)
      }
      scenario.play(stageFor(scenario, account, period, root.fork(scenario.id), keep))
      return { scenario, events: events.sort((a, b) => a.timeMs - b.timeMs) }
    })
    .filter(({ events }) => events.length > 0)
}

function stageFor(
  scenario: Scenario,
  account: Account,
  period: Period,
  random: Random,
  keep: (event: SimEvent) => void,
): ScenarioStage {
  const dayMs = pickDay(period, random)
  const taken = new Set<string>()
  return {
    account,
    random,
    at: (hour) => Math.min(dayMs + Math.floor(hour * HOUR_MS), period.endMs - HOUR_MS),
    person(role: Role) {
      const crowd = peopleOf(account, role)
      const start = random.fork(`person-${role}-${scenario.id}`).int(0, crowd.length - 1)
      const found = crowd
        .map((_, i) => crowd[(start + i) % crowd.length])
        .find((person) => !taken.has(person?.email ?? ''))
      if (found === undefined) throw new Error(`no more people of role ${role}`)
      taken.add(found.email)
      return found
    },
    thread: (session, timeMs) => new Thread(session, timeMs, random, keep),
  }
}

/** A working day in the later part of the period, so that what came before can be a baseline. */
function pickDay({ startMs, endMs }: Period, random: Random): number {
  const days = Math.round((endMs - startMs) / DAY_MS)
  const from = Math.floor(days * 0.4)
  const until = days > 2 ? days - 2 : days - 1
  const all = Array.from({ length: until - from + 1 }, (_, i) => startMs + (from + i) * DAY_MS)
  const working = all.filter((day) => ![0, 6].includes(new Date(day).getUTCDay()))
  return random.pick(working.length > 0 ? working : all)
}
