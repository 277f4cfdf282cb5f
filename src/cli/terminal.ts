/** The real terminal: output, progress and errors as a person or a script wants them. */
import { statSync } from 'node:fs'
import type { SingleBar } from 'cli-progress'
import type { Command } from 'commander'
import { AppError, EXIT } from '../core/errors.ts'
import { DEFAULT_HOME, type Home, homeAt } from '../core/home.ts'
import { printable, printableLines } from '../core/printable.ts'
import type { CliContext, Progress } from './contract.ts'
import { DEMO_HOME, demoHint } from './demo-home.ts'
import { homeOnly, type PlaceFlags, serverNamed } from './server-wish.ts'

/** Work shorter than this shows no progress line. */
const PROGRESS_AFTER_MS = 1000

/** A context bound to this process, plus what only `main` needs. */
export interface TerminalContext extends CliContext {
  exitCode(): number
  fail(error: AppError): void
}

/**
 * Makes the context; options are read from `program` when asked, after parsing.
 *
 * @param wantsJson true where `--json` is known to stand on a command line that may never get parsed
 */
export function terminalContext(program: Command, wantsJson = false): TerminalContext {
  let exitCode: number = EXIT.ok
  const json = () => wantsJson || program.opts().json === true
  const note = (text: string) => void process.stderr.write(`${text}\n`)
  const flags = (): PlaceFlags => program.opts()
  return {
    // An empty variable is one that is not set.
    home: () => {
      if (serverNamed(flags(), process.env) !== undefined) throw homeOnly(flags())
      return folderOf(flags().home ?? (process.env.BRICKTRAIL_HOME || DEFAULT_HOME))
    },
    server: () => serverNamed(flags(), process.env),
    // A variable that is set for good keeps nobody from looking at the demo.
    demoHome: () => {
      if (flags().server !== undefined) throw homeOnly(flags())
      return folderOf(flags().home ?? DEMO_HOME)
    },
    json,
    out: (text) => void process.stdout.write(text),
    note,
    stdout: process.stdout,
    stdin: process.stdin,
    tty: process.stdout.isTTY === true,
    progress: (label) => (process.stderr.isTTY ? terminalProgress(label) : silentProgress),
    exit: (code) => {
      exitCode = Math.max(exitCode, code)
    },
    now: () => new Date(),
    exitCode: () => exitCode,
    fail: (error) => {
      const { code, message, retryable, where } = error
      const isOfUsualHome = () => flags().home === undefined && serverNamed(flags(), process.env) === undefined
      const hint = (code === 'NO_LAKE' && isOfUsualHome() ? demoHint() : undefined) ?? error.hint
      if (json()) {
        process.stdout.write(`${JSON.stringify({ error: { code, message, hint, retryable, where } })}\n`)
        return
      }
      note(`error: ${printableLines(message)}${where === undefined ? '' : ` (${printable(where)})`}`)
      note(`hint: ${printableLines(hint)}`)
    },
  }
}

/** Empty is what a script writes that has lost its variable; the current folder would be the last thing it means. */
function folderOf(path: string): Home {
  if (path.trim() === '') {
    throw new AppError('BAD_ARGUMENT', '--home is empty.', { hint: 'Name the data folder: --home DIR.' })
  }
  const home = homeAt(path)
  if (isFile(home.root)) throw new AppError('BAD_HOME', `${home.root} is a file, not a folder.`)
  return home
}

/** What cannot be looked at is left to those who use it. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return false
  }
}

const silentProgress: Progress = { update: () => {}, stop: () => {} }

function terminalProgress(label: string): Progress {
  const startedAt = performance.now()
  let bar: SingleBar | undefined
  let asked = false
  let stopped = false
  /** The library is loaded by the first command that takes a second. */
  const start = async (total: number, done: number, text: string) => {
    const { default: library } = await import('cli-progress')
    if (stopped) return
    bar = new library.SingleBar(
      { format: `${label} [{bar}] {percentage}% {note}`, hideCursor: true, clearOnComplete: true },
      library.Presets.shades_grey,
    )
    bar.start(total, done, { note: text })
  }
  return {
    update(done, total, text = '') {
      if (!asked && performance.now() - startedAt > PROGRESS_AFTER_MS) {
        asked = true
        void start(total, done, text)
      }
      bar?.setTotal(total)
      bar?.update(done, { note: text })
    },
    stop() {
      stopped = true
      bar?.stop()
    },
  }
}
