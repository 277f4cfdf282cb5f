/** Connections of one engine that take turns with statements: few at once, bounded in time, and stopped when nobody waits any more. */
import { AppError, isAppError } from '../../core/errors.ts'
import { damagedFile } from '../../engine/damaged-file.ts'
import { type Engine, engineError } from '../../engine/duckdb.ts'
import { type Plain, plainValue } from '../../engine/plain-values.ts'

/** Statements that answer at once, and those that read much: the second kind must not stand in the way of the first. */
export type Lane = 'quick' | 'long'

/** How many. */
export interface ConnectionLimits {
  /** Statements at once of each lane. */
  readonly quick: number
  readonly long: number
  /** Statements that wait for a connection of a lane; one more is refused. */
  readonly waiting: number
  /** As `waiting`, of those that one asks; no bound of its own where absent. */
  readonly waitingOfOne?: number
}

/** One statement's limits. */
export interface StatementLimits {
  readonly lane: Lane
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Who asks: those who wait take turns, however many statements each of them has. */
  readonly by?: string | undefined
}

/** A row of an answer. */
export type PlainRow = Record<string, Plain>

interface Waiting {
  readonly start: (engine: Engine) => void
  readonly stop: (cause: unknown) => void
  readonly by: string
}

/** An interrupt that comes before the engine has begun is lost, so it is said again until the statement ends. */
const INTERRUPT_AGAIN_MS = 50
/** Askers whose turns are remembered. */
const MOST_TURNS = 1000

/** See above. Figures are for health and tests. */
export class Connections {
  readonly #idle: Record<Lane, Engine[]>
  readonly #all: readonly Engine[]
  readonly #waiting: Record<Lane, Waiting[]> = { quick: [], long: [] }
  readonly #limits: ConnectionLimits
  /** Which turn each asker had last; who had none for longest is next. */
  readonly #turns = new Map<string, number>()
  #turn = 0
  #interrupted = 0
  #closed = false

  private constructor(engines: Record<Lane, Engine[]>, limits: ConnectionLimits) {
    this.#idle = engines
    this.#all = [...engines.quick, ...engines.long]
    this.#limits = limits
  }

  /** Opens connections beside that of `engine`. */
  static async open(engine: Engine, limits: ConnectionLimits): Promise<Connections> {
    const some = (count: number) => Promise.all(Array.from({ length: count }, () => engine.beside()))
    return new Connections({ quick: await some(limits.quick), long: await some(limits.long) }, limits)
  }

  /** Statements that were stopped in the middle so far. */
  get interrupted(): number {
    return this.#interrupted
  }

  /** Statements that run, and that wait. */
  load(): { running: number; waiting: number } {
    const idle = this.#idle.quick.length + this.#idle.long.length
    return {
      running: this.#all.length - idle,
      waiting: this.#waiting.quick.length + this.#waiting.long.length,
    }
  }

  /**
   * Runs a statement and returns its rows.
   *
   * @throws AppError BUSY, SQL_TIMEOUT, BAD_LAKE where a data file is damaged, and what the engine says
   */
  rows(sql: string, limits: StatementLimits): Promise<PlainRow[]> {
    return this.with(limits, async (engine) => {
      const reader = await engine.read(sql).catch((cause: unknown) => {
        throw engineError(cause)
      })
      return reader.convertRowObjects(plainValue) as PlainRow[]
    })
  }

  /** Does some work with a connection of its own, interrupted when the time is up or the asker has left. */
  async with<T>(
    { lane, timeoutMs, signal, by = '' }: StatementLimits,
    work: (engine: Engine) => Promise<T>,
  ): Promise<T> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const engine = await this.#connection(lane, until, by).catch((cause: unknown) => {
      throw stopped(until, signal, cause)
    })
    let again: NodeJS.Timeout | undefined
    const interrupt = () => {
      this.#interrupted += 1
      engine.interrupt()
      again = setInterval(() => engine.interrupt(), INTERRUPT_AGAIN_MS)
    }
    until.addEventListener('abort', interrupt, { once: true })
    try {
      // Whoever left while the connection was on its way is not heard any more.
      if (until.aborted) throw until.reason
      return await work(engine)
    } catch (cause) {
      throw stopped(until, signal, cause)
    } finally {
      until.removeEventListener('abort', interrupt)
      clearInterval(again)
      this.#release(lane, engine)
    }
  }

  /** Refuses who waits, stops what runs, and closes when all of it has ended. */
  async close(): Promise<void> {
    this.#closed = true
    for (const lane of ['quick', 'long'] as const) {
      for (const each of this.#waiting[lane].splice(0)) each.stop(new AppError('BUSY', 'The service is stopping.'))
    }
    while (this.load().running > 0) {
      for (const engine of this.#all) engine.interrupt()
      await new Promise((resolve) => setTimeout(resolve, INTERRUPT_AGAIN_MS / 5))
    }
    for (const engine of this.#all) engine.close()
  }

  #connection(lane: Lane, until: AbortSignal, by: string): Promise<Engine> {
    if (this.#closed) throw new AppError('BUSY', 'The service is stopping.')
    if (until.aborted) throw until.reason
    const engine = this.#idle[lane].pop()
    if (engine !== undefined) {
      this.#takeTurn(by)
      return Promise.resolve(engine)
    }
    this.#checkRoom(lane, by)
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting[lane] = this.#waiting[lane].filter((each) => each !== waiting)
        reject(until.reason)
      }
      const waiting: Waiting = {
        by,
        start: (free) => {
          until.removeEventListener('abort', leave)
          resolve(free)
        },
        stop: (cause) => {
          until.removeEventListener('abort', leave)
          reject(cause)
        },
      }
      this.#waiting[lane].push(waiting)
      until.addEventListener('abort', leave, { once: true })
    })
  }

  #release(lane: Lane, engine: Engine): void {
    const next = this.#nextOf(lane)
    if (next === undefined) {
      this.#idle[lane].push(engine)
      return
    }
    this.#takeTurn(next.by)
    next.start(engine)
  }

  #checkRoom(lane: Lane, by: string): void {
    const { waiting, waitingOfOne = waiting } = this.#limits
    const all = this.#waiting[lane]
    if (all.length >= waiting) throw new AppError('BUSY', `${waiting} questions are waiting already.`)
    if (by !== '' && all.filter((each) => each.by === by).length >= waitingOfOne) {
      throw new AppError('BUSY', `${waitingOfOne} of your questions are waiting already.`)
    }
  }

  /** The first that waits, of whoever had no turn for longest. */
  #nextOf(lane: Lane): Waiting | undefined {
    const turnOf = ({ by }: Waiting): number => this.#turns.get(by) ?? 0
    const all = this.#waiting[lane]
    const next = all.reduce<Waiting | undefined>(
      (least, each) => (least === undefined || turnOf(each) < turnOf(least) ? each : least),
      undefined,
    )
    if (next !== undefined) this.#waiting[lane] = all.filter((each) => each !== next)
    return next
  }

  #takeTurn(by: string): void {
    this.#turn += 1
    this.#turns.delete(by)
    this.#turns.set(by, this.#turn)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > MOST_TURNS && oldest !== undefined) this.#turns.delete(oldest)
  }
}

/** Why a statement ended: its asker left, its time was up, or it failed by itself. */
function stopped(until: AbortSignal, signal: AbortSignal, cause: unknown): unknown {
  if (!until.aborted) return damagedFile(cause) ?? cause
  return signal.aborted ? nobodyWaits(signal, cause) : tookTooLong(cause)
}

/** The failure of whoever asked with a signal that is aborted: they left, or their time is up. */
export function nobodyWaits({ reason }: AbortSignal, cause?: unknown): AppError {
  if (isAppError(reason)) return reason
  if (reason instanceof Error && reason.name === 'TimeoutError') return tookTooLong(cause ?? reason)
  return new AppError('SQL_TIMEOUT', 'Nobody waits for the answer any more.', { cause: cause ?? reason })
}

const tookTooLong = (cause: unknown): AppError =>
  new AppError('SQL_TIMEOUT', 'The question took too long and was stopped.', {
    hint: 'Narrow the span of time or the search.',
    cause,
  })
