/** Parts of a condition that say nothing: what can never hold, what others say already, and selections nobody uses. */

import type { Place, Problem, ValuePath } from '../../core/yaml/place.ts'
import type { PackRule } from '../pack/pack.ts'
import type { CorrelationRule, DetectionRule } from '../sigma/rule.ts'
import { itemsOf, type RuleNode, type Selection } from '../sigma/tree.ts'
import { implies, isImpossible } from './possible.ts'

/** Where a value of the rule's document stands. */
type PlaceOf = (path: ValuePath) => Place

/** What is wrong with the condition of a rule. */
export function conditionProblems({ rule }: Pick<PackRule, 'rule'>, placeIn: PlaceOf): Problem[] {
  if (rule.kind === 'correlation') return correlationProblems(rule, placeIn(['correlation', 'condition']))
  if (rule.kind === 'baseline')
    return detectionProblems(rule.select, (path) => placeIn(['baseline', 'select', ...path]))
  return detectionProblems(rule, (path) => placeIn(['detection', ...path]))
}

function detectionProblems({ tree, unused }: DetectionRule, placeIn: PlaceOf): Problem[] {
  const fallback = placeIn(['condition'])
  const dead = unused.map((name) =>
    problem('error', placeIn([name]), `No condition uses the selection ${name}.`, 'Use it, or remove it.'),
  )
  if (isImpossible(tree)) {
    return [
      ...dead,
      problem('error', placeOf(tree, fallback), 'The condition can never hold.', contradictionHint(tree)),
    ]
  }
  return [...dead, ...deadParts(tree, fallback)]
}

const contradictionHint = (tree: RuleNode): string => {
  const fields = [...new Set(itemsOf(tree).flatMap(({ field }) => field ?? []))].slice(0, 5).join(', ')
  return `Its lines contradict each other; look at ${fields === '' ? 'the keywords' : fields}.`
}

/** Parts that can go without any record noticing. */
function deadParts(node: RuleNode, fallback: Place): Problem[] {
  if (node.kind === 'item') return []
  if (node.kind === 'selection' || node.kind === 'not') return deadParts(node.node, fallback)
  const impossible = node.nodes.filter((each) => node.kind === 'or' && isImpossible(each))
  const told = impossible.map((each) =>
    problem('error', placeOf(each, fallback), `${nameOf(each)} can never hold.`, contradictionHint(each)),
  )
  const others = node.nodes.filter((each) => !impossible.includes(each))
  return [...told, ...repeats(node.kind, others, fallback), ...others.flatMap((each) => deadParts(each, fallback))]
}

/** Of an or what another includes, of an and what another says already. */
function repeats(kind: 'and' | 'or', nodes: readonly RuleNode[], fallback: Place): Problem[] {
  const found: Problem[] = []
  const gone = new Set<RuleNode>()
  for (const node of nodes) {
    const other = nodes.find(
      (each) => each !== node && !gone.has(each) && (kind === 'or' ? implies(node, each) : implies(each, node)),
    )
    if (other === undefined) continue
    gone.add(node)
    const by = inSentence(nameOf(other))
    const says = kind === 'or' ? `whatever it matches, ${by} does too` : `${by} says as much already`
    found.push(
      problem('warning', placeOf(node, fallback), `${nameOf(node)} adds nothing: ${says}.`, 'Remove one of them.'),
    )
  }
  return found
}

const inSentence = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** A part as a reader finds it: its selection, or its line. */
function nameOf(node: RuleNode): string {
  if (node.kind === 'selection') return `The selection ${node.name}`
  if (node.kind === 'item') return node.key === '' ? 'A keyword' : `The line ${node.key}`
  const inner = selectionIn(node)
  return inner === undefined ? 'A part of the condition' : `The part with ${inner.name}`
}

function selectionIn(node: RuleNode): Selection | undefined {
  if (node.kind === 'selection') return node
  if (node.kind === 'item') return undefined
  const nodes = 'nodes' in node ? node.nodes : [node.node]
  return nodes.map(selectionIn).find((found) => found !== undefined)
}

const placeOf = (node: RuleNode, fallback: Place): Place => itemsOf(node)[0]?.place ?? fallback

/** Types that begin low and grow with each event of a window. */
const GROWING: ReadonlySet<CorrelationRule['type']> = new Set(['event_count', 'value_count', 'value_sum', 'temporal'])

/** Bounds that no number meets, and conditions that one event meets. */
function correlationProblems(rule: CorrelationRule, place: Place): Problem[] {
  const { bounds, type } = rule
  const lows = bounds.filter(({ op }) => op.startsWith('g'))
  const highs = bounds.filter(({ op }) => op.startsWith('l'))
  const apart = lows.some((low) =>
    highs.some((high) => low.value > high.value || (low.value === high.value && (low.op === 'gt' || high.op === 'lt'))),
  )
  if (apart) return [problem('error', place, 'No number meets the condition of the correlation.', 'Mend its bounds.')]
  if (
    type === 'event_count' &&
    bounds.every(({ op, value }) => (op === 'gte' && value <= 1) || (op === 'gt' && value < 1))
  ) {
    return [problem('warning', place, 'One event meets the condition.', 'Let the base rule fire itself.')]
  }
  if (GROWING.has(type) && highs.length > 0 && lows.length === 0 && bounds.every(({ op }) => op !== 'eq')) {
    return [
      problem(
        'warning',
        place,
        'The first event meets the condition: a window begins with few, and nobody waits for more.',
        'Add gt or gte; to notice that something stays away, write a baseline of type drop or silent_source.',
      ),
    ]
  }
  if (type.startsWith('temporal') && new Set(rule.rules).size < 2) {
    return [problem('warning', place, `${type} of one rule is that rule.`, 'Name two rules, or use event_count.')]
  }
  return []
}

const problem = (severity: Problem['severity'], place: Place, message: string, hint: string): Problem => ({
  severity,
  message,
  hint,
  place,
})
