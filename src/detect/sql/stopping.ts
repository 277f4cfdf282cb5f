/** Work on an engine that somebody may stop: what takes long is interrupted, and not mistaken for a rule that fails. */
import type { Engine } from '../../engine/duckdb.ts'

const SIGNALS = new WeakMap<Engine, AbortSignal>()

/** A statement may begin just after the one that was interrupted. */
const AGAIN_MS = 50

/** Runs `work`, and ends it once `signal` is aborted; throws its reason then, whatever else came of the work. */
export async function stoppedBy<T>(
  engine: Engine,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work()
  signal.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => {
    engine.interrupt()
    timer = setInterval(() => engine.interrupt(), AGAIN_MS)
  }
  SIGNALS.set(engine, signal)
  signal.addEventListener('abort', stop)
  try {
    return await work()
  } finally {
    signal.removeEventListener('abort', stop)
    clearInterval(timer)
    SIGNALS.delete(engine)
    signal.throwIfAborted()
  }
}

/** What stops the work that goes on on the engine, if anything does. */
export const signalOf = (engine: Engine): AbortSignal | undefined => SIGNALS.get(engine)

/** Throws where what goes on on the engine was stopped; to be asked before a failure is taken for that of a rule. */
export const checkStopped = (engine: Engine): void => SIGNALS.get(engine)?.throwIfAborted()
