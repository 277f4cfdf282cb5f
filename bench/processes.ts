/** Runs pieces of work, each in a process of its own, so that peak memory is its own and no cache is warmer than another's. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './outcome.ts'
import type { ParamsOf, WorkName } from './works.ts'

/** Longer than any work takes; one that hangs ends here. */
const TIMEOUT_MS = 60 * 60_000

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))

/** What Node made of the sources: kept, as the command keeps it. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/bricktrail', import.meta.url))

const running = new Set<ChildProcess>()

/** Ends what is running. */
export function killRunning(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Does one piece of work; throws with its last words if it fails. */
export function run<N extends WorkName>(name: N, params: ParamsOf<N>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, name, JSON.stringify(params)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    running.add(child)
    let outcome: Outcome | undefined
    let words = ''
    child.on('message', (message) => {
      outcome = message as Outcome
    })
    child.stderr?.on('data', (data: Buffer) => {
      words = `${words}${data}`.slice(-4000)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      running.delete(child)
      if (code === 0 && outcome !== undefined) resolve(outcome)
      else reject(new Error(`${name} ended with ${signal ?? code}:\n${words}`))
    })
  })
}
