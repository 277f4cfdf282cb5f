/** Makes the logs of a simulated account, in delivery form. */
import { simulate } from '../../src/simulate/simulate.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** What to simulate; the attacks are always in. */
export interface SimulateParams {
  readonly out: string
  readonly events: number
  readonly days: number
  readonly seed: number
  readonly gzip: boolean
}

/** First day of every simulated account, so that equal options give equal bytes on any day. */
export const START_DATE = '2026-11-09'

/** Simulates. */
export async function work(params: SimulateParams): Promise<Measured> {
  const lap = stopwatch()
  const { events, files, bytes } = await simulate({
    ...params,
    form: 'delivery',
    scenarios: 'all',
    startDate: START_DATE,
  })
  return { events, ...lap(), details: { files, bytes } }
}
