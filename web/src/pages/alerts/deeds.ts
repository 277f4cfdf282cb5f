/** What can be done to an alert, and how it looks right after, before the server has said so. */
import type { AlertDeed, AlertRow } from '../../../../src/serve/shapes/alerts.ts'

/** Words of {@link AlertDeed}. */
export type DeedName = AlertDeed['deed']

/** What a person can say an alert was, in the order of the dialog. */
export const OUTCOME_CHOICES = [
  { value: 'true_positive', label: 'True positive', meaning: 'It happened, and it was bad.' },
  { value: 'benign', label: 'Benign', meaning: 'It happened, and it was allowed. Quiet for a day.' },
  { value: 'false_positive', label: 'False positive', meaning: 'The rule was wrong. Quiet for a week.' },
  { value: 'duplicate', label: 'Duplicate', meaning: 'Another alert tells the same.' },
] as const

/** One of {@link OUTCOME_CHOICES}. */
export type OutcomeValue = (typeof OUTCOME_CHOICES)[number]['value']

const UNCLAIMED = ['new', 'reopened']

/** Why a deed cannot be done to an alert as it stands; null where it can. The server has the last word. */
export function whyNot(alert: Pick<AlertRow, 'state' | 'kind'>, deed: DeedName): string | null {
  const resolved = alert.state === 'resolved'
  if (deed === 'reopen') return resolved ? null : `This ${alert.kind} is open.`
  if (deed === 'acknowledge') {
    if (resolved) return 'It is resolved. Reopen it first.'
    return UNCLAIMED.includes(alert.state) ? null : 'It is acknowledged already.'
  }
  if (deed === 'start') {
    if (resolved) return 'It is resolved. Reopen it first.'
    return alert.state === 'in progress' ? 'It is in progress already.' : null
  }
  return null
}

const STATE_AFTER: Partial<Record<DeedName, string>> = {
  acknowledge: 'acknowledged',
  start: 'in progress',
  resolve: 'resolved',
  reopen: 'reopened',
}

/** The alert as it is expected to be after a deed. Its history is left to the server. */
export function afterDeed<T extends AlertRow>(alert: T, deed: AlertDeed, now: string): T {
  if (whyNot(alert, deed.deed) !== null) return alert
  const state = STATE_AFTER[deed.deed] ?? alert.state
  const changed = { ...alert, state, updated: now, status: state }
  if (deed.deed === 'assign') return { ...changed, status: alert.status, assignee: deed.assignee }
  if (deed.deed === 'note') return { ...changed, status: alert.status }
  if (deed.deed === 'resolve') {
    const status = `resolved (${deed.outcome.replaceAll('_', ' ')})`
    return { ...changed, outcome: deed.outcome, status, resolved: now }
  }
  if (deed.deed === 'reopen') return { ...changed, outcome: null, resolved: null }
  return changed
}

const DONE: Record<DeedName, string> = {
  acknowledge: 'Acknowledged',
  start: 'In progress',
  resolve: 'Resolved',
  reopen: 'Reopened',
  assign: 'Assigned',
  note: 'Noted',
}

/** What is said once a deed is done. */
export const saidOf = (deed: AlertDeed): string =>
  deed.deed === 'assign' && deed.assignee === null ? 'Given back' : DONE[deed.deed]
