/** The service's daily bread: small objects, one after another, into a day that holds millions of events already. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { homeAt } from '../../src/core/home.ts'
import { Ingester } from '../../src/ingest/ingest.ts'
import { type Lap, type Measured, median, quantile, stopwatch } from '../outcome.ts'

/** Where the day is, and the objects to add. */
export interface SteadyParams {
  readonly home: string
  /** Each file in it is one batch, taken in order of name. */
  readonly objects: string
}

/** Batches that are not counted: the first opens the engine, the second meets most addresses for the first time. */
const WARM_UP = 2

/** Ingests object by object with one ingester; `seconds` is the median of a batch. */
export async function work({ home, objects }: SteadyParams): Promise<Measured> {
  const ingester = new Ingester({ home: homeAt(home), now: () => new Date() })
  const laps: Lap[] = []
  let events = 0
  for (const name of (await readdir(objects)).sort()) {
    const lap = stopwatch()
    const report = await ingester.ingest({ specs: [join(objects, name)], form: 'auto', stdin: Readable.from([]) })
    laps.push(lap())
    events = report.events
  }
  await ingester.close()
  const counted = laps.slice(WARM_UP)
  const seconds = counted.map((lap) => lap.seconds)
  return {
    events,
    seconds: median(seconds),
    cpuSeconds: median(counted.map((lap) => lap.cpuSeconds)),
    details: {
      batches: counted.length,
      first_ms: (laps[0]?.seconds ?? 0) * 1000,
      p90_ms: quantile(seconds, 0.9) * 1000,
      max_ms: Math.max(...seconds) * 1000,
    },
  }
}
