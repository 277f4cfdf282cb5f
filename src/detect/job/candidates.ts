/** Bursts as a pass finds them, before it is known which of them were told already. */
import type { Engine } from '../../engine/duckdb.ts'
import { KEPT_TYPE, WHY_TYPE } from './bursts.ts'

/**
 * Table of bursts: `rule` (number), `group_key`, `group`, `entity`, `first_time`, `last_time`, `new_id` (of one that
 * was not told yet), `events`, `measure`, `kept` (events by name), `why`, and `by_ref` for correlations.
 */
export const CANDIDATES = 'temp.detect_candidates'

/**
 * Table of groups that were looked at again for rules whose condition later events can make false: `rule` (number), `group_key` (NULL for
 * all groups), `new_from` (time of the first new event). What was told of them and ended no earlier has a candidate, or is taken back.
 */
export const REVIEWED = 'temp.detect_reviewed'

/** Makes the tables, empty. */
export async function emptyCandidates(engine: Engine): Promise<void> {
  await engine.run(
    'CREATE OR REPLACE TEMP TABLE detect_reviewed (rule INTEGER, group_key VARCHAR, new_from TIMESTAMPTZ)',
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_candidates (rule INTEGER, group_key VARCHAR, "group" MAP(VARCHAR, VARCHAR), entity VARCHAR,
    first_time TIMESTAMPTZ, last_time TIMESTAMPTZ, new_id VARCHAR, events BIGINT, measure DOUBLE, kept ${KEPT_TYPE}, why ${WHY_TYPE},
    by_ref BIGINT[])`)
}
