/** Findings become alerts. Whatever the order and the portions they come in, the alerts are the same in the end. */
import { alertById, isOpenAlert, newestOfKey } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import type { FindingRow } from './finding-feed.ts'
import { alertId, alertKey } from './identity.ts'
import { isStillQuiet, type Lasting } from './lasting.ts'
import { levelRank, renew, strongest, type Touch } from './renew.ts'
import { dropRisk, keepRisk, type RiskScores } from './risk.ts'

/** What a page of findings came to. */
export interface Gathered {
  readonly opened: number
  readonly reopened: number
  readonly updated: number
  /** Findings that only added to the count of a resolved alert. */
  readonly counted: number
}

interface Known {
  readonly alertId: string
  readonly revision: number
  readonly events: number
  readonly superseded: number
}

/** Takes findings in. To be called within a transaction. A revision that is known changes nothing. */
export function gather(
  file: AlertsFile,
  rows: readonly FindingRow[],
  { lasting, scores, nowMs }: { readonly lasting: Lasting; readonly scores: RiskScores; readonly nowMs: number },
): Gathered {
  const touched = new Map<string, Touch>()
  let counted = 0
  for (const row of rows) {
    const key = alertKey(row)
    const known = file.first<Known>(
      `SELECT alert_id AS alertId, revision, events, superseded_by IS NOT NULL AS superseded FROM findings WHERE id = ?
       ORDER BY revision DESC LIMIT 1`,
      row.id,
    )
    if (known !== undefined && known.revision >= row.revision) continue
    if (known !== undefined) leave(file, known, key, row, touched)
    const placed = place(file, key, row, known, lasting, nowMs)
    if (placed.why === 'counted') counted += 1
    keepFinding(file, placed.alertId, row)
    if (row.supersededBy === null) keepRisk(file, placed.alertId, row, scores)
    else dropRisk(file, row.id)
    const before = touched.get(placed.alertId)
    if (placed.alertId !== '') touched.set(placed.alertId, strongest(before, placed.why))
  }
  const done = { opened: 0, reopened: 0, updated: 0 }
  for (const [id, why] of touched) {
    const what = renew(file, id, why, { lasting, nowMs })
    if (what !== undefined) done[what] += 1
  }
  return { ...done, counted }
}

/** A finding that is now about somebody else, or that grows after its alert was resolved, leaves or stays as it was. */
function leave(file: AlertsFile, known: Known, key: string, row: FindingRow, touched: Map<string, Touch>): void {
  const before = known.alertId === '' ? undefined : alertById(file, known.alertId)
  if (before === undefined) {
    file.run("DELETE FROM findings WHERE id = ? AND alert_id = ''", row.id)
    return
  }
  if (before.key === key || !(isOpenAlert(before) || before.outcome === 'withdrawn')) return
  file.run('DELETE FROM findings WHERE id = ? AND alert_id = ?', row.id, before.id)
  touched.set(before.id, strongest(touched.get(before.id), 'less'))
}

interface Placed {
  readonly alertId: string
  readonly why: Touch
}

/** The alert a finding belongs to, made where there is none. */
function place(
  file: AlertsFile,
  key: string,
  row: FindingRow,
  known: Known | undefined,
  lasting: Lasting,
  nowMs: number,
): Placed {
  const newest = newestOfKey(file, key)
  if (row.supersededBy !== null) {
    // It stays known, so that an earlier revision that comes late opens nothing.
    const held = known === undefined || known.alertId === '' ? undefined : alertById(file, known.alertId)
    return held?.key === key ? { alertId: held.id, why: 'less' } : { alertId: '', why: 'less' }
  }
  if (newest === undefined) return { alertId: makeAlert(file, key, 1, row, nowMs), why: 'opened' }
  if (known !== undefined && known.superseded === 0 && known.events >= row.events) {
    // Told anew, and no evidence: only its words changed.
    if (alertById(file, known.alertId)?.key === key) return { alertId: known.alertId, why: 'less' }
  }
  if (isOpenAlert(newest)) return { alertId: newest.id, why: 'evidence' }
  if (newest.outcome === 'withdrawn') return { alertId: newest.id, why: 'opened' }
  if (isStillQuiet(file, newest, lasting, nowMs)) {
    file.run('UPDATE alerts SET counted = counted + 1, updated_ms = ? WHERE id = ?', nowMs, newest.id)
    return { alertId: newest.id, why: 'counted' }
  }
  if (nowMs - (newest.resolvedMs ?? 0) < lasting.reopenMs) return { alertId: newest.id, why: 'reopened' }
  return { alertId: makeAlert(file, key, newest.n + 1, row, nowMs), why: 'opened' }
}

function makeAlert(file: AlertsFile, key: string, n: number, row: FindingRow, nowMs: number): string {
  const id = alertId(file, key, n)
  file.run(
    `INSERT INTO alerts (id, kind, key, n, state, level, facts, first_ms, last_ms, findings, events, created_ms, updated_ms)
     VALUES (?, 'alert', ?, ?, 'new', 0, '{}', ?, ?, 0, 0, ?, ?)`,
    id,
    key,
    n,
    row.firstMs,
    row.lastMs,
    nowMs,
    nowMs,
  )
  return id
}

function keepFinding(file: AlertsFile, alert: string, row: FindingRow): void {
  const { id, revision, level, events, firstMs, lastMs, supersededBy, ...facts } = row
  file.run(
    `INSERT INTO findings (id, alert_id, revision, level, events, first_ms, last_ms, superseded_by, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET revision = excluded.revision, level = excluded.level, events = excluded.events, first_ms = excluded.first_ms,
       last_ms = excluded.last_ms, superseded_by = excluded.superseded_by, facts = excluded.facts`,
    id,
    alert,
    revision,
    levelRank(level),
    events,
    firstMs,
    lastMs,
    supersededBy,
    JSON.stringify(facts),
  )
}
