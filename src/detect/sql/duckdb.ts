/** DuckDB's words for {@link Dialect}. */
import { ident, lit } from '../../engine/sql.ts'
import type { TimePart } from '../sigma/tree.ts'
import type { Dialect } from './dialect.ts'

const NUMBER = String.raw`\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*`

const asNumber = (x: string): string =>
  `CASE WHEN regexp_full_match(${x}, '${NUMBER}') THEN try_cast(${x} AS DOUBLE) END`

const asTime = (x: string): string => `try_cast(${x} AS TIMESTAMPTZ)`

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const QUAD = `(?:${OCTET}[.]){3}${OCTET}`

const PARTS: Readonly<Record<TimePart, string>> = {
  minute: 'minute',
  hour: 'hour',
  day: 'day',
  week: 'week',
  month: 'month',
  year: 'year',
}

/** Text of any characters; DuckDB's literals hold no NUL. */
const text = (value: string): string => {
  const parts = value.split('\0').map(lit)
  return parts.length === 1 ? lit(value) : `(${parts.join(' || chr(0) || ')})`
}

/** Added to microseconds of up to a day, before or after, so that all have as many digits. */
const AT_BASE = 500_000_000_000
const AT_DIGITS = 12

/** The unit separator, which no text of a list has. */
const BETWEEN = '\x1f'

/** One literal for all texts, since reading a hundred thousand takes longer than the rest; a join finds them. */
const among = (x: string, texts: readonly string[]): string => {
  const together = texts.filter((each) => !each.includes(BETWEEN))
  const apart = texts.filter((each) => each.includes(BETWEEN))
  const parts = [
    ...(together.length === 0
      ? []
      : [`${x} IN (SELECT unnest(string_split(${text(together.join(BETWEEN))}, chr(31))))`]),
    ...(apart.length === 0 ? [] : [`${x} IN (${apart.map(text).join(', ')})`]),
  ]
  return parts.length === 1 ? (parts[0] ?? 'false') : `(${parts.join(' OR ')})`
}

/** A value under a name, for expressions that use it more than once. */
const named = (value: string, name: string, body: string): string =>
  `list_transform([${value}], lambda ${name}: ${body})[1]`

const quadHex = (quad: string): string =>
  `printf('%02x%02x%02x%02x', ${[1, 2, 3, 4].map((at) => `try_cast(split_part(${quad}, '.', ${at}) AS INTEGER)`).join(', ')})`

/** Hexadecimal digits of one half of an address, `x` for a group that is none, which spoils the whole. */
const halfHex = (half: string): string =>
  `CASE WHEN ${half} = '' THEN '' ELSE array_to_string(list_transform(string_split(${half}, ':'), lambda ip_group: CASE
      WHEN regexp_full_match(ip_group, '[0-9a-f]{1,4}') THEN lpad(ip_group, 4, '0')
      WHEN regexp_full_match(ip_group, '${QUAD}') THEN ${quadHex('ip_group')} ELSE 'x' END), '') END`

/** `::` stands for the groups missing from eight, at least one. */
const v6Hex = (ip: string): string =>
  named(
    `list_transform(string_split(lower(${ip}), '::'), lambda ip_half: ${halfHex('ip_half')})`,
    'ip_halves',
    `CASE WHEN len(ip_halves) = 1 THEN ip_halves[1]
      WHEN len(ip_halves) = 2 AND strlen(ip_halves[1]) + strlen(ip_halves[2]) <= 28
        THEN ip_halves[1] || repeat('0', 32 - strlen(ip_halves[1]) - strlen(ip_halves[2])) || ip_halves[2] END`,
  )

/** An address as logs write it, with a port, in brackets or with a zone: what there is besides the address is cut off. */
const DRESSED = String.raw`^(?:(${QUAD}):[0-9]{1,5}|\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\](?::[0-9]{1,5})?|([0-9a-fA-F:.]+)%.*)$`
const bare = (ip: string): string => String.raw`regexp_replace(${ip}, '${DRESSED}', '\1\2\3')`

/** Version 4 in the words of version 6, `::ffff:192.0.2.9`. */
const mappedHex = (ip: string): string =>
  `CASE WHEN contains(lower(${ip}), 'ffff') THEN nullif(regexp_extract(${v6Hex(ip)}, '^0{20}ffff([0-9a-f]{8})$', 1), '') END`

const path = (steps: readonly string[]): string =>
  text(`$${steps.map((step) => `."${step.replaceAll('"', '\\"')}"`).join('')}`)

/** JSON values one step further, through a list if there is one. */
const stepInto = (values: string, step: string, at: number): string => {
  const value = `json_${at}`
  const name = step.replaceAll('"', '\\"')
  return `flatten(list_transform(${values}, lambda ${value}: CASE WHEN json_type(${value}) = 'ARRAY'
      THEN json_extract(${value}, ${text(`$[*]."${name}"`)}) ELSE [json_extract(${value}, ${text(`$."${name}"`)})] END))`
}

/** JSON values at the end of a path; NULL for a member that is not there. */
const reached = (json: string, steps: readonly string[]): string => steps.reduce(stepInto, `[${json}]`)

const struct = (members: Readonly<Record<string, string>>): string =>
  `{${Object.entries(members)
    .map(([name, value]) => `${lit(name)}: ${value}`)
    .join(', ')}}`

/** A struct made a map takes a third of the time of a map of two lists, but does not tell apart names by case. */
const canBeMembers = (names: readonly string[]): boolean =>
  names.length > 0 &&
  names.every((name) => name !== '' && !name.includes('\0')) &&
  new Set(names.map((name) => name.toLowerCase())).size === names.length

/** DuckDB. */
export const duckdb: Dialect = {
  name: 'duckdb',
  text,
  identifier: ident,
  lower: (x) => `lower(${x})`,
  replace: (x, from, to) => `replace(${x}, ${from}, ${to})`,
  startsWith: (x, part) => `starts_with(${x}, ${part})`,
  endsWith: (x, part) => `ends_with(${x}, ${part})`,
  contains: (x, part) => `contains(${x}, ${part})`,
  // Without ESCAPE and _ the engine goes through a text once; with them it tries every way there is.
  inOrder: (x, parts) => `${x} LIKE ${text(parts.join('%'))}`,
  regex: (x, pattern) => `regexp_matches(${x}, ${text(pattern)})`,
  asText: (x) => `(${x})::VARCHAR`,
  asNumber,
  asTime,
  asAnyTime: (x) => {
    const number = asNumber(x)
    const micros = `CASE WHEN ${number} < 1e8 THEN NULL WHEN ${number} < 1e11 THEN 1e6 WHEN ${number} < 1e14 THEN 1e3
      WHEN ${number} < 1e17 THEN 1 WHEN ${number} < 1e20 THEN 1e-3 END`
    return `CASE WHEN ${number} IS NULL THEN ${asTime(x)} ELSE make_timestamptz(try_cast(${number} * (${micros}) AS BIGINT)) END`
  },
  epochMs: (time) => `epoch_ms(${time})`,
  timePart: (part, time) => `date_part('${PARTS[part]}', ${time})`,
  ipv4: (x) => `CASE WHEN regexp_full_match(${x}, '${QUAD}') THEN ${quadHex(x)} WHEN contains(${x}, ':') THEN
    ${named(bare(x), 'ip_bare', `CASE WHEN regexp_full_match(ip_bare, '${QUAD}') THEN ${quadHex('ip_bare')} ELSE ${mappedHex('ip_bare')} END`)} END`,
  ipv6: (x) => `CASE WHEN contains(${x}, ':') THEN
    ${named(bare(x), 'ip_bare', `nullif(regexp_extract(${v6Hex('ip_bare')}, '^[0-9a-f]{32}$'), '')`)} END`,
  any: (list, name, test) => `len(list_filter(${list}, lambda ${name}: ${test(name)})) > 0`,
  filter: (list, name, test) => `list_filter(${list}, lambda ${name}: ${test(name)})`,
  among,
  anyAmong: (list, name, key, texts) =>
    `EXISTS (SELECT 1 FROM (SELECT unnest(${list}) AS ${name}) WHERE ${among(key(name), texts)})`,
  isEmpty: (list) => `coalesce(len(list_filter(${list}, lambda entry: entry IS NOT NULL)), 0) = 0`,
  list: (elements) => `[${elements.join(', ')}]`,
  eachOf: (values) => `unnest([${values.join(', ')}])`,
  present: (elements) =>
    elements.length === 0 ? '[]' : `list_filter([${elements.join(', ')}], lambda entry: entry IS NOT NULL)`,
  joinTexts: (list, between) => `array_to_string(${list}, ${between})`,
  pluck: (list, member) => `list_transform(${list}, lambda entry: entry.${ident(member)})`,
  listHas: (list, element) => `list_contains(${list}, ${element})`,
  asTexts: (list) => `list_transform(${list}, lambda entry: entry::VARCHAR)`,
  lines: (texts) => `concat_ws(chr(10), ${texts.join(', ')})`,
  mapValue: (map, key) => `${map}[${key}]`,
  mapHas: (map, key) => `map_contains(${map}, ${key})`,
  mapValues: (map) => `map_values(${map})`,
  mapFoldedKeys: (map) => `list_transform(map_keys(${map}), lambda map_key: lower(map_key))`,
  mapValueFolded: (map, foldedKeys, key) => `map_values(${map})[list_position(${foldedKeys}, ${key})]`,
  asJson: (x) => `try_cast(${x} AS JSON)`,
  jsonText: (json, steps) => `json_extract_string(${json}, ${path(steps)})`,
  jsonParts: (json, paths) => `json_extract_string(${json}, [${paths.map(path).join(', ')}])`,
  element: (list, at) => `${list}[${at + 1}]`,
  jsonHas: (json, steps) => `len(list_filter(${reached(json, steps)}, lambda json_end: json_end IS NOT NULL)) > 0`,
  jsonTexts: (json, steps) =>
    `nullif(list_filter(flatten(list_transform(${reached(json, steps)}, lambda json_end:
      CASE WHEN json_type(json_end) = 'ARRAY' THEN json_extract_string(json_end, '$[*]') ELSE [json_end ->> '$'] END)),
      lambda json_text: json_text IS NOT NULL), [])`,
  jointTexts: (lists) =>
    lists.length === 1
      ? (lists[0] ?? 'NULL')
      : `nullif(flatten([${lists.map((list) => `coalesce(${list}, [])`).join(', ')}]), [])`,
  jsonKinds: (json, paths) => `json_type(${json}, [${paths.map(path).join(', ')}])`,
  jsonLeaves: (json) =>
    `array_to_string(list_transform(list_filter(json_extract(${json}, '$..*'), lambda json_value:
      json_type(json_value) NOT IN ('OBJECT', 'ARRAY', 'NULL')), lambda json_value: json_value ->> '$'), chr(10))`,
  struct,
  bucket: (x, of) => `hash(${x}) % ${of}`,
  noText: 'NULL::VARCHAR',
  map: (entries) => {
    const names = Object.keys(entries)
    if (canBeMembers(names)) return `${struct(entries)}::MAP(VARCHAR, VARCHAR)`
    return `MAP([${names.map(text).join(', ')}]::VARCHAR[], [${Object.values(entries).join(', ')}]::VARCHAR[])`
  },
  left: (x, length) => `left(${x}, ${length})`,
  // A WHERE would be moved below the columns and work them out a second time; rows with nothing to unnest go away.
  where: (relation, condition) =>
    `(SELECT * EXCLUDE (kept) FROM (SELECT *, unnest(CASE WHEN ${condition} THEN [true] END) AS kept FROM ${relation}))`,
  seconds: (count) => `INTERVAL ${count} SECOND`,
  distinctOver: (x, window) => `count(DISTINCT ${x}) OVER ${window}`,
  quantileOver: (x, share, window) => `quantile_cont(${x}, ${share}) OVER ${window}`,
  hashOf: (values) => `hash(${values.join(', ')})`,
  digest: (x) => `md5(${x})`,
  firstOf: (x, by, most) => `list_slice(list(${x} ORDER BY ${by}), 1, ${most})`,
  bitsMeet: (x, bits) => `(${x} & ${bits}) <> 0`,
  bitsOf: (x, bits) => `(${x} & ${bits})`,
  bitOr: (numbers) => numbers.join(' | '),
  valuesOf: (map, keys) => `list_transform(${keys}, lambda map_name: ${map}[map_name])`,
  mapOfLists: (keys, values) => `MAP(${keys}, ${values})`,
  foldedTexts: (list) => `list_transform(${list}, lambda entry: lower(entry))`,
  jsonOfTexts: (list) => `to_json(${list})::VARCHAR`,
  textsOfJson: (json) => `(${json}::JSON::VARCHAR[])`,
  timeOfMs: (ms) => `make_timestamptz((${ms}) * 1000)`,
  // Texts are compared quicker than structs, of which a key is made for each row and each end.
  atTime: (since, time, text) => `concat(epoch_us(${time}) - epoch_us(${since}) + ${AT_BASE}, ${text})`,
  timeAt: (since, x) =>
    `CASE WHEN ${since} IS NOT NULL THEN make_timestamptz(epoch_us(${since}) + left(${x}, ${AT_DIGITS})::BIGINT - ${AT_BASE}) END`,
  textAt: (since, x) => `CASE WHEN ${since} IS NULL THEN ${x} ELSE substr(${x}, ${AT_DIGITS + 1}) END`,
  clockIn: (zone, time) => `timezone(${zone}, ${time})`,
  minuteOfDay: (clock) => `(date_part('hour', ${clock}) * 60 + date_part('minute', ${clock}))`,
  dayOfWeek: (clock) => `date_part('isodow', ${clock})`,
  listMedian: (list) => `list_aggregate(${list}, 'median')`,
  listMean: (list) => `list_aggregate(${list}, 'avg')`,
  listDistances: (list, x) => `list_transform(${list}, lambda entry: abs(entry - ${x}))`,
  listPadded: (list, count) => `list_resize(${list}, ${count}, 0)`,
  listHighest: (list, but) => `list_reverse_sort(${list})[${but + 1}]`,
  listStart: (list, most) => `list_slice(${list}, 1, ${most})`,
}
