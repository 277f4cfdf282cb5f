/** The events of a batch that baselines selected, each with whose it is, what is compared, and the row of habits it belongs to. */
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from '../sql/dialect.ts'
import { SETTINGS } from './settings.ts'

/** The table that {@link fillBatch} makes. */
export const BATCH = 'temp.baseline_batch'

/**
 * Makes {@link BATCH} of a relation of matches: `baseline`, `type`, `event_id`, `event_time`, `fields`, `selections`, `because`, `by_key` and
 * `value_key` (in lower case), `number` (for sums) and `bucket` (first instant of the span that a row of habits covers, NULL where there
 * is one for all time). Events of which all parts of a key or value are null are passed over.
 */
export async function fillBatch(engine: Engine, selected: string, dialect: Dialect): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE baseline_batch AS ${selectedSql(selected, dialect)}`)
}

function selectedSql(selected: string, dialect: Dialect): string {
  const values = (names: string): string => dialect.foldedTexts(dialect.valuesOf('m.fields', names))
  const number = dialect.asNumber(dialect.mapValue('m.fields', 's.number_name'))
  const at = dialect.epochMs('m.event_time')
  const parts = `SELECT s.baseline, s.type, m.event_id, m.event_time, m.fields, m.selections, m.because, ${values('s.by_names')} AS by_list,
    ${values('s.value_names')} AS value_list, ${number} AS number, s.number_name, NOT (${dialect.isEmpty('s.value_names')}) AS is_by_value,
    ${dialect.timeOfMs(`${at} - ${at} % s.bucket_ms`)} AS bucket
  FROM ${selected} m JOIN ${SETTINGS} s ON m.rule = s.baseline`
  return `SELECT baseline, type, event_id, event_time, fields, selections, because, ${dialect.jsonOfTexts('by_list')} AS by_key,
    ${dialect.jsonOfTexts('value_list')} AS value_key, number, bucket
  FROM (${parts}) WHERE NOT (${dialect.isEmpty('by_list')}) AND NOT (is_by_value AND ${dialect.isEmpty('value_list')})
    AND (number_name IS NULL OR number IS NOT NULL)`
}
