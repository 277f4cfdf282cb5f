/**
 * Fields of any JSON records: names with dots are members of members, any element of a list on the way counts, and a member
 * whose own name has dots counts as much. Names count as written, letter by letter.
 */
import type { Engine } from '../../engine/duckdb.ts'
import type { Dialect } from './dialect.ts'
import type { Operand, RecordShape } from './fields.ts'

const JSON_COLUMN = 'json'
const PARTS = 'json_parts'

/** Fields looked at in one statement. */
const FIELDS_A_LOOK = 200

/** Records as rows `(record BIGINT, json JSON)`. `listFields` are the names that have several values in any of them ({@link listFieldsIn}). */
export function jsonShape(dialect: Dialect, listFields: ReadonlySet<string>): RecordShape {
  return narrowShape(dialect, listFields, [])
}

function narrowShape(dialect: Dialect, listFields: ReadonlySet<string>, fields: readonly string[]): RecordShape {
  const plain = fields.filter((name) => !listFields.has(name))
  const paths = plain.flatMap(pathsOf)
  const places = new Map(paths.map((path, at) => [path.join('\0'), at]))
  const json = dialect.identifier(JSON_COLUMN)
  const partSql = (path: readonly string[]): string => {
    const at = places.get(path.join('\0'))
    return at === undefined ? dialect.jsonText(json, path) : dialect.element(PARTS, at)
  }
  return {
    ids: { record: 'BIGINT' },
    field: (name) => jsonField(name, listFields.has(name), partSql, dialect),
    recordText: {
      type: 'text',
      sql: dialect.jsonLeaves(json),
      present: 'true',
      columns: [JSON_COLUMN],
      isColumn: false,
    },
    gate: [],
    context: [],
    shared: paths.length === 0 ? {} : { [PARTS]: { sql: dialect.jsonParts(json, paths), columns: [JSON_COLUMN] } },
    narrowed: (names) => narrowShape(dialect, listFields, names),
  }
}

function jsonField(
  name: string,
  meetsList: boolean,
  partSql: (path: readonly string[]) => string,
  dialect: Dialect,
): Operand {
  const json = dialect.identifier(JSON_COLUMN)
  const paths = pathsOf(name)
  const common = {
    present: paths.map((path) => `(${dialect.jsonHas(json, path)}) IS TRUE`).join(' OR '),
    columns: [JSON_COLUMN],
    isColumn: false,
    uses: [PARTS],
  }
  if (!meetsList) return { type: 'text', sql: firstOf(paths.map(partSql)), ...common }
  return { type: 'texts', sql: dialect.jointTexts(paths.map((path) => dialect.jsonTexts(json, path))), ...common }
}

const firstOf = (values: readonly string[]): string =>
  values.length === 1 ? (values[0] ?? 'NULL') : `coalesce(${values.join(', ')})`

/** The member with dots in its own name, and members of members. */
function pathsOf(name: string): string[][] {
  const steps = name.split('.')
  return steps.length === 1 ? [steps] : [[name], steps]
}

/** Which of the fields have several values in any record of a relation `(record, json)`: they lead through a list, or are there in both spellings. */
export async function listFieldsIn(
  engine: Engine,
  relation: string,
  fields: readonly string[],
  dialect: Dialect,
): Promise<Set<string>> {
  const found = new Set<string>()
  for (let at = 0; at < fields.length; at += FIELDS_A_LOOK) {
    const some = fields.slice(at, at + FIELDS_A_LOOK)
    const steps = some.flatMap((name) =>
      pathsOf(name).flatMap((path) =>
        prefixesOf(path).map((prefix) => ({ name, prefix, isWhole: prefix.length === path.length })),
      ),
    )
    const wholeOf = (name: string): string[] =>
      steps.flatMap((step, index) => (step.name === name && step.isWhole ? [dialect.element('kinds', index)] : []))
    const kinds = dialect.jsonKinds(
      dialect.identifier(JSON_COLUMN),
      steps.map(({ prefix }) => prefix),
    )
    const looks = steps.map(({ name, isWhole, prefix }, index) => {
      const both = prefix.length > 1 && isWhole ? ` OR (${wholeOf(name).join(" <> 'NULL' AND ")} <> 'NULL')` : ''
      return `coalesce(bool_or(${dialect.element('kinds', index)} = 'ARRAY'${both}), false) AS l${index}`
    })
    const row = await engine.row(`SELECT ${looks.join(', ')} FROM (SELECT ${kinds} AS kinds FROM ${relation})`)
    steps.forEach(({ name }, index) => {
      if (row[`l${index}`] === true) found.add(name)
    })
  }
  return found
}

const prefixesOf = (path: readonly string[]): string[][] => path.map((_, at) => path.slice(0, at + 1))
