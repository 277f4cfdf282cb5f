/** A command line for tests: runs one command in process and keeps what it printed. */
import { PassThrough, Readable } from 'node:stream'
import { Command } from 'commander'
import { isAppError } from '../core/errors.ts'
import { homeAt } from '../core/home.ts'
import type { CliContext, RegisterCommand, ServerWish } from './contract.ts'
import { homeOnly } from './server-wish.ts'

/** What a command did. */
export interface Recorded {
  readonly out: string
  readonly notes: string
  readonly exitCode: number
}

/** How the terminal of a test looks. */
export interface RecordedOptions {
  readonly home: string
  /** Asked in place of the home. */
  readonly server?: ServerWish
  readonly demoHome?: string
  readonly tty?: boolean
  readonly width?: number
  readonly stdin?: string
  readonly now?: Date
}

/** Runs `argv` (command name first); an expected failure is thrown as it is. */
export async function runCommand(
  register: RegisterCommand,
  argv: readonly string[],
  options: RecordedOptions,
): Promise<Recorded> {
  const program = new Command('bricktrail').option('--json').exitOverride()
  const stdout = Object.assign(new PassThrough(), { columns: options.width ?? 100 })
  const notes: string[] = []
  let out = ''
  let exitCode = 0
  stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const cli: CliContext = {
    home: () => {
      if (options.server !== undefined) throw homeOnly({ server: options.server.address })
      return homeAt(options.home)
    },
    server: () => options.server,
    demoHome: () => homeAt(options.demoHome ?? options.home),
    json: () => program.opts().json === true,
    out: (text) => void stdout.write(text),
    note: (text) => void notes.push(text),
    stdout,
    stdin: Readable.from([options.stdin ?? '']),
    tty: options.tty === true,
    progress: () => ({ update: () => {}, stop: () => {} }),
    exit: (code) => {
      exitCode = Math.max(exitCode, code)
    },
    now: () => options.now ?? new Date('2026-11-13T12:00:00Z'),
  }
  register(program, cli)
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (cause) {
    if (!isAppError(cause)) throw new Error(`Not an expected failure: ${String(cause)}`, { cause })
    throw cause
  }
  return { out, notes: notes.join('\n'), exitCode }
}
