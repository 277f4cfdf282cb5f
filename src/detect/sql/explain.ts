/** Why a record matched: which selections did, by which field with which value. */
import type { Item, RuleNode } from '../sigma/tree.ts'
import { Bindings } from './bindings.ts'
import { type CompiledRule, hasHit, narrowed } from './compile.ts'
import type { Dialect } from './dialect.ts'
import type { RecordShape } from './fields.ts'
import { lookupsIn } from './lookups.ts'
import { renderItem, renderNode, renderValueTests } from './render.ts'
import { textValue } from './render-text.ts'

/** Of a value no more than this many characters are quoted. */
const LONGEST_VALUE = 500

/** What is between several values of one field. */
const BETWEEN = ', '

interface NamedNode {
  readonly name: string
  readonly node: RuleNode
}

/** Selections of a tree, each once; those within a filter carry its name. */
function selectionsOf(node: RuleNode, within = ''): NamedNode[] {
  if (node.kind === 'item') return []
  if (node.kind === 'selection') {
    const name = within === '' ? node.name : `${within}: ${node.name}`
    const inner = selectionsOf(node.node, name)
    return inner.length > 0 ? inner : [{ name, node: node.node }]
  }
  const nodes = 'nodes' in node ? node.nodes : [node.node]
  const found = nodes.flatMap((each) => selectionsOf(each, within))
  return [...new Map(found.map((selection) => [selection.name, selection])).values()]
}

const itemsIn = (node: RuleNode): Item[] => {
  if (node.kind === 'item') return [node]
  return 'nodes' in node ? node.nodes.flatMap(itemsIn) : itemsIn(node.node)
}

/** What a rule matched: a relation, and the columns of it that say what each row is. */
export interface Matched {
  readonly relation: string
  readonly ids: readonly string[]
}

/** What of `hits` the rule at `position` matched. */
export const matchedIn = (hits: string, position: number, shape: RecordShape, dialect: Dialect): Matched => ({
  relation: `(SELECT * FROM ${hits} WHERE ${hasHit(position, dialect)})`,
  ids: Object.keys(shape.ids),
})

/**
 * One row for each that the rule matched: `rule` (its number), the id columns, `selections` (names), `because` (selection, field,
 * value), both empty for rules that need not say, and `fields`, the values of its captured fields by name.
 */
export function explainSql(rule: CompiledRule, matched: Matched, shape: RecordShape, dialect: Dialect): string {
  const bindings = new Bindings(narrowed(shape, [rule]), dialect)
  const told: string[] = []
  const tell = (condition: string): string => {
    told.push(`${condition} AS told${told.length + 1}`)
    return `told${told.length}`
  }
  const asked = rule.isExplained ? selectionsOf(rule.rule.tree) : []
  const selections = asked.map(({ name, node }) => {
    const met = tell(renderNode(node, bindings))
    const reasons = itemsIn(node).map((item) => {
      const member = {
        selection: dialect.text(name),
        field: dialect.text(item.field ?? ''),
        value: observed(item, bindings),
      }
      // The lines of a lone map all hold where it does.
      const holds = isMap(node) ? met : `${met} AND ${tell(renderItem(item, bindings))}`
      return `CASE WHEN ${holds} THEN ${dialect.struct(member)} END`
    })
    return { name: `CASE WHEN ${met} THEN ${dialect.text(name)} END`, reasons }
  })
  const columns = [
    `${rule.number} AS rule`,
    ...matched.ids.map(dialect.identifier),
    `${dialect.present(selections.map(({ name }) => name))} AS selections`,
    `${dialect.present(selections.flatMap(({ reasons }) => reasons))} AS because`,
    `${dialect.map(Object.fromEntries(rule.captured.map((name) => [name, fieldText(name, bindings)])))} AS fields`,
  ]
  const from = bindings.over(matched.relation)
  return `SELECT ${columns.join(',\n  ')}\nFROM ${told.length === 0 ? from : `(SELECT *, ${told.join(',\n  ')}\nFROM ${from})`}`
}

/** A field's value as text; of several the whole list. */
export function fieldText(name: string, bindings: Bindings): string {
  const { dialect } = bindings
  const field = bindings.field(name)
  if (field === undefined) return 'NULL'
  if (field.operand.type === 'texts') return dialect.joinTexts(field.value, dialect.text(BETWEEN))
  return textValue({ type: field.operand.type, value: field.value, folded: field.folded }, dialect)
}

const isMap = (node: RuleNode): boolean =>
  node.kind === 'item' || (node.kind === 'and' && node.nodes.every(({ kind }) => kind === 'item'))

/** The value that was met, as text: for lists the elements that fulfil the line, for keywords the line's own text. */
function observed(item: Item, bindings: Bindings): string {
  const { dialect } = bindings
  const field = bindings.field(item.field)
  if (field === undefined) return 'NULL'
  if (item.field === null) return keywordsFound(item, bindings)
  if (field.operand.type !== 'texts') {
    return dialect.left(
      textValue({ type: field.operand.type, value: field.value, folded: field.folded }, dialect),
      LONGEST_VALUE,
    )
  }
  const tests = item.values.flat().filter(({ kind }) => kind !== 'exists' && kind !== 'null')
  const met =
    tests.length === 0 || item.negated || lookupsIn(tests).lookups.length > 0
      ? field.value
      : dialect.filter(field.value, 'met', (element) =>
          renderValueTests(tests, { type: 'text', value: element, folded: () => dialect.lower(element) }, bindings),
        )
  return dialect.left(dialect.joinTexts(met, dialect.text(BETWEEN)), LONGEST_VALUE)
}

function keywordsFound(item: Item, bindings: Bindings): string {
  const { dialect } = bindings
  const found = item.values.flatMap((tests) =>
    tests.map((test) => {
      const alone = renderItem({ ...item, values: [[test]], link: 'any', negated: false }, bindings)
      return `CASE WHEN ${alone} THEN ${dialect.text(keywordText(test))} END`
    }),
  )
  return dialect.joinTexts(dialect.present(found), dialect.text(BETWEEN))
}

const keywordText = (test: Item['values'][number][number]): string => {
  if (test.kind === 'regex') return test.pattern
  if (test.kind !== 'text') return test.kind
  return test.pattern
    .map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'dash' ? '-' : ' '))
    .join('')
    .trim()
}
