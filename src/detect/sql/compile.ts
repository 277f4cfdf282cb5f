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
  /** Fields whose values go with its matches. */
  readonly captured: readonly string[]
  /** Columns that telling why it matched reads. */
  readonly columns: readonly string[]
}

/** Fields whose values go with a rule's matches, by its number: what correlations group and count by. */
export type CapturedFields = ReadonlyMap<number, readonly string[]>

/** Takes a set of rules apart for records of a shape. */
export const compileRules = (
  rules: readonly DetectionRule[],
  shape: RecordShape,
  dialect: Dialect,
  captured: CapturedFields = new Map(),
): CompiledRule[] =>
  rules.map((rule, number) => ({
    ...gated(rule.tree, shape, dialect),
    number,
    rule,
    captured: captured.get(number) ?? [],
    columns: columnsOf(rule.tree, captured.get(number) ?? [], shape),
  }))

function columnsOf(tree: RuleNode, captured: readonly string[], shape: RecordShape): string[] {
  const fields = [...fieldsOf(tree), ...captured].flatMap((name) => shape.field(name) ?? [])
  const record = itemsOf(tree).some(({ field }) => field === null) ? [shape.recordText] : []
  const operands = [...fields, ...record]
  const shared = operands.flatMap(({ uses }) => uses ?? []).flatMap((name) => shape.shared[name]?.columns ?? [])
  return [...new Set([...operands.flatMap(({ columns }) => columns), ...shared])]
}

/** Rules that are looked at together: where none of them may match they are passed over at once. */
const RULES_A_GROUP = 8

/** A rule's condition, and what has to hold before it is looked at. */
interface Guarded {
  readonly condition: string
  readonly guard?: Mask
}

/** `word0, word1, …` with the bit of each rule for which its condition holds. */
function words(rules: readonly Guarded[], name: string, dialect: Dialect): string[] {
  const groups = Array.from({ length: wordsFor(rules.length) }, (): string[] => [])
  for (let at = 0; at < rules.length; ) {
    const { word } = bitOf(at)
    const some = rules.slice(at, at + RULES_A_GROUP).filter((_, index) => bitOf(at + index).word === word)
    groups[word]?.push(group(some, at, dialect))
    at += some.length
  }
  return groups.map((list, at) => `${list.length === 0 ? '0' : dialect.bitOr(list)} AS ${name}${at}`)
}

function group(rules: readonly Guarded[], first: number, dialect: Dialect): string {
  const cases = rules.map(({ condition, guard }, at) => {
    const guarded = guard === undefined ? condition : `${guard.meets(dialect)} AND ${condition}`
    return `CASE WHEN ${guarded} THEN ${bitOf(first + at).bit} ELSE 0 END`
  })
  const guards = rules.flatMap(({ guard }) => guard ?? [])
  if (guards.length < rules.length) return `(${dialect.bitOr(cases)})`
  const any = guards.reduce((all, guard) => all.with(guard))
  return `CASE WHEN ${any.meets(dialect)} THEN ${dialect.bitOr(cases)} ELSE 0 END`
}

/** Which rules the records of each combination may match: `gate_id` and a word for every 62 rules, of `values`. */
export const gateSql = (rules: readonly CompiledRule[], values: string, dialect: Dialect): string =>
  `SELECT gate_id, ${words(
    rules.map(({ gate }) => ({ condition: gate })),
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
    if (source.gates === undefined) return { condition: renderNode(rest, bindings) }
    const guard = Mask.of([at])
    bindings.wantedBy(guard)
    return { condition: renderNode(rest, bindings), guard }
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
  shape.narrowed?.([...new Set(rules.flatMap(({ rule, captured }) => [...fieldsOf(rule.tree), ...captured]))]) ?? shape

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
