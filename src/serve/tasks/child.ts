/** The child's side of a task: it is asked one thing, answers it, and ends. */
import { ERRORS, isAppError, messageOf } from '../../core/errors.ts'
import type { TaskMessage } from './messages.ts'

/** Answers the one request that this process was started for. It ends with its parent, too. */
export function answerTask<I, R, P = never>(work: (input: I, progress: (at: P) => void) => Promise<R>): void {
  process.once('disconnect', () => process.exit(1))
  process.once('message', (input) => {
    work(input as I, (progress) => say({ kind: 'progress', progress })).then(
      (result) => end({ kind: 'done', result }),
      (cause: unknown) => end(failureOf(cause)),
    )
  })
}

const say = (message: TaskMessage): void => {
  process.send?.(message)
}

const end = (message: TaskMessage): void => {
  process.send?.(message, () => process.exit(0))
}

function failureOf(cause: unknown): TaskMessage {
  if (isAppError(cause)) return { kind: 'failed', code: cause.code, message: cause.message, hint: cause.hint }
  return { kind: 'failed', code: 'ENGINE', message: messageOf(cause), hint: ERRORS.ENGINE.hint }
}
