/** Puts what the peers need into this folder, once for each state of the lists. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Installs the npm packages of `package-lock.json` and the Python ones of `requirements.txt` into `folder`. */
export async function installPeers(folder: string): Promise<void> {
  // `npm ci` refuses a lock that lacks chdb's builds for other systems, and not every registry has them all.
  once(folder, 'node_modules', 'package-lock.json', () => run(folder, 'npm', ['install', '--no-save']))
  once(folder, '.venv', 'requirements.txt', () => installPython(folder))
}

/** The Python to call, and the environment in which it finds its packages. */
export function python(folder: string): { command: string; env: NodeJS.ProcessEnv } {
  const own = join(folder, '.venv', 'bin', 'python')
  if (existsSync(own)) return { command: own, env: process.env }
  const path = [join(folder, '.python'), process.env.PYTHONPATH ?? ''].filter(Boolean).join(delimiter)
  return { command: 'python3', env: { ...process.env, PYTHONPATH: path } }
}

/** Does the work unless a stamp in `made` says that it was done for this very list. */
function once(folder: string, made: string, list: string, work: () => void): void {
  const stamp = join(folder, made, '.installed')
  const digest = createHash('sha256')
    .update(readFileSync(join(folder, list)))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  work()
  mkdirSync(join(folder, made), { recursive: true })
  writeFileSync(stamp, digest)
}

function installPython(folder: string): void {
  const venv = join(folder, '.venv')
  const target = join(folder, '.python')
  for (const old of [venv, target]) rmSync(old, { recursive: true, force: true })
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt']
  // Debian keeps venv in a package of its own; without it the packages go into a plain folder.
  if (attempt(folder, 'python3', ['-m', 'venv', venv])) run(folder, join(venv, 'bin', 'python'), install)
  else {
    rmSync(venv, { recursive: true, force: true })
    run(folder, 'python3', [...install, '--target', target])
  }
}

const attempt = (cwd: string, command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { cwd, stdio: 'ignore' }).status === 0

function run(cwd: string, command: string, args: readonly string[]): void {
  process.stdout.write(`# ${command} ${args.join(' ')}\n`)
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ended with ${status ?? error?.message}`)
}
