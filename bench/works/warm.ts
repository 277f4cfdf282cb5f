/** Compiles what a home compiles once, such as the table of networks. */

import { homeAt } from '../../src/core/home.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { prepareEnrichment } from '../../src/enrich/memo.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** The home whose cache is filled. */
export interface WarmParams {
  readonly home: string
}

/** Does nothing where it is done already. */
export async function work({ home }: WarmParams): Promise<Measured> {
  const lap = stopwatch()
  const engine = await Engine.open()
  await prepareEnrichment(engine, homeAt(home))
  engine.close()
  return { events: 0, ...lap(), details: {} }
}
