import { afterEach, describe, expect, it } from 'vitest'
import { runTask } from './task.ts'

const SAMPLE = new URL('./sample.fixture.ts', import.meta.url)
const run = (input: object, options: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
  runTask<unknown, number>(SAMPLE, input, { timeoutMs: 20_000, ...options })

describe('a task', () => {
  afterEach(() => {
    delete process.env.BRICKTRAIL_SECRET
  })

  it('answers, tells how far it is, and knows nothing of the environment', async () => {
    process.env.BRICKTRAIL_SECRET = 'hidden'
    const told: number[] = []
    const answer = await runTask<unknown, number>(
      SAMPLE,
      { what: 'double', n: 21 },
      { timeoutMs: 20_000, onProgress: (at) => told.push(at) },
    )
    expect(answer).toEqual({ doubled: 42n, secret: null })
    expect(told).toEqual([0.5])
  })

  it('fails with the code, message and hint of what went wrong', async () => {
    await expect(run({ what: 'refuse' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'It is refused.',
      hint: 'Ask for less.',
    })
    await expect(run({ what: 'fail' })).rejects.toMatchObject({ code: 'ENGINE', message: 'a bug' })
  })

  it('that dies is told of', async () => {
    await expect(run({ what: 'die' })).rejects.toMatchObject({
      code: 'ENGINE',
      message: expect.stringContaining('SIGKILL'),
    })
  })

  it.each(['spin', 'wait'])('that does not end is ended after its time (%s)', async (what) => {
    await expect(run({ what }, { timeoutMs: 1500 })).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
  })

  it('is ended when nobody waits for it any more, and not begun if nobody does', async () => {
    const client = new AbortController()
    const spinning = run({ what: 'spin' }, { signal: client.signal })
    setTimeout(() => client.abort(), 500)
    await expect(spinning).rejects.toMatchObject({ code: 'SQL_TIMEOUT', message: 'The work was stopped.' })
    await expect(run({ what: 'double' }, { signal: client.signal })).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
  })
})
