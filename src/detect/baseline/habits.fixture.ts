/** Baselines over events that tests write down, with a state in memory. */
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import type { BaselineRule, BaselineType } from '../pack/pack.ts'
import { attachState, MATCH_COLUMNS, STATE_HABITS } from '../state.ts'
import { BASELINE_MATCHES, compareWithHabits } from './compare.ts'
import type { KeyedBaseline } from './contract.ts'
import { rememberHabits } from './remember.ts'
import { oneByOne, takeBatch } from './selected.ts'

const PLACE = { file: 'baseline.yml', line: 1, column: 1 }

const META = {
  title: 'A baseline',
  tags: [],
  references: [],
  falsePositives: [],
  fields: [],
  scope: [],
  related: [],
  custom: {},
  place: PLACE,
} as const

/** A baseline of a type, with what matters for a test. */
export const baselineOf = (type: BaselineType, given: Partial<BaselineRule> = {}): BaselineRule => ({
  kind: 'baseline',
  meta: META,
  logsource: {},
  type,
  select: { kind: 'detection', meta: META, logsource: {}, tree: { kind: 'and', nodes: [] }, unused: [] },
  by: ['who'],
  value: [],
  learnSecs: days(14),
  measure: 'count',
  threshold: {},
  ...given,
})

/** Seconds of days. */
export const days = (count: number): number => count * 86_400

/** An event: ISO time (UTC, a missing Z is added), its fields, and an id, which is the time where absent. */
export interface HabitEvent {
  readonly time: string
  readonly fields: Readonly<Record<string, string | null>>
  readonly id?: string
  /** Key of the baseline that selected it, where there are several. */
  readonly baseline?: string
}

/** What matched: the event's id and the last reason. */
export interface HabitMatch {
  readonly rule: string
  readonly event: string
  readonly field: string
  readonly why: string
}

const KEY = 'the-baseline'

/** A state and baselines. Close it. */
export class HabitBench {
  readonly engine: Engine
  readonly baselines: readonly KeyedBaseline[]

  private constructor(engine: Engine, baselines: readonly KeyedBaseline[]) {
    this.engine = engine
    this.baselines = baselines
  }

  /** With one baseline, or several with keys of their own. */
  static async open(rules: BaselineRule | readonly KeyedBaseline[]): Promise<HabitBench> {
    const engine = await Engine.open({ threads: 2 })
    await attachState(engine)
    return new HabitBench(engine, 'kind' in rules ? [{ key: KEY, rule: rules }] : rules)
  }

  close(): void {
    this.engine.close()
  }

  /** Takes a batch in and compares it; now is the time of its last event where not given. */
  async batch(events: readonly HabitEvent[], now?: string): Promise<HabitMatch[]> {
    await this.engine.run(`CREATE OR REPLACE TEMP TABLE selected (${MATCH_COLUMNS})`)
    if (events.length > 0) await this.engine.run(`INSERT INTO selected VALUES ${events.map(rowOf).join(', ')}`)
    const last = events
      .map(({ time }) => utc(time))
      .sort()
      .at(-1)
    await takeBatch(this.engine, this.baselines, oneByOne('selected'))
    await rememberHabits(this.engine)
    await compareWithHabits(this.engine, this.baselines, {
      now: new Date(now === undefined ? (last ?? 0) : utc(now)),
    })
    const rows = await this.engine.rows(
      `SELECT rule, event_id, because[len(because)].field AS field, because[len(because)].value AS why FROM ${BASELINE_MATCHES} ORDER BY event_time, event_id, rule`,
    )
    return rows.map((row) => ({
      rule: String(row.rule),
      event: String(row.event_id),
      field: String(row.field),
      why: String(row.why),
    }))
  }

  /** Ids of the events that matched. */
  async matched(events: readonly HabitEvent[], now?: string): Promise<string[]> {
    return (await this.batch(events, now)).map(({ event }) => event)
  }

  /** Rows of habits. */
  async rowCount(): Promise<number> {
    return Number((await this.engine.row(`SELECT count(*) AS n FROM ${STATE_HABITS}`)).n)
  }
}

const utc = (time: string): string =>
  new Date(time.endsWith('Z') || time.length === 10 ? time : `${time}Z`).toISOString()

function rowOf({ time, fields, id = time, baseline = KEY }: HabitEvent): string {
  const names = Object.keys(fields).map(lit).join(', ')
  const values = Object.values(fields).map((value) => (value === null ? 'NULL' : lit(value)))
  return `(${lit(baseline)}, ${lit(id)}, TIMESTAMPTZ ${lit(utc(time))}, MAP([${names}]::VARCHAR[], [${values.join(', ')}]::VARCHAR[]),
    ['selection'], [{'selection': 'selection', 'field': 'action', 'value': 'login'}])`
}

/** One event a day at a time of day, from the first day on. */
export const daily = (
  from: string,
  count: number,
  fields: HabitEvent['fields'],
  timeOfDay: string = '09:00',
): HabitEvent[] => Array.from({ length: count }, (_, at) => ({ time: `${dayAfter(from, at)}T${timeOfDay}`, fields }))

/** Several events within a day, a minute apart. */
export const burst = (from: string, count: number, fields: HabitEvent['fields']): HabitEvent[] =>
  Array.from({ length: count }, (_, at) => ({
    time: new Date(Date.parse(utc(from)) + at * 60_000).toISOString(),
    id: `${from}#${at}`,
    fields,
  }))

/** The day so many days after. */
export const dayAfter = (day: string, count: number): string =>
  new Date(Date.parse(`${day}T00:00Z`) + count * 86_400_000).toISOString().slice(0, 10)
