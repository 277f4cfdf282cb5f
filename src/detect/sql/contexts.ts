/**
 * Contexts of records: the values that many records have in common, each combination once. What a rule asks of nothing else is
 * asked of contexts, which are few, and not of records.
 */
import type { Engine } from '../../engine/duckdb.ts'
import { fieldsOf } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import { anyHit, CONTEXT_KEY, type CompiledRule, columnsOf, maskNames, type TakenAlong, words } from './compile.ts'
import type { Dialect } from './dialect.ts'
import { explainSql } from './explain.ts'
import type { NamedValue, RecordShape } from './fields.ts'
import { isOf, isTrue, levelShape } from './gate.ts'
import { Mask } from './masks.ts'
import { renderNode } from './render.ts'
import { CONTEXTS } from './shared-tables.ts'

/** The contexts of a batch. */
export interface Contexts {
  readonly table: string
  readonly columns: readonly NamedValue[]
  /** SQL over a record: the key of its context. */
  readonly key: string
  /** How many records they have together. */
  readonly records: number
}

/** The columns of contexts: the gate's, and those that any of the rules asks for. */
export function contextColumns(rules: readonly CompiledRule[], shape: RecordShape): readonly NamedValue[] {
  const asked = new Set(rules.flatMap(({ rule, captured }) => [...fieldsOf(rule.tree), ...captured]))
  const names = new Set([...asked].flatMap((field) => shape.field(field)?.context ?? []))
  return [...shape.gate, ...shape.context.filter(({ name }) => names.has(name))]
}

/** Whether a column is one of contexts, not of records. */
const isContextColumn = (column: string, shape: RecordShape): boolean =>
  [...shape.gate, ...shape.context].some(({ name }) => name === column)

/** Makes the table of a batch's contexts, with how many `records` each has. Its key is a number, unless two of them have the same. */
export async function makeContexts(
  engine: Engine,
  relation: string,
  columns: readonly NamedValue[],
  dialect: Dialect,
): Promise<Contexts> {
  const key = dialect.hashOf(columns.map(({ sql }) => sql))
  const values = [...columns.map(({ sql, name }) => `${sql} AS ${name}`), 'count(*) AS records'].join(', ')
  await engine.run(`CREATE OR REPLACE TABLE ${CONTEXTS} AS SELECT *, ${dialect.hashOf(columns.map(({ name }) => name))} AS ${CONTEXT_KEY}
    FROM (SELECT ${values} FROM ${relation} GROUP BY ALL)`)
  const { apart, records } = await engine.row<{ apart: boolean; records: number }>(
    `SELECT count(*) = count(DISTINCT ${CONTEXT_KEY}) AS apart, coalesce(sum(records), 0)::DOUBLE AS records FROM ${CONTEXTS}`,
  )
  if (apart) return { table: CONTEXTS, columns, key, records }
  const whole = (of: 'sql' | 'name'): string =>
    dialect.struct(Object.fromEntries(columns.map((column) => [column.name, column[of]])))
  await engine.run(
    `CREATE OR REPLACE TABLE ${CONTEXTS} AS SELECT * REPLACE (${whole('name')} AS ${CONTEXT_KEY}) FROM ${CONTEXTS}`,
  )
  return { table: CONTEXTS, columns, key: whole('sql'), records }
}

/**
 * The contexts whose records any of the rules may match: their columns, the key, and `gate_mask0…` by the position of rules.
 *
 * @param gates relation of the gate's columns and `gate_mask0…` for all that the gate lets through
 */
export function contextGatesSql(
  rules: readonly CompiledRule[],
  { table, columns }: Contexts,
  gates: string,
  shape: RecordShape,
  dialect: Dialect,
): string {
  const bindings = new Bindings(levelShape('context', shape), dialect)
  const conditions = rules.map(({ context }, at) => {
    const guard = Mask.of([at])
    bindings.wantedBy(guard)
    return isTrue(context) ? { guard } : { condition: renderNode(context, bindings), guard }
  })
  const masks = words(conditions, 'context_mask', dialect).map((word) => bindings.settled(word))
  const kept = [...columns.map(({ name }) => name), CONTEXT_KEY]
  const gateMasks = maskNames('gate_mask', rules.length)
  const same = shape.gate.map(({ name }) => `gates.${name} IS NOT DISTINCT FROM contexts.${name}`)
  const passed = `(SELECT ${[...kept.map((name) => `contexts.${name}`), ...gateMasks].join(', ')}
FROM ${table} AS contexts JOIN ${gates} AS gates ON ${same.join(' AND ')})`
  const tested = `(SELECT ${[...kept, ...masks].join(',\n  ')}\nFROM ${bindings.over(passed)})`
  const found = maskNames('context_mask', rules.length)
  return `SELECT ${[...kept, ...found.map((name, at) => `${name} AS ${gateMasks[at]}`)].join(', ')}
FROM ${dialect.where(tested, anyHit(found, dialect))}`
}

/** Where records stand that rules are asked of by themselves; NULL for others. */
const PLACE = 'gate_id'

/** What of the records asking these rules takes, beside their contexts, with those of the same gate beside each other, so that few rules are looked at for each block. */
export const askedOf = (rules: readonly CompiledRule[], shape: RecordShape): TakenAlong => ({
  mark: PLACE,
  columns: [...new Set(rules.flatMap(({ rule, captured }) => columnsOf(rule.tree, captured, shape)))].filter(
    (name) => !isContextColumn(name, shape),
  ),
})

/**
 * Contexts with their masks, as {@link contextGatesSql} gives them for so many rules, and beside them those that others are asked of.
 *
 * @param gates relation of the gate's columns and `gate_id`, of these others
 */
export function placedContextsSql(
  rules: number,
  contextGates: string,
  { table, columns }: Contexts,
  gates: string,
  shape: RecordShape,
): string {
  const kept = columns.map(({ name }) => `contexts.${name}`)
  const masks = maskNames('gate_mask', rules).map((name) => `coalesce(met.${name}, 0) AS ${name}`)
  const same = shape.gate.map(({ name }) => `gates.${name} IS NOT DISTINCT FROM contexts.${name}`)
  return `SELECT ${kept.join(', ')}, contexts.${CONTEXT_KEY}, ${masks.join(', ')}, gates.${PLACE} FROM ${table} AS contexts
LEFT JOIN ${contextGates} AS met ON met.${CONTEXT_KEY} = contexts.${CONTEXT_KEY}
LEFT JOIN ${gates} AS gates ON ${same.join(' AND ')} WHERE met.${CONTEXT_KEY} IS NOT NULL OR gates.${PLACE} IS NOT NULL`
}

/** Whether a rule's matches follow from the context alone: all that is asked, and all that is wanted of them. */
export const isOfContext = ({ rule, rest, captured, isExplained }: CompiledRule, shape: RecordShape): boolean =>
  isTrue(rest) &&
  (!isExplained || isOf('context', rule.tree, shape)) &&
  captured.every((name) => shape.field(name)?.context !== undefined)

/** A row for each context that a rule {@link isOfContext} matches: `rule`, {@link CONTEXT_KEY}, and what is told and wanted of it. */
export const contextMatchesSql = (
  rule: CompiledRule,
  position: number,
  contextGates: string,
  shape: RecordShape,
  dialect: Dialect,
): string =>
  explainSql(
    rule,
    {
      relation: `(SELECT * FROM ${contextGates} WHERE ${Mask.of([position]).meets(dialect)})`,
      ids: [CONTEXT_KEY],
    },
    levelShape('context', shape),
    dialect,
  )
