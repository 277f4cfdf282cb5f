/** Bursts as a pass finds them, before it is known which of them were told already. */
import type { Engine } from '../../engine/duckdb.ts'
import { KEPT_TYPE, WHY_TYPE } from './bursts.ts'

/**
 * Table of bursts: `rule` (number), `group_key`, `group`, `entity`, `first_time`, `last_time`, `new_id` (of one that
 * was not told yet), `events`, `measure`, `kept` (events by name), `why`, and `by_ref` for correlations.
 */
export const CANDIDATES = 'temp.detect_candidates'

/** Makes the table, empty. */
export const emptyCandidates = (engine: Engine): Promise<void> =>
  engine.run(`CREATE OR REPLACE TEMP TABLE detect_candidates (rule INTEGER, group_key VARCHAR, "group" MAP(VARCHAR, VARCHAR), entity VARCHAR,
    first_time TIMESTAMPTZ, last_time TIMESTAMPTZ, new_id VARCHAR, events BIGINT, measure DOUBLE, kept ${KEPT_TYPE}, why ${WHY_TYPE},
    by_ref BIGINT[])`)
