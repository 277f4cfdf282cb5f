/** The questions an admin asks first, over the lake in a sandbox, as `bricktrail query` asks them. */

import { openLakeSandbox } from '../../src/ask/lake-relations.ts'
import { OVERVIEW } from '../../src/ask/overview.ts'
import { homeAt } from '../../src/core/home.ts'
import { type Measured, median, stopwatch } from '../outcome.ts'

/** Where the lake is, and how often each question is asked. */
export interface QueryParams {
  readonly home: string
  readonly times: number
}

/** Two of the overview's kind that look for one thing among all. */
const FINDING: readonly { readonly id: string; readonly sql: string }[] = [
  {
    id: 'one_actor',
    sql: `SELECT event_time, service, action, status FROM events
      WHERE actor.email = (SELECT mode(actor.email) FROM events) ORDER BY event_time DESC LIMIT 100`,
  },
  {
    id: 'text_in_parameters',
    sql: `SELECT event_time, service, action FROM events
      WHERE contains(lower(request_params::VARCHAR), 'admin') ORDER BY event_time DESC LIMIT 100`,
  },
]

/** Opens a sandbox once and asks each question; `seconds` is the sum of the medians. */
export async function work({ home, times }: QueryParams): Promise<Measured> {
  const opening = stopwatch()
  const sandbox = await openLakeSandbox(homeAt(home))
  const details: Record<string, number> = { open_ms: opening().seconds * 1000 }
  const counted = await sandbox.query('SELECT count(*) FROM events')
  let seconds = 0
  for (const { id, sql } of [...OVERVIEW, ...FINDING]) {
    const laps: number[] = []
    for (let n = 0; n < times; n++) {
      const lap = stopwatch()
      await sandbox.query(sql)
      laps.push(lap().seconds)
    }
    seconds += median(laps)
    details[`${id}_ms`] = median(laps) * 1000
  }
  await sandbox.close()
  return { events: Number(counted.rows[0]?.[0]), seconds, cpuSeconds: 0, details }
}
