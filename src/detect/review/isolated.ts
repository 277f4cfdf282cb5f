/** Rules made for the events of one example alone, so that all examples of a pack can be run in one pass. */
import type { AnyRule, BaselineRule, Example, PackRule, RulePack } from '../pack/pack.ts'
import { plainPattern } from '../sigma/pattern.ts'
import { type CorrelationRule, type DetectionRule, namesOf, type RuleExpression, type RuleMeta } from '../sigma/rule.ts'
import type { Item, RuleNode } from '../sigma/tree.ts'

/** What an example says of its rule. */
export type Expectation = 'fires' | 'silent'

/** An example of a rule. */
export interface ExampleCase {
  /** Names it among all. */
  readonly id: string
  readonly rule: PackRule
  readonly expects: Expectation
  readonly example: Example
}

/** Every example of rules that make findings; `wanted` picks rules. */
export function casesOf(
  pack: Pick<RulePack, 'rules'>,
  wanted: (rule: PackRule) => boolean = () => true,
): ExampleCase[] {
  const cases = pack.rules
    .filter(wanted)
    .flatMap((rule) => [
      ...rule.content.fires.map((example) => ({ rule, expects: 'fires' as const, example })),
      ...rule.content.silent.map((example) => ({ rule, expects: 'silent' as const, example })),
    ])
  return cases.map((each, at) => ({ id: `example-${at + 1}`, ...each }))
}

/** Key of a rule's copy for an example. */
export const copyKey = (key: string, id: string): string => `${key}@${id}`

/** Copies of a rule and of those it refers to, which match events of the example only. Of the copies only the rule's own tells. */
export function isolated({ rule, id }: ExampleCase, byName: ReadonlyMap<string, PackRule>): PackRule[] {
  const needed = withReferences(rule, byName)
  return needed.map((each) => ({
    ...each,
    key: copyKey(each.key, id),
    feeds: each !== rule,
    rule: copied(each.rule, id),
  }))
}

/** Rules of a pack by all names that others may call them. */
export const rulesByName = (rules: readonly PackRule[]): ReadonlyMap<string, PackRule> =>
  new Map(rules.flatMap((rule) => namesOf(rule.rule).map((name) => [name, rule] as const)).reverse())

function withReferences(rule: PackRule, byName: ReadonlyMap<string, PackRule>): PackRule[] {
  const found = new Set<PackRule>()
  const visit = (each: PackRule): void => {
    if (found.has(each)) return
    found.add(each)
    if (each.rule.kind !== 'correlation') return
    for (const name of each.rule.rules) {
      const below = byName.get(name)
      if (below !== undefined) visit(below)
    }
  }
  visit(rule)
  return [...found]
}

function copied(rule: AnyRule, id: string): AnyRule {
  if (rule.kind === 'correlation') return copiedCorrelation(rule, id)
  return rule.kind === 'baseline' ? copiedBaseline(rule, id) : copiedDetection(rule, id)
}

const copiedMeta = (meta: RuleMeta, id: string): RuleMeta => ({
  ...meta,
  ...(meta.id === undefined ? {} : { id: copyKey(meta.id, id) }),
  ...(meta.name === undefined ? {} : { name: copyKey(meta.name, id) }),
})

const copiedDetection = (rule: DetectionRule, id: string): DetectionRule => ({
  ...rule,
  meta: copiedMeta(rule.meta, id),
  tree: onlyOf(rule.tree, id, rule.meta),
})

const copiedBaseline = (rule: BaselineRule, id: string): BaselineRule => ({
  ...rule,
  meta: copiedMeta(rule.meta, id),
  select: copiedDetection(rule.select, id),
})

/** A condition that holds for events of the example only. */
function onlyOf(tree: RuleNode, id: string, { place }: RuleMeta): RuleNode {
  const item: Item = {
    kind: 'item',
    field: 'source_object',
    key: 'source_object',
    values: [[{ kind: 'text', pattern: plainPattern(id), cased: true }]],
    link: 'any',
    negated: false,
    place,
  }
  return { kind: 'and', nodes: [item, tree] }
}

function copiedCorrelation(rule: CorrelationRule, id: string): CorrelationRule {
  const named = (name: string): string => copyKey(name, id)
  const aliases = Object.entries(rule.aliases).map(([alias, fields]) => [
    alias,
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [named(name), field])),
  ])
  return {
    ...rule,
    meta: copiedMeta(rule.meta, id),
    rules: rule.rules.map(named),
    aliases: Object.fromEntries(aliases),
    ...(rule.expression === undefined ? {} : { expression: renamed(rule.expression, named) }),
  }
}

function renamed(node: RuleExpression, named: (name: string) => string): RuleExpression {
  if (node.kind === 'rule') return { kind: 'rule', rule: named(node.rule) }
  if (node.kind === 'not') return { kind: 'not', node: renamed(node.node, named) }
  return { kind: node.kind, nodes: node.nodes.map((each) => renamed(each, named)) }
}
