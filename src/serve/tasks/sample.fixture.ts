/** Work for the tests of tasks. */
import { AppError } from '../../core/errors.ts'
import { answerTask } from './child.ts'

answerTask<{ readonly what: string; readonly n?: number }, unknown, number>(async ({ what, n = 0 }, tell) => {
  if (what === 'double') {
    tell(0.5)
    return { doubled: 2n * BigInt(n), secret: process.env.BRICKTRAIL_SECRET ?? null }
  }
  if (what === 'refuse') throw new AppError('BAD_ARGUMENT', 'It is refused.', { hint: 'Ask for less.' })
  if (what === 'fail') throw new Error('a bug')
  if (what === 'die') process.kill(process.pid, 'SIGKILL')
  if (what === 'spin') for (;;);
  return new Promise(() => undefined)
})
