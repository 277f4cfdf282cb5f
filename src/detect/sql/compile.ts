/** Rules as SQL: which records may match, which do, and why. */
import type { DetectionRule } from '../sigma/rule.ts'
import { fieldsOf, itemsOf, type RuleNode } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { RecordShape } from './fields.ts'
import { type GatedRule, gated } from './gate.ts'
import { bitOf, Mask, wordsFor } from './masks.ts'
import { renderNode } from './render.ts'

/** A rule with its place in its set. */
export interface CompiledRule extends GatedRule {
  readonly number: number
  readonly rule: DetectionRule
  /** Columns that telling why it matched reads. */
  readonly columns: readonly string[]
}

/** Takes a set of rules apart for records of a shape. */
export const compileRules = (rules: readonly DetectionRule[], shape: RecordShape, dialect: Dialect): CompiledRule[] =>
  rules.map((rule, number) => ({
    ...gated(rule.tree, shape, dialect),
    number,
    rule,
    columns: columnsOf(rule.tree, shape),
  }))

function columnsOf(tree: RuleNode, shape: RecordShape): string[] {
  const fields = fieldsOf(tree).flatMap((name) => shape.field(name) ?? [])
  const record = itemsOf(tree).some(({ field }) => field === null) ? [shape.recordText] : []
  const operands = [...fields, ...record]
  const shared = operands.flatMap(({ uses }) => uses ?? []).flatMap((name) => shape.shared[name]?.columns ?? [])
  return [...new Set([...operands.flatMap(({ columns }) => columns), ...shared])]
}

/** `word0, word1, …` with the bit of each rule for which its condition holds. */
function words(conditions: readonly string[], name: string, dialect: Dialect): string[] {
  const cases = Array.from({ length: wordsFor(conditions.length) }, (): string[] => [])
  conditions.forEach((condition, at) => {
    const { word, bit } = bitOf(at)
    cases[word]?.push(`CASE WHEN ${condition} THEN ${bit} ELSE 0 END`)
  })
  return cases.map((list, at) => `${list.length === 0 ? '0' : dialect.bitOr(list)} AS ${name}${at}`)
}

/** Which rules the records of each combination may match: `gate_id` and a word for every 62 rules, of `values`. */
export const gateSql = (rules: readonly CompiledRule[], values: string, dialect: Dialect): string =>
  `SELECT gate_id, ${words(
    rules.map(({ gate }) => gate),
    'gate_mask',
    dialect,
  ).join(',\n  ')} FROM ${values}`

/** How {@link matchSql} gets at records. */
export interface MatchSource {
  /** The records. */
  readonly relation: string
  /** Relation of the gate's columns and `gate_mask0…`, by the position of rules; absent: every record meets every rule. */
  readonly gates?: string
}

/**
 * Records that any rule matches, with the columns their explanations need and `hit0…`: a word for every 62 rules, by their
 * position in `rules`.
 */
export function matchSql(
  rules: readonly CompiledRule[],
  source: MatchSource,
  shape: RecordShape,
  dialect: Dialect,
): string {
  const bindings = new Bindings(narrowed(shape, rules), dialect)
  const conditions = rules.map(({ rest }, at) => {
    const mask = source.gates === undefined ? undefined : Mask.of([at])
    bindings.wantedBy(mask)
    const condition = renderNode(rest, bindings)
    // One CASE within another: the condition is looked at only where the gate let through.
    return mask === undefined ? condition : `CASE WHEN ${mask.meets(dialect)} THEN ${condition} END`
  })
  const kept = [...new Set([...Object.keys(shape.ids), ...rules.flatMap(({ columns }) => columns)])]
  const needed = [...new Set([...kept, ...bindings.columns])].map(dialect.identifier)
  const records =
    source.gates === undefined ? selected(needed, source.relation) : joinedGates(needed, source, shape, rules)
  const hits = words(conditions, 'hit', dialect)
  const tested = `(SELECT ${[...kept.map(dialect.identifier), ...hits].join(',\n  ')}\nFROM ${bindings.over(records)})`
  const anyHit = hits.map((_, at) => `hit${at}`)
  return `SELECT * FROM ${dialect.where(tested, `(${dialect.bitOr(anyHit)}) <> 0`)}`
}

/** The shape made for the fields of some rules. */
export const narrowed = (shape: RecordShape, rules: readonly CompiledRule[]): RecordShape =>
  shape.narrowed?.([...new Set(rules.flatMap(({ rule }) => fieldsOf(rule.tree)))]) ?? shape

const selected = (columns: readonly string[], relation: string): string =>
  `(SELECT ${columns.join(', ')} FROM ${relation})`

function joinedGates(
  columns: readonly string[],
  source: MatchSource,
  shape: RecordShape,
  rules: readonly CompiledRule[],
): string {
  const masks = Array.from({ length: wordsFor(rules.length) }, (_, at) => `gates.gate_mask${at}`)
  const same = shape.gate.map(({ name, sql }) => `gates.${name} IS NOT DISTINCT FROM records.${sql}`)
  return `(SELECT ${[...columns.map((column) => `records.${column}`), ...masks].join(', ')}
FROM ${source.relation} AS records JOIN ${source.gates} AS gates ON ${same.join(' AND ')})`
}

/** True where a record's `hit` words have the rule at this position. */
export const hasHit = (position: number, dialect: Dialect): string => Mask.of([position]).meets(dialect, 'hit')
