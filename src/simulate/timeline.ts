/** How busy the account is at which hour, and how a number of events is spread over it. */
import { SITES } from './account/networks.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Slots worth having: they divide a day, and the short ones divide an hour. */
const SLOT_MINUTES = [5, 10, 15, 30, 60, 120, 240, 360] as const

/** Events in a typical slot: small enough to keep a few slots in memory, large enough for files worth opening. */
const EVENTS_PER_SLOT = 6000

/** Humans ask for this many events each working day before machines take all growth. */
const EVENTS_PER_PERSON_DAY = 220

/** Part of all events that humans make on a small log. */
const HUMAN_SHARE = 0.28

/** A stretch of time that is generated, then written. */
export interface Slot {
  readonly index: number
  /** Number within its UTC day. */
  readonly ofDay: number
  readonly startMs: number
  readonly endMs: number
  /** Part of all events up to the end of this slot, 0 to 1. */
  readonly until: number
  /** Events people should make in this slot. */
  readonly human: number
  /** Minutes it lasts. */
  readonly minutes: number
}

/** 0 to 1: how many of the people at a site work at this moment. */
export function officeLoad(utcMs: number, utcOffset: number): number {
  const local = utcMs + utcOffset * HOUR_MS
  const weekday = new Date(local).getUTCDay()
  if (weekday === 0 || weekday === 6) return 0
  const hour = (local % DAY_MS) / HOUR_MS
  if (hour < 7.5 || hour > 19) return 0
  if (hour < 9) return (hour - 7.5) / 1.5
  if (hour > 12 && hour < 13) return 0.6
  if (hour > 17) return (19 - hour) / 2.5
  return 1
}

/** All sites together. */
const humanLoad = (utcMs: number): number =>
  SITES.reduce((sum, site) => sum + site.share * officeLoad(utcMs, site.utcOffset), 0)

/** Machines: steady, with the nightly batch. */
function machineLoad(utcMs: number): number {
  const hour = (utcMs % DAY_MS) / HOUR_MS
  return hour < 5 ? 1.35 : 1
}

/** The machine load stands this much above a fully staffed hour. */
const MACHINE_WEIGHT = 0.9

/** Cuts the period into slots and says how much happens in each. */
export function makeSlots(startMs: number, days: number, events: number, staff: number): readonly Slot[] {
  const ideal = (1440 * EVENTS_PER_SLOT) / Math.max(1, events / days)
  const minutes = [...SLOT_MINUTES].reverse().find((candidate) => candidate <= ideal) ?? SLOT_MINUTES[0]
  const perDay = 1440 / minutes
  const shapes = Array.from({ length: days * perDay }, (_, index) => {
    const start = startMs + index * minutes * 60_000
    let [human, all] = [0, 0]
    const probes = Math.max(1, minutes / 30)
    for (let i = 0; i < probes; i++) {
      const at = start + ((i + 0.5) * minutes * 60_000) / probes
      human += humanLoad(at) / probes
      all += (humanLoad(at) + MACHINE_WEIGHT * machineLoad(at)) / probes
    }
    return { index, start, human, all }
  })
  const sum = shapes.reduce((total, shape) => ({ human: total.human + shape.human, all: total.all + shape.all }), {
    human: 0,
    all: 0,
  })
  // Five working days of about nine full hours make one unit of human load per hour: staff × days asks at most this.
  const humanEvents = Math.min(HUMAN_SHARE * events, (sum.human * minutes * staff * EVENTS_PER_PERSON_DAY) / (60 * 9))
  let until = 0
  return shapes.map(({ index, start, human, all }) => {
    until += all / sum.all
    return {
      index,
      ofDay: index % perDay,
      startMs: start,
      endMs: start + minutes * 60_000,
      until: index === shapes.length - 1 ? 1 : until,
      human: sum.human === 0 ? 0 : (humanEvents * human) / sum.human,
      minutes,
    }
  })
}
