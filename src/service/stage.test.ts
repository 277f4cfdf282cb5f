import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AppError } from '../core/errors.ts'
import { Stage, type StageOptions } from './stage.ts'
import type { StageHealth } from './view.ts'

const NEVER = { everyMs: 3_600_000 }
let ending = new AbortController()
const serving: Promise<void>[] = []

const started = (options: Partial<StageOptions> & Pick<StageOptions, 'work'>): Stage => {
  const stage = new Stage({ name: 'it', schedule: NEVER, ...options })
  serving.push(stage.serve(ending.signal))
  return stage
}

/** Time passes here only, so that a busy machine changes nothing. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

const until = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((done) => {
    setTimeout(done, ms)
    signal?.addEventListener('abort', () => done())
  })

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(async () => {
  ending.abort()
  await Promise.all(serving.splice(0))
  ending = new AbortController()
  vi.useRealTimers()
})

it('runs at once, then on its schedule', async () => {
  let runs = 0
  const work = async () => {
    runs += 1
    return {}
  }
  started({ schedule: { everyMs: 20 }, work })
  await pass(300)
  expect(runs).toBeGreaterThan(13)
  expect(runs).toBeLessThan(17)
})

it('never runs twice at once, and once more after, however often it was asked for meanwhile', async () => {
  let [atOnce, most, runs] = [0, 0, 0]
  const stage = started({
    work: async () => {
      runs += 1
      most = Math.max(most, ++atOnce)
      await until(50)
      atOnce -= 1
    },
  })
  await pass(10)
  for (let n = 0; n < 5; n++) stage.nudge()
  await pass(250)
  expect([most, runs]).toEqual([1, 2])
})

it('waits longer after each failure, up to a bound, and forgets it after a success', async () => {
  const times: number[] = []
  let isWell = false
  const stage = started({
    firstWaitMs: 20,
    longestWaitMs: 60,
    work: async () => {
      times.push(Date.now())
      if (!isWell) throw new AppError('DISK_FULL', 'There is no room.')
    },
  })
  await pass(450)
  expect(times.slice(1).map((time, at) => time - (times[at] ?? 0))).toEqual([20, 40, 60, 60, 60, 60, 60, 60])
  const { state, failuresInRow, lastFailure } = stage.health()
  expect({ state, failuresInRow }).toEqual({ state: 'failing', failuresInRow: times.length })
  expect(lastFailure).toMatchObject({ message: 'There is no room.', hint: expect.stringMatching(/^Free some space/) })
  isWell = true
  await pass(200)
  expect(stage.health()).toMatchObject({
    state: 'idle',
    failuresInRow: 0,
    lastFailure: { message: 'There is no room.' },
  })
})

it('cuts a wait after a failure short for a person, and not for a hint', async () => {
  let runs = 0
  const work = async () => {
    runs += 1
    throw new Error('It broke.')
  }
  const stage = started({ firstWaitMs: 10_000, work })
  await pass(30)
  stage.nudge(true)
  await pass(30)
  expect(runs).toBe(1)
  stage.nudge()
  await pass(30)
  expect(runs).toBe(2)
  expect(stage.health().lastFailure).toMatchObject({
    message: 'It broke.',
    hint: expect.stringMatching(/^This is a bug/),
  })
})

it('does not count a look that found nothing to do, and tells of it only where something is another', async () => {
  const told: StageHealth[] = []
  const stage = started({
    schedule: { everyMs: 10 },
    work: async () => ({ did: false, note: 'Nothing yet.' }),
    onChange: (health) => told.push(health),
  })
  await pass(150)
  expect(stage.health()).toMatchObject({ runs: 0, state: 'idle', note: 'Nothing yet.' })
  expect(stage.health().lastStart).toBeUndefined()
  expect(told).toHaveLength(1)
})

it('runs sooner than its schedule where a run says so, and not before it says', async () => {
  const times: number[] = []
  const work = async () => {
    times.push(Date.now())
    return times.length === 1 ? { nextMs: Date.now() + 30 } : { notBeforeMs: Date.now() + 500 }
  }
  const stage = started({ work })
  await pass(100)
  expect(times).toHaveLength(2)
  stage.nudge(true)
  await pass(60)
  expect(times).toHaveLength(2)
  await pass(600)
  expect(times).toHaveLength(3)
})

it('ends after the run that is under way', async () => {
  let isDone = false
  started({
    work: async () => {
      await until(80)
      isDone = true
    },
  })
  await pass(10)
  ending.abort()
  expect(isDone).toBe(false)
  await pass(80)
  await Promise.all(serving)
  expect(isDone).toBe(true)
})

it('tells of troubles that do not end a run', async () => {
  const failed: string[] = []
  const stage = started({
    onFailure: (name, cause) => failed.push(`${name} ${String(cause)}`),
    work: async ({ trouble, signal }) => {
      trouble(new AppError('UNREADABLE', 'One of them is gone.'))
      await until(10_000, signal)
      return {}
    },
  })
  await pass(30)
  expect(stage.health()).toMatchObject({ state: 'running', lastFailure: { message: 'One of them is gone.' } })
  expect(failed).toEqual(['it AppError: One of them is gone.'])
})
