/** What is to be told finds its way: each alert takes the routes that fit it, and waits there for its group, its hour, or its digest. */
import type { MessageAction } from '../deliver/message.ts'
import { type Alert, alertById, BRICKTRAIL, isOpenAlert, notice, remember } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { isWithin, nextAt } from './clock.ts'
import { fingerprint } from './identity.ts'
import { type Labels, labelsOf, matches, type Surroundings } from './match.ts'
import { messageAbout, messageAboutSeveral, type Telling } from './message.ts'
import type { Quiet } from './quiet.ts'
import type { Route } from './settings-routes.ts'
import { finished, send } from './told.ts'

/** What routing works with. */
export interface Routing {
  readonly routes: readonly Route[]
  readonly surroundings: Surroundings
  readonly quiet: Quiet
  readonly telling: Telling
}

interface Notice {
  readonly seq: number
  readonly alertId: string
  readonly action: 'opened' | 'updated' | 'acknowledged' | 'resolved' | 'reopened'
  readonly urgent: number
  readonly note: string | null
}

/** Groups of digests are called so. */
export const DIGEST_GROUP = 'digest'

/** Sends every notice on its way. To be called within a transaction. */
export function route(file: AlertsFile, routing: Routing): void {
  rerouted(file, routing)
  const notices = file.all<Notice>('SELECT seq, alert_id AS alertId, action, urgent, note FROM notices ORDER BY seq')
  for (const each of notices) {
    const alert = alertById(file, each.alertId)
    if (alert === undefined) continue
    if (each.action === 'acknowledged' || each.action === 'resolved') finish(file, alert, each, routing)
    else if (isOpenAlert(alert)) begin(file, alert, each, routing)
  }
  file.run('DELETE FROM notices')
}

/** What waits on a route that is no more is routed anew. */
function rerouted(file: AlertsFile, { routes, telling }: Routing): void {
  const names = JSON.stringify(routes.map(({ name }) => name))
  const lost = file.all<{ alertId: string; action: 'opened' | 'updated' | 'reopened' }>(
    'SELECT alert_id AS alertId, action FROM pending WHERE route NOT IN (SELECT value FROM json_each(?))',
    names,
  )
  for (const { alertId, action } of lost) notice(file, alertId, { action, nowMs: telling.nowMs })
  file.run('DELETE FROM pending WHERE route NOT IN (SELECT value FROM json_each(?))', names)
}

function begin(file: AlertsFile, alert: Alert, { action: what, urgent, note }: Notice, routing: Routing): void {
  // What was quiet so far is news to everybody.
  const isNews = alert.quiet !== null && what === 'updated'
  const action = isNews ? 'opened' : what
  const { nowMs } = routing.telling
  const labels = labelsOf(alert, routing.surroundings)
  const reason = routing.quiet.reason(alert, labels)
  if (reason !== undefined) {
    keepQuiet(file, alert, reason, nowMs)
    return
  }
  if (alert.quiet !== null) file.run('UPDATE alerts SET quiet = NULL WHERE id = ?', alert.id)
  for (const each of routing.routes) {
    if (!matches(each.when, labels) || (each.hours !== undefined && !isWithin(nowMs, each.hours))) continue
    const group = groupOf(file, each, alert, labels)
    const dueMs = dueOf(file, each, group, urgent === 1 || isNews, nowMs)
    file.run(
      `INSERT INTO pending (route, alert_id, action, group_key, since_ms, due_ms, note) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET due_ms = min(due_ms, excluded.due_ms), note = coalesce(excluded.note, note),
         action = CASE WHEN action = 'opened' OR excluded.action = 'updated' THEN action ELSE excluded.action END`,
      each.name,
      alert.id,
      action,
      group,
      nowMs,
      dueMs,
      note,
    )
    if (each.isLast) break
  }
}

/** Takes note that nobody is told. */
export function keepQuiet(file: AlertsFile, alert: Alert, reason: string, nowMs: number): void {
  if (alert.quiet === reason) return
  file.run('UPDATE alerts SET quiet = ? WHERE id = ?', reason, alert.id)
  remember(file, alert.id, {
    atMs: nowMs,
    who: BRICKTRAIL,
    what: 'kept quiet',
    from: alert.state,
    to: alert.state,
    why: reason,
  })
}

function groupOf(file: AlertsFile, { by, digest }: Route, alert: Alert, labels: Labels): string {
  if (digest !== undefined) return DIGEST_GROUP
  return by.length === 0
    ? alert.id
    : fingerprint(
        file,
        by.map((label) => labels[label].join('\n')),
      )
}

function dueOf(file: AlertsFile, to: Route, group: string, isUrgent: boolean, nowMs: number): number {
  if (to.digest !== undefined) return nextAt(nowMs, to.digest.minute, to.digest.timeZone)
  const last = file.first<{ lastMs: number }>(
    'SELECT last_ms AS lastMs FROM groups WHERE route = ? AND group_key = ?',
    to.name,
    group,
  )?.lastMs
  const soonest = nowMs + to.waitMs
  return last === undefined || (isUrgent && to.by.length === 0) ? soonest : Math.max(soonest, last + to.intervalMs)
}

/** Tells everybody who was told of an alert that somebody has it, or that it is over. */
function finish(file: AlertsFile, alert: Alert, { action, note }: Notice, { telling }: Routing): void {
  if (action !== 'acknowledged' && action !== 'resolved') return
  // By now it may be open again; then that is told.
  if (action === 'resolved' && isOpenAlert(alert)) return
  file.run('DELETE FROM escalations WHERE alert_id = ?', alert.id)
  if (action === 'resolved') file.run('DELETE FROM pending WHERE alert_id = ?', alert.id)
  for (const { destination, dedupKey, alerts } of finished(file, alert.id, action)) {
    const all = alerts.flatMap((id) => alertById(file, id) ?? [])
    const to: { action: MessageAction; dedupKey: string; note?: string } = {
      action,
      dedupKey,
      ...(note === null ? {} : { note }),
    }
    const message =
      all.length === 1
        ? messageAbout(file, alert, to, telling)
        : messageAboutSeveral(all, { action, dedupKey }, telling)
    send(file, message, { to: [destination], weight: alert.level, nowMs: telling.nowMs })
  }
}
