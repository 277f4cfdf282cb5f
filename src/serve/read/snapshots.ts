/** The tables of a home as they are now, looked up at most so often; and as they were a while ago, for the pages after the first. */
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import { FINDINGS_TABLE } from '../../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../../lake/table.ts'

/** The three tables at one moment. */
export interface LakeSnapshot {
  readonly events: Snapshot
  readonly rejects: Snapshot
  readonly findings: Snapshot
}

/** The log is looked at once for all questions of so long. */
export const LOOK_EVERY_MS = 250

/** Versions that a page can go back to; a busy lake makes some ten an hour. */
const KEPT_VERSIONS = 200

/** See above. */
export class Snapshots {
  readonly events: DeltaTable
  readonly rejects: DeltaTable
  readonly findings: DeltaTable
  readonly #home: Home
  readonly #earlier = new Map<number, Snapshot>()
  #looked = Number.NEGATIVE_INFINITY
  #newest: Promise<LakeSnapshot> | undefined

  constructor(home: Home) {
    this.#home = home
    this.events = DeltaTable.at(home.events, EVENTS_TABLE)
    this.rejects = DeltaTable.at(home.rejects, REJECTS_TABLE)
    this.findings = DeltaTable.at(home.findings, FINDINGS_TABLE)
  }

  /** The newest; a little older where it was looked up just now. Throws NO_LAKE, BAD_LAKE. */
  newest(): Promise<LakeSnapshot> {
    const now = performance.now()
    if (this.#newest === undefined || now - this.#looked >= LOOK_EVERY_MS) {
      this.#looked = now
      this.#newest = this.#look()
      this.#newest.catch(() => {
        this.#newest = undefined
      })
    }
    return this.#newest
  }

  /** Makes the next question look again. */
  expire(): void {
    this.#looked = Number.NEGATIVE_INFINITY
  }

  /**
   * As {@link newest}, with `events` as of a version, be it of before this process began.
   *
   * @throws AppError BAD_ARGUMENT where the version can be read no longer: pages of another would repeat events or leave some out
   */
  async asOf(version: number | undefined): Promise<LakeSnapshot> {
    const newest = await this.newest()
    if (version === undefined) return newest
    const events = this.#earlier.get(version) ?? (await this.events.snapshotAt(version, newest.events))
    if (events !== undefined) {
      this.#remember(events)
      return { ...newest, events }
    }
    throw new AppError(
      'BAD_ARGUMENT',
      'The cursor is too old: the lake has changed since, and what it was is not kept.',
      {
        hint: 'Begin again with the first page, without a cursor.',
      },
    )
  }

  async #look(): Promise<LakeSnapshot> {
    const [events, rejects, findings] = await Promise.all([
      this.events.snapshot(),
      this.rejects.snapshot(),
      this.findings.snapshot(),
    ])
    if (events.version < 0 && rejects.version < 0) {
      throw new AppError('NO_LAKE', `There is no lake in ${this.#home.root}.`)
    }
    this.#remember(events)
    return { events, rejects, findings }
  }

  #remember(events: Snapshot): void {
    this.#earlier.delete(events.version)
    this.#earlier.set(events.version, events)
    const [oldest] = this.#earlier.keys()
    if (this.#earlier.size > KEPT_VERSIONS && oldest !== undefined) this.#earlier.delete(oldest)
  }
}
