/** Correlations of a pass: of groups that the batch touched, as far back as their windows and bursts reach. */

import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { findingsSql, groupKeySql, metSql, rowsSql } from '../correlate/bursts.ts'
import { leastRows } from '../correlate/busy.ts'
import type { LinkedCorrelation } from '../correlate/link.ts'
import { countsOf, putTogether } from '../correlate/rules-together.ts'
import {
  emptyFindings,
  type FailedCorrelation,
  FINDINGS_TABLE,
  runCorrelations,
  withinSecs,
} from '../correlate/runner.ts'
import { undoable } from '../correlate/undoable.ts'
import { duckdb } from '../sql/duckdb.ts'
import { STATE_MATCHES } from '../state.ts'
import { STATE_BURSTS } from './bursts.ts'
import { CANDIDATES, REVIEWED } from './candidates.ts'
import { RULES } from './facts.ts'
import { FILE_FIELD } from './gather.ts'
import type { Programme } from './programme.ts'
import { LONGEST_SECS } from './reach.ts'

/** Remembered matches and new ones, with numbers in place of keys. */
const REMEMBERED = 'temp.remembered_matches'

const NEW = `(SELECT * FROM ${REMEMBERED} WHERE is_new)`

/** With no more matches than this it pays to ask of all correlations at once which are worth running. */
const FEW = 20_000

/** A correlation that failed in the middle of what must be done as a whole. */
export class CorrelationFailure extends Error {
  readonly failed: FailedCorrelation

  constructor(failed: FailedCorrelation) {
    super(failed.message)
    this.failed = failed
  }
}

/** How correlations of a batch are run. */
export interface CorrelateOptions {
  /** Whether the state has these matches and earlier ones; if not, the batch is all there is. */
  readonly isRemembered: boolean
  /** Numbers of correlations that are left out. */
  readonly without: ReadonlySet<number>
  /** Seconds after which a correlation is left out. */
  readonly timeoutSecs: number
}

/**
 * Adds a candidate for each burst.
 *
 * @param matches relation of the batch's own matches `(rule, event_id, event_time, fields)`
 * @throws CorrelationFailure where one fails and the state is in use: what was done so far has to be undone then
 * @returns those that failed in a closed set
 */
export async function correlateBatch(
  engine: Engine,
  programme: Programme,
  matches: string,
  { isRemembered, without, timeoutSecs }: CorrelateOptions,
): Promise<readonly FailedCorrelation[]> {
  const rows = await engine.rows<{ rule: number; n: number }>(
    `SELECT rule, count(*)::INTEGER AS n FROM ${matches} GROUP BY rule`,
  )
  const brought = rows.reduce((sum, { n }) => sum + Number(n), 0)
  const touched = touchedBy(
    programme.correlations.filter(({ number }) => !without.has(number)),
    new Set(rows.map(({ rule }) => Number(rule))),
  )
  if (touched.length === 0) return []
  if (!isRemembered || (await isNothingRemembered(engine))) {
    const counts = new Map(rows.map(({ rule, n }) => [Number(rule), Number(n)]))
    const failed = await runCorrelations(engine, touched, matches, duckdb, timeoutSecs, counts)
    if (isRemembered && failed[0] !== undefined) throw new CorrelationFailure(failed[0])
    await takeOver(engine, matches, '')
    return failed
  }
  await joinRemembered(engine, programme, touched, matches)
  const chained = families(touched)
  const single = touched.filter((each) => !chained.includes(each))
  await emptyFindings(engine)
  for (const correlation of brought > FEW ? single : await worthRunning(engine, single)) {
    const failure = await withinSecs(engine, timeoutSecs, () =>
      engine.asWritten(() => runTouched(engine, correlation, programme)),
    )
    if (failure !== undefined) throw new CorrelationFailure({ correlation, ...failure })
  }
  await takeOver(engine, REMEMBERED, '')
  if (chained.length > 0) {
    const [failed] = await runCorrelations(engine, chained, REMEMBERED, duckdb, timeoutSecs)
    if (failed !== undefined) throw new CorrelationFailure(failed)
    // Bursts that ended before the batch began are as they were; where the state begins they may even be cut.
    await takeOver(engine, REMEMBERED, `WHERE last_time >= (SELECT min(event_time) FROM ${matches})`)
    for (const { number } of undoable(chained))
      await engine.run(`INSERT INTO ${REVIEWED} SELECT ${number}, NULL, min(event_time) FROM ${matches}`)
  }
  return []
}

async function isNothingRemembered(engine: Engine): Promise<boolean> {
  const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM ${STATE_MATCHES}`)
  return n === '0'
}

/**
 * What was remembered and what is new, as one table, in which those of a rule stand together: of the rules below the correlations
 * that are to be run, as far back as these reach.
 */
async function joinRemembered(
  engine: Engine,
  programme: Programme,
  correlations: readonly LinkedCorrelation[],
  matches: string,
): Promise<void> {
  const below = new Set(correlations.flatMap(({ refs }) => refs).filter((ref) => programme.counted.has(ref)))
  const windows = programme.baselines.flatMap(({ number }) => (below.has(number) ? [number] : []))
  // A window that is compared again brings the match that it brought before.
  const isAgain = `SELECT 1 FROM ${matches} b WHERE b.rule IN (${windows.join(', ')}) AND b.rule = r.number AND b.event_id = m.event_id`
  const remembered = (rules: readonly number[], more: string): string[] =>
    rules.length === 0
      ? []
      : [
          `SELECT r.number AS rule, m.event_id, m.event_time, m.fields, false AS is_new FROM ${STATE_MATCHES} m JOIN ${RULES} r ON r.key = m.rule
      WHERE r.number IN (${rules.join(', ')}) AND m.event_time >= ${lit(since)}::TIMESTAMPTZ${more}`,
        ]
  const keys = correlations.map(({ number }) => lit(programme.rules[number]?.of.key ?? '')).join(', ')
  const longest = 2 * correlations.reduce((most, { rule }) => Math.max(most, rule.timespanSecs), 0)
  const reachSecs = families(correlations).reduce((sum, { rule }) => sum + 2 * rule.timespanSecs, longest)
  const reach = duckdb.seconds(Math.min(reachSecs, LONGEST_SECS))
  const { since } = await engine.row<{
    since: string
  }>(`SELECT (least(min(new_from), (SELECT min(first_time) FROM ${STATE_BURSTS}
      WHERE rule IN (${keys}) AND last_time >= min(new_from) - ${reach})) - ${reach})::VARCHAR AS since
    FROM (SELECT min(event_time) AS new_from FROM ${matches} WHERE rule IN (${[...below].join(', ')}))`)
  const parts = [
    ...remembered(
      [...below].filter((number) => !windows.includes(number)),
      '',
    ),
    ...remembered(windows, ` AND NOT EXISTS (${isAgain})`),
    `SELECT rule, event_id, event_time, fields, true FROM ${matches} WHERE rule IN (${[...below].join(', ')})`,
  ]
  await engine.run(`CREATE OR REPLACE TEMP TABLE remembered_parts AS ${parts.join(' UNION ALL ')}`)
  await putTogether(
    engine,
    REMEMBERED,
    'temp.remembered_parts',
    await countsOf(engine, [...below], 'temp.remembered_parts'),
  )
  await engine.run('DROP TABLE temp.remembered_parts')
}

/** Correlations with a match below them, in their order. */
function touchedBy(
  correlations: readonly LinkedCorrelation[],
  matched: ReadonlySet<number>,
): readonly LinkedCorrelation[] {
  const touched = new Set(matched)
  const found = correlations.filter(({ number, refs }) => {
    if (!refs.some((ref) => touched.has(ref))) return false
    touched.add(number)
    return true
  })
  // What a touched one is built on has to be there too.
  const wanted = new Set(found)
  for (const each of [...correlations].reverse())
    if (correlations.some((above) => wanted.has(above) && above.refs.includes(each.number))) wanted.add(each)
  return correlations.filter((each) => wanted.has(each))
}

/** Correlations that are built on others, or that others are built on. */
function families(correlations: readonly LinkedCorrelation[]): LinkedCorrelation[] {
  const below = new Set(correlations.flatMap(({ refs, isChained }) => refs.filter((_, at) => isChained[at])))
  return correlations.filter(({ number, isChained }) => below.has(number) || isChained.includes(true))
}

/** Leaves out those of which no touched group has as many matches as it would take. */
async function worthRunning(engine: Engine, correlations: readonly LinkedCorrelation[]): Promise<LinkedCorrelation[]> {
  const asked = correlations.filter((each) => leastRows(each) > 1)
  if (asked.length === 0) return [...correlations]
  const counts = asked.map((each) => {
    const touched = `SELECT group_key, min(event_time) - ${spanSql(each)} AS from_time FROM ${rowsSql(each, NEW, duckdb)} GROUP BY group_key`
    return `SELECT ${each.number} AS number WHERE EXISTS (SELECT 1 FROM ${rowsSql(each, REMEMBERED, duckdb)} m
      JOIN (${touched}) t USING (group_key) WHERE m.event_time >= t.from_time GROUP BY group_key HAVING count(*) >= ${leastRows(each)})`
  })
  const rows = await engine.rows<{ number: number }>(counts.join('\nUNION ALL '))
  const enough = new Set(rows.map(({ number }) => Number(number)))
  return correlations.filter((each) => leastRows(each) <= 1 || enough.has(each.number))
}

const spanSql = ({ rule }: LinkedCorrelation): string => duckdb.seconds(Math.min(rule.timespanSecs, LONGEST_SECS))

async function runTouched(engine: Engine, correlation: LinkedCorrelation, programme: Programme): Promise<void> {
  const key = programme.rules[correlation.number]?.of.key ?? ''
  const span = spanSql(correlation)
  // From the first event of what was told and goes on, else from the first new one.
  await engine.run(`CREATE OR REPLACE TEMP TABLE touched_groups AS
    SELECT t.group_key, t.new_from, least(t.new_from, coalesce(min(b.first_time), t.new_from)) AS eval_from
    FROM (SELECT group_key, min(event_time) AS new_from FROM ${rowsSql(correlation, NEW, duckdb)} GROUP BY group_key) t
    LEFT JOIN ${STATE_BURSTS} b ON b.rule = ${lit(key)} AND b.group_key = t.group_key AND b.last_time >= t.new_from - ${span}
    GROUP BY t.group_key, t.new_from`)
  if (undoable([correlation]).length > 0)
    await engine.run(
      `INSERT INTO ${REVIEWED} SELECT ${correlation.number}, group_key, new_from FROM temp.touched_groups`,
    )
  const branches = [...new Set(correlation.refs)].map((ref) => {
    const groupKey = groupKeySql(correlation, correlation.refs.indexOf(ref), duckdb)
    return `SELECT m.* FROM ${REMEMBERED} m JOIN temp.touched_groups t ON t.group_key = ${groupKey} AND m.event_time >= t.eval_from - ${span}
      WHERE m.rule = ${ref}`
  })
  await engine.run(`CREATE OR REPLACE TEMP TABLE touched_matches AS ${branches.join(' UNION ALL ')}`)
  const rows = rowsSql(correlation, 'temp.touched_matches', duckdb)
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE correlation_met AS ${metSql(correlation, rows, duckdb, 'temp.touched_groups')}`,
  )
  const { met } = await engine.row<{ met: boolean }>('SELECT count(*) > 0 AS met FROM temp.correlation_met')
  if (!met) return
  await engine.run(`INSERT INTO ${FINDINGS_TABLE} ${findingsSql(correlation, 'temp.correlation_met', rows, duckdb)}`)
}

/** Bursts of {@link FINDINGS_TABLE} as candidates, with the entity and the data files of their events. */
async function takeOver(engine: Engine, matches: string, where: string): Promise<void> {
  const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM ${FINDINGS_TABLE}`)
  if (n === '0') return
  // Few events are named; joins are written with them on the right, since a transaction knows no sizes.
  await engine.asWritten(() =>
    engine.run(`INSERT INTO ${CANDIDATES} BY NAME
    WITH found AS (SELECT f.*, r.entity_field, r.tells FROM ${FINDINGS_TABLE} f JOIN ${RULES} r ON r.number = f.rule ${where}),
    named AS (SELECT finding_id, unnest(event_ids) AS event_id, entity_field FROM found),
    known AS (SELECT n.finding_id, n.event_id, any_value(m.event_time) AS event_time, any_value(m.fields[${lit(FILE_FIELD)}]) AS file,
      any_value(m.fields[n.entity_field]) AS entity FROM ${matches} m JOIN named n ON m.event_id = n.event_id GROUP BY ALL),
    kept AS (SELECT finding_id, list({'event_time': event_time, 'event_id': event_id, 'file': file} ORDER BY event_time, event_id) AS kept,
      min_by(entity, (event_time, event_id)) AS entity FROM known GROUP BY finding_id)
    SELECT f.rule, f.group_key, f."group", coalesce(f."group"[f.entity_field], k.entity,
        nullif(array_to_string(map_values(f."group"), ', '), '')) AS entity,
      f.first_time, f.last_time, f.finding_id AS new_id, f.events, f.measure, k.kept, f.by_ref
    FROM found f LEFT JOIN kept k USING (finding_id)`),
  )
}
