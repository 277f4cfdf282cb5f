/** Ordinary life of the account, slot by slot: people, jobs, BI tools, routines, and chatter up to the exact count. */
import { type Account, peopleOf } from './account/account.ts'
import { SITES } from './account/networks.ts'
import type { Job, Warehouse } from './account/objects.ts'
import { DAYS_WITH_NEWCOMERS, type Person } from './account/people.ts'
import { makeChatter } from './activities/chatter.ts'
import type { Desk, RoutineStage } from './activities/contract.ts'
import { activeJobs, playRun, richnessFor, runTimes } from './activities/job-runs.ts'
import { biRefresh } from './activities/queries.ts'
import { ROUTINES, TOOLS, WORKS } from './activities/registry.ts'
import type { Emit } from './event.ts'
import type { Random } from './random.ts'
import { browserSession, placeOf, serviceSession, signIn, tokenSignIn, toolSession } from './sessions.ts'
import { type Session, Thread } from './thread.ts'
import { officeLoad, type Slot } from './timeline.ts'

/** Part of the events that runs of scheduled jobs may take. */
const JOB_SHARE = 0.3

/** Part of the events that BI tools on warehouses take. */
const BI_SHARE = 0.14

/** Below this many events a day the routines are thinned out, so that they do not crowd out everything else. */
const ROUTINES_FULL_AT = 25_000

/** Part of the sittings that are with a tool, for those who use one. */
const TOOL_SHARE = 0.2

/** Part of the data scientists' sittings on compute dedicated to their group. */
const GROUP_COMPUTE_SHARE = 0.12

/** A run reads this many times what its job lists, on the busiest and the quietest log. */
const RICHNESS = { least: 0.3, most: 6 } as const

/** Ordinary life, bound to an account and a volume. */
export interface Life {
  /** Makes what starts in a slot. `made` counts the events that were kept so far, `goal` how many there must be after it. */
  play(slot: Slot, emit: Emit, made: () => number, goal: number): void
}

/** Sittings a day outside office hours: weekends, evenings, and whoever is on call. */
const OVERTIME_PER_DAY = 6

/** Plans ordinary life for `events` over `days` from `startMs`. */
export function makeLife(account: Account, root: Random, events: number, days: number, startMs: number): Life {
  const perDay = events / days
  const staffAt = (timeMs: number): Account => ({ ...account, people: arrived(account, startMs, days, timeMs) })
  const jobs = activeJobs(account, perDay * JOB_SHARE)
  const richness = richnessFor(jobs, perDay * JOB_SHARE, RICHNESS.least, RICHNESS.most)
  const chatter = makeChatter(account, root.fork('chatter-tables'))
  const thinning = Math.min(1, perDay / ROUTINES_FULL_AT)
  let untilBefore = 0
  return {
    play(slot, emit, made, goal) {
      const staffed = staffAt(slot.startMs)
      playPeople(staffed, root, slot, emit)
      playOvertime(staffed, root, slot, OVERTIME_PER_DAY * thinning, emit)
      playJobs(jobs, root, slot, richness, emit)
      playBi(account, root, slot, BI_SHARE * events * (slot.until - untilBefore), emit)
      playRoutines(staffed, root, slot, thinning, emit)
      untilBefore = slot.until
      const random = root.fork(`chatter-${slot.index}`)
      while (made() < goal)
        chatter(slot.startMs + Math.floor(random.float() * (slot.endMs - slot.startMs)), random, emit)
    },
  }
}

/** Counts what passes. */
function counting(emit: Emit): { readonly emit: Emit; readonly count: () => number } {
  let count = 0
  return {
    emit: (event) => {
      count++
      emit(event)
    },
    count: () => count,
  }
}

function playPeople(account: Account, root: Random, slot: Slot, emit: Emit): void {
  const random = root.fork(`people-${slot.index}`)
  const counted = counting(emit)
  while (counted.count() < slot.human - random.float() * 30) {
    const timeMs = slot.startMs + Math.floor(random.float() * (slot.endMs - slot.startMs))
    const person = pickPerson(account, timeMs, random)
    if (person !== undefined) visit(account, person, timeMs, random, counted.emit)
  }
}

function pickPerson(account: Account, timeMs: number, random: Random): Person | undefined {
  const person = random.pick(account.people)
  return !person.dormant && random.chance(officeLoad(timeMs, person.site.utcOffset)) ? person : undefined
}

/** The people who are with the company at a moment. In a short period that is everybody. */
function arrived({ people }: Account, startMs: number, days: number, timeMs: number): readonly Person[] {
  if (days < DAYS_WITH_NEWCOMERS) return people
  const passed = (timeMs - startMs) / (days * 86_400_000)
  return people.filter(({ joinsAfter }) => joinsAfter === null || joinsAfter <= passed)
}

/** Hours of the clock in which people work outside office hours: evenings and weekends, and at night for whom a job woke. */
function playOvertime(account: Account, root: Random, slot: Slot, perDay: number, emit: Emit): void {
  const random = root.fork(`overtime-${slot.index}`)
  for (let count = Math.floor((perDay * slot.minutes) / 1440 + random.float()); count > 0; count--) {
    const timeMs = slot.startMs + Math.floor(random.float() * (slot.endMs - slot.startMs))
    const person = random.pick(account.people)
    const hour = (((timeMs / 3_600_000 + person.site.utcOffset) % 24) + 24) % 24
    const isOnCall = person.role === 'engineer' || person.role === 'admin'
    const isAwake = hour > 8 && hour < 22.5
    if (person.dormant || officeLoad(timeMs, person.site.utcOffset) > 0) continue
    if (isAwake || (isOnCall && random.chance(0.35))) visit(account, person, timeMs, random, emit)
  }
}

/** One sitting: at the browser or with a tool, one to three works. */
function visit(account: Account, person: Person, timeMs: number, random: Random, emit: Emit): void {
  const place = placeOf(person, timeMs)
  if (place === null) return
  const desk = deskOf(account, person, random)
  const workspace = desk.warehouse.workspace
  const tool = random.chance(TOOL_SHARE) ? random.weighted(TOOLS, ({ roles }) => roles[person.role] ?? 0) : undefined
  if (tool !== undefined) {
    const thread = new Thread(toolSession(person, workspace, place, tool.userAgent), timeMs, random, emit)
    tokenSignIn(thread, account, person.email)
    tool.play(thread, desk)
    return
  }
  const session = browserSession(person, workspace, place, timeMs, random)
  const shared = person.role === 'scientist' && random.chance(GROUP_COMPUTE_SHARE)
  const thread = new Thread(
    shared ? { ...session, runBy: person.email, runAs: 'data-scientists' } : session,
    timeMs,
    random,
    emit,
  )
  if (random.chance(0.5)) signIn(thread, account, person.email)
  for (let works = random.int(1, 3); works > 0; works--) {
    random.weighted(WORKS, ({ roles }) => roles[person.role] ?? 0)?.play(thread, desk)
    thread.wait(30, 600)
  }
}

function deskOf(account: Account, person: Person, random: Random): Desk {
  const dev = ['engineer', 'scientist', 'contractor'].includes(person.role) && random.chance(0.6)
  const workspace = dev ? account.dev : account.prod
  const { data } = account
  const own = random.fork(`tables-${person.userId}`).sample(data.open, 12)
  const tables = person.reads === null ? own : [...data[person.reads], ...own]
  return {
    account,
    person,
    warehouse: (dev ? account.warehouses[2] : account.warehouses[1]) as Warehouse,
    clusterId: random.pick(workspace.clusterIds.slice(0, 6)),
    notebooks: account.notebooks.filter((notebook) => notebook.path.includes(person.email)),
    tables,
  }
}

function playJobs(jobs: readonly Job[], root: Random, slot: Slot, richness: number, emit: Emit): void {
  for (const job of jobs) {
    for (const startMs of runTimes(job, slot.startMs, slot.endMs)) {
      playRun(job, startMs, richness, root.fork(`run-${job.id}-${startMs}`), emit)
    }
  }
}

function playBi(account: Account, root: Random, slot: Slot, budget: number, emit: Emit): void {
  const random = root.fork(`bi-${slot.index}`)
  const tools = account.services.filter((service) => service.purpose === 'bi')
  const counted = counting(emit)
  while (counted.count() < budget - random.float() * 20) {
    const timeMs = slot.startMs + Math.floor(random.float() * (slot.endMs - slot.startMs))
    const tool = random.pickEarly(tools)
    const thread = new Thread(serviceSession(tool, account.prod, random), timeMs, random, counted.emit)
    biRefresh(thread, account, account.data.open)
  }
}

function playRoutines(account: Account, root: Random, slot: Slot, thinning: number, emit: Emit): void {
  const random = root.fork(`routines-${slot.index}`)
  for (const routine of ROUTINES) {
    const own = random.fork(routine.id)
    const expected = (routine.perDay * thinning * slot.minutes) / 1440
    for (let count = Math.floor(expected + own.float()); count > 0; count--) {
      const timeMs = slot.startMs + Math.floor(own.float() * (slot.endMs - slot.startMs))
      if (routine.hours === 'any' || own.chance(busiestSite(timeMs))) {
        routine.play(stageFor(account, own, timeMs, emit))
      }
    }
  }
}

/** How fully the best-staffed office is at work. */
const busiestSite = (timeMs: number): number =>
  SITES.reduce((load, site) => Math.max(load, officeLoad(timeMs, site.utcOffset)), 0)

function stageFor(account: Account, random: Random, timeMs: number, emit: Emit): RoutineStage {
  const start = (session: Session) => new Thread(session, timeMs, random, emit)
  return {
    account,
    random,
    timeMs,
    start,
    colleague(roles, few = account.people.length) {
      const crowd = roles.flatMap((role) => peopleOf(account, role).slice(0, few))
      const found = random.weighted(crowd, (person) => officeLoad(timeMs, person.site.utcOffset))
      // Nobody works on the day of a flight.
      return found === undefined || placeOf(found, timeMs) === null ? undefined : found
    },
    sit: (person, workspace) =>
      start(browserSession(person, workspace, placeOf(person, timeMs) ?? person.vpn, timeMs, random)),
  }
}
