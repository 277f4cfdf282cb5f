/** What ordinary life is made of: works (a person does something) and routines (something happens so often a day). */
import type { Account } from '../account/account.ts'
import type { Table } from '../account/data.ts'
import type { Notebook, Warehouse } from '../account/objects.ts'
import type { Person, Role } from '../account/people.ts'
import type { Workspace } from '../account/workspaces.ts'
import type { Random } from '../random.ts'
import type { Session, Thread } from '../thread.ts'

/** A person's surroundings in one workspace. */
export interface Desk {
  readonly account: Account
  readonly person: Person
  readonly warehouse: Warehouse
  readonly clusterId: string
  /** The person's own notebooks. */
  readonly notebooks: readonly Notebook[]
  /** Tables the person may read and does read. */
  readonly tables: readonly Table[]
}

/** A few minutes to an hour of somebody's work; how often, by role (0 = never). */
export interface Work {
  readonly id: string
  readonly roles: Readonly<Partial<Record<Role, number>>>
  play(thread: Thread, desk: Desk): void
}

/** A program somebody works with instead of the browser. */
export interface Tool extends Work {
  readonly userAgent: string
}

/** Something that happens a number of times a day whatever the size of the log, thinned only on small ones. */
export interface Routine {
  readonly id: string
  /** With `hours` office: the rate while an office is fully at work. */
  readonly perDay: number
  /** office: when people work; any: around the clock. */
  readonly hours: 'office' | 'any'
  play(stage: RoutineStage): void
}

/** What a routine gets. */
export interface RoutineStage {
  readonly account: Account
  readonly random: Random
  readonly timeMs: number
  start(session: Session): Thread
  /** Somebody of these roles who is at work at this moment, from the first `few` of each; undefined if nobody is. */
  colleague(roles: readonly Role[], few?: number): Person | undefined
  /** A browser thread of a person, from where that person works that day. */
  sit(person: Person, workspace: Workspace): Thread
}
