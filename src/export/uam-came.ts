/**
 * Members of a UAM record that came in and have no column: the normaliser keeps them among the request parameters under
 * their own names, so that the record can go out again as it was.
 */
import { lit, litList } from '../engine/sql.ts'
import { present } from './event-facts.ts'
import { either, type Json, jsonFromText, sqlOf, when } from './json-sql.ts'

/** SQL: text of such a member; NULL for events that did not come as UAM. */
export const came = (name: string): string => `CASE WHEN form = 'uam' THEN ${present(`request_params['${name}']`)} END`

const hasCome = (name: string): string => `${came(name)} IS NOT NULL`

/** Such a member as JSON. */
export const cameJson = (name: string): Json => when(hasCome(name), jsonFromText(came(name)))

/** Such a member as JSON, else `otherwise`. */
export const cameJsonOr = (name: string, otherwise: Json): Json =>
  either([[hasCome(name), jsonFromText(came(name))]], otherwise)

/** Members of a query payload that only some integrations send. */
export const SOME_PAYLOADS = ['objectsAccessed', 'columnsAccessed', 'securityProfile', 'errorCode'] as const

/** Names that the export puts in their places itself. */
const PLACED = [
  ...SOME_PAYLOADS,
  'bricktrail',
  'clusterName',
  'endTime',
  'immutaPluginVersion',
  'metastoreTables',
  'pathUris',
  'payloadType',
  'payloadVersion',
  'policySet',
  'profileId',
  'query',
  'queryLanguage',
  'queryText',
  'relatedResources',
  'startTime',
  'targetType',
  'targets',
  'technology',
]

/** The normaliser puts the actor's further members under this prefix. */
const ACTOR_PREFIX = 'actor.'

const IS_PLACED = `list_contains(${litList(PLACED)}, kv.key)`
const IS_ACTORS = `starts_with(kv.key, ${lit(ACTOR_PREFIX)})`

/** Text of JSON members; objects and lists are themselves again. */
const membersSql = (condition: string, name: string): string =>
  `CASE WHEN form = 'uam' THEN nullif(array_to_string(list_transform(
        list_filter(map_entries(request_params), lambda kv: kv.value IS NOT NULL AND ${condition}),
        lambda kv: to_json(${name})::VARCHAR || ':' || CASE WHEN kv.value[1] IN ('{', '[') THEN ${sqlOf(jsonFromText('kv.value'))}
          ELSE to_json(kv.value)::VARCHAR END), ','), '') END`

/** SQL: text of the payload's members that came and have no place of their own. */
export const LEFT_OVER = membersSql(`NOT ${IS_PLACED} AND NOT ${IS_ACTORS}`, 'kv.key')

/** SQL: text of the actor's members that have no place of their own. */
export const LEFT_OVER_OF_ACTOR = membersSql(IS_ACTORS, `substr(kv.key, ${ACTOR_PREFIX.length + 1})`)
