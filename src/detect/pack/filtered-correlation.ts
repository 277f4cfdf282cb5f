/** A correlation over fewer events than others see: the rules it counts are its own then. */
import { type CorrelationRule, namesOf, type RuleExpression } from '../sigma/rule.ts'
import type { ResolvedRule } from './selects.ts'

/** What a filter makes of a rule about single events; the same rule where it is not meant for it. */
type Filtered = (draft: ResolvedRule) => ResolvedRule

/**
 * The rules, with a filter on what one correlation counts, down to the rules about single events. A rule that only feeds it is
 * filtered where it stands; of one that fires itself, or that others count too, it gets a copy.
 *
 * @param key of the correlation
 */
export function filterCorrelation(rules: readonly ResolvedRule[], key: string, filtered: Filtered): ResolvedRule[] {
  const found = rules.find((draft) => draft.key === key)
  if (found === undefined) return [...rules]
  const replaced = new Map<ResolvedRule, ResolvedRule>()
  const copies: ResolvedRule[] = []
  const open = new Set<ResolvedRule>()

  /** The correlation with rules of its own below it; the same one where the filter is meant for none of them. */
  const narrow = (draft: ResolvedRule, owner: string, isInPlace: boolean): ResolvedRule => {
    const { rule } = draft
    if (rule.kind !== 'correlation') return filtered(draft)
    if (open.has(draft)) return draft
    open.add(draft)
    const renamed = new Map<string, string>()
    for (const name of rule.rules) {
      const below = calledBy(rules, name)
      if (below === undefined) continue
      const isOwn = isInPlace && below.feeds && countersOf(rules, below).every((each) => each === draft)
      const copyKey = `${below.key} for ${owner}`
      const narrowed = narrow(below, isOwn ? owner : copyKey, isOwn)
      if (narrowed === below) continue
      if (isOwn) replaced.set(below, narrowed)
      else {
        renamed.set(name, copyKey)
        if (!copies.some((copy) => copy.key === copyKey)) copies.push(copyOf(narrowed, copyKey))
      }
    }
    open.delete(draft)
    return renamed.size === 0 ? draft : { ...draft, rule: renamedIn(rule, renamed) }
  }

  replaced.set(found, narrow(found, key, true))
  return [...rules.map((draft) => replaced.get(draft) ?? draft), ...copies]
}

const calledBy = (rules: readonly ResolvedRule[], name: string): ResolvedRule | undefined =>
  rules.find(({ rule }) => namesOf(rule).includes(name))

const countersOf = (rules: readonly ResolvedRule[], counted: ResolvedRule): ResolvedRule[] =>
  rules.filter(
    ({ rule }) => rule.kind === 'correlation' && rule.rules.some((name) => calledBy(rules, name) === counted),
  )

/** It goes by an id of its own, and is told by the name of the rule it was made from. */
const copyOf = (draft: ResolvedRule, key: string): ResolvedRule => ({
  ...draft,
  key,
  feeds: true,
  names: [],
  content: { ...draft.content, fires: [], silent: [] },
  rule: { ...draft.rule, meta: { ...draft.rule.meta, id: key } },
})

function renamedIn(rule: CorrelationRule, renamed: ReadonlyMap<string, string>): CorrelationRule {
  const to = (name: string): string => renamed.get(name) ?? name
  const inExpression = (node: RuleExpression): RuleExpression => {
    if (node.kind === 'rule') return { kind: 'rule', rule: to(node.rule) }
    if (node.kind === 'not') return { kind: 'not', node: inExpression(node.node) }
    return { kind: node.kind, nodes: node.nodes.map(inExpression) }
  }
  const aliases = Object.entries(rule.aliases).map(([alias, fields]) => [
    alias,
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [to(name), field])),
  ])
  return {
    ...rule,
    rules: rule.rules.map(to),
    aliases: Object.fromEntries(aliases),
    ...(rule.expression === undefined ? {} : { expression: inExpression(rule.expression) }),
  }
}
