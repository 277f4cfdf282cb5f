/** Baselines whose events are those of another rule. */
import { nearest } from '../../core/nearest.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { type DetectionRule, namesOf } from '../sigma/rule.ts'
import type { ReadBaseline } from './baseline-document.ts'
import type { AnyRule } from './pack.ts'
import type { DraftRule } from './rule-file.ts'

/** A draft that refers to no other for its events. */
export interface ResolvedRule extends Omit<DraftRule, 'rule'> {
  readonly rule: AnyRule
}

/** Looks up the rules that baselines select by name; those of its own file go before others. One that finds none is left out. */
export function resolveSelects(
  drafts: readonly DraftRule[],
  timeZone: string | undefined,
): { readonly rules: readonly ResolvedRule[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const rules = drafts.flatMap((draft): ResolvedRule[] => {
    const { rule } = draft
    if (rule.kind !== 'baseline') return [{ ...draft, rule }]
    const select = typeof rule.select === 'string' ? selected(rule, rule.select, draft, drafts, problems) : rule.select
    if (select === undefined) return []
    return [{ ...draft, rule: { ...(timeZone === undefined ? {} : { timeZone }), ...rule, select } }]
  })
  return { rules, problems }
}

function selected(
  baseline: ReadBaseline,
  name: string,
  { file }: DraftRule,
  drafts: readonly DraftRule[],
  problems: Problem[],
): DetectionRule | undefined {
  const detections = drafts.flatMap(({ rule, file: from }) => (rule.kind === 'detection' ? [{ rule, from }] : []))
  const called = detections.filter(({ rule }) => namesOf(rule).includes(name))
  const found = called.find(({ from }) => from === file) ?? called[0]
  if (found !== undefined) return { ...found.rule, meta: baseline.meta }
  const [near] = nearest(
    name,
    detections.flatMap(({ rule }) => namesOf(rule)),
  )
  problems.push({
    severity: 'error',
    message: `It selects the events of the rule ${name}, which is not here.`,
    hint: near === undefined ? 'Give the id or name of a detection rule.' : `Did you mean ${near}?`,
    place: baseline.selectPlace,
  })
  return undefined
}
