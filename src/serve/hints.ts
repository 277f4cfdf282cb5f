/** Hints as those who ask over HTTP can follow them: they have no command line, and mostly not the machine. */
import { type AppError, ERRORS, type ErrorCode } from '../core/errors.ts'
import type { StageHealth } from './contract.ts'

/** Who runs the service has its machine; nobody else can mend these. */
const ITS_OPERATOR = 'Tell who runs the service'

/** In place of the table's hints, where those speak of the command line. */
const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  NO_SOURCE: `${ITS_OPERATOR}: the source is not where the settings say.`,
  NO_RECORDS: '`GET /api/v1/rejects` shows what was set aside, and why.',
  UNREADABLE: `Ask again in a moment; if it stays so, ${ITS_OPERATOR.toLowerCase()}: it may not read its files.`,
  UNKNOWN_FORM: 'The forms are delivery, azure, system-table and uam.',
  BAD_ARGUMENT: '`/docs` shows what each route takes.',
  SQL_TIMEOUT: 'Narrow the span of time, or raise `timeoutSeconds` where the route takes it.',
  NO_LAKE: 'Nothing was taken in yet; `GET /api/v1/sources` shows how the sources are doing.',
  BAD_LAKE: `${ITS_OPERATOR}: \`bricktrail doctor\` tells which file is damaged.`,
  LAKE_CONFLICT: 'Another writer was first; ask again.',
  LOCKED: 'Another process works on the home; ask again in a moment.',
  BAD_SEAL: `Start a verification, or ${ITS_OPERATOR.toLowerCase()}: \`bricktrail verify\` tells which file is damaged.`,
  SEAL_FORKED: `${ITS_OPERATOR}, at once: \`bricktrail verify\` tells what differs, and what to do about it.`,
  BAD_KEY: `${ITS_OPERATOR}: the key of the seal is not the one that the log expects.`,
  DISK_FULL: `${ITS_OPERATOR}: the disk needs room. Nothing is lost.`,
  BAD_HOME: `${ITS_OPERATOR}: \`bricktrail doctor\` tells what is wrong with its home.`,
  ENGINE: `Ask again; if it stays so, ${ITS_OPERATOR.toLowerCase()}: its log has the details under the id of the request.`,
  MISSING_PACKAGE: `${ITS_OPERATOR}: it lacks a package that the message names.`,
  UNAUTHENTICATED: 'Sign in, or send a token as `Authorization: Bearer btk_…`.',
}

const OF_TABLE: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries(ERRORS).map(([code, { hint }]) => [hint, code as ErrorCode]),
)

/** `--from`, alone or in a command. */
const NAMES_FLAG = /(?:^|[^\w-])--[a-z]/

/** A hint that was written for any way of asking, in words of this one. */
export function hintOverHttp(hint: string, code?: ErrorCode): string {
  const [ofTable, namesFlag] = [OF_TABLE.get(hint), NAMES_FLAG.test(hint)]
  if (ofTable === undefined && !namesFlag) return hint
  const meant = ofTable ?? code
  const words = meant === undefined ? undefined : WORDS[meant]
  return words ?? (namesFlag ? `${ITS_OPERATOR}; its log has the details.` : hint)
}

/** What is said of an option, of the parameter of the same name. */
export const messageOverHttp = (message: string): string => message.replace(/^--(?=[a-z-]+ is empty\.$)/, '')

/** The message of a failure and what to do about it, for an answer that is no refusal. */
export const failureOverHttp = ({ message, hint, code }: AppError): string => `${message} ${hintOverHttp(hint, code)}`

/** A stage as it is told over HTTP. */
export const stageOverHttp = ({ lastFailure, ...stage }: StageHealth): StageHealth =>
  lastFailure === undefined
    ? stage
    : { ...stage, lastFailure: { ...lastFailure, hint: hintOverHttp(lastFailure.hint) } }
