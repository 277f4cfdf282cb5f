/**
 * Matches of rules that stand for themselves, put together by the rule's entity: while they follow each other within an hour they
 * are one finding. What was told before is part of it, so that nothing older than that needs to be remembered.
 */
import { EVENTS_NAMED } from '../../core/finding.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { duckdb } from '../sql/duckdb.ts'
import { STATE_BURSTS } from './bursts.ts'
import { CANDIDATES } from './candidates.ts'
import { RULES } from './facts.ts'

/** Matches further apart than this are two findings. Long enough for a coffee, short enough to tell morning from evening. */
export const GAP_SECS = 3600

/** The field under which a match brings the data file its event is in. */
export const FILE_FIELD = '@file'

/**
 * Adds a candidate for each run of matches, with the findings it goes on from.
 *
 * @param matches relation `(rule, event_id, event_time, fields, because)`
 */
export async function gather(engine: Engine, matches: string): Promise<void> {
  const gap = `INTERVAL ${GAP_SECS} SECOND`
  await engine.run(`CREATE OR REPLACE TEMP TABLE gather_points AS
    SELECT m.rule, r.key, coalesce(${duckdb.lower('m.fields[r.entity_field]')}, '') AS group_key, m.event_id, m.event_time,
      any_value(m.fields[r.entity_field]) AS entity, any_value(r.entity_field) AS entity_field,
      any_value(m.fields[${lit(FILE_FIELD)}]) AS file, any_value(m.because) AS because
    FROM ${matches} m JOIN ${RULES} r ON r.number = m.rule WHERE r.gathers
    GROUP BY m.rule, r.key, group_key, m.event_id, m.event_time`)
  // Findings told before that the matches may belong to, and those that these may lead on to.
  await engine.run(`CREATE OR REPLACE TEMP TABLE gather_told AS
    SELECT t.rule, b.rule AS key, b.* EXCLUDE (rule) FROM ${STATE_BURSTS} b
    JOIN (SELECT rule, key, group_key, min(event_time) - ${gap} AS from_time FROM temp.gather_points GROUP BY ALL) t
      ON t.key = b.rule AND t.group_key = b.group_key WHERE b.last_time >= t.from_time`)
  // A window that is compared again has the event that it was told by.
  const spans = `SELECT p.rule, p.key, p.group_key, p.event_time AS from_time, p.event_time AS to_time, p.event_id, p.entity, p.entity_field, p.file,
      p.because, CASE WHEN t.event_id IS NULL THEN 1 ELSE 0 END AS n, NULL::DOUBLE AS told
    FROM temp.gather_points p LEFT JOIN (SELECT DISTINCT rule, group_key, unnest(kept).event_id AS event_id FROM temp.gather_told) t
      ON t.rule = p.rule AND t.group_key = p.group_key AND t.event_id = p.event_id
    UNION ALL SELECT rule, key, group_key, first_time, last_time, kept[1].event_id, entity, NULL, NULL, NULL, events, events FROM temp.gather_told`
  // Records without a time, as files may have them, are one run of their own.
  const timed = 'from_time IS NOT NULL'
  const order = `PARTITION BY rule, group_key, ${timed} ORDER BY from_time, event_id, told`
  const before = `max(to_time) OVER (${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`
  const starts = `SELECT *, CASE WHEN ${timed} THEN coalesce(${before} < from_time - ${gap}, true) ELSE row_number() OVER (${order}) = 1 END AS is_start
    FROM (${spans})`
  const runs = `SELECT *, sum(CASE WHEN is_start THEN 1 ELSE 0 END) OVER (${order} ROWS UNBOUNDED PRECEDING) AS run FROM (${starts})`
  const placed = `SELECT *, row_number() OVER (PARTITION BY rule, group_key, ${timed}, run, told IS NULL ORDER BY from_time, event_id) AS place FROM (${runs})`
  // The first of the ways in which it is written.
  const spelled = 'min_by(entity, (from_time, event_id, told))'
  await engine.run(`INSERT INTO ${CANDIDATES} BY NAME
    SELECT rule, group_key, CASE WHEN any_value(entity) IS NULL THEN ${duckdb.map({})} ELSE MAP([any_value(entity_field)], [${spelled}]) END AS "group",
      ${spelled} AS entity,
      min(from_time) AS first_time, max(to_time) AS last_time, md5(concat_ws(chr(31), any_value(key), group_key, min_by(event_id, (from_time, event_id)))) AS new_id,
      sum(n)::BIGINT AS events, NULL::DOUBLE AS measure,
      list({'event_time': from_time, 'event_id': event_id, 'file': file} ORDER BY from_time, event_id)
        FILTER (WHERE told IS NULL AND n = 1 AND place <= ${EVENTS_NAMED}) AS kept,
      min_by(because, (from_time, event_id)) FILTER (WHERE told IS NULL) AS why
    FROM (${placed}) GROUP BY rule, group_key, ${timed}, run HAVING count(*) > count(told)`)
}
