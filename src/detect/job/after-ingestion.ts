/** Detection that follows ingestion: made ready by the first, kept for the next. */
import { type AppError, isAppError } from '../../core/errors.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { AfterIngestion } from '../../ingest/ingest.ts'
import { type DetectionReport, HomeDetection, type RunOptions } from './home.ts'
import { leafLookup } from './leaves.ts'
import { siteOf } from './site.ts'

/** What came of it: a report, or why there is none. What was ingested stays ingested. */
export type Followed = { readonly report: DetectionReport } | { readonly error: AppError }

/** Runs detection after ingestions of one home. */
export class DetectAfterwards {
  readonly #now: () => Date
  readonly #run: RunOptions
  #ready: { readonly engine: Engine; readonly detection: HomeDetection } | undefined
  /** What came of the last one. */
  followed: Followed | undefined

  constructor(now: () => Date, run: RunOptions = {}) {
    this.#now = now
    this.#run = run
  }

  /** To be given to ingestion. */
  readonly afterwards = async (after: AfterIngestion): Promise<void> => {
    try {
      this.followed = { report: await (await this.#detection(after)).run(this.#run) }
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      this.#ready = undefined
      this.followed = { error: cause }
    }
  }

  async #detection({ home, engine: opened, events, findings, sealing }: AfterIngestion): Promise<HomeDetection> {
    const engine = await opened()
    if (this.#ready?.engine === engine) return this.#ready.detection
    const detection = await HomeDetection.open({
      home,
      engine,
      events,
      findings,
      now: this.#now,
      ...(await siteOf(home)),
      ...(sealing === undefined ? {} : { leavesOf: leafLookup(sealing.sealer.log) }),
    })
    this.#ready = { engine, detection }
    return detection
  }
}
