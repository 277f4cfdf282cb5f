/** Which alerts something is about: routes, silences, inhibitions and maintenance say it alike. */
import { LEVELS } from '../detect/sigma/rule.ts'
import type { Alert } from './alert.ts'

/** Lists of patterns with `*` and `?`, compared without case. All lists that are not empty have to fit. */
export interface Matcher {
  readonly kind?: readonly string[]
  /** Names of levels; no patterns. */
  readonly level?: readonly string[]
  /** Id, name or title. */
  readonly rule?: readonly string[]
  readonly threat?: readonly string[]
  readonly tag?: readonly string[]
  readonly entity?: readonly string[]
  readonly entity_field?: readonly string[]
  readonly workspace?: readonly string[]
  readonly environment?: readonly string[]
  readonly actor?: readonly string[]
  readonly asset?: readonly string[]
  readonly team?: readonly string[]
  /** Ids of workspaces beside which the alert may be of no other: for those who see only these. Settings do not have it. */
  readonly within?: readonly string[]
}

/** Keys of {@link Matcher} that settings have. */
export const MATCHED = [
  'kind',
  'level',
  'rule',
  'threat',
  'tag',
  'entity',
  'entity_field',
  'workspace',
  'environment',
  'actor',
  'asset',
  'team',
] as const

/** One of {@link MATCHED}. */
export type Label = (typeof MATCHED)[number]

/** The values of an alert, by what they can be matched by. */
export type Labels = Readonly<Record<Label, readonly string[]>>

/** Environments of workspaces and teams of alerts, as a site declares them. */
export interface Surroundings {
  readonly environments: readonly { readonly name: string; readonly workspaces: readonly string[] }[]
  readonly teams: readonly { readonly name: string; readonly when: Matcher }[]
}

/** What an alert can be matched by. */
export function labelsOf(alert: Alert, { environments, teams }: Surroundings): Labels {
  const { facts, kind, level } = alert
  const { workspaces } = facts
  const labels = {
    kind: [kind],
    level: [LEVELS[level] ?? 'medium'],
    rule: [facts.ruleId, facts.ruleName, facts.ruleTitle].filter((name) => name !== ''),
    threat: facts.threat === undefined ? [] : [facts.threat],
    tag: facts.tags,
    entity: [facts.entity],
    entity_field: [facts.entityField],
    workspace: workspaces,
    environment: environments
      .filter((each) => workspaces.some((workspace) => matchesAny(each.workspaces, [workspace])))
      .map(({ name }) => name),
    actor: facts.actors,
    asset: facts.assets,
    team: [] as readonly string[],
  }
  const team = teams.find(({ when }) => matches(when, labels))
  return team === undefined ? labels : { ...labels, team: [team.name] }
}

/** True if everything that is asked for fits. */
export const matches = (matcher: Matcher, labels: Labels): boolean =>
  MATCHED.every((label) => {
    const wanted = matcher[label] ?? []
    return wanted.length === 0 || matchesAny(wanted, labels[label])
  }) && labels.workspace.every((each) => matcher.within?.includes(each) !== false)

/** True if one of the patterns fits one of the values. */
export const matchesAny = (patterns: readonly string[], values: readonly string[]): boolean =>
  patterns.some((pattern) => values.some((value) => regexOf(pattern).test(value)))

/** The pattern that fits a text and no other. Names come from logs, and somebody may be called `*`. */
export const patternFor = (text: string): string => text.replaceAll(/[*?\\]/g, '\\$&')

const known = new Map<string, RegExp>()

/** Patterns met are few: those of the settings and of silences. */
const MOST_KEPT = 10_000

function regexOf(pattern: string): RegExp {
  const before = known.get(pattern)
  if (before !== undefined) return before
  // A backslash takes the meaning of what follows.
  const body = pattern.replaceAll(/\\[*?\\]|\*+|[\s\S]/gu, (part) => {
    if (part.startsWith('*')) return '[^]*'
    if (part === '?') return '[^]'
    return (part.length > 1 && part.startsWith('\\') ? part.slice(1) : part).replace(/[.*+?^${}()|[\]\\]/, '\\$&')
  })
  const made = new RegExp(`^${body}$`, 'iu')
  if (known.size >= MOST_KEPT) known.clear()
  known.set(pattern, made)
  return made
}

/** A matcher in words, such as `rule=x, entity=y|z`. */
export const matcherText = (matcher: Matcher): string =>
  MATCHED.flatMap((label) => {
    const wanted = matcher[label] ?? []
    return wanted.length === 0 ? [] : [`${label}=${wanted.join('|')}`]
  }).join(', ')
