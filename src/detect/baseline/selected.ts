/** The events of a batch that baselines selected, each with whose it is, what is compared, and the row of habits it belongs to. */
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { duckdb } from '../sql/duckdb.ts'
import type { KeyedBaseline } from './contract.ts'
import { fillSettings, SETTINGS } from './settings.ts'

/** The table that {@link takeBatch} makes. */
export const BATCH = 'temp.baseline_batch'

/**
 * Makes {@link BATCH} of what baselines selected: `baseline`, `type`, `event_id`, `event_time`, `fields`, `selections`, `because`, `n`,
 * `last_time`, `last_event`, `by_key` and `value_key` (in lower case), `number` (for sums) and `bucket` (first instant of the span that a
 * row of habits covers, NULL where there is one for all time). What has nothing but nulls in a key or value is passed over.
 *
 * @param selected relation of {@link SELECTED_COLUMNS}, `rule` being the key of a baseline; others are passed over
 */
export async function takeBatch(
  engine: Engine,
  baselines: readonly KeyedBaseline[],
  selected: string,
  dialect: Dialect = duckdb,
): Promise<void> {
  await fillSettings(engine, baselines)
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_batch AS ${selectedSql(selected, dialect)}`)
}

/**
 * Columns of what baselines selected, beside `rule`, `fields`, `selections` and `because`: `n` events alike, of which `event_id` was the first, at
 * `event_time`, and `last_event` the last, at `last_time`.
 */
export const SELECTED_COLUMNS = ['event_id', 'event_time', 'n', 'last_time', 'last_event'] as const

/** Matches one by one, as what baselines selected. */
export const oneByOne = (matches: string): string =>
  `(SELECT *, 1 AS n, event_time AS last_time, event_id AS last_event FROM ${matches})`

function selectedSql(selected: string, dialect: Dialect): string {
  const values = (names: string): string => dialect.foldedTexts(dialect.valuesOf('m.fields', names))
  const number = dialect.asNumber(dialect.mapValue('m.fields', 's.number_name'))
  const at = dialect.epochMs('m.event_time')
  const parts = `SELECT s.baseline, s.type, m.event_id, m.event_time, m.n, m.last_time, m.last_event, m.fields, m.selections, m.because, ${values('s.by_names')} AS by_list,
    ${values('s.value_names')} AS value_list, ${number} AS number, s.number_name, NOT (${dialect.isEmpty('s.value_names')}) AS is_by_value,
    ${dialect.timeOfMs(`${at} - ${at} % s.bucket_ms`)} AS bucket
  FROM ${selected} m JOIN ${SETTINGS} s ON m.rule = s.baseline`
  return `SELECT baseline, type, event_id, event_time, n, last_time, last_event, fields, selections, because, ${dialect.jsonOfTexts('by_list')} AS by_key,
    ${dialect.jsonOfTexts('value_list')} AS value_key, number, bucket
  FROM (${parts}) WHERE NOT (${dialect.isEmpty('by_list')}) AND NOT (is_by_value AND ${dialect.isEmpty('value_list')})
    AND (number_name IS NULL OR number IS NOT NULL)`
}
