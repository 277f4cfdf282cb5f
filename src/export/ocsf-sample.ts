/** Validating what the OCSF export makes of a sample of real events. */
import { fileURLToPath } from 'node:url'
import type { Engine } from '../engine/duckdb.ts'
import { ocsf } from './formats/ocsf.ts'
import { type OcsfSchema, readOcsfSchema } from './ocsf-schema.ts'
import { ocsfErrors } from './ocsf-validate.ts'

/** Enough to meet every class a busy account has; a few hundred milliseconds. */
export const SAMPLE_EVENTS = 1000

/** What validation found. */
export interface OcsfSample {
  readonly events: number
  readonly invalid: number
  /** Each different problem once, with how many events have it, the most frequent first. */
  readonly problems: readonly { readonly problem: string; readonly events: number }[]
}

/** The compiled schema that comes with Bricktrail. */
export const shippedOcsfSchema = (): OcsfSchema =>
  readOcsfSchema(fileURLToPath(new URL('../../fixtures/ocsf/ocsf-1.8.0.json.gz', import.meta.url)))

/** Exports a random but repeatable sample of a relation and validates every event of it. */
export async function validateOcsfSample(engine: Engine, relation: string): Promise<OcsfSample> {
  const schema = shippedOcsfSchema()
  const sample = `(SELECT * FROM ${relation} USING SAMPLE reservoir(${SAMPLE_EVENTS} ROWS) REPEATABLE (1))`
  const lines = await engine.rows<{ line: string }>(ocsf.select(sample))
  const errors = lines.map(({ line }) => ocsfErrors(schema, JSON.parse(line)))
  const counts = Map.groupBy(
    errors.flatMap((each) => [...new Set(each)]),
    (problem) => problem,
  )
  return {
    events: lines.length,
    invalid: errors.filter((each) => each.length > 0).length,
    problems: [...counts]
      .map(([problem, all]) => ({ problem, events: all.length }))
      .sort((a, b) => b.events - a.events),
  }
}
