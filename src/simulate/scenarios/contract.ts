/** What an attack scenario is: one file each, listed in `registry.ts`. */
import type { Account } from '../account/account.ts'
import type { Person, Role } from '../account/people.ts'
import type { Workspace } from '../account/workspaces.ts'
import type { Principal } from '../event.ts'
import type { Random } from '../random.ts'
import type { Session, Thread } from '../thread.ts'

/** What a scenario says of itself. */
export interface ScenarioInfo {
  readonly id: string
  readonly title: string
  /** What a detection should say about it. */
  readonly expect: string
  /** MITRE ATT&CK technique ids. */
  readonly techniques: readonly string[]
  /** Shipped rules that should tell of it, by the names of their files; one of them is enough. */
  readonly rules: readonly string[]
}

/** A scenario: plays its events on a stage, always the same for a seed. */
export interface Scenario extends ScenarioInfo {
  /** True when what matters is logged at the account level only, so that Azure diagnostic logs never show it. */
  readonly accountLevel?: boolean
  play(stage: ScenarioStage): void
}

/** What a scenario gets. Times are UTC milliseconds. */
export interface ScenarioStage {
  readonly account: Account
  readonly random: Random
  /** The scenario's day at an hour of UTC; hours above 24 are the next day, all kept within the period. */
  at(hour: number): number
  /** An active person of a role who satisfies `where`; never the same one twice in a scenario. */
  person(role: Role, where?: (person: Person) => boolean): Person
  /** Somebody with an account but no activity. */
  dormant(): Person
  /** A person at the usual place and browser, in production unless told. */
  sit(person: Person, timeMs: number, workspace?: Workspace): Thread
  /** A session from an address and client of the attacker's choice. */
  intrude(who: Principal, timeMs: number, ip: string, userAgent: string, workspace?: Workspace): Thread
  /** A thread of any session. */
  open(session: Session, timeMs: number): Thread
}
