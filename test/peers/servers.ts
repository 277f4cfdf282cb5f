/** Servers of other makers that a peer starts: on free ports of loopback, bounded, and ended with the process that started them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}

/** Whether a program can be started by its name. */
export const has = (command: string): boolean => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0

/** How a server is started. */
export interface Starting {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Listens once the server is ready. */
  readonly port: number
  readonly withinMs?: number
  /** Who it runs as; who started it where absent. */
  readonly uid?: number
}

/** A server that runs. */
export interface Running {
  readonly child: ChildProcess
  /** What it said so far. */
  log(): string
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) signal(child, 'SIGKILL')
})
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130))

/** To a server and all that it started itself. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name)
  } catch {
    // It has ended.
  }
}

/** Starts a server and waits until it listens. */
export async function start(starting: Starting): Promise<Running> {
  const { command, args, cwd, env = process.env, port, withinMs = 60_000, uid } = starting
  const whose = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...whose })
  running.add(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => {
      said = `${said}${piece}`.slice(-20_000)
    })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', (cause) => {
    said += cause.message
  })
  const stop = async () => {
    signal(child, 'SIGTERM')
    const timer = setTimeout(() => signal(child, 'SIGKILL'), 3000)
    await ended
    clearTimeout(timer)
    running.delete(child)
  }
  for (const until = Date.now() + withinMs; Date.now() < until; await sleep(100)) {
    if (child.exitCode !== null || child.pid === undefined) break
    if (await listens(port)) return { child, log: () => said, stop }
  }
  signal(child, 'SIGKILL')
  throw new Error(`${command} did not start: ${said.slice(-2000)}`)
}

/** Whether somebody listens on a port of loopback. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** Says that something was not tried, and why. It does not count as a check. */
export const skipped = (what: string, why: string): void => {
  process.stdout.write(`# not tried: ${what} (${why})\n`)
}
