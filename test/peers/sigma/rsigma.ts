/** rsigma, built from its crates with the program in `rsigma/`. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './answers.ts'

/** Building takes three minutes on two quiet cores. */
const BUILD_TIMEOUT_MS = 10 * 60_000

const FOLDER = join(import.meta.dirname, 'rsigma')
const TARGET = join(import.meta.dirname, '.rsigma')

/** The program's path. */
const PATH = join(TARGET, 'release', 'rsigma-peer')

/** The program, built where it is not; or the reason why it cannot be had. */
export function rsigma(): Program | { readonly missing: string } {
  const program = { command: PATH, args: ['match'] }
  if (spawnSync('cargo', ['--version'], { cwd: FOLDER }).status !== 0) {
    return existsSync(PATH) ? program : { missing: 'there is no cargo' }
  }
  const built = spawnSync('cargo', ['build', '--release', '--locked', '--quiet', '--target-dir', TARGET], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 'pipe'],
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT_MS,
  })
  if (built.status === 0) return program
  const words =
    built.stderr?.trim().split('\n').slice(0, 2).join(' ') || built.error?.message || `ended with ${built.signal}`
  return { missing: `cargo build failed: ${words}` }
}
