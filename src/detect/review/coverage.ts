/** What a pack covers: techniques of ATT&CK, and actions of the catalogue. */
import { type ActionEntry, catalogue } from '../../normalise/catalogue/catalogue.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { namesOf } from '../sigma/rule.ts'
import { attackTags } from './attack.ts'
import { actionsOf, type Reach } from './covered-actions.ts'

/** A technique, and the rules that look for it. */
export interface CoveredTechnique {
  readonly id: string
  readonly rules: readonly PackRule[]
}

/** An action of the catalogue, and what looks at it. */
export interface CoveredAction {
  readonly entry: ActionEntry
  /** Rules that name the action. */
  readonly named: readonly PackRule[]
  /** Rules that name only a part of it, or its service, category, verb or key event. */
  readonly byKind: readonly PackRule[]
}

/** Actions of one service in numbers. */
export interface ServiceCoverage {
  readonly service: string
  readonly actions: number
  readonly named: number
  readonly byKind: number
  readonly uncovered: number
}

/** What a pack covers. */
export interface Coverage {
  /** Rules that make findings. */
  readonly rules: readonly PackRule[]
  readonly techniques: readonly CoveredTechnique[]
  /** Rules by tactic. */
  readonly tactics: ReadonlyMap<string, number>
  readonly actions: readonly CoveredAction[]
  readonly services: readonly ServiceCoverage[]
}

/** Works out what the rules in force cover. */
export function coverageOf(pack: RulePack): Coverage {
  const rules = pack.rules.filter(({ feeds }) => !feeds)
  const actions = actionsCovered(pack, rules)
  return { rules, techniques: techniquesOf(rules), tactics: tacticsOf(rules), actions, services: servicesOf(actions) }
}

function techniquesOf(rules: readonly PackRule[]): CoveredTechnique[] {
  const found = new Map<string, PackRule[]>()
  for (const rule of rules) {
    for (const id of new Set(attackTags(rule.rule.meta.tags).techniques))
      found.set(id, [...(found.get(id) ?? []), rule])
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, own]) => ({ id, rules: own }))
}

function tacticsOf(rules: readonly PackRule[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { rule } of rules) {
    for (const tactic of new Set(attackTags(rule.meta.tags).tactics)) counts.set(tactic, (counts.get(tactic) ?? 0) + 1)
  }
  return counts
}

function actionsCovered(pack: RulePack, rules: readonly PackRule[]): CoveredAction[] {
  const found = new Map(
    catalogue().map((entry) => [entry, { named: new Set<PackRule>(), byKind: new Set<PackRule>() }]),
  )
  const byName = new Map(pack.rules.flatMap((rule) => namesOf(rule.rule).map((name) => [name, rule] as const)))
  for (const rule of rules) {
    for (const detection of detectionsOf(rule, byName)) {
      for (const [entry, reach] of actionsOf(detection.tree)) found.get(entry)?.[SIDES[reach]].add(rule)
    }
  }
  return [...found].map(([entry, { named, byKind }]) => ({
    entry,
    named: [...named],
    byKind: [...byKind].filter((rule) => !named.has(rule)),
  }))
}

const SIDES: Readonly<Record<Reach, 'named' | 'byKind'>> = { name: 'named', kind: 'byKind' }

/** The detections a rule is made of: its own, or those that it counts, however far down. */
export function detectionsOf(
  { rule }: PackRule,
  byName: ReadonlyMap<string, PackRule>,
  seen: ReadonlySet<string> = new Set(),
): DetectionRule[] {
  if (rule.kind === 'detection') return [rule]
  if (rule.kind === 'baseline') return [rule.select]
  return rule.rules.flatMap((name) => {
    const below = byName.get(name)
    return below === undefined || seen.has(name) ? [] : detectionsOf(below, byName, new Set([...seen, name]))
  })
}

function servicesOf(actions: readonly CoveredAction[]): ServiceCoverage[] {
  const groups = Map.groupBy(actions, ({ entry }) => entry.service)
  return [...groups].map(([service, own]) => {
    const named = own.filter((action) => action.named.length > 0).length
    const uncovered = own.filter(isUncovered).length
    return { service, actions: own.length, named, byKind: own.length - named - uncovered, uncovered }
  })
}

/** True for an action that no rule names, nor its kind. */
export const isUncovered = ({ named, byKind }: CoveredAction): boolean => named.length === 0 && byKind.length === 0
