/** What people do with alerts and incidents. Each is one transaction with its line of history. */
import { AppError } from '../core/errors.ts'
import { type Alert, alertById, type NoticeAction, notice, remember } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { reopen as reopenAlert } from './renew.ts'
import { reckonAlert } from './risk.ts'
import { type Deed, isUnclaimed, type OUTCOMES, type State, stateAfter } from './state.ts'

/** Who acts, when, and why. */
export interface Acting {
  readonly who: string
  readonly nowMs: number
  readonly why?: string | undefined
}

/** What it was, as a person can say it. */
export type HumanOutcome = (typeof OUTCOMES)[number]

/** Somebody has seen it. Escalations end. Returns false if that was known. */
export const acknowledge = (file: AlertsFile, alert: Alert, acting: Acting): boolean =>
  step(file, alert, 'acknowledge', acting)

/** Somebody works on it. Returns false if that was known. */
export const start = (file: AlertsFile, alert: Alert, acting: Acting): boolean => step(file, alert, 'start', acting)

/** Opens a resolved alert again. @throws AppError BAD_ARGUMENT for one that is open */
export function reopen(file: AlertsFile, alert: Alert, { who, nowMs, why }: Acting): void {
  file.atOnce(() => {
    const now = current(file, alert)
    if (stateAfter(now.state, 'reopen') === undefined) throw refused(now, 'reopen')
    reopenAlert(file, now, why ?? null, nowMs, who)
    reckonAlert(file, now.id)
  })
}

/**
 * Says what it was. For one that is resolved this corrects the outcome.
 *
 * @returns false if that was its outcome
 * @throws AppError BAD_ARGUMENT for a duplicate of itself, or of a duplicate
 */
export function resolve(
  file: AlertsFile,
  alert: Alert,
  outcome: HumanOutcome,
  { who, nowMs, why, duplicateOf }: Acting & { readonly duplicateOf?: Alert | undefined },
): boolean {
  return file.atOnce(() => {
    const now = current(file, alert)
    const other = outcome === 'duplicate' ? duplicateOf?.id : undefined
    if (other === now.id) throw new AppError('BAD_ARGUMENT', 'An alert is no duplicate of itself.')
    if (now.state === 'resolved' && now.outcome === outcome && now.duplicateOf === (other ?? null)) return false
    file.run(
      `UPDATE alerts SET state = 'resolved', outcome = ?, duplicate_of = ?, resolved_ms = ?, updated_ms = ? WHERE id = ?`,
      outcome,
      other ?? null,
      nowMs,
      nowMs,
      now.id,
    )
    const what = `resolved: ${outcome.replaceAll('_', ' ')}${other === undefined ? '' : ` of ${other}`}`
    remember(file, now.id, { atMs: nowMs, who, what, from: now.state, to: 'resolved', why: why ?? null })
    if (now.state !== 'resolved') told(file, now.id, 'resolved', { who, nowMs, why })
    reckonAlert(file, now.id)
    return true
  })
}

/** Gives it to somebody, or to nobody. Returns false if it was theirs. */
export function assign(file: AlertsFile, alert: Alert, assignee: string | null, { who, nowMs, why }: Acting): boolean {
  return file.atOnce(() => {
    const now = current(file, alert)
    if (now.assignee === assignee) return false
    file.run('UPDATE alerts SET assignee = ?, updated_ms = ? WHERE id = ?', assignee, nowMs, now.id)
    const what = assignee === null ? `taken from ${now.assignee}` : `assigned to ${assignee}`
    remember(file, now.id, { atMs: nowMs, who, what, from: now.state, to: now.state, why: why ?? null })
    return true
  })
}

/** Adds a note to its history. */
export function addNote(file: AlertsFile, alert: Alert, text: string, { who, nowMs }: Acting): void {
  if (text.trim() === '') throw new AppError('BAD_ARGUMENT', 'The note is empty.', { hint: 'Write it in quotes.' })
  file.atOnce(() => {
    const { state, id } = current(file, alert)
    file.run('UPDATE alerts SET updated_ms = ? WHERE id = ?', nowMs, id)
    remember(file, id, { atMs: nowMs, who, what: 'note', from: state, to: state, why: text })
  })
}

const DONE: Partial<Record<State, string>> = { acknowledged: 'acknowledged', 'in progress': 'started' }

function step(file: AlertsFile, alert: Alert, deed: Deed, acting: Acting): boolean {
  return file.atOnce(() => {
    const now = current(file, alert)
    const to = stateAfter(now.state, deed)
    if (to === undefined) throw refused(now, deed)
    if (to === now.state) return false
    const { who, nowMs, why } = acting
    file.run('UPDATE alerts SET state = ?, updated_ms = ? WHERE id = ?', to, nowMs, now.id)
    remember(file, now.id, { atMs: nowMs, who, what: DONE[to] ?? to, from: now.state, to, why: why ?? null })
    if (isUnclaimed(now.state)) told(file, now.id, 'acknowledged', acting)
    return true
  })
}

function told(file: AlertsFile, id: string, action: NoticeAction, { who, nowMs, why }: Acting): void {
  file.run('DELETE FROM escalations WHERE alert_id = ?', id)
  notice(file, id, { action, nowMs, note: why === undefined ? `by ${who}` : `by ${who}: ${why}` })
}

/** As it is now: since it was read another process may have been there. */
function current(file: AlertsFile, alert: Alert): Alert {
  return alertById(file, alert.id) ?? alert
}

function refused({ id, kind, state }: Alert, deed: Deed): AppError {
  const hint =
    state === 'resolved'
      ? `Open it again with \`bricktrail ${kind}s reopen ${id.slice(0, 8)}\` first.`
      : 'Only what is resolved can be opened again.'
  return new AppError('BAD_ARGUMENT', `The ${kind} ${id} is ${state}: ${deed} does nothing to it.`, { hint })
}
