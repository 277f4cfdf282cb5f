/** The writer of the loop: it ingests, runs the rules, and merges files, one at a time, with an engine that is kept. */
import type { SourceObject } from '../collect/contract.ts'
import { lockWriter } from '../collect/ledger.ts'
import { type AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { type DetectionReport, HomeDetection } from '../detect/job/home.ts'
import type { LeafLookup } from '../detect/job/keep.ts'
import { addedBetween } from '../detect/job/lake-changes.ts'
import { leafLookup } from '../detect/job/leaves.ts'
import { type Site, siteOf } from '../detect/job/site.ts'
import type { Engine } from '../engine/duckdb.ts'
import { type AfterIngestion, Ingester } from '../ingest/ingest.ts'
import { spillingEngine } from '../ingest/scratch.ts'
import { Sealing } from '../ingest/sealing.ts'
import type { IngestReport } from '../ingest/take.ts'
import { COMPACT_MEMORY_MB, type CompactResult, compact } from '../lake/compact.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import type { Figures } from './figures.ts'
import { ruleStamp } from './rule-stamp.ts'
import { Turns } from './turns.ts'

/** What the intake works with. */
export interface IntakeOptions {
  readonly home: Home
  readonly now: () => Date
  readonly figures: Figures
  /** Called when another process holds the writer's place. */
  readonly onWait?: () => void
}

/** What an ingestion came to. */
export interface Taken {
  readonly report: IngestReport
  /** Unix ms of the newest event that was added. */
  readonly newestMs?: number
}

/** Rules made ready for one engine. */
interface Ready {
  readonly engine: Engine
  readonly detection: HomeDetection
}

/** Everything that needs the writer's place of a home. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #ingester: Ingester
  readonly #turns = new Turns()
  #site: Site | undefined
  #stamp: string | undefined
  #ready: Ready | undefined
  /** Version of `events` up to which the rules have run in this process. */
  #detected: number | undefined
  /** Version of `events` before what is being ingested. */
  #seen: number | undefined
  #leaves: LeafLookup = async () => new Map()
  #clock = false
  #newestMs: number | undefined
  /** Why the rules did not run last time; the next ingestion, or {@link detect}, makes up for it. */
  failure: AppError | undefined
  /** What came of the last run of the rules. */
  detection: DetectionReport | undefined

  constructor(options: IntakeOptions) {
    const { home, now, onWait } = options
    this.#options = options
    this.#ingester = new Ingester({
      home,
      now,
      afterwards: (after) => this.#afterwards(after),
      ...(onWait === undefined ? {} : { onWait }),
    })
  }

  /** Rules as they were loaded last; undefined before the first run. */
  get rules(): Site['pack']['rules'] | undefined {
    return this.#site?.pack.rules
  }

  /** True where rules or settings are others than those that ran last. */
  async areRulesChanged(): Promise<boolean> {
    return this.#stamp !== undefined && this.#stamp !== (await ruleStamp(this.#options.home))
  }

  /**
   * Ingests objects that were listed, and runs the rules over what is new. `around` is called once it is its turn.
   * @throws AppError as {@link Ingester.ingest}
   */
  ingest(
    listed: readonly SourceObject[],
    form: string,
    around: (take: () => Promise<Taken>) => Promise<Taken> = (take) => take(),
  ): Promise<Taken> {
    const take = async () => {
      const { home, figures } = this.#options
      this.#newestMs = undefined
      this.#seen ??= (await DeltaTable.at(home.events, EVENTS_TABLE).snapshot()).version
      const report = await this.#ingester.ingest({ specs: [], listed, form, stdin: process.stdin })
      figures.ingested(report)
      return { report, ...(this.#newestMs === undefined ? {} : { newestMs: this.#newestMs }) }
    }
    return this.#turns.next(() => around(take))
  }

  /**
   * Runs the rules over what they have not seen, and, with `clock`, those that tell what did not happen.
   * @throws AppError why they did not run
   */
  detect(clock: boolean): Promise<DetectionReport | undefined> {
    return this.#turns.next(async () => {
      this.#clock = clock
      this.#detected = undefined
      try {
        await this.#ingester.ingest({ specs: [], listed: [], form: 'auto', stdin: process.stdin })
      } finally {
        this.#clock = false
      }
      if (this.failure !== undefined) throw this.failure
      return this.detection
    })
  }

  /** Merges small files and deletes what is past its grace, in all tables. */
  compact(graceMs: number): Promise<Record<string, CompactResult>> {
    return this.#turns.next(async () => {
      const { home, onWait } = this.#options
      const unlock = await lockWriter(home, onWait)
      try {
        const { engine, close } = await spillingEngine(home, { memoryLimitMb: COMPACT_MEMORY_MB })
        return await this.#merge(engine, graceMs).finally(close)
      } finally {
        unlock()
      }
    })
  }

  async #merge(engine: Engine, graceMs: number): Promise<Record<string, CompactResult>> {
    const { home, now } = this.#options
    const tables = [
      DeltaTable.at(home.rejects, REJECTS_TABLE),
      DeltaTable.at(home.events, EVENTS_TABLE),
      DeltaTable.at(home.findings, FINDINGS_TABLE),
    ]
    const sealing = await Sealing.open({ home, now, engine: async () => engine, tables })
    const results: Record<string, CompactResult> = {}
    for (const table of tables) {
      results[table.spec.name] = await compact(engine, table, {
        nowMs: now().getTime(),
        graceMs,
        afterCommit: () => sealing.follow(),
        beforeDelete: (files, reason) => sealing.sealer.clean(table, files, reason),
      })
    }
    return results
  }

  /** Frees the engine once what runs has ended. */
  close(): Promise<void> {
    return this.#turns.next(() => this.#ingester.close())
  }

  async #afterwards(after: AfterIngestion): Promise<void> {
    const { version } = await after.events.snapshot()
    if (this.#seen !== undefined) this.#newestMs = await newestAdded(after.events, this.#seen, version)
    this.#seen = version
    if (version < 0 || (version === this.#detected && this.failure === undefined)) return
    try {
      const detection = await this.#detection(after)
      this.detection = await detection.run(this.#clock ? { clock: true } : {})
      this.#detected = version
      this.failure = undefined
      this.#options.figures.detected(this.detection)
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      this.#ready = undefined
      this.failure = cause
    }
  }

  /** Rules are loaded again once their files or the settings are others. */
  async #detection({ home, engine: opened, events, findings, sealing }: AfterIngestion): Promise<HomeDetection> {
    const engine = await opened()
    // The log grows with each batch, and the rules stay ready from one to the next.
    if (sealing !== undefined) this.#leaves = leafLookup(sealing.sealer.log)
    const stamp = await ruleStamp(home)
    if (this.#ready?.engine === engine && stamp === this.#stamp) return this.#ready.detection
    if (this.#site === undefined || stamp !== this.#stamp) this.#site = await siteOf(home)
    const detection = await HomeDetection.open({
      home,
      engine,
      events,
      findings,
      now: this.#options.now,
      ...this.#site,
      leavesOf: (files) => this.#leaves(files),
    })
    this.#ready = { engine, detection }
    this.#stamp = stamp
    return detection
  }
}

/** Unix ms of the newest event in files that were added between two versions. */
async function newestAdded(events: DeltaTable, from: number, to: number): Promise<number | undefined> {
  const files = ((await addedBetween(events, from, to)) ?? []).flatMap((each) => each.files)
  const times = files.flatMap(({ maxTimeMs }) => maxTimeMs ?? [])
  return times.length === 0 ? undefined : times.reduce((newest, ms) => Math.max(newest, ms))
}
