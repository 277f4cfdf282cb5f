/** Alerts as somebody may see them: values of events that are hidden from them are hidden here, too. */
import type { AlertView, AlertDetail as WholeAlert } from '../../alert/describe.ts'
import type { AlertDetail, AlertRow } from '../shapes/alerts.ts'
import { runbookSteps } from './runbook.ts'
import type { TextMask } from './text-mask.ts'

/** An alert in a list. */
export function alertRow(view: AlertView, mask: TextMask): AlertRow {
  const { id, kind, level, state, status, outcome, assignee, quiet, rule, threat, tags, risk, because } = view
  return {
    id,
    kind,
    level,
    state,
    status,
    outcome,
    assignee: assignee === null ? null : mask.colleague(assignee),
    quiet: quiet === null ? null : quietFor(quiet, mask),
    title: mask.quoting(view.title, because),
    summary: mask.quoting(view.summary, because),
    rule,
    entity: { field: view.entity.field, value: mask.value(view.entity.field, view.entity.value) },
    threat,
    tags: [...tags],
    workspaces: [...view.workspaces],
    actors: view.actors.map(mask.who),
    assets: view.assets.map(mask.text),
    risk: risk === null ? null : { score: risk.score, tactics: [...risk.tactics] },
    findings: view.findings,
    events: view.events,
    firstTime: view.firstTime,
    lastTime: view.lastTime,
    created: view.created,
    updated: view.updated,
    resolved: view.resolved,
  }
}

/** An alert in full. `alerts` are those of an incident that the asker may see. */
export function alertDetail(
  whole: WholeAlert,
  mask: TextMask,
  queries: readonly { readonly title: string; readonly sql: string }[],
): AlertDetail {
  const row = alertRow(whole, mask)
  const { field, value } = row.entity
  const [firstMs, lastMs] = [Date.parse(row.firstTime), Date.parse(row.lastTime)]
  return {
    ...row,
    duplicateOf: whole.duplicateOf,
    because: whole.because.map(mask.reason),
    history: whole.history.map(({ time, who, what, from, to, why }) => ({
      time,
      who: mask.colleague(who),
      what: happened(what, mask),
      from,
      to,
      why: why === null ? null : mask.text(why),
    })),
    findingList: whole.findingList.map(({ id, revision, events, lastTime, summary }) => ({
      id,
      revision,
      events,
      lastTime,
      summary: mask.quoting(summary, whole.because),
    })),
    timeline: whole.timeline.map(({ time, score, title, summary }) => ({
      time,
      score,
      title: mask.quoting(title, whole.because),
      summary: mask.quoting(summary, whole.because),
    })),
    alerts: whole.alerts.map((each) => alertRow(each, mask)),
    runbook: runbookSteps(queries, { ...subjectOf(field, value), firstMs, lastMs }),
  }
}

/** Why nobody was told; a silence names who made it. */
function quietFor(quiet: string, mask: TextMask): string {
  const [, person, why] = /^silenced by (.*?): ([\s\S]*)$/.exec(quiet) ?? []
  return person === undefined ? mask.text(quiet) : `silenced by ${mask.colleague(person)}: ${mask.text(why ?? '')}`
}

/** A line of history; some name a person. */
function happened(what: string, mask: TextMask): string {
  const [, deed, person] = /^(assigned to|taken from) ([\s\S]*)$/.exec(what) ?? []
  return person === undefined ? mask.text(what) : `${deed} ${mask.colleague(person)}`
}

/** Incidents call what they are about `actor` or `asset`; an asset is written `type:name`. */
const subjectOf = (field: string, value: string): { entity: string; entityField: string } =>
  field === 'asset'
    ? { entity: value.slice(value.indexOf(':') + 1), entityField: 'targets.name' }
    : { entity: value, entityField: field }
