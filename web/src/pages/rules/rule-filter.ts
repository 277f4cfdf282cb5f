/** Which rules are listed, and in what order; kept in the address. */
import type { RuleRow } from '../../../../src/serve/shapes/rules.ts'
import { LEVELS } from '../../parts/levels.ts'

/** Orders of the list. */
export const SORTS = ['findings', 'level', 'title', 'lastFired', 'noise'] as const

/** One of {@link SORTS}. */
export type RuleSort = (typeof SORTS)[number]

/** What the list holds. */
export interface RuleFilter {
  readonly text: string
  readonly show: string
  readonly level: string
  readonly threat: string
  readonly kind: string
  readonly technique: string
  readonly sort: RuleSort
}

/** Groups of rules that are asked for often. */
export const SHOWS = [
  { value: '', label: 'All rules' },
  { value: 'on', label: 'On' },
  { value: 'off', label: 'Off' },
  { value: 'fired', label: 'Fired' },
  { value: 'noisy', label: 'Noisy' },
  { value: 'changed', label: 'Changed here' },
  { value: 'problems', label: 'With problems' },
] as const

/** From this share on, what a rule finds is more often wrong than right. */
export const NOISY = 0.5

/** The filter of an address. */
export function ruleFilterOf(params: URLSearchParams): RuleFilter {
  const text = (name: string) => params.get(name) ?? ''
  return {
    text: text('text'),
    show: text('show'),
    level: text('level'),
    threat: text('threat'),
    kind: text('kind'),
    technique: text('technique'),
    sort: SORTS.find((sort) => sort === params.get('sort')) ?? 'findings',
  }
}

/** The rules of a filter, in its order. */
export function chosenRules(rules: readonly RuleRow[], filter: RuleFilter): RuleRow[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return rules
    .filter((rule) => {
      const said =
        `${rule.title} ${rule.name} ${rule.names.join(' ')} ${rule.file} ${rule.threat ?? ''} ${rule.techniques.join(' ')}`.toLowerCase()
      return (
        words.every((word) => said.includes(word)) &&
        isShown(rule, filter.show) &&
        (filter.level === '' || rule.level === filter.level) &&
        (filter.threat === '' || rule.threat === filter.threat) &&
        (filter.kind === '' || rule.kind === filter.kind) &&
        (filter.technique === '' || rule.techniques.some((id) => isWithin(id, filter.technique)))
      )
    })
    .sort((a, b) => ORDERS[filter.sort](a, b) || a.title.localeCompare(b.title))
}

/** `T1078.004` is within `T1078`. */
const isWithin = (id: string, wanted: string): boolean => id === wanted || id.startsWith(`${wanted}.`)

function isShown(rule: RuleRow, show: string): boolean {
  if (show === 'on') return rule.enabled
  if (show === 'off') return !rule.enabled
  if (show === 'fired') return rule.findings > 0
  if (show === 'noisy') return (rule.noise ?? 0) >= NOISY
  if (show === 'changed') return rule.overridden
  return show !== 'problems' || rule.problems > 0
}

const ORDERS: Readonly<Record<RuleSort, (a: RuleRow, b: RuleRow) => number>> = {
  findings: (a, b) => b.findings - a.findings,
  level: (a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level),
  title: () => 0,
  lastFired: (a, b) => (b.lastFired ?? '').localeCompare(a.lastFired ?? ''),
  noise: (a, b) => (b.noise ?? -1) - (a.noise ?? -1),
}
