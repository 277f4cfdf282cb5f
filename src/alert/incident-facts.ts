/** What an incident is about: made anew from its findings whenever they change. */
import { LEVELS } from '../detect/sigma/rule.ts'
import type { AlertFacts } from './alert.ts'
import type { Reckoned, RiskKind, RiskRow } from './risk.ts'

/** What a finding adds to an incident, with what is shown of it. */
export interface IncidentRow extends Omit<RiskRow, 'tactics'> {
  readonly tactics: string
  readonly alert: string
  readonly title: string
  readonly workspaces: string
  readonly events: number
}

/** Bounds of scores for the levels above `medium`. */
const CRITICAL_SCORE = 500
const HIGH_SCORE = 250

/** Place of an incident's level in the list. */
export function levelOf({ score, isBroad }: Reckoned): number {
  const level = score >= CRITICAL_SCORE ? 'critical' : score >= HIGH_SCORE || isBroad ? 'high' : 'medium'
  return LEVELS.indexOf(level)
}

/** Rules that are named with what they added. */
const RULES_NAMED = 10

/** Alerts and workspaces an incident names; the rest is found by its timeline. */
const MOST_NAMED = 200

/** What an incident is about, from all that it holds. */
export function factsOf(
  kind: RiskKind,
  object: string,
  own: readonly IncidentRow[],
  { score, isBroad }: Reckoned,
): AlertFacts {
  const tactics = unique(own.flatMap(({ tactics: text }) => JSON.parse(text) as string[]))
  const rules = new Map<string, { title: string; score: number; findings: number }>()
  for (const row of own) {
    const before = rules.get(row.rule)
    rules.set(row.rule, {
      title: row.title,
      score: (before?.score ?? 0) + row.score,
      findings: (before?.findings ?? 0) + 1,
    })
  }
  const heaviest = [...rules.values()].sort((a, b) => b.score - a.score || (a.title < b.title ? -1 : 1))
  const broad = isBroad ? `, ${tactics.length} tactics by ${rules.size} rules within 7 days` : ''
  const alerts = unique(own.map(({ alert }) => alert)).slice(0, MOST_NAMED)
  return {
    title: `Risk of ${object}`,
    summary: `${object} came to a risk of ${rounded(score)} within 24 hours${broad}.`,
    ruleId: 'bricktrail-risk',
    ruleName: 'bricktrail-risk',
    ruleTitle: 'Risk adds up',
    tags: tactics.map((tactic) => `attack.${tactic}`),
    entityField: kind,
    entity: object,
    workspaces: unique(own.flatMap(({ workspaces }) => JSON.parse(workspaces) as string[])).slice(0, MOST_NAMED),
    actors: kind === 'actor' ? [object] : [],
    assets: kind === 'asset' ? [object] : [],
    because: heaviest
      .slice(0, RULES_NAMED)
      .map((rule) => `${rounded(rule.score)} by ${rule.title} (${rule.findings} findings)`),
    risk: { kind, score: rounded(score), tactics, rules: unique([...rules.keys()]), alerts },
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort()
const rounded = (score: number): number => Math.round(score * 10) / 10
