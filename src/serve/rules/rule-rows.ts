/** Rules as the API tells of them. */
import type { RuleDetail, RuleRow } from '../shapes/rules.ts'
import type { BookRule } from './book.ts'
import type { RuleUse } from './rule-use.ts'

/** What is told of a rule besides what stands in its file. */
export interface Told {
  readonly use: RuleUse | undefined
  readonly noise: number | undefined
}

/** A rule in a list. */
export const ruleRow = (rule: BookRule, { use, noise }: Told): RuleRow => ({
  id: rule.id,
  title: rule.title,
  kind: rule.kind,
  threat: rule.threat,
  level: rule.level,
  status: rule.status,
  enabled: rule.enabled,
  overridden: rule.overridden,
  techniques: [...rule.techniques],
  tactics: [...rule.tactics],
  findings: use?.findings ?? 0,
  lastFired: use?.lastFired ?? null,
  noise: noise ?? null,
  problems: rule.problems.length,
  file: rule.file,
})

/** A rule in full. Its runbook is about nobody yet: `:entity`, `:from` and `:to` stand in it. */
export function ruleDetail(
  rule: BookRule,
  told: Told & {
    readonly yaml: string
    readonly perDay: readonly { readonly day: string; readonly findings: number }[]
  },
): RuleDetail {
  return {
    ...ruleRow(rule, told),
    description: rule.description,
    falsePositives: [...rule.falsePositives],
    controls: [...rule.controls],
    references: [...rule.references],
    yaml: told.yaml,
    parameters: rule.parameters.map((each) => ({ ...each })),
    runbook: rule.runbook.map(({ title, sql }) => ({ title, sql, q: null })),
    problemList: rule.problems.map((each) => ({ ...each })),
    perDay: told.perDay.map((each) => ({ ...each })),
  }
}
