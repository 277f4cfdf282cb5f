/**
 * What a rule says of the few columns (service, action, status, …) that are looked at before anything else, and of the context of a
 * record, which many share. Other questions are answered in the rule's favour, so a record that cannot pass cannot match.
 */
import { fieldsOf, joined, type RuleNode } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { Operand, RecordShape } from './fields.ts'
import { renderNode } from './render.ts'

const TRUE: RuleNode = { kind: 'and', nodes: [] }
const FALSE: RuleNode = { kind: 'or', nodes: [] }

/** True for the tree that says nothing. */
export const isTrue = (node: RuleNode): boolean => node.kind === 'and' && node.nodes.length === 0
const isFalse = (node: RuleNode): boolean => node.kind === 'or' && node.nodes.length === 0

/** A level at which rules are looked at: by which name a field is known there. */
export type Level = 'gate' | 'context'

/** True for trees that ask about nothing but what a level knows. */
export const isOf = (level: Level, node: RuleNode, shape: RecordShape): boolean =>
  !hasKeywords(node) && fieldsOf(node).every((name) => shape.field(name)?.[level] !== undefined)

const hasKeywords = (node: RuleNode): boolean => {
  if (node.kind === 'item') return node.field === null
  return 'nodes' in node ? node.nodes.some(hasKeywords) : hasKeywords(node.node)
}

/** The tree with every question that is not of the level answered by `answer`, or by its opposite below a `not`. */
function answered(level: Level, node: RuleNode, answer: boolean, shape: RecordShape): RuleNode {
  if (node.kind === 'item') return isOf(level, node, shape) ? node : answer ? TRUE : FALSE
  if (node.kind === 'not') {
    const inner = answered(level, node.node, !answer, shape)
    return isTrue(inner) ? FALSE : isFalse(inner) ? TRUE : { kind: 'not', node: inner }
  }
  if (node.kind === 'selection') return answered(level, node.node, answer, shape)
  return shortened(
    node.kind,
    node.nodes.map((each) => answered(level, each, answer, shape)),
  )
}

/** Without parts that make no difference. */
function shortened(kind: 'and' | 'or', nodes: readonly RuleNode[]): RuleNode {
  const [decides, idles] = kind === 'and' ? [isFalse, isTrue] : [isTrue, isFalse]
  return (
    nodes.find(decides) ??
    joined(
      kind,
      nodes.filter((node) => !idles(node)),
    )
  )
}

/** A rule in three steps. */
export interface GatedRule {
  /** SQL over the gate's columns: true of every record that may match. */
  readonly gate: string
  /** What is left to ask of the context of a record that passed: true of every record that may match. */
  readonly context: RuleNode
  /** What is left to ask of a record then. */
  readonly rest: RuleNode
}

/** Takes a rule apart. */
export function gated(tree: RuleNode, shape: RecordShape, dialect: Dialect): GatedRule {
  const bindings = new Bindings(levelShape('gate', shape), dialect, true)
  const gate = renderNode(answered('gate', tree, true, shape), bindings)
  const beyond = conjuncts(tree).filter((node) => !isOf('gate', node, shape))
  return {
    gate,
    context: answered('context', joined('and', beyond), true, shape),
    rest: joined(
      'and',
      beyond.filter((node) => !isOf('context', node, shape)),
    ),
  }
}

const conjuncts = (node: RuleNode): RuleNode[] => {
  if (node.kind === 'selection') return conjuncts(node.node)
  return node.kind === 'and' ? node.nodes.flatMap(conjuncts) : [node]
}

/** The same fields, read from a level's columns; others are not there. */
export const levelShape = (level: Level, shape: RecordShape): RecordShape => ({
  ...shape,
  field: (name) => {
    const operand = shape.field(name)
    const column = operand?.[level]
    return operand === undefined || column === undefined ? undefined : readFrom(column, operand)
  },
})

/** Records with their contexts beside them: fields that contexts know are read from there, the others from the record. */
export const besideContexts = (shape: RecordShape): RecordShape => ({
  ...shape,
  field: (name) => {
    const operand = shape.field(name)
    return operand?.context === undefined ? operand : readFrom(operand.context, operand)
  },
})

const readFrom = (column: string, operand: Operand): Operand => ({
  ...operand,
  sql: column,
  present: `${column} IS NOT NULL`,
  columns: [column],
  isColumn: true,
})
