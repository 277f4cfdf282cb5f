/** Risk that is too much becomes one incident, which gathers what comes until somebody resolves it. */
import { type Alert, alertById, BRICKTRAIL, isOpenAlert, newestOfKey, notice, remember } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { alertId, incidentKey } from './identity.ts'
import { factsOf, type IncidentRow, levelOf } from './incident-facts.ts'
import { isStillQuiet, type Lasting } from './lasting.ts'
import { withdraw } from './renew.ts'
import { type Reckoned, type RiskKind, type RiskRow, type RiskScores, reckoned, WEEK_MS } from './risk.ts'
import { isUnclaimed } from './state.ts'

/** What reckoning came to. */
export interface Reckonings {
  readonly opened: number
  readonly updated: number
}

/** Looks anew at everybody whose risk changed. To be called within a transaction. */
export function reckon(
  file: AlertsFile,
  { scores, lasting, nowMs }: { readonly scores: RiskScores; readonly lasting: Lasting; readonly nowMs: number },
): Reckonings {
  let [opened, updated] = [0, 0]
  const objects = file.all<{ kind: RiskKind; object: string; fromMs: number }>(
    'SELECT kind, object, from_ms AS fromMs FROM to_reckon ORDER BY kind, object',
  )
  for (const each of objects) {
    const what = reckonOne(file, each, { scores, lasting, nowMs })
    if (what === 'opened') opened += 1
    if (what === 'updated') updated += 1
  }
  file.run('DELETE FROM to_reckon')
  return { opened, updated }
}

interface Context {
  readonly scores: RiskScores
  readonly lasting: Lasting
  readonly nowMs: number
}

function reckonOne(
  file: AlertsFile,
  { kind, object, fromMs }: { readonly kind: RiskKind; readonly object: string; readonly fromMs: number },
  context: Context,
): 'opened' | 'updated' | undefined {
  const { scores, lasting, nowMs } = context
  const key = incidentKey(kind, object)
  const newest = newestOfKey(file, key)
  const open = newest !== undefined && isOpenAlert(newest) ? newest : undefined
  const rows = rowsOf(file, { kind, object, fromMs: Math.min(fromMs, open?.firstMs ?? fromMs) - WEEK_MS }, open?.id)
  const whole = reckoned(rows.map(riskRow), scores)
  const startMs = whole.fromMs ?? (open !== undefined && !isUnclaimed(open.state) ? open.firstMs : undefined)
  if (startMs === undefined) {
    if (open !== undefined) end(file, open, nowMs)
    return undefined
  }
  const own = rows.filter(({ timeMs }) => timeMs >= startMs)
  if (own.length === 0) return undefined
  if (newest !== undefined && open === undefined && isStillQuiet(file, newest, lasting, nowMs)) {
    assign(file, newest.id, kind, object, own)
    file.run('UPDATE alerts SET counted = counted + ?, updated_ms = ? WHERE id = ?', own.length, nowMs, newest.id)
    return undefined
  }
  const revived = newest?.outcome === 'withdrawn' ? newest : undefined
  const before = open ?? revived
  const id = before?.id ?? alertId(file, key, (newest?.n ?? 0) + 1)
  if (before === undefined) make(file, id, key, (newest?.n ?? 0) + 1, nowMs)
  if (open !== undefined) file.run('UPDATE risks SET incident_id = NULL WHERE incident_id = ?', open.id)
  assign(file, id, kind, object, own)
  // Of its own rows alone: how far back was looked depends on what was touched, and what came before is no part of it.
  const sum = reckoned(own.map(riskRow), scores)
  return write(file, id, { kind, object, own, sum, before: open }, context)
}

function rowsOf(
  file: AlertsFile,
  { kind, object, fromMs }: { readonly kind: RiskKind; readonly object: string; readonly fromMs: number },
  incident: string | undefined,
): IncidentRow[] {
  return file.all<IncidentRow>(
    `SELECT r.finding_id AS finding, r.rule_id AS rule, r.alert_id AS alert, r.score, r.time_ms AS timeMs, r.tactics, f.events,
      f.facts ->> 'title' AS title, f.facts ->> 'workspaces' AS workspaces
     FROM risks r JOIN alerts a ON a.id = r.alert_id JOIN findings f ON f.id = r.finding_id AND f.alert_id = r.alert_id
     WHERE r.kind = ? AND r.object = ? AND r.time_ms > ? AND (r.incident_id IS NULL OR r.incident_id = ?)
       AND (a.state <> 'resolved' OR a.outcome = 'true_positive')
     ORDER BY r.time_ms, r.finding_id`,
    kind,
    object,
    fromMs,
    incident ?? null,
  )
}

const riskRow = (row: IncidentRow): RiskRow => ({ ...row, tactics: JSON.parse(row.tactics) as string[] })

/** An incident that nobody took on ends where what it was made of turns out to be less. */
function end(file: AlertsFile, open: Alert, nowMs: number): void {
  file.run('UPDATE risks SET incident_id = NULL WHERE incident_id = ?', open.id)
  withdraw(file, open, nowMs, 'What it was made of turned out to be less.')
}

function assign(file: AlertsFile, id: string, kind: RiskKind, object: string, rows: readonly IncidentRow[]): void {
  for (const { finding } of rows)
    file.run(
      'UPDATE risks SET incident_id = ? WHERE finding_id = ? AND kind = ? AND object = ?',
      id,
      finding,
      kind,
      object,
    )
}

function make(file: AlertsFile, id: string, key: string, n: number, nowMs: number): void {
  file.run(
    `INSERT INTO alerts (id, kind, key, n, state, level, facts, first_ms, last_ms, findings, events, created_ms, updated_ms)
     VALUES (?, 'incident', ?, ?, 'new', 0, '{}', 0, 0, 0, 0, ?, ?)`,
    id,
    key,
    n,
    nowMs,
    nowMs,
  )
}

interface Written {
  readonly kind: RiskKind
  readonly object: string
  readonly own: readonly IncidentRow[]
  readonly sum: Reckoned
  /** As it was, where it was open already. */
  readonly before: Alert | undefined
}

function write(
  file: AlertsFile,
  id: string,
  { kind, object, own, sum, before }: Written,
  { lasting, nowMs }: Context,
): 'opened' | 'updated' | undefined {
  const facts = factsOf(kind, object, own, sum)
  const level = levelOf(sum)
  const [firstMs, lastMs] = [own[0]?.timeMs ?? nowMs, own.at(-1)?.timeMs ?? nowMs]
  const isHistory = nowMs - lastMs > lasting.historyMs
  file.run(
    `UPDATE alerts SET facts = ?, level = ?, first_ms = ?, last_ms = ?, findings = ?, events = ?, updated_ms = ? WHERE id = ?`,
    JSON.stringify(facts),
    level,
    firstMs,
    lastMs,
    own.length,
    own.reduce((total, { events }) => total + events, 0),
    nowMs,
    id,
  )
  const whole = kind === 'asset' ? actorIncidentOf(file, own) : undefined
  if (before === undefined) return begin(file, id, { why: facts.summary, whole, isHistory, nowMs })
  const isRaised = level > before.level
  if (own.length <= before.findings && !isRaised) return undefined
  if (!isHistory && whole === undefined) notice(file, id, { action: 'updated', nowMs, urgent: isRaised })
  return 'updated'
}

function begin(
  file: AlertsFile,
  id: string,
  { why, whole, isHistory, nowMs }: { why: string; whole: string | undefined; isHistory: boolean; nowMs: number },
): 'opened' {
  const from = alertById(file, id)?.state ?? 'new'
  const quiet = whole === undefined ? (isHistory ? 'history' : null) : `part of incident ${whole}`
  file.run("UPDATE alerts SET state = 'new', outcome = NULL, resolved_ms = NULL, quiet = ? WHERE id = ?", quiet, id)
  remember(file, id, { atMs: nowMs, who: BRICKTRAIL, what: 'opened', from, to: 'new', why })
  if (quiet === null) notice(file, id, { action: 'opened', nowMs })
  return 'opened'
}

/** The open incident of one actor that holds all of these rows: who did it says what it was done to, so it is told once. */
function actorIncidentOf(file: AlertsFile, own: readonly IncidentRow[]): string | undefined {
  const row = file.first<{ id: string }>(
    `SELECT r.incident_id AS id FROM risks r JOIN alerts a ON a.id = r.incident_id
     WHERE r.kind = 'actor' AND a.state <> 'resolved' AND r.finding_id IN (SELECT value FROM json_each(?))
     GROUP BY r.incident_id HAVING count(*) = ?`,
    JSON.stringify(own.map(({ finding }) => finding)),
    own.length,
  )
  return row?.id
}

/** One line of what happened, for who looks into an incident. */
export interface TimelineEntry {
  readonly timeMs: number
  readonly finding: string
  readonly alert: string
  readonly title: string
  readonly summary: string
  readonly score: number
  readonly tactics: readonly string[]
}

/** What an incident is made of, in the order of time. */
export function timelineOf(file: AlertsFile, incident: string, most: number): TimelineEntry[] {
  const rows = file.all<Omit<TimelineEntry, 'tactics'> & { tactics: string }>(
    `SELECT r.time_ms AS timeMs, r.finding_id AS finding, r.alert_id AS alert, f.facts ->> 'title' AS title, f.facts ->> 'summary' AS summary,
      r.score, r.tactics
     FROM risks r JOIN findings f ON f.id = r.finding_id AND f.alert_id = r.alert_id
     WHERE r.incident_id = ? ORDER BY r.time_ms, r.finding_id LIMIT ?`,
    incident,
    most,
  )
  return rows.map((row) => ({ ...row, tactics: JSON.parse(row.tactics) as string[] }))
}
