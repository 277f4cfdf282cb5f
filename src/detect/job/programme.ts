/** A pack made ready for passes: rules with numbers, what of each event they need, and which of them make findings. */

import type { Problem } from '../../core/yaml/place.ts'
import type { LinkedCorrelation } from '../correlate/link.ts'
import { linkCorrelations } from '../correlate/link.ts'
import type { BaselineRule, PackRule, RulePack } from '../pack/pack.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import type { CapturedFields } from '../sql/compile.ts'

/** A rule with the number it goes by within a pass. */
export interface NumberedRule {
  readonly number: number
  readonly of: PackRule
  /** The field its findings are about; undefined for other people's rules that do not say. */
  readonly entity: string | undefined
  /** Whether it makes findings of its own. */
  readonly tells: boolean
}

/** Rules of a pack as a pass runs them. Numbers of correlations follow those of the others. */
export interface Programme {
  readonly rules: readonly NumberedRule[]
  /** What is matched against events, by number: detection rules, and what baselines are about. */
  readonly matched: readonly DetectionRule[]
  readonly baselines: readonly { readonly number: number; readonly key: string; readonly rule: BaselineRule }[]
  readonly correlations: readonly LinkedCorrelation[]
  readonly captured: CapturedFields
  /** Numbers of rules below a correlation: their matches are remembered. */
  readonly counted: ReadonlySet<number>
  /** Numbers of rules of which nobody asks why they matched a single event: those that feed others, and baselines. */
  readonly unexplained: ReadonlySet<number>
  /** Numbers of baselines whose matches come added up by the hour. */
  readonly summed: ReadonlySet<number>
  /** Rules that cannot be run. */
  readonly problems: readonly Problem[]
}

/** How a pack is made ready. */
export interface ProgrammeOptions {
  /** The entity of rules that name none. */
  readonly entity?: string
  /** Fields that the matches of a baseline bring along. */
  readonly capturedByBaseline?: (baseline: BaselineRule) => readonly string[]
  /** Whether the matches of a baseline may come added up by the hour; none where absent. */
  readonly takesSums?: (baseline: BaselineRule) => boolean
  /** Fields that every match brings along. */
  readonly always?: readonly string[]
}

/** Makes a pack ready. */
export function programmeOf(pack: Pick<RulePack, 'rules'>, options: ProgrammeOptions = {}): Programme {
  const problems: Problem[] = []
  const rules = withoutTwins(pack.rules, problems)
  const isCorrelation = ({ rule }: PackRule): boolean => rule.kind === 'correlation'
  const sources = rules.filter((each) => !isCorrelation(each))
  const correlated = rules.filter(isCorrelation)
  const matched = sources.map(matchedOf)
  const linked = linkCorrelations(
    matched,
    correlated.flatMap(({ rule }) => (rule.kind === 'correlation' ? [rule] : [])),
  )
  const numbered = [...sources, ...correlated].map((of, number) => ({
    number,
    of,
    entity: of.content.entity ?? options.entity,
    tells: !of.feeds,
  }))
  const below = new Map(linked.correlations.map(({ number, refs }) => [number, refs]))
  return {
    rules: numbered,
    matched,
    baselines: sources.flatMap(({ rule, key }, number) => (rule.kind === 'baseline' ? [{ number, key, rule }] : [])),
    correlations: linked.correlations,
    captured: capturedOf(numbered, linked.captured, below, options),
    counted: new Set(linked.correlations.flatMap(({ refs }) => refs).filter((ref) => ref < sources.length)),
    unexplained: new Set(
      numbered.flatMap(({ number, of, tells }) => (tells && of.rule.kind === 'detection' ? [] : [number])),
    ),
    summed: new Set(
      numbered.flatMap(({ number, of: { rule } }) =>
        rule.kind === 'baseline' && options.takesSums?.(rule) === true ? [number] : [],
      ),
    ),
    problems: [...problems, ...linked.problems],
  }
}

/** Two rules of one key would share their findings: the first stays. */
function withoutTwins(rules: readonly PackRule[], problems: Problem[]): PackRule[] {
  const seen = new Map<string, PackRule>()
  return rules.filter((each) => {
    const first = seen.get(each.key)
    seen.set(each.key, first ?? each)
    if (first === undefined) return true
    problems.push({
      severity: 'error',
      message: `${first.file} has a rule of the same id (${each.key}).`,
      hint: 'Give one of them another id.',
      place: each.rule.meta.place,
    })
    return false
  })
}

/** What of a rule is matched against single events. A baseline goes by its own name there: correlations may refer to it. */
function matchedOf({ rule }: PackRule): DetectionRule {
  if (rule.kind === 'detection') return rule
  if (rule.kind === 'baseline') return { ...rule.select, meta: rule.meta, logsource: rule.logsource }
  throw new TypeError('A correlation matches no single event.')
}

function capturedOf(
  rules: readonly NumberedRule[],
  linked: CapturedFields,
  below: ReadonlyMap<number, readonly number[]>,
  { capturedByBaseline, always = [] }: ProgrammeOptions,
): CapturedFields {
  const fields = new Map([...linked].map(([number, names]) => [number, new Set([...names])]))
  const add = (number: number, names: readonly string[]): void => {
    const refs = below.get(number)
    if (refs !== undefined) for (const ref of refs) add(ref, names)
    else fields.set(number, new Set([...(fields.get(number) ?? []), ...names]))
  }
  for (const { number, of, entity } of rules) {
    if (of.rule.kind === 'correlation' && !below.has(number)) continue
    add(number, [...always, ...(entity === undefined ? [] : [entity])])
    if (of.rule.kind === 'baseline') add(number, capturedByBaseline?.(of.rule) ?? [])
  }
  return new Map([...fields].map(([number, names]) => [number, [...names]]))
}
