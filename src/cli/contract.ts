/** What a command gets and what it must be: one command a file, each exporting a {@link RegisterCommand}. */
import type { Command } from 'commander'
import type { Home } from '../core/home.ts'

/** A progress line that shows itself only on a terminal and only once the work has taken a second. */
export interface Progress {
  /** `done` of `total`, in the unit of the label. */
  update(done: number, total: number, note?: string): void
  stop(): void
}

/** A server to ask in place of a home, as options and variables name it. */
export interface ServerWish {
  /** As it was typed. */
  readonly address: string
  readonly tokenFile?: string
  /** What BRICKTRAIL_TOKEN holds. */
  readonly token?: string
  readonly caFile?: string
  /** Sends the token in the open to another machine, too. */
  readonly plainHttp: boolean
}

/** The world as a command sees it. Tests pass their own. */
export interface CliContext {
  /**
   * Read after option parsing: --home, else BRICKTRAIL_HOME, else ./bricktrail-data. Throws BAD_ARGUMENT where a server is named: a
   * command that can ask one looks at {@link CliContext.server} first.
   */
  home(): Home
  /** Read after option parsing: --server, else BRICKTRAIL_SERVER unless --home is given; undefined where a home is asked. */
  server(): ServerWish | undefined
  /** Where the demo keeps what it simulates: --home, else ./bricktrail-demo. */
  demoHome(): Home
  /** True with --json: print one machine-readable object and nothing else on standard output. */
  json(): boolean
  /** Standard output, text as given. */
  out(text: string): void
  /** Standard error, one line. */
  note(text: string): void
  readonly stdout: NodeJS.WritableStream
  readonly stdin: NodeJS.ReadableStream
  /** True when standard output is a terminal. */
  readonly tty: boolean
  progress(label: string): Progress
  /** Sets the exit code the process ends with, unless a later error sets a worse one. */
  exit(code: number): void
  now(): Date
}

/** Adds one command to the program. Actions throw AppError for expected failures. */
export type RegisterCommand = (program: Command, cli: CliContext) => void
