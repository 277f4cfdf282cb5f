/** What the loop is told to do. `config/` reads it from `bricktrail.yaml`. */
import type { Schedule } from './schedule.ts'

/** Where logs come from. */
export interface SourceSettings {
  readonly name: string
  /** Files, folders or globs. */
  readonly specs: readonly string[]
  /** A form's name, or `auto`. */
  readonly form: string
  /** How often it is looked at. Files of this machine are noticed sooner. */
  readonly everyMs: number
}

/** When the other stages run. */
export interface Schedules {
  /** Ingestion of the record of use. */
  readonly ownLog: Schedule
  /** Alerts without any new finding, such as reminders; new findings are noticed at once. */
  readonly alert: Schedule
  /** Rules about what did not happen. */
  readonly silence: Schedule
  readonly compact: Schedule
}

/** What the loop is told to do. */
export interface ServiceSettings {
  readonly sources: readonly SourceSettings[]
  readonly schedules: Schedules
  /** With less room on the disk than this, nothing is ingested. */
  readonly diskFloorBytes: number
  /** Age at which files out of use are deleted. */
  readonly graceMs: number
  /** False leaves delivery to `bricktrail deliver drain`. */
  readonly delivers: boolean
}

/** A day of a middling account in raw logs and in the lake, with room to compact it. */
const DISK_FLOOR_BYTES = 512 * 1024 * 1024

/** What holds where nothing is said. */
export const USUAL_SERVICE: ServiceSettings = {
  sources: [],
  schedules: {
    ownLog: { everyMs: 15_000 },
    alert: { everyMs: 60_000 },
    silence: { everyMs: 10 * 60_000 },
    compact: { everyMs: 15 * 60_000 },
  },
  diskFloorBytes: DISK_FLOOR_BYTES,
  graceMs: 7 * 86_400_000,
  delivers: true,
}

/** How often a source is looked at where nothing is said. */
export const USUAL_EVERY_MS = 30_000
