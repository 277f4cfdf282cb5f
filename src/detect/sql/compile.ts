/** Rules as SQL: which records may match, which do, and why. */
import type { DetectionRule } from '../sigma/rule.ts'
import { fieldsOf, itemsOf, type RuleNode } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { NamedValue, RecordShape } from './fields.ts'
import { type GatedRule, gated, isTrue } from './gate.ts'
import { bitOf, Mask, wordsFor } from './masks.ts'
import { renderNode } from './render.ts'

/** A rule with its place in its set. */
export interface CompiledRule extends GatedRule {
  readonly number: number
  readonly rule: DetectionRule
  /** Fields whose values go with its matches. */
  readonly captured: readonly string[]
  /** Whether its matches say why. */
  readonly isExplained: boolean
  /** Columns that its matches are made of: what they bring along, and what telling why they matched reads. */
  readonly columns: readonly string[]
}

/** Fields whose values go with a rule's matches, by its number: what correlations group and count by. */
export type CapturedFields = ReadonlyMap<number, readonly string[]>

/** What is wanted of a set of rules beyond their matches. */
export interface CompileOptions {
  readonly captured?: CapturedFields | undefined
  /** Numbers of rules whose matches need not say why. */
  readonly unexplained?: ReadonlySet<number> | undefined
}

/** Takes a set of rules apart for records of a shape. */
export const compileRules = (
  rules: readonly DetectionRule[],
  shape: RecordShape,
  dialect: Dialect,
  { captured = new Map(), unexplained = new Set() }: CompileOptions = {},
): CompiledRule[] =>
  rules.map((rule, number) => {
    const fields = captured.get(number) ?? []
    const isExplained = !unexplained.has(number)
    return {
      ...gated(rule.tree, shape, dialect),
      number,
      rule,
      captured: fields,
      isExplained,
      columns: columnsOf(isExplained ? rule.tree : undefined, fields, shape),
    }
  })

/** Columns that asking a tree, and the values of fields, take. */
export function columnsOf(tree: RuleNode | undefined, captured: readonly string[], shape: RecordShape): string[] {
  const asked = tree === undefined ? [] : fieldsOf(tree)
  const fields = [...asked, ...captured].flatMap((name) => shape.field(name) ?? [])
  const hasKeywords = tree !== undefined && itemsOf(tree).some(({ field }) => field === null)
  const record = hasKeywords ? [shape.recordText] : []
  const operands = [...fields, ...record]
  const shared = operands.flatMap(({ uses }) => uses ?? []).flatMap((name) => shape.shared[name]?.columns ?? [])
  return [...new Set([...operands.flatMap(({ columns }) => columns), ...shared])]
}

/** Rules that are looked at together: where none of them may match they are passed over at once. */
const RULES_A_GROUP = 8

/** A rule's condition, if there is one, and what has to hold before it is looked at. */
interface Guarded {
  readonly condition?: string
  readonly guard?: Mask
}

/** `word0, word1, …` with the bit of each rule for which its condition holds. */
export function words(rules: readonly Guarded[], name: string, dialect: Dialect): string[] {
  const sure = Mask.of(rules.flatMap(({ condition, guard }, at) => (condition === undefined && guard ? [at] : [])))
  const groups = Array.from({ length: wordsFor(rules.length) }, (_, word) => {
    const bits = sure.word(word)
    return bits === 0n ? [] : [dialect.bitsOf(`gate_mask${word}`, bits)]
  })
  for (let at = 0; at < rules.length; ) {
    const { word } = bitOf(at)
    const some = rules.slice(at, at + RULES_A_GROUP).filter((_, index) => bitOf(at + index).word === word)
    const asked = some.flatMap((each, index) => (sure.has(at + index) ? [] : [{ ...each, bit: bitOf(at + index).bit }]))
    if (asked.length > 0) groups[word]?.push(group(asked, dialect))
    at += some.length
  }
  return groups.map((list, at) => `${list.length === 0 ? '0' : dialect.bitOr(list)} AS ${name}${at}`)
}

function group(rules: readonly (Guarded & { readonly bit: bigint })[], dialect: Dialect): string {
  const cases = rules.map(({ condition = 'true', guard, bit }) => {
    const guarded = guard === undefined ? condition : `${guard.meets(dialect)} AND ${condition}`
    return `CASE WHEN ${guarded} THEN ${bit} ELSE 0 END`
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

/** Names a context, in tables of them and beside records. */
export const CONTEXT_KEY = 'context_key'

/** How {@link matchSql} gets at records. */
export interface MatchSource {
  /** The records. */
  readonly relation: string
  /**
   * Relation of contexts (`context_key`, these columns, and `gate_mask0…`, by the position of rules), and SQL for the key of a record's;
   * absent: every record meets every rule.
   */
  readonly contexts?:
    | { readonly table: string; readonly key: string; readonly columns: readonly NamedValue[] }
    | undefined
}

/** Records that are taken along for other rules. */
export interface TakenAlong {
  /** Column of the source's contexts that is not NULL for them, and comes along; records come in its order. */
  readonly mark: string
  readonly columns: readonly string[]
}

/**
 * Records that any rule matches, with the columns their matches are made of and `hit0…`: a word for every 62 rules, by their
 * position in `rules`. A column is NULL where no rule that matched reads it. With `along` these records too, and their context.
 */
export function matchSql(
  rules: readonly CompiledRule[],
  source: MatchSource,
  shape: RecordShape,
  dialect: Dialect,
  along?: TakenAlong,
): string {
  const bindings = new Bindings(narrowed(shape, rules), dialect)
  const hits = hitsOf(rules, source, bindings)
  const ids = Object.keys(shape.ids)
  const readers = [...rules.flatMap(({ columns }) => columns), ...(along?.columns ?? [])]
  const kept = [...new Set(readers)].filter((column) => !ids.includes(column))
  const all = [...ids, ...kept]
  const beside = along === undefined ? [] : [CONTEXT_KEY, along.mark]
  const records = recordsOf(rules, source, [...all, ...bindings.columns], dialect, beside.slice(1))
  const tested = `(SELECT ${[...all.map(dialect.identifier), ...beside, ...hits].join(',\n  ')}\nFROM ${bindings.over(records)})`
  const columns = kept.map((column) => keptSql(column, rules, dialect, along))
  const words = maskNames('hit', rules.length)
  const isKept = [anyHit(words, dialect), ...(along === undefined ? [] : [`${along.mark} IS NOT NULL`])].join(' OR ')
  const order = along === undefined ? '' : ` ORDER BY ${along.mark}`
  return `SELECT ${[...ids.map(dialect.identifier), ...columns, ...beside, ...words].join(', ')} FROM ${dialect.where(tested, isKept)}${order}`
}

/** `hit0…`: the rules that match a record. Values for them are asked of `bindings`, each for the rules that want it. */
export function hitsOf(rules: readonly CompiledRule[], source: MatchSource, bindings: Bindings): string[] {
  const conditions = rules.map(({ rest }, at) => {
    if (source.contexts === undefined) return { condition: renderNode(rest, bindings) }
    const guard = Mask.of([at])
    bindings.wantedBy(guard)
    return isTrue(rest) ? { guard } : { condition: renderNode(rest, bindings), guard }
  })
  return words(conditions, 'hit', bindings.dialect).map((word) => bindings.settled(word))
}

/** True where any of the words has a bit. */
export const anyHit = (hits: readonly string[], dialect: Dialect): string => `(${dialect.bitOr(hits)}) <> 0`

/** Copying what nobody reads costs more than looking whether anybody does. */
function keptSql(column: string, rules: readonly CompiledRule[], dialect: Dialect, along?: TakenAlong): string {
  const name = dialect.identifier(column)
  const readers = rules.flatMap(({ columns }, at) => (columns.includes(column) ? [at] : []))
  const isAlong = along?.columns.includes(column) === true
  if (readers.length === rules.length && (along === undefined || isAlong)) return name
  const wanted = [
    ...(readers.length === 0 ? [] : [Mask.of(readers).meets(dialect, 'hit')]),
    ...(isAlong ? [`${along.mark} IS NOT NULL`] : []),
  ]
  return `CASE WHEN ${wanted.join(' OR ')} THEN ${name} END AS ${name}`
}

/** The records with these columns, their own or of contexts, and, where there are these, `context_key`, `gate_mask0…` and marks of contexts. */
export function recordsOf(
  rules: readonly CompiledRule[],
  { relation, contexts }: MatchSource,
  columns: readonly string[],
  dialect: Dialect,
  marks: readonly string[] = [],
): string {
  const needed = [...new Set(columns)]
  if (contexts === undefined) return selected(needed.map(dialect.identifier), relation)
  const known = new Set(contexts.columns.map(({ name }) => name))
  const own = needed.filter((name) => !known.has(name)).map(dialect.identifier)
  const keyed = selected([...own, `${contexts.key} AS ${CONTEXT_KEY}`], relation)
  const ofContexts = needed.filter((name) => known.has(name))
  const beside = [...maskNames('gate_mask', rules.length), ...marks, ...ofContexts].map((name) => `contexts.${name}`)
  return `(SELECT records.*, ${beside.join(', ')}
FROM ${keyed} AS records JOIN ${contexts.table} AS contexts ON contexts.${CONTEXT_KEY} = records.${CONTEXT_KEY})`
}

/** The shape made for the fields of some rules. */
export const narrowed = (shape: RecordShape, rules: readonly CompiledRule[]): RecordShape =>
  shape.narrowed?.([...new Set(rules.flatMap(({ rule, captured }) => [...fieldsOf(rule.tree), ...captured]))]) ?? shape

const selected = (columns: readonly string[], relation: string): string =>
  `(SELECT ${columns.join(', ')} FROM ${relation})`

/** Names of the columns that so many rules take. */
export const maskNames = (name: string, rules: number): string[] =>
  Array.from({ length: wordsFor(rules) }, (_, at) => `${name}${at}`)

/** True where a record's `hit` words have the rule at this position. */
export const hasHit = (position: number, dialect: Dialect): string => Mask.of([position]).meets(dialect, 'hit')
