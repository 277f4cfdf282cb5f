/** Everything that a batch matched, of every kind of rule, as one relation. */
import { isAppError } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { BASELINE_MATCHES, BaselineFailure, compareWithHabits } from '../baseline/compare.ts'
import { rememberHabits } from '../baseline/remember.ts'
import { oneByOne, takeBatch } from '../baseline/selected.ts'
import { fillSettings } from '../baseline/settings.ts'
import { withinSecs } from '../correlate/runner.ts'
import type { Environment } from '../segment/environments.ts'
import { SEGMENT_RULE, SEGMENT_TABLE, segmentMatches } from '../segment/segment.ts'
import { MATCHES_TABLE, SUMS_TABLE } from '../sql/match-tables.ts'
import { RULES } from './facts.ts'
import { AGAIN } from './missed-matches.ts'
import type { NumberedRule, Programme } from './programme.ts'

/** View of the matches of a batch: `rule` (number), `event_id`, `event_time`, `fields`, `because`. */
export const BATCH_MATCHES = 'temp.batch_matches'

/** Of these, what has a time: windows hold nothing else. */
export const TIMED_MATCHES = `(SELECT * FROM ${BATCH_MATCHES} WHERE event_time IS NOT NULL)`

const SELECTED = 'temp.batch_selected'
const COMPARED = 'temp.batch_compared'

/** Baselines of a programme that can be compared; the others with the reason. */
export async function usableBaselines(
  engine: Engine,
  programme: Programme,
): Promise<{
  readonly usable: Programme['baselines']
  readonly unusable: readonly (readonly [NumberedRule, string])[]
}> {
  const { baselines, rules } = programme
  const faultOf = async (some: Programme['baselines']): Promise<string | undefined> => {
    try {
      await fillSettings(engine, some)
      return undefined
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      return cause.message
    }
  }
  if ((await faultOf(baselines)) === undefined) return { usable: baselines, unusable: [] }
  const usable: Programme['baselines'][number][] = []
  const unusable: (readonly [NumberedRule, string])[] = []
  for (const each of baselines) {
    const fault = await faultOf([each])
    const rule = rules[each.number]
    if (fault === undefined) usable.push(each)
    else if (rule !== undefined) unusable.push([rule, fault])
  }
  return { usable, unusable }
}

/** Finds accesses across environments; their matches are part of the batch's. */
export async function matchSegments(
  engine: Engine,
  environments: readonly Environment[],
  relation: string,
): Promise<number> {
  if (environments.length === 0) return 0
  return segmentMatches(engine, environments, relation)
}

/** How {@link compareBatch} is run. */
export interface CompareBatchOptions {
  readonly asOf: Date
  readonly hasSegments: boolean
  /** Numbers of all baselines, those that are left out too: what they select is no match. */
  readonly selecting: readonly number[]
  readonly timeoutSecs: number
  readonly isApart: boolean
  /** Whether {@link AGAIN} has matches that were remembered and count as new. */
  readonly again: boolean
}

/** Adds what baselines selected to the habits, compares it with them, and makes {@link BATCH_MATCHES}. */
export async function compareBatch(
  engine: Engine,
  baselines: Programme['baselines'],
  { asOf, hasSegments, selecting, timeoutSecs, isApart, again }: CompareBatchOptions,
): Promise<void> {
  const numbers = baselines.map(({ number }) => number).join(', ')
  if (baselines.length > 0) {
    await engine.run(`CREATE OR REPLACE TEMP VIEW batch_selected AS SELECT r.key, m.* FROM ${selectedSql(numbers)} m
      JOIN ${RULES} r ON r.number = m.rule`)
    const failure = await withinSecs(engine, timeoutSecs, async () => {
      await takeBatch(engine, baselines, `(SELECT key AS rule, * EXCLUDE (key, rule) FROM ${SELECTED})`)
      await rememberHabits(engine)
    })
    if (failure !== undefined)
      throw new BaselineFailure(
        baselines.map(({ key }) => key),
        failure,
      )
    await compareWithHabits(engine, baselines, { now: asOf, timeoutSecs, isApart })
    // The match may be of an earlier batch; then what the baseline itself says of it is all there is.
    await engine.run(`CREATE OR REPLACE TEMP TABLE batch_compared AS SELECT r.number AS rule, b.event_id, b.event_time,
        map_concat(MAP([coalesce(r.entity_field, '')], [nullif(array_to_string(map_values(b.fields), ', '), '')]), coalesce(m.fields, b.fields), b.fields) AS fields,
        b.because
      FROM ${BASELINE_MATCHES} b JOIN ${RULES} r ON r.key = b.rule
      LEFT JOIN (SELECT rule, event_id, any_value(fields) AS fields FROM ${SELECTED} GROUP BY rule, event_id) m ON m.rule = r.number AND m.event_id = b.event_id`)
  }
  const own = 'rule, event_id, event_time, fields, because'
  const parts = [
    `SELECT ${own} FROM ${MATCHES_TABLE}${selecting.length === 0 ? '' : ` WHERE rule NOT IN (${selecting.join(', ')})`}`,
    ...(baselines.length === 0 ? [] : [`SELECT ${own} FROM ${COMPARED}`]),
    ...(again ? [`SELECT ${own} FROM ${AGAIN}`] : []),
    ...(hasSegments
      ? [
          `SELECT r.number AS rule, s.event_id, s.event_time, s.fields, s.because FROM ${SEGMENT_TABLE} s JOIN ${RULES} r ON r.key = '${SEGMENT_RULE}'`,
        ]
      : []),
  ]
  await engine.run(`CREATE OR REPLACE TEMP VIEW batch_matches AS ${parts.join(' UNION ALL ')}`)
}

/**
 * What rules selected, one by one and added up: `rule` (number), `fields`, `selections`, `because` and the columns of
 * `SELECTED_COLUMNS`.
 *
 * @param numbers of the rules
 */
export const selectedSql = (numbers: string): string =>
  `(SELECT * FROM ${oneByOne(`(SELECT rule, event_id, event_time, fields, selections, because FROM ${MATCHES_TABLE} WHERE rule IN (${numbers}) AND event_time IS NOT NULL)`)}
  UNION ALL BY NAME SELECT rule, first_event AS event_id, first_time AS event_time, fields, events AS n, last_time, last_event
    FROM ${SUMS_TABLE} WHERE rule IN (${numbers}))`
