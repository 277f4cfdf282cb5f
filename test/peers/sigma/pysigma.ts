/** pySigma with its SQLite backend, in an environment of its own. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './answers.ts'

const LIST = join(import.meta.dirname, 'requirements.txt')
const VENV = join(import.meta.dirname, '.venv')
const PLAIN = join(import.meta.dirname, '.python')
const TIMEOUT_MS = 5 * 60_000

/** The program, installed where it is not; or the reason why it cannot be had. */
export function pysigma(): Program | { readonly missing: string } {
  const digest = createHash('sha256').update(readFileSync(LIST)).digest('hex')
  const isDone = (folder: string): boolean => {
    const stamp = join(folder, '.installed')
    return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest
  }
  const script = join(import.meta.dirname, 'pysigma.py')
  const own: Program = { command: join(VENV, 'bin', 'python'), args: [script] }
  const plain: Program = { command: 'python3', args: [script], env: { ...process.env, PYTHONPATH: PLAIN } }
  if (isDone(VENV)) return own
  if (isDone(PLAIN)) return plain
  for (const old of [VENV, PLAIN]) rmSync(old, { recursive: true, force: true })
  // Debian keeps venv in a package of its own; without it the packages go into a plain folder.
  const hasVenv = spawnSync('python3', ['-m', 'venv', VENV], { stdio: 'ignore' }).status === 0
  if (!hasVenv) rmSync(VENV, { recursive: true, force: true })
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', LIST]
  const { status, stderr, error } = hasVenv
    ? spawnSync(own.command, pip, { encoding: 'utf8', timeout: TIMEOUT_MS })
    : spawnSync('python3', [...pip, '--target', PLAIN], { encoding: 'utf8', timeout: TIMEOUT_MS })
  if (status !== 0) {
    const words = error?.message ?? stderr.trim().split('\n').at(-1) ?? ''
    return { missing: `pip install failed: ${words}` }
  }
  writeFileSync(join(hasVenv ? VENV : PLAIN, '.installed'), digest)
  return hasVenv ? own : plain
}
