/** Tables that two connections see while they look at a batch: those of an attached database. Each has its own in `temp`. */
import type { Engine } from '../../engine/duckdb.ts'

/** Name of the database. */
export const MATCHING = 'matching'

/** Makes the database, unless it is there. */
export const attachMatching = (engine: Engine): Promise<void> =>
  engine.run(`ATTACH IF NOT EXISTS ':memory:' AS ${MATCHING}`)

/** Contexts of a batch. */
export const CONTEXTS = `${MATCHING}.contexts`

/** Combinations of the gate's columns, with a `gate_id` and how many `records` each has. */
export const GATE_VALUES = `${MATCHING}.gate_values`

/** Records that rules of few records are asked of. */
export const ASKED_RECORDS = `${MATCHING}.asked_records`

/** Records that rules of few records matched: the first of such tables has a 0 at its end. */
export const FOUND = `${MATCHING}.found_records`

/** The records of the batch, by their ids, each with the key of its context. */
export const PLACED_RECORDS = `${MATCHING}.placed_records`

/** Matches of single records, a row each. */
export const RECORD_MATCHES = `${MATCHING}.record_matches`

/** Matches of contexts: a row stands for all records that have the key of its context. */
export const CONTEXT_MATCHES = `${MATCHING}.context_matches`

/** Matches that were added up: `rule`, `hour`, `fields`, `events`, first and last time and event. */
export const SUMS = `${MATCHING}.rule_sums`
