/** A pack as the engine runs it: numbered detection rules, and correlations over their numbers. */
import { type LinkedCorrelations, linkCorrelations } from '../correlate/link.ts'
import { type CorrelationRule, type DetectionRule, namesOf } from '../sigma/rule.ts'
import type { PackRule, RulePack } from './pack.ts'

/** What picks events. */
export interface EngineRule {
  /** Key of the rule whose events it picks. */
  readonly key: string
  /** The rule itself, or the selection of a baseline. */
  readonly rule: DetectionRule
  /** The rule or baseline it is of. */
  readonly of: PackRule
}

/** The rules in the order of their numbers: detections first, correlations behind them. */
export interface EngineRules {
  readonly detections: readonly EngineRule[]
  /** The rules of the linked correlations, in the order of their numbers; one that cannot be run is here, and not in `linked`. */
  readonly correlations: readonly PackRule[]
  /** References are to numbers; that of a baseline is about what the baseline found. */
  readonly linked: LinkedCorrelations
}

/** Which of a pack's rules to run. */
export interface EngineRulesOptions {
  /** Leaves out rules whose log source is another product, or no product but a category. */
  readonly product?: string
}

/** The rules of a pack that something is made of: base rules that feed nothing are left out. */
export function engineRules(pack: RulePack, options: EngineRulesOptions = {}): EngineRules {
  const correlations = pack.rules.filter(({ rule }) => rule.kind === 'correlation')
  const fed = new Set(correlations.flatMap(({ rule }) => (rule.kind === 'correlation' ? rule.rules : [])))
  const detections = pack.rules.flatMap((of): EngineRule[] => {
    const rule = picking(of)
    if (rule === undefined || !isOf(rule, options.product)) return []
    if (of.feeds && !namesOf(rule).some((name) => fed.has(name))) return []
    return [{ key: of.key, rule, of }]
  })
  const linked = linkCorrelations(
    detections.map(({ rule }) => rule),
    correlations.map(({ rule }) => rule as CorrelationRule),
  )
  return { detections, correlations, linked }
}

function picking({ rule }: PackRule): DetectionRule | undefined {
  if (rule.kind === 'detection') return rule
  return rule.kind === 'baseline' ? rule.select : undefined
}

const isOf = ({ logsource }: DetectionRule, product: string | undefined): boolean =>
  product === undefined ||
  logsource.product?.toLowerCase() === product ||
  (logsource.product === undefined && logsource.category === undefined)
