/** A rule explained: in words, as SQL, and asked of one event. */
import type { Engine } from '../../engine/duckdb.ts'
import { metSql, rowsSql } from '../correlate/bursts.ts'
import { linkCorrelations } from '../correlate/link.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { crossingsSql } from '../segment/crossings.ts'
import { readEnvironments } from '../segment/environments.ts'
import { SEGMENT_RULE } from '../segment/segment.ts'
import { type DetectionRule, namesOf } from '../sigma/rule.ts'
import { Bindings } from '../sql/bindings.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { renderNode } from '../sql/render.ts'
import { packOf } from './chosen.ts'
import { type Line, ruleInWords } from './describe.ts'
import { type TracedPart, traceEvent } from './trace.ts'

/** A rule of those that a rule is made of, in words and as SQL. */
export interface ExplainedPart {
  readonly title: string
  readonly name: string | undefined
  readonly kind: 'detection' | 'correlation' | 'baseline'
  readonly words: readonly Line[]
  /** For correlations over `matches`, the events that the parts before it picked. */
  readonly sql: string
}

/** The rule's parts in the order they are run in; the last is the rule itself. */
export function explained(pack: Pick<RulePack, 'rules' | 'settings'>, rule: PackRule): ExplainedPart[] {
  const { rules } = packOf(pack, [rule])
  const titles = new Map(
    rules.flatMap((each) => namesOf(each.rule).map((name) => [name, each.rule.meta.title] as const)),
  )
  return [...rules].reverse().map((each) => ({
    title: each.rule.meta.title,
    name: each.rule.meta.name,
    kind: each.rule.kind,
    words: ruleInWords(each, (name) => titles.get(name) ?? name),
    sql: each.key === SEGMENT_RULE ? segmentSql(pack) : sqlOf(each, rules),
  }))
}

const segmentSql = ({ settings }: Pick<RulePack, 'settings'>): string =>
  crossingsSql(readEnvironments(settings.environments), 'events', SEGMENT_RULE)

function sqlOf({ rule }: PackRule, rules: readonly PackRule[]): string {
  if (rule.kind === 'detection') return detectionSql(rule)
  if (rule.kind === 'baseline') return detectionSql(rule.select)
  const detections = rules.flatMap(({ rule: each }): DetectionRule[] => {
    if (each.kind === 'detection') return [each]
    return each.kind === 'baseline' ? [{ ...each.select, meta: each.meta }] : []
  })
  const correlations = rules.flatMap(({ rule: each }) => (each.kind === 'correlation' ? [each] : []))
  const linked = linkCorrelations(detections, correlations).correlations.find((each) => each.rule === rule)
  return linked === undefined ? '' : metSql(linked, rowsSql(linked, 'matches', duckdb), duckdb)
}

/** The events a detection picks. */
function detectionSql({ tree }: DetectionRule): string {
  const bindings = new Bindings(eventShape(duckdb), duckdb)
  const condition = renderNode(tree, bindings)
  return `SELECT event_id, event_time FROM ${bindings.over('events')}\nWHERE ${condition}`
}

/** A detection asked of an event. */
export interface TracedRule {
  readonly title: string
  readonly matches: boolean
  readonly parts: readonly TracedPart[]
}

/**
 * Asks every detection that a rule is made of about one event.
 *
 * @param event relation with the event's row alone
 */
export async function tracedRule(
  engine: Engine,
  pack: Pick<RulePack, 'rules'>,
  rule: PackRule,
  event: string,
): Promise<TracedRule[]> {
  const traced: TracedRule[] = []
  for (const { rule: each } of [...packOf(pack, [rule]).rules].reverse()) {
    if (each.kind === 'correlation') continue
    const detection = each.kind === 'baseline' ? each.select : each
    const parts = await traceEvent(engine, detection.tree, event)
    traced.push({ title: each.meta.title, matches: parts[0]?.holds === true, parts })
  }
  return traced
}
