/** Which rules correlations refer to, in an order in which each comes after what it refers to. */
import type { Problem } from '../../core/yaml/place.ts'
import { type CorrelationRule, type DetectionRule, namesOf } from '../sigma/rule.ts'
import type { CapturedFields } from '../sql/compile.ts'

/** A correlation whose references are known. */
export interface LinkedCorrelation {
  /** Its number: those of correlations follow those of detection rules. */
  readonly number: number
  readonly rule: CorrelationRule
  /** Numbers of the rules it refers to, in the order given; some may be correlations. */
  readonly refs: readonly number[]
  /** Whether each of `refs` is a correlation. */
  readonly isChained: readonly boolean[]
}

/** Correlations in the order to be run in, what of each event they need, and those that cannot be run. */
export interface LinkedCorrelations {
  readonly correlations: readonly LinkedCorrelation[]
  readonly captured: CapturedFields
  readonly problems: readonly Problem[]
}

/** Looks up what correlations refer to. One that names a rule that is not here, or comes back to itself, is left out. */
export function linkCorrelations(
  detections: readonly DetectionRule[],
  correlations: readonly CorrelationRule[],
): LinkedCorrelations {
  const all = [...detections, ...correlations]
  const numbers = new Map<string, number>()
  all.forEach((rule, number) => {
    for (const name of namesOf(rule)) if (!numbers.has(name)) numbers.set(name, number)
  })
  const problems: Problem[] = []
  const linked = new Map<number, LinkedCorrelation>()
  correlations.forEach((rule, at) => {
    const missing = rule.rules.filter((name) => !numbers.has(name))
    for (const name of missing)
      problems.push(
        fault(rule, name, `It refers to the rule ${name}, which is not here.`, 'Give the id or name of a rule.'),
      )
    if (missing.length > 0) return
    const refs = rule.rules.map((name) => numbers.get(name) ?? -1)
    const number = detections.length + at
    linked.set(number, { number, rule, refs, isChained: refs.map((ref) => ref >= detections.length) })
  })
  const ordered = inOrder(linked, problems)
  return { correlations: ordered, captured: capturedBy(ordered), problems }
}

/** A fault at the name of a rule. */
const fault = (
  { meta, places }: CorrelationRule,
  name: string | undefined,
  message: string,
  hint: string,
): Problem => ({
  severity: 'error',
  message,
  hint,
  place: places.get(name ?? '') ?? meta.place,
})

/** Depth first; what refers to itself, or to one that was left out, is left out. */
function inOrder(linked: ReadonlyMap<number, LinkedCorrelation>, problems: Problem[]): LinkedCorrelation[] {
  const ordered: LinkedCorrelation[] = []
  const state = new Map<number, 'open' | 'done' | 'left out'>()
  const visit = (number: number): boolean => {
    const known = state.get(number)
    if (known !== undefined) return known === 'done'
    const correlation = linked.get(number)
    if (correlation === undefined) return false
    state.set(number, 'open')
    const unusable = correlation.refs.filter((ref, at) => correlation.isChained[at] && !visit(ref))
    if (unusable.length > 0) {
      state.set(number, 'left out')
      const names = correlation.refs.flatMap((ref, at) =>
        unusable.includes(ref) ? (correlation.rule.rules[at] ?? []) : [],
      )
      problems.push(
        fault(
          correlation.rule,
          names[0],
          `It refers to ${names.join(', ')}, which cannot be used or leads back to it.`,
          'Mend that rule, or refer to another.',
        ),
      )
      return false
    }
    state.set(number, 'done')
    ordered.push(correlation)
    return true
  }
  for (const number of linked.keys()) visit(number)
  return ordered
}

/** The field of a rule's events that a correlation means by a name. */
export const fieldFor = ({ rule }: LinkedCorrelation, name: string, at: number): string =>
  rule.aliases[name]?.[rule.rules[at] ?? ''] ?? name

/** Names a correlation groups or counts by. */
export const namesUsed = ({ rule }: LinkedCorrelation): string[] => [...new Set([...rule.groupBy, ...rule.fields])]

/** What the events of detection rules have to bring, those below other correlations too. */
function capturedBy(correlations: readonly LinkedCorrelation[]): CapturedFields {
  const byNumber = new Map(correlations.map((correlation) => [correlation.number, correlation]))
  const captured = new Map<number, Set<string>>()
  const need = (number: number, fields: readonly string[]): void => {
    const below = byNumber.get(number)
    if (below !== undefined) {
      below.refs.forEach((ref, at) => {
        need(
          ref,
          fields.map((name) => fieldFor(below, name, at)),
        )
      })
      return
    }
    const known = captured.get(number) ?? new Set()
    for (const field of fields) known.add(field)
    captured.set(number, known)
  }
  for (const correlation of correlations) {
    correlation.refs.forEach((ref, at) => {
      need(
        ref,
        namesUsed(correlation).map((name) => fieldFor(correlation, name, at)),
      )
    })
  }
  return new Map([...captured].map(([number, fields]) => [number, [...fields]]))
}
