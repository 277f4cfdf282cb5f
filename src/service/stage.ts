/** One part of the loop: it runs when it is due or asked for, never twice at once, and waits longer after each failure. */
import { type AppError, isAppError, messageOf, systemError } from '../core/errors.ts'
import { nextRunMs, type Schedule } from './schedule.ts'
import type { StageHealth } from './view.ts'

/** What a run came to. Nothing said means that all went well. */
export interface Outcome {
  /** Something worth knowing. */
  readonly note?: string
  /** It is held back, and the note says by what; or there is nothing that it could do. */
  readonly state?: 'held' | 'off'
  /** Unix ms: run again then, even if the schedule says later. */
  readonly nextMs?: number
  /** Unix ms: not before then, but for a person who asks. */
  readonly notBeforeMs?: number
  /** False where the run only looked and found nothing to do: it is not counted. */
  readonly did?: boolean
  /** True where it waits for another stage: that is no success. */
  readonly waits?: boolean
  /** What went wrong with a part of the work: told like a failure, but the stage keeps to its schedule. */
  readonly fault?: AppError
}

/** What a run is given. */
export interface RunContext {
  /** Aborted when the service is to end. */
  readonly signal: AbortSignal
  /** Says something worth knowing while it runs. */
  note(text: string | undefined): void
  /** Says that something failed that does not end the run. */
  trouble(cause: unknown): void
}

/** How a stage is made. */
export interface StageOptions {
  readonly name: string
  readonly schedule: Schedule
  readonly work: (run: RunContext) => Promise<Outcome | undefined>
  /** Called when its health is another; not for runs that only looked. */
  readonly onChange?: (health: StageHealth) => void
  /** Called for every failed run. */
  readonly onFailure?: (name: string, cause: unknown) => void
  /** Wait after a first failure; doubled for each further one, up to `longestWaitMs`. */
  readonly firstWaitMs?: number
  readonly longestWaitMs?: number
}

/** A locked file or a full disk often mends itself within seconds … */
const FIRST_WAIT_MS = 1000
/** … and what does not is looked at by a person, who wants to see within minutes that it is mended. */
const LONGEST_WAIT_MS = 5 * 60_000
/** Runs shorter than this are not told of while they go on. */
const TOLD_AFTER_MS = 300

/** Runs one part of the loop. */
export class Stage {
  readonly name: string
  readonly #options: StageOptions
  #state: StageHealth['state'] = 'idle'
  #lastStartMs: number | undefined
  #lastSuccessMs: number | undefined
  #lastFailure: StageHealth['lastFailure']
  #failuresInRow = 0
  /** True while it waits longer, after a run that failed as a whole. */
  #isSlowed = false
  #runs = 0
  #seconds: number | undefined
  #note: string | undefined
  #dueMs = 0
  #notBeforeMs = 0
  /** Asked for while it ran: it runs once more after. */
  #again = false
  #wake: (() => void) | undefined
  #told = ''

  constructor(options: StageOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Runs until the signal is given; ends when the run that is under way has ended. */
  async serve(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#waited(signal)
      if (signal.aborted) return
      await this.#run(signal)
    }
  }

  /**
   * Runs it soon; after the run that is under way, where there is one.
   *
   * @param isHint true for a guess that there is something to do: it does not cut the wait after a failure short
   */
  nudge(isHint = false): void {
    if (this.#state === 'running') this.#again = true
    else if (!isHint || !this.#isSlowed) {
      this.#dueMs = isHint ? Math.min(this.#dueMs, this.#notBeforeMs) : 0
      this.#wake?.()
    }
  }

  /** How it is doing. */
  health(): StageHealth {
    const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
    const isWaiting = this.#state !== 'running' && this.#dueMs > 0
    return present({
      name: this.name,
      state: this.#state,
      failuresInRow: this.#failuresInRow,
      runs: this.#runs,
      lastStart: iso(this.#lastStartMs),
      lastSuccess: iso(this.#lastSuccessMs),
      lastFailure: this.#lastFailure,
      seconds: this.#seconds,
      note: this.#note,
      next: isWaiting ? iso(this.#dueMs) : undefined,
    })
  }

  async #run(signal: AbortSignal): Promise<void> {
    const before = { state: this.#state, startMs: this.#lastStartMs }
    const started = performance.now()
    this.#again = false
    this.#state = 'running'
    this.#lastStartMs = Date.now()
    const noted = this.#note
    const telling = setTimeout(() => {
      // What was worth knowing of the run before is not of this one.
      if (this.#note === noted) this.#note = undefined
      this.#tell()
    }, TOLD_AFTER_MS)
    const run: RunContext = {
      signal,
      note: (text) => {
        this.#note = text
        this.#tell()
      },
      trouble: (cause) => {
        this.#lastFailure = failureOf(cause)
        this.#options.onFailure?.(this.name, cause)
        this.#tell()
      },
    }
    try {
      const outcome = (await this.#options.work(run)) ?? {}
      if (outcome.did === false) this.#lastStartMs = before.startMs
      else this.#counted(started)
      this.#succeeded(outcome)
    } catch (cause) {
      this.#counted(started)
      if (signal.aborted) this.#state = 'idle'
      else this.#failed(cause)
    } finally {
      clearTimeout(telling)
    }
    if (this.#again && !this.#isSlowed) this.#dueMs = this.#notBeforeMs
    this.#tell()
  }

  #counted(started: number): void {
    this.#runs += 1
    this.#seconds = Math.round(performance.now() - started) / 1000
  }

  #succeeded({ note, state, nextMs, notBeforeMs = 0, waits = false, fault }: Outcome): void {
    this.#state = fault === undefined ? (state ?? 'idle') : 'failing'
    this.#note = note
    this.#isSlowed = false
    if (fault === undefined) this.#failuresInRow = 0
    else this.#faulty(fault)
    if (state !== 'held' && !waits) this.#lastSuccessMs = Date.now()
    this.#notBeforeMs = notBeforeMs
    const dueMs = Math.min(nextRunMs(this.#options.schedule, Date.now()), nextMs ?? Infinity)
    this.#dueMs = Math.max(dueMs, notBeforeMs)
  }

  /** The same fault of one run after another is told of once. */
  #faulty(fault: AppError): void {
    const isTold = this.#failuresInRow > 0 && this.#lastFailure?.message === fault.message
    this.#failuresInRow += 1
    if (isTold) return
    this.#lastFailure = failureOf(fault)
    this.#options.onFailure?.(this.name, fault)
  }

  #failed(cause: unknown): void {
    const { firstWaitMs = FIRST_WAIT_MS, longestWaitMs = LONGEST_WAIT_MS } = this.#options
    this.#state = 'failing'
    this.#note = undefined
    this.#isSlowed = true
    this.#failuresInRow += 1
    this.#lastFailure = failureOf(cause)
    this.#dueMs = Date.now() + Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(30, this.#failuresInRow - 1))
    this.#options.onFailure?.(this.name, cause)
  }

  /** Waits until it is due. A long wait is cut up, so that a clock that is put right is noticed. */
  async #waited(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const ms = this.#dueMs - Date.now()
      if (ms <= 0) return
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          this.#wake = undefined
          resolve()
        }
        const timer = setTimeout(done, Math.min(ms, 60_000))
        signal.addEventListener('abort', done, { once: true })
        this.#wake = done
      })
    }
  }

  /** Tells of its health where it is another than was told last. */
  #tell(): void {
    const health = this.health()
    const { state, note, lastFailure, lastSuccess, runs } = health
    const told = JSON.stringify([state, note, lastFailure?.time, state === 'running' ? '' : lastSuccess && runs])
    if (told === this.#told) return
    this.#told = told
    this.#options.onChange?.(health)
  }
}

function failureOf(cause: unknown): NonNullable<StageHealth['lastFailure']> {
  const expected = isAppError(cause) ? cause : systemError(cause)
  return {
    time: new Date().toISOString(),
    message: expected?.message ?? messageOf(cause),
    hint: expected?.hint ?? 'This is a bug: report it with what the service printed.',
  }
}

/** The same without keys that hold undefined. */
type Present<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> }

const present = <T extends object>(value: T): Present<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Present<T>
