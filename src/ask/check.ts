/** What a check of health comes to. */

/** The outcome of one check. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly finding: string
  /** What to do; absent when all is well. */
  readonly hint?: string
}
