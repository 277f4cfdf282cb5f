/** Filters over a pack: one that names a correlation takes events out of that correlation, and out of nothing else. */

import type { Problem } from '../../core/yaml/place.ts'
import { withFilters } from '../sigma/filters.ts'
import { type DetectionRule, type FilterRule, namesOf } from '../sigma/rule.ts'
import { filterCorrelation } from './filtered-correlation.ts'
import type { ResolvedRule } from './selects.ts'

/** The rules with what filters add to them. Rules that were there keep their places; copies for correlations come after them. */
export function applyFilters(
  rules: readonly ResolvedRule[],
  filters: readonly FilterRule[],
): { readonly rules: readonly ResolvedRule[]; readonly problems: readonly Problem[] } {
  if (filters.length === 0) return { rules, problems: [] }
  const correlations = new Map(
    rules.flatMap((draft) =>
      draft.rule.kind === 'correlation' ? namesOf(draft.rule).map((name) => [name, draft]) : [],
    ),
  )
  const meant = filters.map((filter) =>
    filter.rules === 'any' ? filter : { ...filter, rules: filter.rules.filter((name) => !correlations.has(name)) },
  )
  const picks = rules.map(({ rule }) => detectionOf(rule)).filter((rule) => rule !== undefined)
  const filtered = withFilters(picks, meant)
  const after = new Map(picks.map((rule, at) => [rule, filtered.rules[at] ?? rule]))
  const withOwn = rules.map((draft) => withDetection(draft, after))
  let all = withOwn
  for (const filter of filters) {
    const named = filter.rules === 'any' ? [] : filter.rules.flatMap((name) => correlations.get(name)?.key ?? [])
    for (const key of new Set(named)) all = filterCorrelation(all, key, (draft) => filteredBy(draft, filter))
  }
  return { rules: all, problems: filtered.problems }
}

function filteredBy(draft: ResolvedRule, filter: FilterRule): ResolvedRule {
  const pick = detectionOf(draft.rule)
  if (pick === undefined) return draft
  const [filtered = pick] = withFilters([pick], [{ ...filter, rules: 'any' }]).rules
  return withDetection(draft, new Map([[pick, filtered]]))
}

function detectionOf(rule: ResolvedRule['rule']): DetectionRule | undefined {
  if (rule.kind === 'detection') return rule
  return rule.kind === 'baseline' ? rule.select : undefined
}

function withDetection(draft: ResolvedRule, after: ReadonlyMap<DetectionRule, DetectionRule>): ResolvedRule {
  const { rule } = draft
  const pick = detectionOf(rule)
  const filtered = pick === undefined ? undefined : after.get(pick)
  if (filtered === undefined || filtered === pick) return draft
  return { ...draft, rule: rule.kind === 'baseline' ? { ...rule, select: filtered } : filtered }
}
