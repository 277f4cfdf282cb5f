/** From bursts to rows of `findings`: those that are new, have grown, or turned out to be part of another. */
import { EVENTS_NAMED, FINDING_COLUMNS } from '../../core/finding.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { columnDefinitions } from '../../engine/types.ts'
import { typedColumns } from '../../lake/schema.ts'
import { STATE_BURSTS } from './bursts.ts'
import { CANDIDATES, REVIEWED } from './candidates.ts'
import { REFERRED, RULES } from './facts.ts'

/** The table that a pass leaves: rows as `FINDING_COLUMNS` has them, of rules that make findings. */
export const FOUND = 'temp.found'

/** When a pass is, and which one it is. */
export interface Telling {
  readonly now: Date
  /** Numbers passes, so that of two findings that turn out to be one the earlier keeps its id. */
  readonly pass: number
}

/** Bursts of this pass with what was told of them before: `finding_id`, `revision`, `told_in` in force, `parts` (other ids). */
const MERGED = 'temp.detect_merged'

/** Findings that were told and have no burst any more, as the state has them. */
const UNDONE = 'temp.detect_undone'

/** What one that is a part of two told before, by late events that took away what stood between, is called by. */
const APART = 'apart'

/** Fills {@link FOUND}, and the state with what was told; returns how many rows that made. */
export async function tell(engine: Engine, telling: Telling): Promise<number> {
  const { bursts } = await engine.row<{ bursts: string }>(
    `SELECT (SELECT count(*) FROM ${CANDIDATES}) + (SELECT count(*) FROM ${REVIEWED}) AS bursts`,
  )
  if (bursts === '0') {
    await engine.run(`CREATE OR REPLACE TEMP TABLE found (${columnDefinitions(FINDING_COLUMNS)})`)
    return 0
  }
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_merged AS ${mergedSql(telling.pass)}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE detect_undone AS ${undoneSql}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE found AS ${foundSql(telling.now)}`)
  await engine.run(
    `DELETE FROM ${STATE_BURSTS} b WHERE EXISTS (FROM ${MERGED} m WHERE m.finding_id = b.finding_id OR list_contains(m.parts, b.finding_id))`,
  )
  await engine.run(`INSERT INTO ${STATE_BURSTS} BY NAME SELECT finding_id, key AS rule, group_key, "group", entity, first_time, last_time, events,
    measure, kept, why, revision, told_in FROM ${MERGED}`)
  // It stays known, without events, so that it goes on if it is met again.
  await engine.run(
    `UPDATE ${STATE_BURSTS} SET events = 0, revision = revision + 1 WHERE finding_id IN (SELECT finding_id FROM ${UNDONE})`,
  )
  const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM ${FOUND}`)
  return Number(n)
}

const undoneSql = `SELECT b.* FROM ${STATE_BURSTS} b JOIN ${RULES} r ON r.key = b.rule WHERE b.events > 0
  AND EXISTS (SELECT 1 FROM ${REVIEWED} v WHERE v.rule = r.number AND b.group_key = coalesce(v.group_key, b.group_key) AND b.last_time >= v.new_from)
  AND NOT EXISTS (SELECT 1 FROM ${CANDIDATES} c WHERE c.rule = r.number AND c.group_key = b.group_key
    AND b.first_time <= c.last_time AND b.last_time >= c.first_time)`

/**
 * What was told overlaps what it is a part of. Where late events leave two of one, it goes on as the one that begins with the same
 * event, else as the first; the other is new, by an id that nothing had before. One that was taken back goes on where no other does.
 */
function mergedSql(pass: number): string {
  const pairs = `SELECT c.rule, c.new_id, b, b.events > 0 AS stands,
      row_number() OVER (PARTITION BY c.rule, b.finding_id ORDER BY c.new_id <> b.finding_id, c.first_time, c.new_id) = 1 AS goes_on
    FROM ${CANDIDATES} c JOIN ${RULES} r ON r.number = c.rule JOIN ${STATE_BURSTS} b
      ON b.rule = r.key AND b.group_key = c.group_key AND b.first_time <= c.last_time AND b.last_time >= c.first_time`
  const order = 'ORDER BY b.told_in, b.first_time, b.finding_id'
  const told = `SELECT rule, new_id, coalesce(list(b ${order}) FILTER (WHERE goes_on AND stands),
      list(b ${order}) FILTER (WHERE goes_on)[1:1]) AS told FROM (${pairs}) GROUP BY rule, new_id`
  const why = `CASE WHEN r.kind = 'correlation' THEN ${correlationWhy}
      WHEN r.kind = 'baseline' OR told IS NULL THEN c.why ELSE coalesce(nullif(told[1].why, []), c.why) END`
  const whole = `SELECT c.* EXCLUDE (why, kept), r.* EXCLUDE (number), told, ${why} AS why,
      coalesce(told[1].finding_id, CASE WHEN t.new_id IS NULL THEN c.new_id ELSE md5(concat_ws(chr(31), c.new_id, '${APART}')) END) AS finding_id, coalesce(told[1].told_in, ${pass}) AS told_in,
      coalesce(list_max(list_transform(told, lambda t: t.revision)), 0) + 1 AS revision,
      coalesce(list_transform(told[2:], lambda t: t.finding_id), []) AS parts,
      CASE WHEN r.kind = 'correlation' THEN c.kept
        ELSE list_sort(list_concat(coalesce(flatten(list_transform(told, lambda t: t.kept)), []), coalesce(c.kept, [])))[1:${EVENTS_NAMED}] END AS kept
    FROM ${CANDIDATES} c JOIN ${RULES} r ON r.number = c.rule LEFT JOIN (${told}) t ON t.rule = c.rule AND t.new_id = c.new_id
      LEFT JOIN ${REFS} ON refs.rule = c.rule`
  return `SELECT * FROM (${whole}) WHERE told IS NULL OR len(told) > 1 OR told[1].events <> events OR told[1].first_time <> first_time
    OR told[1].last_time <> last_time OR told[1].measure IS DISTINCT FROM measure OR told[1].why IS DISTINCT FROM why`
}

const REFS = `(SELECT rule, list(name ORDER BY place) AS names FROM ${REFERRED} GROUP BY rule) refs`

const struct = (selection: string, field: string, value: string): string =>
  `{'selection': ${selection}, 'field': ${field}, 'value': ${value}}`

/** Which rules were counted, how often each, and what that came to. */
const correlationWhy = `list_concat(
    list_transform(refs.names, lambda referred_name, place: ${struct('referred_name', "'events'", 'c.by_ref[place]::VARCHAR')}),
    [${struct(
      "'condition'",
      'r.measured',
      `concat(${numberSql('c.measure')}, ' within ', r.span, CASE WHEN r.asked IS NULL THEN '' ELSE concat(', asked for ', r.asked) END)`,
    )}])`

function numberSql(value: string): string {
  return `CASE WHEN ${value} = floor(${value}) AND abs(${value}) < 1e15 THEN (${value})::BIGINT::VARCHAR ELSE (${value})::VARCHAR END`
}

/** Columns that make a row of `findings`; the others are the rule's. */
function foundSql(now: Date): string {
  const at = `${lit(now.toISOString())}::TIMESTAMPTZ`
  const row = (over: Readonly<Record<string, string>>): string => {
    const values: Record<string, string> = {
      finding_id: 'finding_id',
      finding_date: 'first_time::DATE',
      revision: 'revision',
      rule_id: 'key',
      rule_name: 'name',
      rule_version: 'version',
      rule_kind: 'kind',
      title: 'title',
      level: '"level"',
      threat: 'threat',
      tags: 'tags',
      entity: 'entity',
      entity_field: 'entity_field',
      group: '"group"',
      first_time: 'first_time',
      last_time: 'last_time',
      detected_time: at,
      events: 'events',
      event_ids: 'list_transform(kept, lambda k: k.event_id)',
      measure: numberSql('measure'),
      summary: SUMMARY,
      explanation: 'why',
      evidence: `list_transform(list_filter(kept, lambda k: k.file IS NOT NULL),
        lambda k: {'event_id': k.event_id, 'file': k.file, 'leaf': NULL::BIGINT})`,
      superseded_by: 'NULL',
      ...over,
    }
    return FINDING_COLUMNS.map(({ name }) => `${values[name]} AS "${name}"`).join(', ')
  }
  const current = `SELECT ${row({})} FROM ${MERGED} WHERE tells`
  const parts = `SELECT m.key, m.name, m.version, m.kind, m.title, m."level", m.threat, m.tags, m.entity_field, m.finding_id AS superseded_by,
      unnest(m.told[2:], max_depth := 2) FROM ${MERGED} m WHERE m.tells AND len(m.told) > 1`
  const past = `SELECT ${row({ revision: 'revision + 1', superseded_by: 'superseded_by' })} FROM (${parts})`
  const undone = `SELECT ${row({ revision: 'revision + 1', superseded_by: 'finding_id' })}
    FROM (SELECT b.* EXCLUDE (rule), r.* EXCLUDE (number) FROM ${UNDONE} b JOIN ${RULES} r ON r.key = b.rule WHERE r.tells)`
  return `SELECT ${typedColumns(FINDING_COLUMNS)} FROM (${current} UNION ALL ${past} UNION ALL ${undone})`
}

const CLOCK = "'%Y-%m-%d %H:%M:%S'"

/** What, who, how much and when, in one sentence. */
const SUMMARY = `concat(title, CASE WHEN coalesce(entity, '') = '' THEN '' ELSE concat(': ', "left"(entity, 200)) END, ', ',
  CASE WHEN events = 1 THEN '1 event' ELSE concat(events, ' events') END,
  CASE WHEN first_time IS NULL THEN ', time not known.'
    WHEN first_time = last_time THEN concat(' at ', strftime(first_time, ${CLOCK}))
    ELSE concat(' from ', strftime(first_time, ${CLOCK}), ' to ', strftime(last_time, ${CLOCK})) END, CASE WHEN first_time IS NULL THEN '' ELSE ' UTC.' END)`
