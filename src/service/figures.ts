/** Counts since the service started. */
import type { DetectionReport } from '../detect/job/home.ts'
import type { IngestReport } from '../ingest/take.ts'
import type { ServiceFigures } from './view.ts'

type Counts = { -readonly [K in keyof ServiceFigures]: ServiceFigures[K] }

/** Adds up what stages report. */
export class Figures {
  readonly #errors: Record<string, number> = {}
  readonly #counts: Counts = {
    objects: 0,
    records: 0,
    events: 0,
    duplicates: 0,
    rejects: 0,
    redactions: 0,
    ingestSeconds: 0,
    findings: 0,
    detectionSeconds: 0,
    detectionPasses: 0,
    rules: 0,
    rulesLeftOut: 0,
    alertsOpened: 0,
    messages: 0,
    errors: this.#errors,
  }

  /** Counts an ingestion. */
  ingested(report: IngestReport): void {
    for (const name of ['objects', 'records', 'events', 'duplicates', 'rejects', 'redactions'] as const)
      this.#counts[name] += report[name]
    this.#counts.ingestSeconds += report.seconds
  }

  /** Counts a run of the rules. */
  detected({ findings, seconds, passes, rules, leftOut }: DetectionReport): void {
    this.#counts.findings += findings
    this.#counts.detectionSeconds += seconds
    this.#counts.detectionPasses += passes
    this.#counts.rules = rules
    this.#counts.rulesLeftOut = leftOut.length
  }

  /** Counts a run of alerts. */
  alerted({ opened, reopened, messages }: { opened: number; reopened: number; messages: number }): void {
    this.#counts.alertsOpened += opened + reopened
    this.#counts.messages += messages
  }

  /** Counts a failed run. */
  failed(stage: string): void {
    this.#errors[stage] = (this.#errors[stage] ?? 0) + 1
  }

  /** As they are now. */
  now(): ServiceFigures {
    return { ...this.#counts, errors: { ...this.#errors } }
  }
}
