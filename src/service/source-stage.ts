/** The stage of one source: what is new in it becomes events, piece by piece. */
import type { SourceObject } from '../collect/contract.ts'
import type { Home } from '../core/home.ts'
import { diskHold, outboxHold } from './hold.ts'
import type { Intake, Taken } from './intake.ts'
import type { Schedule } from './schedule.ts'
import { type Looked, SourceWatch } from './source-watch.ts'
import type { Outcome, RunContext } from './stage.ts'
import { Unreadable } from './unreadable.ts'

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
/** Until then it is tried again after this, and after twice of it. */
const AGAIN_MS = 1000

/** A listing that takes long is not asked for all the time: it may take one part in so many. */
const SHARE_OF_LISTING = 20

/** Takes in what is new in one source. */
export class SourceStage {
  readonly #options: SourceStageOptions
  readonly #watch: SourceWatch
  readonly #unreadable = new Unreadable()
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

  /** True while it, or a file of it, failed as often as what mends itself does not. */
  get isFailing(): boolean {
    return this.#failures >= FAILURES || (this.#unreadable.fewestFailures ?? 0) >= FAILURES
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
    const fresh = await this.#unreadable.worthTaking(looked.fresh, Date.now())
    const listingMs = performance.now() - started
    if (this.#options.isOutside) await this.#watch.watchFolders()
    const notBeforeMs = Date.now() + listingMs * SHARE_OF_LISTING
    if (fresh.length === 0) return { did: false, ...this.#noteOf(looked), ...this.#end(looked), notBeforeMs }
    for (const piece of pieces(fresh)) {
      const held = await this.#hold()
      if (held !== undefined) return { state: 'held', note: held }
      if (signal.aborted) return {}
      const taken = await this.#options.intake.ingest(piece, this.#options.form, this.#options.around)
      const failed = new Map(taken.report.unreadable.map(({ object, message }) => [object, message]))
      this.#watch.took(piece.filter(({ key }) => !failed.has(key)))
      await this.#unreadable.tried(piece, failed, Date.now())
      await this.#options.onTaken(taken)
      if (fresh.length > piece.length) note(`${fresh.length.toLocaleString('en-US')} objects to take in all`)
    }
    return { ...this.#end(looked), notBeforeMs: Math.max(notBeforeMs, this.#options.restUntilMs?.() ?? 0) }
  }

  /** What is left of a look. What cannot be read is soon tried again at first, and then, without holding up the rest, at each look. */
  #end({ againMs }: Looked): Outcome {
    const failures = this.#unreadable.fewestFailures
    const isPassing = failures !== undefined && failures < FAILURES
    this.isCaughtUp = againMs === undefined && !isPassing
    const fault = this.#unreadable.fault()
    const nextMs = againMs ?? (isPassing ? Date.now() + AGAIN_MS * 2 ** (failures - 1) : undefined)
    return { ...(nextMs === undefined ? {} : { nextMs }), ...(fault === undefined ? {} : { fault }) }
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
