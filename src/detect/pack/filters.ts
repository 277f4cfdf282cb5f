/** Filters over a pack: one that names a correlation is meant for the rules that it counts. */
import { withFilters } from '../sigma/filters.ts'
import type { Problem } from '../sigma/place.ts'
import { type CorrelationRule, type DetectionRule, type FilterRule, namesOf } from '../sigma/rule.ts'
import type { ResolvedRule } from './selects.ts'

/** The rules with what filters add to them. */
export function applyFilters(
  rules: readonly ResolvedRule[],
  filters: readonly FilterRule[],
): { readonly rules: readonly ResolvedRule[]; readonly problems: readonly Problem[] } {
  if (filters.length === 0) return { rules, problems: [] }
  const correlations = rules.flatMap(({ rule }) => (rule.kind === 'correlation' ? [rule] : []))
  const meant = filters.map((filter) => ({ ...filter, rules: withCounted(filter.rules, correlations) }))
  const picks = rules.map(({ rule }) => detectionOf(rule)).filter((rule) => rule !== undefined)
  const filtered = withFilters(picks, meant)
  const after = new Map(picks.map((rule, at) => [rule, filtered.rules[at] ?? rule]))
  return { rules: rules.map((draft) => filteredRule(draft, after)), problems: filtered.problems }
}

function detectionOf(rule: ResolvedRule['rule']): DetectionRule | undefined {
  if (rule.kind === 'detection') return rule
  return rule.kind === 'baseline' ? rule.select : undefined
}

function filteredRule(draft: ResolvedRule, after: ReadonlyMap<DetectionRule, DetectionRule>): ResolvedRule {
  const { rule } = draft
  const picks = detectionOf(rule)
  const filtered = picks === undefined ? undefined : after.get(picks)
  if (filtered === undefined || filtered === picks) return draft
  return { ...draft, rule: rule.kind === 'baseline' ? { ...rule, select: filtered } : filtered }
}

/** Names of rules, where correlations stand for the rules below them. */
function withCounted(names: FilterRule['rules'], correlations: readonly CorrelationRule[]): FilterRule['rules'] {
  if (names === 'any') return names
  const found = new Set<string>()
  const add = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    for (const correlation of correlations) if (namesOf(correlation).includes(name)) correlation.rules.forEach(add)
  }
  names.forEach(add)
  const isCorrelation = (name: string): boolean => correlations.some((rule) => namesOf(rule).includes(name))
  return [...found].filter((name) => !isCorrelation(name))
}
