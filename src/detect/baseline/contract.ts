/** What every kind of baseline says of itself. One file for each, in `types/`; the list is `registry.ts`. */
import type { BaselineRule, BaselineType } from '../pack/pack.ts'
import type { Dialect } from '../sql/dialect.ts'

/** A baseline and the key its habits are kept under. */
export interface KeyedBaseline {
  readonly key: string
  readonly rule: BaselineRule
}

/** The relations a comparison reads. */
export interface Compared {
  /** The events of the batch, each with its key and value: columns of `selectedSql`. */
  readonly batch: string
  /** A row for each baseline: columns of `SETTING_COLUMNS`. */
  readonly settings: string
  /** What is remembered, the batch included. */
  readonly habits: string
  /** A literal of the time that counts as now. */
  readonly now: string
  readonly dialect: Dialect
}

/** A kind of baseline. */
export interface HabitType {
  readonly type: BaselineType
  /** Seconds that a row of habits covers; undefined: one row for a key and value, with its first sighting alone. */
  readonly bucketSecs: (rule: BaselineRule) => number | undefined
  /** Seconds before an event that its comparison looks back; undefined: to the beginning; 0: it compares with nothing. */
  readonly reachSecs: (rule: BaselineRule) => number | undefined
  /** Whether habits are kept by value, and not by key alone. */
  readonly isByValue: (rule: BaselineRule) => boolean
  /** Whether rows of habits name their first and last event. */
  readonly keepsEvents: boolean
  /** Whether events of an hour that are alike in key and value may come added up, named by the first and last of them. */
  readonly takesSums: (rule: BaselineRule) => boolean
  /** True where all but the newest of a key's old rows may go, however far it looks back. */
  readonly needsNewestOnly?: boolean
  /** True where it reads no habits but those of the keys of the batch, from the beginning. */
  readonly readsOwnKeys?: boolean
  /**
   * SELECT of `baseline`, `event_id`, `event_time`, `fields`, `selections`, `because`. Joins are made as they are written: what stands
   * first may be long, what is joined to it is held in memory.
   */
  readonly matchesSql: (compared: Compared) => string
}

/** History that a comparison looks back over is this many times as long as what has to be learnt. */
const LEARNT_TWICE = 2

/** And at least four weeks, so that every day of the week is there a few times. */
const SHORTEST_HISTORY_SECS = 28 * 86_400

/** How far back types look that know nothing better. */
export const usualReachSecs = ({ learnSecs }: BaselineRule): number =>
  Math.max(LEARNT_TWICE * learnSecs, SHORTEST_HISTORY_SECS)

/** Whether sums of an hour each fit into the spans of a baseline. */
export const isOfWholeHours = (bucketSecs: number): boolean => bucketSecs % HOUR_SECS === 0

/** Rows for an hour. */
export const HOUR_SECS = 3600

/** Rows for a day. */
export const DAY_SECS = 86_400
