/** The running service, as others see it: stages, sources, what changes, and figures. */

/** What the service tells of a stage. */
export interface StageHealth {
  readonly name: string
  readonly state: 'idle' | 'running' | 'failing' | 'held' | 'off'
  readonly lastStart?: string
  readonly lastSuccess?: string
  readonly lastFailure?: { readonly time: string; readonly message: string; readonly hint: string }
  readonly failuresInRow: number
  readonly runs: number
  /** Seconds the last run took. */
  readonly seconds?: number
  /** Why it is held back, or another thing worth knowing. */
  readonly note?: string
  /** When it runs next. */
  readonly next?: string
}

/** What is known of a configured source. */
export interface SourceHealth {
  readonly name: string
  readonly spec: string
  readonly stage: StageHealth
  readonly objects: number
  readonly events: number
  readonly rejects: number
  /** Time of its newest event, and seconds between that and now. */
  readonly newestEvent?: string
  readonly lagSeconds?: number
}

/** Something that happened to the home. */
export type ServiceChange =
  | {
      readonly kind: 'events'
      readonly added: number
      /** How many of those are of the record of use. */
      readonly own?: number
      readonly rejects: number
      readonly version: number
    }
  | { readonly kind: 'findings'; readonly added: number }
  | { readonly kind: 'alerts'; readonly opened: number; readonly updated: number }
  | { readonly kind: 'stage'; readonly stage: StageHealth }

/** Counts since the service started. */
export interface ServiceFigures {
  readonly objects: number
  readonly records: number
  readonly events: number
  readonly duplicates: number
  readonly rejects: number
  readonly redactions: number
  readonly ingestSeconds: number
  readonly findings: number
  readonly detectionSeconds: number
  readonly detectionPasses: number
  /** Rules that ran in the last pass, and those that were left out of it. */
  readonly rules: number
  readonly rulesLeftOut: number
  readonly alertsOpened: number
  readonly messages: number
  /** Failed runs by stage. */
  readonly errors: Readonly<Record<string, number>>
}

/** The loop, as the server sees it. */
export interface ServiceView {
  readonly startedMs: number
  stages(): readonly StageHealth[]
  sources(): Promise<readonly SourceHealth[]>
  /** Counts since the start; absent where a stand-in has none. */
  figures?(): ServiceFigures
  /** Runs a stage soon, such as `alert` after a person did something. */
  nudge(stage: string): void
  /** Called with every change worth telling a live stream of; returns how to end it. */
  listen(listener: (change: ServiceChange) => void): () => void
}
