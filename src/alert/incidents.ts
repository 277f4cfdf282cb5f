/** Risk that is too much becomes one incident, which gathers what comes until somebody resolves it. */
import { LEVELS } from '../detect/sigma/rule.ts'
import {
  type Alert,
  type AlertFacts,
  alertById,
  BRICKTRAIL,
  isOpenAlert,
  newestOfKey,
  notice,
  remember,
} from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { isStillQuiet, type Lasting, withdraw } from './gather.ts'
import { alertId, incidentKey } from './identity.ts'
import { type Reckoned, type RiskKind, type RiskRow, type RiskScores, reckoned, WEEK_MS } from './risk.ts'
import { isUnclaimed } from './state.ts'

interface Row extends Omit<RiskRow, 'tactics'> {
  readonly tactics: string
  readonly alert: string
  readonly title: string
  readonly workspaces: string
  readonly events: number
}

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
  const sum = reckoned(rows.map(riskRow), scores)
  const begin = sum.fromMs ?? (open !== undefined && !isUnclaimed(open.state) ? open.firstMs : undefined)
  if (begin === undefined) {
    if (open !== undefined) end(file, open, nowMs)
    return undefined
  }
  const own = rows.filter(({ timeMs }) => timeMs >= begin)
  if (newest !== undefined && open === undefined && isStillQuiet(file, newest, lasting, nowMs)) {
    assign(file, newest.id, kind, object, own)
    file.run('UPDATE alerts SET counted = counted + ?, updated_ms = ? WHERE id = ?', own.length, nowMs, newest.id)
    return undefined
  }
  const revived = newest?.outcome === 'withdrawn' ? newest : undefined
  const before = open ?? revived
  const id = before?.id ?? alertId(key, (newest?.n ?? 0) + 1)
  if (before === undefined) make(file, id, key, (newest?.n ?? 0) + 1, nowMs)
  if (open !== undefined) file.run('UPDATE risks SET incident_id = NULL WHERE incident_id = ?', open.id)
  assign(file, id, kind, object, own)
  return write(file, id, { kind, object, own, sum, before: open }, context)
}

function rowsOf(
  file: AlertsFile,
  { kind, object, fromMs }: { readonly kind: RiskKind; readonly object: string; readonly fromMs: number },
  incident: string | undefined,
): Row[] {
  return file.all<Row>(
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

const riskRow = (row: Row): RiskRow => ({ ...row, tactics: JSON.parse(row.tactics) as string[] })

/** An incident that nobody took on ends where what it was made of turns out to be less. */
function end(file: AlertsFile, open: Alert, nowMs: number): void {
  file.run('UPDATE risks SET incident_id = NULL WHERE incident_id = ?', open.id)
  withdraw(file, open, nowMs, 'What it was made of turned out to be less.')
}

function assign(file: AlertsFile, id: string, kind: RiskKind, object: string, rows: readonly Row[]): void {
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
  readonly own: readonly Row[]
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
  if (before === undefined) {
    const from = alertById(file, id)?.state ?? 'new'
    file.run(
      "UPDATE alerts SET state = 'new', outcome = NULL, resolved_ms = NULL, quiet = ? WHERE id = ?",
      whole === undefined ? (isHistory ? 'history' : null) : `part of incident ${whole}`,
      id,
    )
    remember(file, id, { atMs: nowMs, who: BRICKTRAIL, what: 'opened', from, to: 'new', why: facts.summary })
    if (!isHistory && whole === undefined) notice(file, id, { action: 'opened', nowMs })
    return 'opened'
  }
  const isRaised = level > before.level
  if (own.length <= before.findings && !isRaised) return undefined
  if (!isHistory && whole === undefined) notice(file, id, { action: 'updated', nowMs, urgent: isRaised })
  return 'updated'
}

/** The open incident of one actor that holds all of these rows: who did it says what it was done to, so it is told once. */
function actorIncidentOf(file: AlertsFile, own: readonly Row[]): string | undefined {
  const row = file.first<{ id: string }>(
    `SELECT r.incident_id AS id FROM risks r JOIN alerts a ON a.id = r.incident_id
     WHERE r.kind = 'actor' AND a.state <> 'resolved' AND r.finding_id IN (SELECT value FROM json_each(?))
     GROUP BY r.incident_id HAVING count(*) = ?`,
    JSON.stringify(own.map(({ finding }) => finding)),
    own.length,
  )
  return row?.id
}

/** Bounds of scores for the levels above `medium`. */
const CRITICAL_SCORE = 500
const HIGH_SCORE = 250

function levelOf({ score, isBroad }: Reckoned): number {
  const level = score >= CRITICAL_SCORE ? 'critical' : score >= HIGH_SCORE || isBroad ? 'high' : 'medium'
  return LEVELS.indexOf(level)
}

/** Rules that are named with what they added. */
const RULES_NAMED = 10

/** Alerts and workspaces an incident names; the rest is found by its timeline. */
const MOST_NAMED = 200

function factsOf(kind: RiskKind, object: string, own: readonly Row[], { score, isBroad }: Reckoned): AlertFacts {
  const tactics = unique(own.flatMap(({ tactics: text }) => JSON.parse(text) as string[]))
  const rules = new Map<string, { title: string; score: number; findings: number }>()
  for (const row of own) {
    const before = rules.get(row.rule)
    rules.set(row.rule, {
      title: row.title,
      score: (before?.score ?? 0) + row.score,
      findings: (before?.findings ?? 0) + 1,
    })
  }
  const heaviest = [...rules.values()].sort((a, b) => b.score - a.score || (a.title < b.title ? -1 : 1))
  const broad = isBroad ? `, ${tactics.length} tactics by ${rules.size} rules within 7 days` : ''
  const alerts = unique(own.map(({ alert }) => alert)).slice(0, MOST_NAMED)
  return {
    title: `Risk of ${object}`,
    summary: `${object} came to a risk of ${rounded(score)} within 24 hours${broad}.`,
    ruleId: 'bricktrail-risk',
    ruleName: 'bricktrail-risk',
    ruleTitle: 'Risk adds up',
    tags: tactics.map((tactic) => `attack.${tactic}`),
    entityField: kind,
    entity: object,
    workspaces: unique(own.flatMap(({ workspaces }) => JSON.parse(workspaces) as string[])).slice(0, MOST_NAMED),
    actors: kind === 'actor' ? [object] : [],
    assets: kind === 'asset' ? [object] : [],
    because: heaviest
      .slice(0, RULES_NAMED)
      .map((rule) => `${rounded(rule.score)} by ${rule.title} (${rule.findings} findings)`),
    risk: { kind, score: rounded(score), tactics, rules: unique([...rules.keys()]), alerts },
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)].sort()
const rounded = (score: number): number => Math.round(score * 10) / 10

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
