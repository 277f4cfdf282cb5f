/** Waits for the signals that end a service. */

/** What shells expect of a process ended by a second SIGINT. */
const INTERRUPTED_EXIT = 130
/** npm and the launcher pass on what the terminal has sent already; few press twice as fast as this. */
const SAME_PRESS_MS = 500

/** The first SIGINT or SIGTERM. A second one ends the process at once. */
export function untilTold(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        resolve(signal)
      } else if (performance.now() - firstAt > SAME_PRESS_MS) process.exit(INTERRUPTED_EXIT)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
