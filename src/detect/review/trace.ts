/** Why a rule matches an event or does not: every part of its condition, whether it holds, and what the event has there. */
import type { Engine } from '../../engine/duckdb.ts'
import type { Item, RuleNode } from '../sigma/tree.ts'
import { Bindings, type BoundField } from '../sql/bindings.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { renderNode } from '../sql/render.ts'
import { textValue } from '../sql/render-text.ts'
import { itemInWords } from './describe.ts'

/** A part of a condition, met by an event or not. */
export interface TracedPart {
  readonly depth: number
  /** The part in words. */
  readonly text: string
  readonly holds: boolean
  /** True for lines of selections, of which the other parts are made. */
  readonly isLine: boolean
  /** For lines about a field: what the event has there; null for nothing. */
  readonly observed?: string | null
}

/** Of a value no more than this is shown. */
const LONGEST_VALUE = 300

interface Part {
  readonly depth: number
  readonly node: RuleNode
}

/**
 * The parts of a condition, outer ones first, asked of one event.
 *
 * @param relation SQL of a relation with the event's row alone
 */
export async function traceEvent(engine: Engine, tree: RuleNode, relation: string): Promise<TracedPart[]> {
  const parts = partsOf(tree, 0)
  const bindings = new Bindings(eventShape(duckdb), duckdb)
  const asked = parts.map(({ node }, at) => `(${renderNode(node, bindings)}) IS TRUE AS holds${at}`)
  const values = parts.flatMap(({ node }, at) =>
    node.kind === 'item' ? [`${observedSql(node, bindings)} AS observed${at}`] : [],
  )
  const row = await engine.row(`SELECT ${[...asked, ...values].join(',\n  ')}\nFROM ${bindings.over(relation)}`)
  return parts.map(({ depth, node }, at) => {
    const part = { depth, text: partInWords(node), holds: row[`holds${at}`] === true, isLine: node.kind === 'item' }
    const observed = row[`observed${at}`]
    if (node.kind !== 'item' || node.field === null) return part
    return { ...part, observed: observed === null ? null : String(observed) }
  })
}

/** A condition's parts, each after the one it belongs to. */
function partsOf(node: RuleNode, depth: number): Part[] {
  if (node.kind === 'item') return [{ depth, node }]
  const inner = node.kind === 'selection' ? unnamed(node.node) : 'nodes' in node ? node.nodes : [node.node]
  return [{ depth, node }, ...inner.flatMap((each) => partsOf(each, depth + 1))]
}

/** The lines of a selection that is one map stand right below its name. */
const unnamed = (node: RuleNode): readonly RuleNode[] => (node.kind === 'and' ? node.nodes : [node])

function partInWords(node: RuleNode): string {
  if (node.kind === 'item') return itemInWords(node)
  if (node.kind === 'selection') return node.name
  if (node.kind === 'not') return 'not'
  return node.kind === 'and' ? 'all of' : 'any of'
}

/** What the event has where the line looks; for keywords nothing, as they look everywhere. */
function observedSql(item: Item, bindings: Bindings): string {
  const field = item.field === null ? undefined : bindings.field(item.field)
  if (field === undefined) return 'NULL'
  const others = item.values.flat().flatMap((test) => (test.kind === 'field' ? [test.field] : []))
  const own = duckdb.left(valueSql(field), LONGEST_VALUE)
  const compared = others.flatMap((name) => {
    const other = bindings.field(name)
    return other === undefined
      ? []
      : [`' (${name.replaceAll("'", "''")}: ' || ${duckdb.left(valueSql(other), LONGEST_VALUE)} || ')'`]
  })
  return compared.length === 0 ? own : `${own} || ${compared.map((text) => `coalesce(${text}, '')`).join(' || ')}`
}

function valueSql({ operand: { type }, value, folded }: BoundField): string {
  if (type === 'texts') return duckdb.joinTexts(value, duckdb.text(', '))
  return textValue({ type, value, folded }, duckdb)
}
