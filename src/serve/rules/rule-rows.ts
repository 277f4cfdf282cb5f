/** Rules as the API tells of them. */
import { SHIPPED_RULES } from '../../detect/pack/rule-folders.ts'
import type { TextMask } from '../alerting/text-mask.ts'
import type { RuleDetail, RuleRow } from '../shapes/rules.ts'
import type { BookRule } from './book.ts'
import type { RuleNote } from './rule-notes.ts'
import type { RuleUse } from './rule-use.ts'

/** What is told of a rule besides what stands in its file. */
export interface Told {
  readonly use: RuleUse | undefined
  readonly noise: number | undefined
}

/** A rule in a list. */
export const ruleRow = (rule: BookRule, { use, noise }: Told): RuleRow => ({
  id: rule.id,
  name: rule.name,
  names: [...rule.names],
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

/** What is told of a rule in full. */
export interface ToldInFull extends Told {
  readonly yaml: string
  readonly perDay: readonly { readonly day: string; readonly findings: number }[]
  readonly notes: readonly RuleNote[]
}

/**
 * A rule in full. Its runbook is about nobody yet: `:entity`, `:from` and `:to` stand in it. What the site wrote may name people and
 * addresses, and is masked; what comes with the program names none, and everybody can read it elsewhere.
 */
export function ruleDetail(rule: BookRule, told: ToldInFull, mask: TextMask): RuleDetail {
  const isShipped = rule.path.startsWith(`${SHIPPED_RULES}/`)
  const own = isShipped ? (value: string) => value : mask.text
  return {
    ...ruleRow(rule, told),
    description: own(rule.description),
    falsePositives: rule.falsePositives.map(own),
    controls: [...rule.controls],
    references: rule.references.map(own),
    yaml: own(told.yaml),
    parameters: rule.parameters.map(({ name, value, usual, reason, overridden }) => ({
      name,
      value: isShipped && !overridden ? value : maskedValue(name, value, mask),
      usual: isShipped ? usual : maskedValue(name, usual, mask),
      reason: reason === null ? null : own(reason),
      overridden,
    })),
    runbook: rule.runbook.map(({ title, sql }) => ({ title: own(title), sql: own(sql), q: null })),
    problemList: rule.problems.map((each) => ({
      ...each,
      message: mask.text(each.message),
      hint: mask.text(each.hint),
    })),
    perDay: told.perDay.map((each) => ({ ...each })),
    set: told.notes.map(({ day, who, why }) => ({ day, who: mask.colleague(who), why: mask.text(why) })),
  }
}

/** Parameters that name people need no address to do so. */
const OF_PEOPLE = /account|user|people|person|principal|actor|member|owner|admin|mail/i

/** A value with all texts in it masked. */
function maskedValue(name: string, value: unknown, mask: TextMask): unknown {
  if (typeof value === 'string') return OF_PEOPLE.test(name) ? mask.who(value) : mask.text(value)
  if (Array.isArray(value)) return value.map((each) => maskedValue(name, each, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [mask.text(key), maskedValue(`${name} ${key}`, each, mask)]),
  )
}
