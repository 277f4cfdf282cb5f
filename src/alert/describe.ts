/** Alerts as other programs are shown them: plain values, ISO times, levels by name. */
import { type Alert, alertById, historyOf } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { type TimelineEntry, timelineOf } from './incidents.ts'
import { matcherText } from './match.ts'
import { levelOf, statusOf } from './message.ts'
import type { Silence } from './silences.ts'

/** Findings that are shown of an alert; all of them are in the lake. */
const FINDINGS_SHOWN = 200

const iso = (ms: number): string => new Date(ms).toISOString()

/** An alert in one line's worth of values. */
export const alertView = (alert: Alert) => ({
  id: alert.id,
  kind: alert.kind,
  level: levelOf(alert),
  state: alert.state,
  status: statusOf(alert),
  outcome: alert.outcome,
  duplicateOf: alert.duplicateOf,
  assignee: alert.assignee,
  quiet: alert.quiet,
  title: alert.facts.title,
  summary: alert.facts.summary,
  rule: { id: alert.facts.ruleId, name: alert.facts.ruleName, title: alert.facts.ruleTitle },
  entity: { field: alert.facts.entityField, value: alert.facts.entity },
  threat: alert.facts.threat ?? null,
  tags: alert.facts.tags,
  workspaces: alert.facts.workspaces,
  actors: alert.facts.actors,
  assets: alert.facts.assets,
  because: alert.facts.because,
  risk: alert.facts.risk ?? null,
  findings: alert.findings,
  events: alert.events,
  counted: alert.counted,
  firstTime: iso(alert.firstMs),
  lastTime: iso(alert.lastMs),
  created: iso(alert.createdMs),
  updated: iso(alert.updatedMs),
  resolved: alert.resolvedMs === null ? null : iso(alert.resolvedMs),
})

/** What {@link alertView} shows. */
export type AlertView = ReturnType<typeof alertView>

/** A finding of an alert. */
export interface FindingView {
  readonly id: string
  readonly revision: number
  readonly events: number
  readonly lastTime: string
  readonly summary: string
}

/** All that is known of an alert. */
export function detailOf(file: AlertsFile, alert: Alert) {
  const history = historyOf(file, alert.id).map(({ atMs, ...entry }) => ({ time: iso(atMs), ...entry }))
  const timeline = alert.kind === 'incident' ? timelineOf(file, alert.id, FINDINGS_SHOWN).map(timed) : []
  const alerts = (alert.facts.risk?.alerts ?? []).flatMap((id) => alertById(file, id) ?? []).map(alertView)
  return { ...alertView(alert), history, findingList: findingsOf(file, alert.id), timeline, alerts }
}

/** What {@link detailOf} shows. */
export type AlertDetail = ReturnType<typeof detailOf>

const timed = ({ timeMs, ...entry }: TimelineEntry) => ({ time: iso(timeMs), ...entry })

function findingsOf(file: AlertsFile, id: string): FindingView[] {
  const rows = file.all<Omit<FindingView, 'lastTime'> & { lastMs: number }>(
    `SELECT id, revision, events, last_ms AS lastMs, facts ->> 'summary' AS summary FROM findings
     WHERE alert_id = ? AND superseded_by IS NULL ORDER BY last_ms DESC, id LIMIT ?`,
    id,
    FINDINGS_SHOWN,
  )
  return rows.map(({ lastMs, ...row }) => ({ ...row, lastTime: iso(lastMs) }))
}

/** A silence as other programs are shown it. */
export const silenceView = (silence: Silence, nowMs: number) => ({
  id: silence.id,
  about: matcherText(silence.matcher),
  matcher: silence.matcher,
  who: silence.who,
  reason: silence.reason,
  created: iso(silence.createdMs),
  ends: iso(silence.endsMs),
  inForce: silence.endsMs > nowMs,
  quieted: silence.quieted,
})
