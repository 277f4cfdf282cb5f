/** Alerts are made anew from their findings whenever these change. */
import { LEVELS, type Level } from '../detect/sigma/rule.ts'
import { type Alert, type AlertFacts, alertById, BRICKTRAIL, isOpenAlert, notice, remember } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import type { FindingRow } from './finding-feed.ts'
import type { Lasting } from './lasting.ts'

/** Values of this many findings, the newest, make up what an alert is about. */
const FINDINGS_SHOWN = 20

/** Why an alert is looked at anew. */
export type Touch = 'opened' | 'reopened' | 'evidence' | 'counted' | 'less'

const STRENGTH: readonly Touch[] = ['less', 'counted', 'evidence', 'reopened', 'opened']

/** Of two reasons the one that says more. */
export const strongest = (one: Touch | undefined, other: Touch): Touch =>
  one !== undefined && STRENGTH.indexOf(one) > STRENGTH.indexOf(other) ? one : other

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
export function renew(
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
  return became(file, before, why, { ...sum, isHistory: nowMs - sum.lastMs > lasting.historyMs, nowMs })
}

/** What there is to say of an alert that was made anew. */
function became(
  file: AlertsFile,
  before: Alert,
  why: Touch,
  { level, isHistory, nowMs }: { readonly level: number; readonly isHistory: boolean; readonly nowMs: number },
): 'opened' | 'reopened' | 'updated' | undefined {
  if (why === 'opened') return open(file, before, { isHistory, nowMs })
  if (why === 'reopened') {
    reopen(file, before, 'New evidence.', nowMs)
    return 'reopened'
  }
  if (why !== 'evidence') return undefined
  const isRaised = level > before.level
  if (isRaised)
    remember(file, before.id, {
      atMs: nowMs,
      who: BRICKTRAIL,
      what: 'level raised',
      from: before.state,
      to: before.state,
      why: LEVELS[level] ?? null,
    })
  if (!isHistory) notice(file, before.id, { action: 'updated', nowMs, urgent: isRaised })
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
