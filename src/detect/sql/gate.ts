/**
 * What a rule says of the gate alone: the few columns (service, action, status, …) that are looked at before anything else. Other
 * questions are answered in the rule's favour, so a record that cannot pass the gate cannot match.
 */
import { fieldsOf, joined, type RuleNode } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { RecordShape } from './fields.ts'
import { renderNode } from './render.ts'

const TRUE: RuleNode = { kind: 'and', nodes: [] }
const FALSE: RuleNode = { kind: 'or', nodes: [] }

/** True for trees that ask about nothing but the gate. */
const isOfGate = (node: RuleNode, shape: RecordShape): boolean =>
  !hasKeywords(node) && fieldsOf(node).every((name) => isGateField(name, shape))

const isGateField = (name: string, shape: RecordShape): boolean => shape.field(name)?.gate !== undefined

const hasKeywords = (node: RuleNode): boolean => {
  if (node.kind === 'item') return node.field === null
  return 'nodes' in node ? node.nodes.some(hasKeywords) : hasKeywords(node.node)
}

/** The tree with every question that is not of the gate answered by `answer`, or by its opposite below a `not`. */
function answered(node: RuleNode, answer: boolean, shape: RecordShape): RuleNode {
  if (node.kind === 'item') return isOfGate(node, shape) ? node : answer ? TRUE : FALSE
  if (node.kind === 'not') return { kind: 'not', node: answered(node.node, !answer, shape) }
  if (node.kind === 'selection') return answered(node.node, answer, shape)
  return joined(
    node.kind,
    node.nodes.map((each) => answered(each, answer, shape)),
  )
}

/** A rule in two steps. */
export interface GatedRule {
  /** SQL over the gate's columns: true of every record that may match. */
  readonly gate: string
  /** What is left to ask of a record that passed. */
  readonly rest: RuleNode
}

/** Takes a rule apart. */
export function gated(tree: RuleNode, shape: RecordShape, dialect: Dialect): GatedRule {
  const gate = renderNode(answered(tree, true, shape), new Bindings(gateShape(shape), dialect, true))
  const rest = conjuncts(tree).filter((node) => !isOfGate(node, shape))
  return { gate, rest: joined('and', rest) }
}

const conjuncts = (node: RuleNode): RuleNode[] => {
  if (node.kind === 'selection') return conjuncts(node.node)
  return node.kind === 'and' ? node.nodes.flatMap(conjuncts) : [node]
}

/** The same fields, read from the gate's columns. */
function gateShape(shape: RecordShape): RecordShape {
  return {
    ...shape,
    field: (name) => {
      const operand = shape.field(name)
      if (operand?.gate === undefined) return undefined
      return { ...operand, sql: operand.gate, present: `${operand.gate} IS NOT NULL`, isColumn: true }
    },
  }
}
