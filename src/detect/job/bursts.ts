/** What was told: a row of the state for each finding that may still grow. */
import type { Engine } from '../../engine/duckdb.ts'
import { STATE } from '../state.ts'

/**
 * Findings that later events may add to: `rule` (key), `group_key`, and what their newest row said. `told_in` numbers the pass that
 * told it first; one that was taken back has no `events`.
 */
export const STATE_BURSTS = `${STATE}.bursts`

/** Why a finding was made, and where an event of it stands. */
export const WHY_TYPE = 'STRUCT(selection VARCHAR, field VARCHAR, "value" VARCHAR)[]'

/** Events of a finding by name. */
export const KEPT_TYPE = 'STRUCT(event_time TIMESTAMPTZ, event_id VARCHAR, file VARCHAR)[]'

/** Columns of {@link STATE_BURSTS}. */
export const BURST_COLUMNS = `finding_id VARCHAR, rule VARCHAR, group_key VARCHAR, "group" MAP(VARCHAR, VARCHAR), entity VARCHAR,
  first_time TIMESTAMPTZ, last_time TIMESTAMPTZ, events BIGINT, measure DOUBLE, kept ${KEPT_TYPE}, why ${WHY_TYPE}, revision INTEGER,
  told_in BIGINT`

/** Makes the table where it is missing. */
export const makeBursts = (engine: Engine): Promise<void> =>
  engine.run(`CREATE TABLE IF NOT EXISTS ${STATE_BURSTS} (${BURST_COLUMNS})`)
