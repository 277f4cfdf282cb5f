/** Baselines as rows of a small table, so that all of one kind are compared in one statement. */
import { AppError } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit, litList, litOrNull } from '../../engine/sql.ts'
import type { BaselineRule } from '../pack/pack.ts'
import type { KeyedBaseline } from './contract.ts'
import { isHoursFault, isTimeZone, readHours } from './hours.ts'
import { habitTypeOf } from './registry.ts'

/** The table that {@link fillSettings} makes. */
export const SETTINGS = 'temp.baseline_settings'

/** Its columns; spans are in milliseconds, NULL where nothing is said. */
export const SETTING_COLUMNS = `baseline VARCHAR, type VARCHAR, by_names VARCHAR[], value_names VARCHAR[],
  number_name VARCHAR, measure VARCHAR, bucket_ms BIGINT, reach_ms BIGINT, learn_ms BIGINT, window_ms BIGINT, keeps_events BOOLEAN,
  z DOUBLE, floor DOUBLE, share DOUBLE, peers DOUBLE, kmh DOUBLE, km DOUBLE, times DOUBLE, windows DOUBLE,
  zone VARCHAR, from_minute INTEGER, to_minute INTEGER, days INTEGER[]`

/** Numbers that a rule may give in `threshold`, by the column they stand in. */
const NUMBERS = ['z', 'floor', 'share', 'peers', 'kmh', 'km', 'times', 'windows'] as const

/** Fields that the events a baseline selects must bring along. */
export const capturedByBaseline = ({ by, value }: BaselineRule): string[] => [...new Set([...by, ...value])]

/** Seconds of events that a baseline's habits follow from; undefined: all there are. What is older need not be read again. */
export const habitReachSecs = (rule: BaselineRule): number | undefined => habitTypeOf(rule).reachSecs(rule)

/** Whether what a baseline selects may come added up by the hour. */
export const takesSums = (rule: BaselineRule): boolean => habitTypeOf(rule).takesSums(rule)

/** Makes the table of these baselines. Throws BAD_ARGUMENT for hours or a time zone that cannot be read. */
export async function fillSettings(engine: Engine, baselines: readonly KeyedBaseline[]): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_settings (${SETTING_COLUMNS})`)
  if (baselines.length === 0) return
  await engine.run(`INSERT INTO ${SETTINGS} VALUES ${baselines.map(rowOf).join(',\n')}`)
}

function rowOf({ key, rule }: KeyedBaseline): string {
  const { bucketSecs, reachSecs, isByValue, keepsEvents } = habitTypeOf(rule)
  const zone = rule.timeZone ?? 'UTC'
  if (!isTimeZone(zone)) throw faulty(rule, `${zone} is no time zone.`, 'Write a name such as Europe/Berlin.')
  const columns = [
    lit(key),
    lit(rule.type),
    litList(rule.by),
    litList(isByValue(rule) ? rule.value : []),
    litOrNull(rule.measure === 'sum' ? rule.value[0] : undefined),
    lit(rule.measure),
    msOrNull(bucketSecs(rule)),
    msOrNull(reachSecs(rule)),
    msOrNull(rule.learnSecs),
    msOrNull(rule.windowSecs),
    String(keepsEvents),
    ...NUMBERS.map((name) => String(rule.threshold[name] ?? 'NULL')),
    lit(zone),
    ...hoursOf(rule),
  ]
  return `(${columns.join(', ')})`
}

const msOrNull = (secs: number | undefined): string => (secs === undefined ? 'NULL' : String(Math.round(secs * 1000)))

function hoursOf(rule: BaselineRule): string[] {
  if (rule.hours === undefined) return ['NULL', 'NULL', 'NULL']
  const hours = readHours(rule.hours)
  if (isHoursFault(hours)) throw faulty(rule, hours.message, hours.hint)
  return [String(hours.fromMinute), String(hours.toMinute), `[${hours.days.join(', ')}]`]
}

const faulty = ({ meta }: BaselineRule, message: string, hint: string): AppError =>
  new AppError('BAD_ARGUMENT', `${meta.title}: ${message}`, { hint, where: `${meta.place.file}:${meta.place.line}` })
