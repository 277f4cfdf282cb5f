/** A second connection to the database of an engine, for half of the work on a batch: while one plans or waits, the other computes. */
import type { Engine } from '../../engine/duckdb.ts'
import { signalOf, stoppedBy } from './stopping.ts'

/** Another connection, or none where it does not see the records: a temporary table is seen by its own connection alone. */
export async function besideOver(engine: Engine, relation: string): Promise<Engine | undefined> {
  const side = await engine.beside()
  try {
    await side.run(`SELECT 1 FROM ${relation} LIMIT 0`)
    return side
  } catch {
    side.close()
    return undefined
  }
}

/**
 * Does `work` on an engine, and where it has a `side`, `aside` beside it; otherwise that comes after. Both have ended when this returns or
 * throws. What stops the engine stops the side.
 */
export async function withAside<A, B>(
  engine: Engine,
  side: Engine | undefined,
  work: () => Promise<A>,
  aside: () => Promise<B>,
): Promise<[A, B]> {
  if (side === undefined) return [await work(), await aside()]
  const [done, doneAside] = await Promise.allSettled([work(), stoppedBy(side, signalOf(engine), aside)])
  if (done.status === 'rejected') throw done.reason
  if (doneAside.status === 'rejected') throw doneAside.reason
  return [done.value, doneAside.value]
}
