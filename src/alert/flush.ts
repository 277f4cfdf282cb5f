/** What is due is told: groups as one message, digests, what was held back by a limit, and escalations. */
import type { MessageAction } from '../deliver/message.ts'
import { type Alert, alertById, BRICKTRAIL, isOpenAlert, remember } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { fingerprint } from './identity.ts'
import { labelsOf } from './match.ts'
import { messageAbout, messageAboutSeveral } from './message.ts'
import { DIGEST_GROUP, keepQuiet, type Routing } from './route.ts'
import type { Route } from './settings-routes.ts'
import { isUnclaimed } from './state.ts'
import { noteTold, send } from './told.ts'

interface Waiting {
  readonly alert: Alert
  readonly action: 'opened' | 'updated' | 'reopened'
  readonly note: string | null
}

/** A message in the making. */
interface Parcel {
  readonly group: string
  readonly items: readonly Waiting[]
}

/** Tells what is due. To be called within a transaction. */
export function flush(file: AlertsFile, routing: Routing): void {
  for (const each of routing.routes) flushRoute(file, each, routing)
  escalate(file, routing)
}

/** When something is due next, Unix ms; undefined if nothing waits. */
export function nextDueMs(file: AlertsFile): number | undefined {
  const row = file.first<{ due: number | null }>(
    'SELECT min(due) AS due FROM (SELECT min(due_ms) AS due FROM pending UNION ALL SELECT min(due_ms) FROM escalations)',
  )
  return row?.due ?? undefined
}

function flushRoute(file: AlertsFile, each: Route, routing: Routing): void {
  const { nowMs } = routing.telling
  const due = file.all<{ group: string }>(
    'SELECT group_key AS "group" FROM pending WHERE route = ? GROUP BY group_key HAVING min(due_ms) <= ? ORDER BY group_key',
    each.name,
    nowMs,
  )
  if (due.length === 0) return
  const parcels = due
    .map(({ group }) => ({ group, items: itemsOf(file, each.name, group, routing) }))
    .filter(({ items }) => items.length > 0)
    .sort((a, b) => levelIn(b) - levelIn(a) || (a.group < b.group ? -1 : 1))
  const room = roomOf(file, each, nowMs)
  if (parcels.length > 0 && room === 0) {
    holdBack(file, each, nowMs)
    return
  }
  const single = parcels.length > room ? parcels.slice(0, room - 1) : parcels
  const rest = parcels.slice(single.length)
  for (const parcel of single) tell(file, each, parcel, dedupKeyOf(file, each, parcel, nowMs), routing)
  if (rest.length === 0) return
  const together = { group: 'overflow', items: rest.flatMap(({ items }) => items) }
  tell(file, each, together, fingerprint(file, ['overflow', each.name, nowMs]), routing)
}

const levelIn = ({ items }: Parcel): number => Math.max(...items.map(({ alert }) => alert.level))

/** Alerts of a group; what is over or quiet by now is taken out. */
function itemsOf(file: AlertsFile, name: string, group: string, { quiet, surroundings, telling }: Routing): Waiting[] {
  const rows = file.all<{ alertId: string; action: Waiting['action']; note: string | null }>(
    'SELECT alert_id AS alertId, action, note FROM pending WHERE route = ? AND group_key = ? ORDER BY since_ms, alert_id',
    name,
    group,
  )
  return rows.flatMap(({ alertId, action, note }) => {
    const alert = alertById(file, alertId)
    const reason = alert === undefined ? undefined : quiet.reason(alert, labelsOf(alert, surroundings))
    if (alert !== undefined && isOpenAlert(alert) && reason === undefined) return [{ alert, action, note }]
    if (alert !== undefined && reason !== undefined) keepQuiet(file, alert, reason, telling.nowMs)
    file.run('DELETE FROM pending WHERE route = ? AND alert_id = ?', name, alertId)
    return []
  })
}

function roomOf(file: AlertsFile, { name, limit }: Route, nowMs: number): number {
  if (limit === undefined) return Number.MAX_SAFE_INTEGER
  file.run('DELETE FROM sent WHERE route = ? AND at_ms <= ?', name, nowMs - limit.perMs)
  const sent = file.first<{ n: number }>('SELECT count(*) AS n FROM sent WHERE route = ?', name)?.n ?? 0
  return Math.max(0, limit.messages - sent)
}

function holdBack(file: AlertsFile, { name, limit }: Route, nowMs: number): void {
  const oldest = file.first<{ atMs: number | null }>('SELECT min(at_ms) AS atMs FROM sent WHERE route = ?', name)?.atMs
  const againMs = (oldest ?? nowMs) + (limit?.perMs ?? 0)
  file.run('UPDATE pending SET due_ms = ? WHERE route = ? AND due_ms <= ?', againMs, name, nowMs)
}

/** What a destination tells repeats by: the alert, or its group; each digest is one of its own. */
function dedupKeyOf(file: AlertsFile, { by, name, digest }: Route, { group }: Parcel, nowMs: number): string {
  if (digest !== undefined || group === DIGEST_GROUP) return fingerprint(file, [DIGEST_GROUP, name, nowMs])
  return by.length === 0 ? group : fingerprint(file, ['group', name, group])
}

function tell(file: AlertsFile, each: Route, { group, items }: Parcel, dedupKey: string, routing: Routing): void {
  const { telling } = routing
  const { nowMs } = telling
  const alerts = items.map(({ alert }) => alert)
  const action = actionOf(file, each, dedupKey, items)
  const [only] = alerts
  const message =
    alerts.length === 1 && only !== undefined
      ? messageAbout(file, only, { action, dedupKey, note: items[0]?.note ?? undefined }, telling)
      : messageAboutSeveral(alerts, { action, dedupKey }, telling)
  send(file, message, { to: each.to, weight: Math.max(...alerts.map(({ level }) => level)), nowMs })
  const ids = alerts.map(({ id }) => id)
  // Digests and what was held back are for reading: only where they opened something they are to be closed.
  const isForReading = each.digest !== undefined || group === 'overflow'
  noteTold(file, isForReading ? each.keepOpen : each.to, dedupKey, ids)
  if (each.limit !== undefined) file.run('INSERT INTO sent (route, at_ms) VALUES (?, ?)', each.name, nowMs)
  for (const { alert, action: what } of items) {
    const groupKey = group === 'overflow' ? (each.by.length === 0 ? alert.id : group) : group
    file.run('DELETE FROM pending WHERE route = ? AND alert_id = ?', each.name, alert.id)
    file.run(
      'INSERT INTO groups (route, group_key, last_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last_ms = excluded.last_ms',
      each.name,
      groupKey,
      nowMs,
    )
    const { state } = alert
    if (each.to.length > 0)
      remember(file, alert.id, {
        atMs: nowMs,
        who: BRICKTRAIL,
        what: 'told',
        from: state,
        to: state,
        why: `${what}, to ${each.to.join(', ')}`,
      })
    if (what !== 'updated' && isUnclaimed(state)) beginEscalations(file, each, alert.id, nowMs)
  }
}

function actionOf(file: AlertsFile, each: Route, dedupKey: string, items: readonly Waiting[]): MessageAction {
  const [first] = items
  if (items.length === 1 && first !== undefined && each.by.length === 0) return first.action
  const [destination = ''] = each.to
  const isKnown =
    file.first(
      'SELECT 1 FROM told WHERE destination = ? AND dedup_key = ? AND done IS NULL LIMIT 1',
      destination,
      dedupKey,
    ) !== undefined
  if (isKnown) return 'updated'
  return items.every(({ action }) => action === 'updated') ? 'updated' : 'opened'
}

function beginEscalations(file: AlertsFile, each: Route, alert: string, nowMs: number): void {
  for (const [step, { afterMs, times }] of each.escalations.entries())
    file.run(
      `INSERT INTO escalations (alert_id, route, step, due_ms, times) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      alert,
      each.name,
      step,
      nowMs + afterMs,
      times,
    )
}

/** How long a quiet alert's escalation is put off. */
const QUIET_RETRY_MS = 60_000

function escalate(file: AlertsFile, { routes, quiet, surroundings, telling }: Routing): void {
  const { nowMs } = telling
  const due = file.all<{ alertId: string; name: string; step: number; times: number }>(
    'SELECT alert_id AS alertId, route AS name, step, times FROM escalations WHERE due_ms <= ? ORDER BY due_ms, alert_id, step',
    nowMs,
  )
  for (const { alertId, name, step, times } of due) {
    const alert = alertById(file, alertId)
    const escalation = routes.find((each) => each.name === name)?.escalations[step]
    const isNeeded = alert !== undefined && isUnclaimed(alert.state) && escalation !== undefined
    const next = (dueMs: number, left: number) =>
      file.run(
        'UPDATE escalations SET due_ms = ?, times = ? WHERE alert_id = ? AND route = ? AND step = ?',
        dueMs,
        left,
        alertId,
        name,
        step,
      )
    if (isNeeded && quiet.reason(alert, labelsOf(alert, surroundings)) !== undefined) {
      next(nowMs + QUIET_RETRY_MS, times)
      continue
    }
    if (isNeeded) {
      const message = messageAbout(file, alert, { action: 'escalated', dedupKey: alert.id }, telling)
      send(file, message, { to: escalation.to, weight: alert.level, nowMs })
      noteTold(file, escalation.to, alert.id, [alert.id])
      const { state } = alert
      const why = `nobody took it on; to ${escalation.to.join(', ')}`
      remember(file, alert.id, { atMs: nowMs, who: BRICKTRAIL, what: 'escalated', from: state, to: state, why })
    }
    if (isNeeded && escalation.repeatMs !== undefined && times > 1) next(nowMs + escalation.repeatMs, times - 1)
    else file.run('DELETE FROM escalations WHERE alert_id = ? AND route = ? AND step = ?', alertId, name, step)
  }
}
