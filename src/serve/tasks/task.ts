/** Heavy work in a process of its own, so that the server goes on answering; it can be stopped at any time, and ends with the server. */
import { fork } from 'node:child_process'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../core/errors.ts'
import type { TaskMessage } from './messages.ts'

/** How long, until when, and who follows. */
export interface TaskOptions<P> {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs: number
  readonly onProgress?: (progress: P) => void
  /** False: the server may end without waiting for it, and it ends then, too. */
  readonly keepsAlive?: boolean
}

/** What the work needs of the environment; secrets in it stay with the server. */
const KEPT_ENVIRONMENT = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'TMPDIR', 'TEMP', 'TZ']

/** The work is JavaScript of rules or of a log; events stay in the engine. */
const CHILD_HEAP = '--max-old-space-size=1024'

/** What a child wrote to standard error is kept up to here, for the message. */
const ERRORS_KEPT = 500

/**
 * Runs the module in a process of its own and returns what it answers.
 *
 * @param entry made by `new URL('./x.ts', import.meta.url)`; a module that calls `answerTask`
 * @throws AppError what the work threw; SQL_TIMEOUT where it was stopped or took too long; ENGINE where the process died
 */
export function runTask<R, P = never>(entry: URL, input: object, options: TaskOptions<P>): Promise<R> {
  const { signal, timeoutMs, onProgress, keepsAlive = true } = options
  if (signal?.aborted) return Promise.reject(stopped())
  const env = Object.fromEntries(
    KEPT_ENVIRONMENT.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
  const child = fork(fileURLToPath(entry), [], {
    execArgv: [CHILD_HEAP],
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  if (!keepsAlive) {
    child.unref()
    child.channel?.unref()
    if (child.stderr instanceof Socket) child.stderr.unref()
  }
  return new Promise((resolve, reject) => {
    let [said, why] = ['', undefined as AppError | undefined]
    let answer: TaskMessage | undefined
    const stop = (cause: AppError) => {
      why ??= cause
      child.kill('SIGKILL')
    }
    const onAbort = () => stop(stopped())
    const timer = setTimeout(() => stop(tooLong(timeoutMs)), timeoutMs)
    if (!keepsAlive) timer.unref()
    signal?.addEventListener('abort', onAbort)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-ERRORS_KEPT)
    })
    child.on('message', (message) => {
      const told = message as TaskMessage
      if (told.kind === 'progress') onProgress?.(told.progress as P)
      else answer = told
    })
    const settle = (died: string) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (answer?.kind === 'done') return resolve(answer.result as R)
      if (answer?.kind === 'failed') return reject(new AppError(answer.code, answer.message, { hint: answer.hint }))
      reject(why ?? new AppError('ENGINE', `The work ended before its time (${died}). ${printed(said)}`.trimEnd()))
    }
    child.once('error', (cause) => settle(cause.message))
    // After `close` nothing more is said.
    child.once('close', (code, byWhat) => settle(`${byWhat ?? `exit ${code}`}`))
    child.send(input)
  })
}

const printed = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()

const stopped = (): AppError =>
  new AppError('SQL_TIMEOUT', 'The work was stopped.', { hint: 'Run it again when you like.' })

const tooLong = (timeoutMs: number): AppError =>
  new AppError('SQL_TIMEOUT', `The work was stopped after its time limit of ${timeoutMs / 1000} s.`, {
    hint: 'Narrow the time range.',
  })
