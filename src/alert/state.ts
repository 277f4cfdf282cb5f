/** What can become of an alert, and by what. Design: docs/design/009-alerts.md. */

/** States of an alert or incident. All but `resolved` are open. */
export const STATES = ['new', 'acknowledged', 'in progress', 'resolved', 'reopened'] as const

/** One of {@link STATES}. */
export type State = (typeof STATES)[number]

/** What a person can say it was. */
export const OUTCOMES = ['true_positive', 'benign', 'false_positive', 'duplicate'] as const

/** One of {@link OUTCOMES}; `withdrawn` where the findings themselves turned out to be part of others. */
export type Outcome = (typeof OUTCOMES)[number] | 'withdrawn'

/** What is done to an alert: by people, or, for `evidence` and `withdraw`, by findings. */
export const DEEDS = ['acknowledge', 'start', 'resolve', 'reopen', 'evidence', 'withdraw'] as const

/** One of {@link DEEDS}. */
export type Deed = (typeof DEEDS)[number]

/** A state that is the same after a deed means that the deed changes nothing; a deed without a state cannot be done. */
const AFTER: Readonly<Record<State, Partial<Record<Deed, State>>>> = {
  new: {
    acknowledge: 'acknowledged',
    start: 'in progress',
    resolve: 'resolved',
    evidence: 'new',
    withdraw: 'resolved',
  },
  acknowledged: {
    acknowledge: 'acknowledged',
    start: 'in progress',
    resolve: 'resolved',
    evidence: 'acknowledged',
    withdraw: 'resolved',
  },
  'in progress': {
    acknowledge: 'in progress',
    start: 'in progress',
    resolve: 'resolved',
    evidence: 'in progress',
    withdraw: 'resolved',
  },
  // Resolving again corrects the outcome.
  resolved: { resolve: 'resolved', reopen: 'reopened', evidence: 'reopened' },
  reopened: {
    acknowledge: 'acknowledged',
    start: 'in progress',
    resolve: 'resolved',
    evidence: 'reopened',
    withdraw: 'resolved',
  },
}

/** The state after a deed; undefined where it cannot be done. */
export const stateAfter = (state: State, deed: Deed): State | undefined => AFTER[state][deed]

/** True while something is to be done. */
export const isOpen = (state: State): boolean => state !== 'resolved'

/** True while nobody has taken it on: what is escalated. */
export const isUnclaimed = (state: State): boolean => state === 'new' || state === 'reopened'
