/** What a measured piece of work comes to, and the stopwatch it is measured with. */

/** Figures of one piece of work, done in a process of its own. */
export interface Outcome {
  readonly events: number
  /** Wall clock of the work itself; starting the process and loading modules are left out. */
  readonly seconds: number
  /** User and system time of all threads during the work. */
  readonly cpuSeconds: number
  /** Most memory the process ever held. */
  readonly peakRssBytes: number
  /** Further figures, by name. */
  readonly details: Readonly<Record<string, number>>
}

/** What a piece of work says of itself; the process adds its peak memory. */
export type Measured = Omit<Outcome, 'peakRssBytes'>

/** Wall clock and CPU time since the stopwatch was started. */
export interface Lap {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Starts a stopwatch; each call of what it returns reads it. */
export function stopwatch(): () => Lap {
  const started = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}

/** The middle value; of an even number, half way between the two in the middle; 0 for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? 0)) / 2
}

/** The smallest value that is at least as large as the share `q` of all; 0 for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0
}
