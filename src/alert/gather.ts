/** Findings become alerts. Whatever the order and the portions they come in, the alerts are the same in the end. */
import { LEVELS, type Level } from '../detect/sigma/rule.ts'
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
import type { FindingRow } from './finding-feed.ts'
import { alertId, alertKey } from './identity.ts'
import { dropRisk, keepRisk, type RiskScores } from './risk.ts'

/** How long what was decided about an alert holds. */
export interface Lasting {
  /** Findings of a key that was found benign, or a false positive, are only counted for so long. */
  readonly quietAfterMs: Readonly<Record<'benign' | 'false_positive', number>>
  /** After it, new evidence for a resolved alert opens another instead. */
  readonly reopenMs: number
  /** Alerts whose evidence is older than this when it is found are listed and not told. */
  readonly historyMs: number
}

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

/** Values of this many findings, the newest, make up what an alert is about. */
const FINDINGS_SHOWN = 20

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

/** Why an alert is looked at anew. */
type Touch = 'opened' | 'reopened' | 'evidence' | 'counted' | 'less'

const STRENGTH: readonly Touch[] = ['less', 'counted', 'evidence', 'reopened', 'opened']

const strongest = (one: Touch | undefined, other: Touch): Touch =>
  one !== undefined && STRENGTH.indexOf(one) > STRENGTH.indexOf(other) ? one : other

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

/** True if new evidence for a resolved alert is only counted. */
export function isStillQuiet(file: AlertsFile, alert: Alert, { quietAfterMs }: Lasting, nowMs: number): boolean {
  const { outcome, resolvedMs, duplicateOf } = alert
  if (outcome === 'benign' || outcome === 'false_positive') return nowMs - (resolvedMs ?? 0) < quietAfterMs[outcome]
  const other = outcome === 'duplicate' && duplicateOf !== null ? alertById(file, duplicateOf) : undefined
  return other !== undefined && isOpenAlert(other)
}

function makeAlert(file: AlertsFile, key: string, n: number, row: FindingRow, nowMs: number): string {
  const id = alertId(key, n)
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

/** Place of a level in the list; a level nobody knows is `medium`. */
export const levelRank = (level: string): number => {
  const rank = LEVELS.indexOf(level as Level)
  return rank < 0 ? LEVELS.indexOf('medium') : rank
}

interface Sum {
  readonly findings: number
  readonly events: number
  readonly level: number
  readonly firstMs: number
  readonly lastMs: number
}

/** Makes an alert anew from its findings, and says what became of it. */
function renew(
  file: AlertsFile,
  id: string,
  why: Touch,
  { lasting, nowMs }: { readonly lasting: Lasting; readonly nowMs: number },
): 'opened' | 'reopened' | 'updated' | undefined {
  const before = alertById(file, id)
  if (before === undefined) return undefined
  const sum = file.first<Sum>(
    `SELECT count(*) AS findings, coalesce(sum(events), 0) AS events, max(level) AS level, min(first_ms) AS firstMs, max(last_ms) AS lastMs
     FROM findings WHERE alert_id = ? AND superseded_by IS NULL`,
    id,
  )
  if (sum === undefined || sum.findings === 0) return withdraw(file, before, nowMs)
  const rows = file.all<{ facts: string }>(
    'SELECT facts FROM findings WHERE alert_id = ? AND superseded_by IS NULL ORDER BY last_ms DESC, id LIMIT ?',
    id,
    FINDINGS_SHOWN,
  )
  file.run(
    `UPDATE alerts SET facts = ?, level = ?, first_ms = ?, last_ms = ?, findings = ?, events = ?, updated_ms = ? WHERE id = ?`,
    JSON.stringify(factsOf(rows.map(({ facts }) => JSON.parse(facts) as Facts))),
    sum.level,
    sum.firstMs,
    sum.lastMs,
    sum.findings,
    sum.events,
    nowMs,
    id,
  )
  const isHistory = nowMs - sum.lastMs > lasting.historyMs
  if (why === 'opened') return open(file, before, { isHistory, nowMs })
  if (why === 'reopened') {
    reopen(file, before, 'New evidence.', nowMs)
    return 'reopened'
  }
  if (why !== 'evidence') return undefined
  const isRaised = sum.level > before.level
  if (isRaised)
    remember(file, id, {
      atMs: nowMs,
      who: BRICKTRAIL,
      what: 'level raised',
      from: before.state,
      to: before.state,
      why: LEVELS[sum.level] ?? null,
    })
  if (!isHistory) notice(file, id, { action: 'updated', nowMs, urgent: isRaised })
  return 'updated'
}

function open(file: AlertsFile, before: Alert, { isHistory, nowMs }: { isHistory: boolean; nowMs: number }): 'opened' {
  file.run(
    "UPDATE alerts SET state = 'new', outcome = NULL, resolved_ms = NULL, quiet = ? WHERE id = ?",
    isHistory ? 'history' : null,
    before.id,
  )
  remember(file, before.id, { atMs: nowMs, who: BRICKTRAIL, what: 'opened', from: before.state, to: 'new', why: null })
  if (!isHistory) notice(file, before.id, { action: 'opened', nowMs })
  return 'opened'
}

/** Opens a resolved alert again. */
export function reopen(file: AlertsFile, before: Alert, why: string | null, nowMs: number, who = BRICKTRAIL): void {
  file.run(
    `UPDATE alerts SET state = 'reopened', outcome = NULL, duplicate_of = NULL, resolved_ms = NULL, quiet = NULL, updated_ms = ? WHERE id = ?`,
    nowMs,
    before.id,
  )
  remember(file, before.id, { atMs: nowMs, who, what: 'reopened', from: before.state, to: 'reopened', why })
  notice(file, before.id, { action: 'reopened', nowMs, note: why ?? undefined })
}

/** An alert of which nothing is left resolves itself. */
export function withdraw(
  file: AlertsFile,
  before: Alert,
  nowMs: number,
  why = 'Its findings turned out to be part of others.',
): undefined {
  file.run('UPDATE alerts SET findings = 0, events = 0, updated_ms = ? WHERE id = ?', nowMs, before.id)
  if (!isOpenAlert(before)) return
  file.run(
    "UPDATE alerts SET state = 'resolved', outcome = 'withdrawn', resolved_ms = ? WHERE id = ?",
    nowMs,
    before.id,
  )
  remember(file, before.id, {
    atMs: nowMs,
    who: BRICKTRAIL,
    what: 'withdrawn',
    from: before.state,
    to: 'resolved',
    why,
  })
  notice(file, before.id, { action: 'resolved', nowMs, note: why })
}

type Facts = Omit<FindingRow, 'id' | 'revision' | 'level' | 'events' | 'firstMs' | 'lastMs' | 'supersededBy'>

/** What an alert is about: words of its newest finding, values of all that are shown. */
function factsOf(facts: readonly Facts[]): AlertFacts {
  const [newest] = facts as [Facts, ...Facts[]]
  const all = (pick: (each: Facts) => readonly string[]) => [...new Set(facts.flatMap(pick))].sort()
  return {
    title: newest.title,
    summary: newest.summary,
    ruleId: newest.ruleId,
    ruleName: newest.ruleName,
    ruleTitle: newest.title,
    ...(newest.threat === null ? {} : { threat: newest.threat }),
    tags: newest.tags,
    entityField: newest.entityField,
    entity: newest.entity,
    workspaces: all(({ workspaces }) => workspaces),
    actors: all(({ actors }) => actors),
    assets: all(({ assets }) => assets),
    because: newest.because,
  }
}
