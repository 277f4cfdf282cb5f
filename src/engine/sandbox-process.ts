/** The parent's side of a sandbox process: one request, one reply, within a time limit that ends in a kill. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AppError } from '../core/errors.ts'
import type { SandboxReply, SandboxRequest } from './sandbox-messages.ts'

/** How long a query may take to heed an interrupt before its process is killed. */
const GRACE_MS = 1500
/** Opening binds every relation; a lake of very many files takes seconds. */
const OPEN_LIMIT_MS = 120_000
/** The longest delay a timer takes: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** What a dynamic loader may need; everything else in the environment stays out of the sandbox. */
const KEPT_ENVIRONMENT = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'TMPDIR', 'TEMP']

/** The time a query has left, spent only while the engine works, and the caller's wish to stop. */
export interface Budget {
  readonly limitMs: number
  usedMs: number
  readonly signal: AbortSignal | undefined
}

/** A reply that is not a failure. */
export type GoodReply = Exclude<SandboxReply, { kind: 'failed' | 'runaway' }>

/** A running sandbox process. */
export class SandboxProcess {
  readonly #child: ChildProcess
  #errors = ''
  #gone = false
  #worn = false

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-500)
    })
    child.once('exit', () => {
      this.#gone = true
    })
  }

  /** Starts a process and opens its relations. */
  static async start(request: SandboxRequest): Promise<SandboxProcess> {
    const environment = KEPT_ENVIRONMENT.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    })
    const child = fork(fileURLToPath(new URL('./sandbox-child.ts', import.meta.url)), [], {
      // JavaScript holds a batch of rows at a time.
      execArgv: ['--max-old-space-size=512'],
      env: Object.fromEntries(environment),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const started = new SandboxProcess(child)
    try {
      await started.ask(request, { limitMs: OPEN_LIMIT_MS, usedMs: 0, signal: undefined })
    } catch (cause) {
      await started.kill()
      throw cause
    }
    return started
  }

  /** True when the process has said that it should be replaced before the next query. */
  get worn(): boolean {
    return this.#worn
  }

  /** True once the process has ended, for whatever reason. */
  get gone(): boolean {
    return this.#gone
  }

  /** Sends a request and waits for its reply; interrupts, then kills, when the budget is spent or the caller stops. */
  ask(request: SandboxRequest, budget: Budget): Promise<GoodReply> {
    if (budget.signal?.aborted) return Promise.reject(stoppedError())
    const child = this.#child
    const startedAt = performance.now()
    return new Promise((resolve, reject) => {
      let stopped: AppError | undefined
      let killer: NodeJS.Timeout | undefined
      const stop = (why: AppError) => {
        if (stopped !== undefined) return
        stopped = why
        if (child.connected) child.send({ op: 'interrupt' } satisfies SandboxRequest)
        killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      }
      const onAbort = () => stop(stoppedError())
      const leftMs = Math.min(MAX_TIMER_MS, Math.max(0, budget.limitMs - budget.usedMs))
      const timer = setTimeout(() => stop(timeoutError(budget)), leftMs)
      const settle = (outcome: () => void) => {
        budget.usedMs += performance.now() - startedAt
        clearTimeout(timer)
        clearTimeout(killer)
        budget.signal?.removeEventListener('abort', onAbort)
        child.off('message', onReply)
        child.off('exit', onExit)
        outcome()
      }
      const onReply = (message: unknown) => {
        const reply = message as SandboxReply
        this.#worn ||= reply.worn === true
        if (reply.kind === 'runaway') {
          this.#gone = true
          settle(() => reject(stopped ?? runawayError(reply.usedMb)))
        } else if (reply.kind === 'failed') {
          settle(() => reject(stopped ?? new AppError(reply.code, reply.message, { hint: reply.hint })))
        } else settle(() => (stopped === undefined ? resolve(reply) : reject(stopped)))
      }
      const onExit = (code: number | null, signal: string | null) =>
        settle(() => reject(stopped ?? this.#endedError(code, signal)))
      child.on('message', onReply)
      child.once('exit', onExit)
      budget.signal?.addEventListener('abort', onAbort)
      if (this.#gone || !child.connected) return onExit(child.exitCode, child.signalCode)
      child.send(request)
    })
  }

  /** Ends the process at once and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await gone
  }

  #endedError(code: number | null, signal: string | null): AppError {
    const said = this.#errors.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
    return new AppError('ENGINE', `The query ended the engine (${signal ?? `exit ${code}`}).${said && ` ${said}`}`, {
      hint: 'Try a simpler form of the query; the lake is untouched.',
    })
  }
}

const timeoutError = ({ limitMs }: Budget): AppError =>
  new AppError('SQL_TIMEOUT', `The query was stopped after its time limit of ${limitMs / 1000} s.`)

const stoppedError = (): AppError =>
  new AppError('SQL_TIMEOUT', 'The query was stopped.', { hint: 'Nothing was changed; run it again when you like.' })

const runawayError = (usedMb: number): AppError =>
  new AppError('SQL_REFUSED', `The query took ${usedMb} MB of memory and was ended.`, {
    hint: 'Narrow the time range, or make shorter lists and texts in the query.',
  })
