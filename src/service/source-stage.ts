/** The stage of one source: what is new in it becomes events, piece by piece. */
import type { SourceObject } from '../collect/contract.ts'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { diskHold, outboxHold } from './hold.ts'
import type { Intake, Taken } from './intake.ts'
import type { Schedule } from './schedule.ts'
import { type Looked, SourceWatch } from './source-watch.ts'
import type { Outcome, RunContext } from './stage.ts'

/** What the stage works with. */
export interface SourceStageOptions {
  readonly home: Home
  readonly specs: readonly string[]
  readonly form: string
  readonly schedule: Schedule
  readonly intake: Intake
  readonly diskFloorBytes: number
  /** False for the record of use: its lines are whole, and its alerts are few. */
  readonly isOutside: boolean
  /** Asks for a run. */
  readonly onHint: () => void
  /** What each piece is taken within. */
  readonly around?: (take: () => Promise<Taken>) => Promise<Taken>
  /** Unix ms before which it need not run again, once it took something. */
  readonly restUntilMs?: () => number
  /** Called after each piece. */
  readonly onTaken: (taken: Taken) => Promise<void>
}

/** Long enough for a copy that goes on, short enough for a person who waits. */
const SETTLE_MS = 1000

/**
 * What is taken between two looks at whether to stop or to hold back: a few seconds' work, so that the service can end, and alerts follow, while
 * years of logs are taken in.
 */
const PIECE_OBJECTS = 2000
const PIECE_BYTES = 256 * 1024 * 1024
/** Audit logs shrink about so much. */
const COMPRESSION = 10

/** A locked file is free again after fewer failures in a row. */
const FAILURES = 3

/** A listing that takes long is not asked for all the time: it may take one part in so many. */
const SHARE_OF_LISTING = 20

/** Takes in what is new in one source. */
export class SourceStage {
  readonly #options: SourceStageOptions
  readonly #watch: SourceWatch
  /** True once all that was listed was taken; and while the source fails, since nobody knows for how long, and others are not to wait. */
  isCaughtUp = false
  #failures = 0

  constructor(options: SourceStageOptions) {
    const { home, specs, isOutside, onHint } = options
    this.#options = options
    this.#watch = new SourceWatch({
      home,
      specs,
      onHint,
      settleMs: isOutside ? SETTLE_MS : 0,
      mayBeMissing: !isOutside,
    })
  }

  /** False for the record of use. */
  get isOutside(): boolean {
    return this.#options.isOutside
  }

  /** True while it failed as often as what mends itself does not. */
  get isFailing(): boolean {
    return this.#failures >= FAILURES
  }

  /** One run of the stage. */
  readonly work = async (run: RunContext): Promise<Outcome> => {
    try {
      const outcome = await this.#take(run)
      this.#failures = 0
      return outcome
    } catch (cause) {
      if (run.signal.aborted) throw cause
      this.#failures += 1
      this.isCaughtUp = this.isFailing
      throw cause
    }
  }

  async #take({ signal, note }: RunContext): Promise<Outcome> {
    const started = performance.now()
    this.isCaughtUp = this.isFailing
    const looked = await this.#watch.look(Date.now())
    const listingMs = performance.now() - started
    if (this.#options.isOutside) await this.#watch.watchFolders()
    const notBeforeMs = Date.now() + listingMs * SHARE_OF_LISTING
    this.isCaughtUp = looked.fresh.length === 0 && looked.againMs === undefined
    if (looked.fresh.length === 0) return { did: false, notBeforeMs, ...rest(looked), ...this.#noteOf(looked) }
    const unreadable: { object: string; message: string }[] = []
    for (const piece of pieces(looked.fresh)) {
      const held = await this.#hold()
      if (held !== undefined) return { state: 'held', note: held }
      if (signal.aborted) return {}
      const taken = await this.#options.intake.ingest(piece, this.#options.form, this.#options.around)
      const failed = new Set(taken.report.unreadable.map(({ object }) => object))
      this.#watch.took(piece.filter(({ key }) => !failed.has(key)))
      unreadable.push(...taken.report.unreadable)
      await this.#options.onTaken(taken)
      if (looked.fresh.length > piece.length)
        note(`${looked.fresh.length.toLocaleString('en-US')} objects to take in all`)
    }
    const [first] = unreadable
    if (first !== undefined)
      throw new AppError('UNREADABLE', `${unreadable.length} objects could not be read: ${first.message}`, {
        where: first.object,
      })
    this.isCaughtUp = looked.againMs === undefined
    return { ...rest(looked), notBeforeMs: Math.max(notBeforeMs, this.#options.restUntilMs?.() ?? 0) }
  }

  /** Ends the hints of the system. */
  close(): void {
    this.#watch.close()
  }

  #hold = async (): Promise<string | undefined> => {
    const { home, diskFloorBytes, isOutside } = this.#options
    return (await diskHold(home, diskFloorBytes)) ?? (isOutside ? await outboxHold(home) : undefined)
  }

  #noteOf({ listed }: Looked): { note?: string } {
    return listed === 0 && this.#options.isOutside ? { note: 'There are no files yet.' } : {}
  }
}

const rest = ({ againMs }: Looked): { nextMs?: number } => (againMs === undefined ? {} : { nextMs: againMs })

/** Objects in pieces of bounded size, in their order. */
export function* pieces(objects: readonly SourceObject[]): Generator<SourceObject[]> {
  let piece: SourceObject[] = []
  let bytes = 0
  for (const object of objects) {
    const weight = object.sizeBytes * (/\.(gz|zst|zstd|parquet)$/i.test(object.path) ? COMPRESSION : 1)
    if (piece.length >= PIECE_OBJECTS || (piece.length > 0 && bytes + weight > PIECE_BYTES)) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(object)
    bytes += weight
  }
  if (piece.length > 0) yield piece
}
