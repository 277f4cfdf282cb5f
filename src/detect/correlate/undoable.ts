/** Conditions that events which come late can make false. */
import type { RuleExpression } from '../sigma/rule.ts'
import type { LinkedCorrelation } from './link.ts'

/** What is measured of these goes up with every event. */
const GROWING = ['event_count', 'value_count', 'temporal', 'temporal_ordered']

/** Correlations of which a window that was met may not be met once more is known; built on others, all: two bursts below may become one. */
export const undoable = (correlations: readonly LinkedCorrelation[]): readonly LinkedCorrelation[] =>
  correlations.filter(
    ({ rule, isChained }) =>
      isChained.includes(true) ||
      !GROWING.includes(rule.type) ||
      rule.bounds.some(({ op }) => op !== 'gt' && op !== 'gte') ||
      (rule.expression !== undefined && hasNot(rule.expression)),
  )

function hasNot(node: RuleExpression): boolean {
  if (node.kind === 'rule') return false
  return node.kind === 'not' || node.nodes.some(hasNot)
}
