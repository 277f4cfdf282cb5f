/** Ctrl-C for work that can be stopped: the first asks it to end, the second ends the process. */
import type { CliContext } from './contract.ts'

/** What shells expect of a process ended by SIGINT. */
const INTERRUPTED_EXIT = 130
/** npm and the launcher pass on what the terminal has sent already; few press twice as fast as this. */
const SAME_PRESS_MS = 500

/** Runs `work` with a signal that Ctrl-C aborts; work that then fails counts as stopped, not as failed. */
export async function stoppable(cli: CliContext, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  let pressedAt: number | undefined
  const onInterrupt = () => {
    if (pressedAt !== undefined && performance.now() - pressedAt < SAME_PRESS_MS) return
    if (pressedAt !== undefined) {
      process.off('SIGINT', onInterrupt)
      process.kill(process.pid, 'SIGINT')
      return
    }
    pressedAt = performance.now()
    stop.abort()
  }
  process.on('SIGINT', onInterrupt)
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
