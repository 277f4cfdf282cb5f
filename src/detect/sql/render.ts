/** A rule's tree as a condition of SQL. Conditions are true, or else false or NULL; only `not` makes a difference of it. */
import type { Item, RuleNode, Test } from '../sigma/tree.ts'
import type { Bindings, BoundField } from './bindings.ts'
import type { Dialect } from './dialect.ts'
import type { ValueSql } from './fields.ts'
import { lookupsIn } from './lookups.ts'
import { renderTest } from './render-test.ts'
import { exactTexts, needle, signsIn } from './render-text.ts'

const not = (condition: string): string => `(${condition}) IS NOT TRUE`

/** The condition of a tree. */
export function renderNode(node: RuleNode, bindings: Bindings): string {
  switch (node.kind) {
    case 'item':
      return renderItem(node, bindings)
    case 'selection':
      return renderNode(node.node, bindings)
    case 'not':
      return not(renderNode(node.node, bindings))
    case 'and':
      return chain('AND', 'true', inOrderOfCost(node.nodes), bindings)
    case 'or':
      return chain('OR', 'false', node.nodes, bindings)
  }
}

function chain(word: 'AND' | 'OR', empty: string, nodes: readonly RuleNode[], bindings: Bindings): string {
  const parts = nodes.map((node) => renderNode(node, bindings))
  return parts.length === 0 ? empty : `(${parts.join(` ${word} `)})`
}

/** What is quick to tell comes first, since it leaves less to look at. */
const inOrderOfCost = (nodes: readonly RuleNode[]): RuleNode[] => [...nodes].sort((a, b) => costOf(a) - costOf(b))

const COSTS: Readonly<Record<Test['kind'], number>> = {
  null: 1,
  exists: 1,
  boolean: 1,
  number: 2,
  text: 3,
  compare: 4,
  time: 4,
  field: 5,
  regex: 20,
  network: 20,
}

function costOf(node: RuleNode): number {
  if (node.kind === 'item') {
    const tests = node.values.flat().reduce((sum, test) => sum + COSTS[test.kind], 0)
    return tests * (node.field === null ? 20 : 1)
  }
  return 'nodes' in node ? node.nodes.reduce((sum, each) => sum + costOf(each), 0) : costOf(node.node)
}

/** The condition of one line of a selection. */
export function renderItem(item: Item, bindings: Bindings): string {
  const field = bindings.field(item.field)
  const condition = field === undefined ? renderAbsent(item) : renderPresent(item, field, bindings)
  return item.negated ? not(condition) : condition
}

/** A field that no record has is null and does not exist. */
function renderAbsent({ values, link }: Item): string {
  const truths = values.map((tests) =>
    tests.some((test) => test.kind === 'null' || (test.kind === 'exists' && !test.value)),
  )
  return String(link === 'all' ? truths.every(Boolean) : truths.some(Boolean))
}

function renderPresent(item: Item, field: BoundField, bindings: Bindings): string {
  if (item.link === 'all') return `(${item.values.map((tests) => renderAny(tests, field, bindings)).join(' AND ')})`
  return renderAny(item.values.flat(), field, bindings)
}

/** One of several tests on a field: those about the field as a whole, and those that any element of a list can fulfil. */
function renderAny(tests: readonly Test[], field: BoundField, bindings: Bindings): string {
  const { dialect } = bindings
  const ofField = tests.flatMap((test) => {
    if (test.kind === 'exists') return test.value ? [`(${field.present})`] : [not(field.present)]
    if (test.kind !== 'null') return []
    return [field.operand.type === 'texts' ? dialect.isEmpty(field.value) : `${field.value} IS NULL`]
  })
  const ofValue = tests.filter(({ kind }) => kind !== 'exists' && kind !== 'null')
  const parts = ofValue.length === 0 ? ofField : [...ofField, renderValues(ofValue, field, bindings)]
  return parts.length === 1 ? (parts[0] ?? 'false') : `(${parts.join(' OR ')})`
}

function renderValues(tests: readonly Test[], field: BoundField, bindings: Bindings): string {
  const { dialect } = bindings
  if (field.operand.type !== 'texts') {
    return renderValueTests(tests, { type: field.operand.type, value: field.value, folded: field.folded }, bindings)
  }
  const { lookups, rest } = lookupsIn(tests)
  if (lookups.length > 0) {
    const found = lookups.map(({ keyOf, texts }) =>
      dialect.anyAmong(field.value, 'entry', (entry) => keyOf(elementOf(entry, dialect), dialect), texts),
    )
    return `(${[...found, ...(rest.length === 0 ? [] : [renderValues(rest, field, bindings)])].join(' OR ')})`
  }
  const any = dialect.any(field.value, 'element', (element) =>
    renderValueTests(tests, elementOf(element, dialect), bindings),
  )
  const hints = tests.map(needle)
  if (hints.includes(undefined)) return any
  // A look at all elements as one text is quick, and leaves few lists to go through.
  const mayHold = [...new Set(hints)].map((hint = '') => {
    const signs = signsIn(hint)
    return signs === undefined
      ? dialect.contains(field.folded(), dialect.text(hint))
      : dialect.contains(field.whole(), dialect.text(signs))
  })
  return `((${mayHold.join(' OR ')}) AND ${any})`
}

/** An element of a list as a value. */
export const elementOf = (element: string, dialect: Dialect): ValueSql => ({
  type: 'text',
  value: element,
  folded: () => dialect.lower(element),
})

/** One of several tests on one value; exact texts become one look-up. Many of them cannot stand in a test of {@link Dialect.any}. */
export function renderValueTests(tests: readonly Test[], value: ValueSql, bindings: Bindings): string {
  const many = lookupsIn(tests)
  const among = many.lookups.map(({ keyOf, texts }) => bindings.dialect.among(keyOf(value, bindings.dialect), texts))
  const { lookups, rest } = exactTexts(many.rest, value, bindings.dialect)
  const parts = [...lookups, ...among, ...rest.map((test) => renderTest(test, value, bindings))]
  return parts.length === 1 ? (parts[0] ?? 'false') : `(${parts.join(' OR ')})`
}
