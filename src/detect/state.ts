/**
 * What a pass remembers for the next: tables of an attached database, in a file for a home, in memory for everything else.
 * All of it follows from the events, and can be made again. Design: docs/design/007-detection.md.
 */
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'

/** Name the state's database is attached by. */
export const STATE = 'detect_state'

/**
 * Matches that later passes need: `rule` (key of a detection rule or baseline), `event_id`, `event_time`, `fields` (what is grouped and
 * counted by, by name), `selections`, `because`. One row for a rule and event; a later one takes its place.
 */
export const STATE_MATCHES = `${STATE}.matches`

/**
 * What baselines compare with, a row for each `baseline` (key), `hour` (UTC), `by_key` and `value_key` (JSON lists of texts, or NULL where all
 * parts are): `n` events, `total` (sum of the value for `measure: sum`), first and last time and event.
 */
export const STATE_HABITS = `${STATE}.habits`

/** Rules whose matches and habits the state has, with the version that they were worked out by. */
export const STATE_RULES = `${STATE}.rule_versions`

/** One row: the version of the table `events` up to which the state goes. */
export const STATE_PROGRESS = `${STATE}.progress`

/** Columns of relations of matches. */
export const MATCH_COLUMNS = `rule VARCHAR, event_id VARCHAR, event_time TIMESTAMPTZ, fields MAP(VARCHAR, VARCHAR),
  selections VARCHAR[], because STRUCT(selection VARCHAR, field VARCHAR, "value" VARCHAR)[]`

/** Attaches the state and makes what tables it lacks; without a path it is in memory and empty. */
export async function attachState(engine: Engine, path?: string): Promise<void> {
  await engine.run(`ATTACH ${lit(path ?? ':memory:')} AS ${STATE}`)
  const tables = [
    `${STATE_MATCHES} (${MATCH_COLUMNS})`,
    `${STATE_HABITS} (baseline VARCHAR, hour TIMESTAMPTZ, by_key VARCHAR, value_key VARCHAR, n BIGINT, total DOUBLE,
      first_time TIMESTAMPTZ, first_event VARCHAR, last_time TIMESTAMPTZ, last_event VARCHAR)`,
    `${STATE_RULES} (rule VARCHAR PRIMARY KEY, version VARCHAR)`,
    `${STATE_PROGRESS} (events_version BIGINT)`,
  ]
  for (const table of tables) await engine.run(`CREATE TABLE IF NOT EXISTS ${table}`)
}
