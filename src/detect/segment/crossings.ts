/**
 * SQL that finds crossings. Sides are worked out once for every different workspace, actor and object, as bits by environment; then
 * each event is looked at by its bits alone.
 */
import { lit } from '../../engine/sql.ts'
import { readPattern } from '../sigma/pattern.ts'
import type { Test } from '../sigma/tree.ts'
import { duckdb } from '../sql/duckdb.ts'
import { exactTexts, renderText } from '../sql/render-text.ts'
import type { Environment } from './environments.ts'
import { looksLikePathSql, storageKeySql, volumeSchemaSql } from './storage.ts'

/** A match tells of so many reasons at most. */
const MOST_REASONS = 24

/** Targets whose names are those of Unity Catalog: three parts, two for schemas, one for catalogs. */
const NAMED_TARGETS: readonly string[] = [
  'catalog',
  'schema',
  'table',
  'tables',
  'view',
  'staging_table',
  'volume',
  'function',
  'model',
  'feature_table',
  'vector_index',
  'online_table',
  'clean_room_asset',
]

const BETWEEN = '\x1f'

/** Kinds of what an event reaches, the first letter of the text that stands for it. */
const KIND = { catalog: 'c', schema: 's', object: 'o', path: 'p' } as const

/** A SELECT of matches (columns as `MATCH_COLUMNS`) over a relation of events. */
export function crossingsSql(environments: readonly Environment[], relation: string, rule: string): string {
  return `WITH seen AS MATERIALIZED (${seenSql(relation)}),
whos AS MATERIALIZED (${whosSql(environments)}),
things AS MATERIALIZED (${thingsSql(environments)}),
reached AS (
  SELECT s.event_id, s.event_time, w.*, t.field, t.shown, t.side AS there
  FROM (SELECT * EXCLUDE (things), unnest(things) AS thing FROM seen) s JOIN things t USING (thing) JOIN whos w ON ${SAME_WHO}
  UNION ALL
  SELECT s.event_id, s.event_time, w.*, 'workspace_id', w.workspace, w.workspace_side
  FROM seen s JOIN whos w ON ${SAME_WHO} WHERE w.workspace_side <> 0 AND w.person_side <> 0
),
crossed AS (
  SELECT *, ${lit('workspace_id')} AS who_field, workspace AS who, workspace_side AS here FROM reached
  WHERE field <> 'workspace_id' AND workspace_side <> 0 AND (workspace_reach & there) = 0
  UNION ALL
  SELECT *, CASE WHEN name_side <> 0 THEN 'actor.email' ELSE 'access_controls.groups' END,
    CASE WHEN name_side <> 0 THEN coalesce(email, actor_name, actor_id) ELSE array_to_string("groups", ', ') END, person_side FROM reached
  WHERE person_side <> 0 AND (person_reach & there) = 0
),
named AS (
  SELECT *, ${namesSql(environments, 'here')} AS from_name, ${namesSql(environments, 'there')} AS to_name FROM crossed
)
SELECT ${lit(rule)} AS rule, event_id, any_value(event_time) AS event_time,
  MAP(['actor.email', 'workspace_id', 'environment.from', 'environment.to', 'object'], [any_value(email), any_value(workspace),
    min(from_name), min(to_name), min(shown)]) AS fields,
  list(DISTINCT from_name || ' → ' || to_name ORDER BY from_name || ' → ' || to_name) AS selections,
  list_slice(list_sort(list_distinct(flatten(list([
    {'selection': from_name || ' → ' || to_name, 'field': who_field, 'value': who || ' (' || from_name || ')'},
    {'selection': from_name || ' → ' || to_name, 'field': field, 'value': shown || ' (' || to_name || ')'}])))), 1, ${MOST_REASONS}) AS because
FROM named GROUP BY event_id`
}

const SAME_WHO = ['workspace', 'email', 'actor_name', 'actor_id', '"groups"']
  .map((column) => `s.${column} IS NOT DISTINCT FROM w.${column}`)
  .join(' AND ')

/** What was not refused: who did it, from where, and a text for each thing it reached. */
function seenSql(relation: string): string {
  const kind = `CASE target.type WHEN 'catalog' THEN '${KIND.catalog}' WHEN 'schema' THEN '${KIND.schema}' ELSE '${KIND.object}' END`
  const between = `chr(${BETWEEN.charCodeAt(0)})`
  const isNamed = `target.type IN (${NAMED_TARGETS.map(lit).join(', ')}) AND target.name IS NOT NULL`
  const names = `list_transform(list_filter(targets, lambda target: ${isNamed}), lambda target: ${kind} || 'targets.name' || ${between} || target.name)`
  const paths = `list_transform(list_filter(map_entries(request_params), lambda param: ${looksLikePathSql('param.value')}),
    lambda param: '${KIND.path}' || 'requestParams.' || param.key || ${between} || param.value)`
  return `SELECT event_id, event_time, actor.email AS email, actor.name AS actor_name, actor.id AS actor_id, access_controls."groups" AS "groups",
    CASE WHEN coalesce(workspace_id, '0') IN ('0', '') THEN coalesce(request_params['workspace_id'], workspace_id) ELSE workspace_id END AS workspace,
    list_distinct(list_concat(${names}, ${paths})) AS things
  FROM ${relation} WHERE status IS NULL OR status = 'SUCCESS'`
}

/** Every different actor in a workspace, the environments each part of it belongs to, and those that may be reached from there. */
function whosSql(environments: readonly Environment[]): string {
  const workspace = sideSql(environments, ({ workspaces }) => oneOf(workspaces, 'workspace'))
  const name = sideSql(environments, ({ principals }) => isOneOf(principals))
  const groups = sideSql(environments, (each) => {
    const test = oneOf(each.groups, 'member')
    return test && `len(list_filter("groups", lambda member: ${test})) > 0`
  })
  const columns = 'workspace, email, actor_name, actor_id, "groups"'
  return `SELECT *, ${reachSql(environments, 'workspace_side')} AS workspace_reach, ${reachSql(environments, 'person_side')} AS person_reach
  FROM (SELECT *, name_side | group_side AS person_side
  FROM (SELECT *, ${workspace} AS workspace_side, ${name} AS name_side, ${groups} AS group_side FROM (SELECT DISTINCT ${columns} FROM seen)))
  WHERE workspace_side <> 0 OR person_side <> 0`
}

/** Every different thing that belongs to an environment: the most exact declaration says which. */
function thingsSql(environments: readonly Environment[]): string {
  const bySchema = sideSql(environments, ({ schemas }) => oneOf(schemas, '"schema"'))
  const byCatalog = sideSql(environments, ({ catalogs }) => oneOf(catalogs, '"catalog"'))
  const parts = `SELECT *, CASE WHEN volume IS NOT NULL THEN volume WHEN kind = '${KIND.path}' THEN NULL
    WHEN kind = '${KIND.object}' AND len(string_split(shown, '.')) < 3 THEN NULL WHEN kind = '${KIND.catalog}' THEN NULL
    ELSE lower(split_part(replace(shown, '\`', ''), '.', 1) || '.' || split_part(replace(shown, '\`', ''), '.', 2)) END AS "schema",
    CASE WHEN kind = '${KIND.catalog}' THEN lower(replace(shown, '\`', '')) ELSE split_part("schema", '.', 1) END AS "catalog",
    CASE WHEN kind = '${KIND.path}' AND volume IS NULL THEN ${storageKeySql('shown')} END AS path`
  const split = `SELECT thing, left(thing, 1) AS kind, split_part(thing, chr(${BETWEEN.charCodeAt(0)}), 1)[2:] AS field,
    thing[strpos(thing, chr(${BETWEEN.charCodeAt(0)})) + 1:] AS shown FROM (SELECT DISTINCT unnest(things) AS thing FROM seen)`
  const volumes = `SELECT *, CASE WHEN kind = '${KIND.path}' THEN ${volumeSchemaSql('shown')} END AS volume FROM (${split})`
  const sides = `SELECT thing, field, shown, ${bySchema} AS schema_side, ${byCatalog} AS catalog_side, ${storageSideSql(environments)} AS storage_side
    FROM (${parts} FROM (${volumes}))`
  return `SELECT thing, field, shown, CASE WHEN schema_side <> 0 THEN schema_side WHEN catalog_side <> 0 THEN catalog_side ELSE storage_side END AS side
  FROM (${sides}) WHERE schema_side <> 0 OR catalog_side <> 0 OR storage_side <> 0`
}

/** The environments of the longest prefix that a path has. */
function storageSideSql(environments: readonly Environment[]): string {
  const byPrefix = new Map<string, bigint>()
  environments.forEach(({ storage }, at) => {
    for (const prefix of storage) byPrefix.set(prefix, (byPrefix.get(prefix) ?? 0n) | bit(at))
  })
  const longestFirst = [...byPrefix].sort(([a], [b]) => b.length - a.length)
  const cases = longestFirst.map(
    ([prefix, bits]) => `WHEN path = ${lit(prefix)} OR starts_with(path, ${lit(`${prefix}/`)}) THEN ${bits}`,
  )
  return cases.length === 0 ? '0' : `CASE ${cases.join(' ')} ELSE 0 END`
}

const bit = (at: number): bigint => 1n << BigInt(at)

const orAll = (numbers: readonly string[]): string => (numbers.length === 0 ? '0' : `(${numbers.join(' | ')})`)

/** Bits of the environments for which a condition holds. */
const sideSql = (
  environments: readonly Environment[],
  conditionOf: (environment: Environment) => string | undefined,
): string =>
  orAll(
    environments.flatMap((each, at) => {
      const condition = conditionOf(each)
      return condition === undefined ? [] : [`CASE WHEN ${condition} THEN ${bit(at)} ELSE 0 END`]
    }),
  )

/** Bits of what may be reached from the environments in `side`: themselves, and what is allowed to the actor. */
const reachSql = (environments: readonly Environment[], side: string): string =>
  orAll(
    environments.map(({ mayReach }, at) => {
      const toBits = ({ environment }: { environment: string }): bigint =>
        bit(environments.findIndex(({ name }) => name === environment))
      const free = mayReach.filter(({ principals }) => principals.length === 0)
      const limited = mayReach.flatMap((crossing) => {
        const test = isOneOf(crossing.principals)
        return test === undefined ? [] : [`CASE WHEN ${test} THEN ${toBits(crossing)} ELSE 0 END`]
      })
      const always = free.reduce((bits, crossing) => bits | toBits(crossing), bit(at))
      return `CASE WHEN (${side} & ${bit(at)}) <> 0 THEN ${orAll([String(always), ...limited])} ELSE 0 END`
    }),
  )

/** True where the actor's e-mail, name or id is one of the patterns. */
function isOneOf(patterns: readonly string[]): string | undefined {
  const tests = ['email', 'actor_name', 'actor_id'].flatMap((column) => oneOf(patterns, column) ?? [])
  return tests.length === 0 ? undefined : `(${tests.join(' OR ')})`
}

/** True where a text is one of the patterns, in any case. */
function oneOf(patterns: readonly string[], text: string): string | undefined {
  if (patterns.length === 0) return undefined
  const value = { type: 'text' as const, value: text, folded: () => `lower(${text})` }
  const tests = patterns.map((each): Test => ({ kind: 'text', pattern: readPattern(each), cased: false }))
  const { lookups, rest } = exactTexts(tests, value, duckdb)
  const others = rest.flatMap((test) => (test.kind === 'text' ? [renderText(test.pattern, false, value, duckdb)] : []))
  return `(${[...lookups, ...others].join(' OR ')})`
}

/** Names of the environments in `side`. */
const namesSql = (environments: readonly Environment[], side: string): string =>
  `concat_ws(' or ', ${environments.map(({ name }, at) => `CASE WHEN (${side} & ${bit(at)}) <> 0 THEN ${lit(name)} END`).join(', ')})`
