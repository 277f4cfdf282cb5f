/** Ctrl-C for work that can be stopped: the first asks it to end, the second ends the process. */
import type { CliContext } from './contract.ts'

/** What shells expect of a process ended by SIGINT. */
const INTERRUPTED_EXIT = 130

/** Runs `work` with a signal that Ctrl-C aborts; work that then fails counts as stopped, not as failed. */
export async function stoppable(cli: CliContext, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.once('SIGINT', onInterrupt)
  try {
    await work(stop.signal)
  } catch (cause) {
    if (!stop.signal.aborted) throw cause
    cli.note('Stopped.')
    cli.exit(INTERRUPTED_EXIT)
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}
