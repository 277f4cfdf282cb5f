/**
 * The error table: every failure Bricktrail expects, with the exit code it leads to and what the reader can do.
 * `docs/reference/errors.md` lists the same rows; a test compares the two.
 */

/** Process exit codes: 0 fine, 1 findings or a failed proof, 2 bad input, 3 bad configuration or environment. */
export const EXIT = { ok: 0, findings: 1, badInput: 2, badConfig: 3 } as const

interface ErrorRow {
  readonly exit: (typeof EXIT)[keyof typeof EXIT]
  readonly retryable: boolean
  /** What to do when the thrower has nothing more exact to say. */
  readonly hint: string
}

/** One row per code. Codes are stable: scripts match on them. */
export const ERRORS = {
  NO_SOURCE: {
    exit: 2,
    retryable: false,
    hint: 'Check the path; a folder, file, glob or - (standard input) is taken.',
  },
  NO_RECORDS: { exit: 2, retryable: false, hint: 'Run `bricktrail rejects` to see what was wrong with each object.' },
  UNREADABLE: { exit: 2, retryable: true, hint: 'Check the permissions of the file and run the command again.' },
  UNKNOWN_FORM: { exit: 2, retryable: false, hint: 'Pass --form delivery, azure, system-table or uam if you know it.' },
  BAD_ARGUMENT: { exit: 2, retryable: false, hint: 'Run the command with --help to see what it takes.' },
  BAD_TIME: { exit: 2, retryable: false, hint: 'Use an ISO time, "2h ago", "yesterday", "today" or "now".' },
  BAD_SQL: {
    exit: 2,
    retryable: false,
    hint: 'The tables are events, findings, rejects and objects; `describe events` lists columns.',
  },
  SQL_REFUSED: {
    exit: 2,
    retryable: false,
    hint: 'Only one SELECT (or DESCRIBE, SUMMARIZE) over events, findings, rejects and objects runs.',
  },
  SQL_TIMEOUT: { exit: 2, retryable: true, hint: 'Narrow the time range or raise --timeout.' },
  NO_LAKE: { exit: 2, retryable: false, hint: 'Run `bricktrail demo` or `bricktrail ingest PATH` first.' },
  BAD_LAKE: { exit: 3, retryable: false, hint: 'Run `bricktrail doctor` to see which file is damaged.' },
  LAKE_CONFLICT: { exit: 3, retryable: true, hint: 'Another writer committed first; run the command again.' },
  LOCKED: { exit: 3, retryable: true, hint: 'Wait for the other bricktrail process, or stop it.' },
  BAD_SEAL: { exit: 3, retryable: false, hint: 'Run `bricktrail verify` to see which file of the seal is damaged.' },
  SEAL_FORKED: {
    exit: 3,
    retryable: false,
    hint: 'Put back the newest copy of the seal folder; `bricktrail verify` tells what differs.',
  },
  BAD_KEY: { exit: 3, retryable: false, hint: 'Run `bricktrail seal key show` to see which key the log expects.' },
  DISK_FULL: {
    exit: 3,
    retryable: true,
    hint: 'Free some space (see `bricktrail doctor`) and run the command again; nothing is lost.',
  },
  BAD_HOME: { exit: 3, retryable: false, hint: 'Name a writable folder with --home DIR or BRICKTRAIL_HOME.' },
  ENGINE: { exit: 3, retryable: false, hint: 'Run `bricktrail doctor`; if it finds nothing, report this as a bug.' },
  MISSING_PACKAGE: { exit: 3, retryable: false, hint: 'Install the package the message names.' },
  UNAUTHENTICATED: {
    exit: 2,
    retryable: false,
    hint: 'Sign in, or send a token as `Authorization: Bearer btk_…`; `bricktrail token create` makes one.',
  },
  FORBIDDEN: {
    exit: 2,
    retryable: false,
    hint: 'Ask an administrator for a role that may do this; `GET /api/v1/me` shows what yours may.',
  },
  NOT_FOUND: { exit: 2, retryable: false, hint: 'Check the id; what lies outside your rows is not found either.' },
  CONFLICT: {
    exit: 2,
    retryable: false,
    hint: 'Load it again: it changed meanwhile, or is in a state that does not allow this.',
  },
  TOO_LARGE: { exit: 2, retryable: false, hint: 'Send less at once.' },
  TOO_MANY: { exit: 2, retryable: true, hint: 'Wait as long as the answer says, and ask less often.' },
  BUSY: { exit: 3, retryable: true, hint: 'Ask again in a moment; others are being answered first.' },
  WRONG_HOST: {
    exit: 2,
    retryable: false,
    hint: 'Open the page by the address the service prints, or set `serve.public_url` to the name you use.',
  },
  WRONG_METHOD: { exit: 2, retryable: false, hint: 'Use one that the header `Allow` names; `/docs` lists all routes.' },
  NOT_RECORDED: {
    exit: 3,
    retryable: true,
    hint: 'Free space on the disk of the home, or make its folder `own` writable: nothing is shown that is not recorded.',
  },
  NO_SERVER: {
    exit: 3,
    retryable: true,
    hint: 'Check the address, and whether `bricktrail serve` runs there; --server or BRICKTRAIL_SERVER names it.',
  },
  BAD_SERVER: {
    exit: 3,
    retryable: false,
    hint: 'Check the address of --server or BRICKTRAIL_SERVER: it is the one that `bricktrail serve` prints.',
  },
} as const satisfies Record<string, ErrorRow>

/** A key of the error table. */
export type ErrorCode = keyof typeof ERRORS

/** What a thrower adds to a row of the table. */
export interface ErrorDetail {
  /** A command or config key that mends it; the table's hint where absent. */
  readonly hint?: string
  /** The file, object, line or key it is about. */
  readonly where?: string
  readonly cause?: unknown
}

/** An expected failure: what happened to which thing, and what to do. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly retryable: boolean
  readonly exit: number
  readonly where: string | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause })
    this.name = 'AppError'
    this.code = code
    this.hint = detail.hint ?? ERRORS[code].hint
    this.retryable = ERRORS[code].retryable
    this.exit = ERRORS[code].exit
    this.where = detail.where
  }
}

/** True for values made by `new AppError`. */
export const isAppError = (value: unknown): value is AppError => value instanceof AppError

/** The message of anything thrown. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOTDIR: 'BAD_HOME',
  EACCES: 'BAD_HOME',
  EPERM: 'BAD_HOME',
  EROFS: 'BAD_HOME',
  EEXIST: 'BAD_HOME',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EFBIG: 'DISK_FULL',
}

/** What the operating system refused, as a failure a user can mend; undefined for anything else, which is a bug. */
export function systemError(cause: unknown): AppError | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  const code = SYSTEM_CODES[String(cause.code)]
  return code === undefined ? undefined : new AppError(code, cause.message, { cause })
}
