/** Why nobody is told of an alert: somebody silenced it, it is maintenance, or another alert says it already. */
import { type Alert, otherOpen } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'
import { isWithin } from './clock.ts'
import { type Labels, labelsOf, matches, type Surroundings } from './match.ts'
import type { Inhibition, Maintenance } from './settings-when.ts'
import { quietedOnce, type Silence, silencesAt } from './silences.ts'

/** What keeps alerts quiet. */
export interface QuietSettings {
  readonly inhibitions: readonly Inhibition[]
  readonly maintenance: readonly Maintenance[]
}

/** Looks at alerts at one time. What it reads is read once. */
export class Quiet {
  readonly #file: AlertsFile
  readonly #settings: QuietSettings
  readonly #surroundings: Surroundings
  readonly #silences: readonly Silence[]
  #open: readonly { readonly alert: Alert; readonly labels: Labels }[] | undefined

  constructor(file: AlertsFile, settings: QuietSettings, surroundings: Surroundings, nowMs: number) {
    this.#file = file
    this.#settings = settings
    this.#surroundings = surroundings
    this.#silences = silencesAt(file, nowMs)
  }

  /** Why an alert stays quiet; undefined if it does not. */
  reason(alert: Alert, labels: Labels): string | undefined {
    const silence = this.#silences.find(({ matcher }) => matches(matcher, labels))
    if (silence !== undefined) {
      quietedOnce(this.#file, silence.id)
      return `silenced by ${silence.who}: ${silence.reason}`
    }
    const maintenance = this.#settings.maintenance.find(
      (each) => isDuring(each, alert.lastMs) && matches(each.when, labels),
    )
    if (maintenance !== undefined) return `maintenance: ${maintenance.name}`
    for (const inhibition of this.#settings.inhibitions) {
      const source = this.#sourceOf(inhibition, alert, labels)
      if (source !== undefined) return `${inhibition.name}: while ${source.id} is open`
    }
    return undefined
  }

  #sourceOf({ source, target, equal }: Inhibition, alert: Alert, labels: Labels): Alert | undefined {
    // What could be a source itself is never a target: two alerts would keep each other quiet.
    if (!matches(target, labels) || matches(source, labels)) return undefined
    this.#open ??= otherOpen(this.#file, '').map((each) => ({
      alert: each,
      labels: labelsOf(each, this.#surroundings),
    }))
    return this.#open.find(
      (other) =>
        other.alert.id !== alert.id &&
        matches(source, other.labels) &&
        equal.every((label) => other.labels[label].some((value) => labels[label].includes(value))),
    )?.alert
  }
}

/** True if a time is in a window. */
function isDuring({ hours, fromMs = -Infinity, toMs = Infinity }: Maintenance, ms: number): boolean {
  return ms >= fromMs && ms < toMs && (hours === undefined || isWithin(ms, hours))
}
