/** Failures as RFC 9457 problems. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AppError, type ErrorCode, isAppError, systemError } from '../core/errors.ts'
import { printable, printableLines } from '../core/printable.ts'
import { hintOverHttp, messageOverHttp } from './hints.ts'
import type { Problem } from './shapes/page.ts'

/** Status of each code of the error table. */
export const STATUS: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  NO_SOURCE: 422,
  NO_RECORDS: 422,
  UNREADABLE: 503,
  UNKNOWN_FORM: 422,
  BAD_ARGUMENT: 422,
  BAD_TIME: 422,
  BAD_SQL: 422,
  SQL_REFUSED: 422,
  SQL_TIMEOUT: 504,
  NO_LAKE: 404,
  BAD_LAKE: 500,
  LAKE_CONFLICT: 503,
  LOCKED: 503,
  BAD_SEAL: 500,
  SEAL_FORKED: 500,
  BAD_KEY: 500,
  DISK_FULL: 503,
  BAD_HOME: 500,
  ENGINE: 500,
  MISSING_PACKAGE: 500,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  TOO_LARGE: 413,
  TOO_MANY: 429,
  BUSY: 503,
  WRONG_HOST: 421,
  WRONG_METHOD: 405,
  NOT_RECORDED: 503,
  NO_SERVER: 502,
  BAD_SERVER: 502,
}

/** One wrong parameter: where it was sent, its name, and what is wrong. */
export type WrongParameter = NonNullable<Problem['errors']>[number]

/** What a refusal may say besides its message. */
export interface RequestDetail {
  readonly hint?: string
  readonly errors?: readonly WrongParameter[]
  readonly retryAfterSeconds?: number
  /** Methods of the path, for the header `Allow`. */
  readonly allow?: string
}

/** A refusal that names each wrong parameter, when it may be tried again, or the methods that there are. */
export class RequestProblem extends AppError {
  readonly errors: readonly WrongParameter[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly allow: string | undefined

  constructor(code: ErrorCode, message: string, detail: RequestDetail = {}) {
    super(code, message, detail.hint === undefined ? {} : { hint: detail.hint })
    this.errors = detail.errors
    this.retryAfterSeconds = detail.retryAfterSeconds
    this.allow = detail.allow
  }
}

const MEDIA_TYPE = 'application/problem+json; charset=utf-8'

/** The problem of an error. What the program did not expect tells nothing of its inside. */
export function problemOf(error: AppError, requestId: string): Problem {
  const errors = error instanceof RequestProblem ? error.errors : undefined
  return {
    type: `urn:bricktrail:error:${error.code}`,
    title: titleOf(error.code),
    status: STATUS[error.code],
    detail: printableLines(messageOverHttp(error.message)),
    code: error.code,
    hint: printable(hintOverHttp(error.hint, error.code)),
    requestId,
    ...(errors === undefined ? {} : { errors: [...errors] }),
  }
}

/** What is over in a moment. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['BUSY', 'LOCKED', 'LAKE_CONFLICT', 'TOO_MANY'])
const LONG_SECONDS = 30

/** When it may go better, where nobody said so: those who were turned away together are not to come back together. */
function waitFor(code: ErrorCode, status: number): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  return PASSING.has(code) ? 1 + Math.round(Math.random()) : LONG_SECONDS
}

/** The problem as an answer. */
export function problemResponse(error: AppError, requestId: string): Response {
  const status = STATUS[error.code]
  const headers = new Headers({ 'content-type': MEDIA_TYPE, 'cache-control': 'no-store' })
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="bricktrail"')
  const { retryAfterSeconds: retry, allow } = error instanceof RequestProblem ? error : {}
  const after = retry ?? waitFor(error.code, status)
  if (after !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(after))))
  if (allow !== undefined) headers.set('allow', allow)
  return new Response(JSON.stringify(problemOf(error, requestId)), { status, headers })
}

/** What is told of anything thrown; `unexpected` sees what nobody expected. */
export function expected(cause: unknown, unexpected: (cause: unknown) => void): AppError {
  if (isAppError(cause)) return cause
  if (cause instanceof HTTPException) return fromHttp(cause)
  if (cause instanceof DOMException && cause.name === 'TimeoutError')
    return new AppError('SQL_TIMEOUT', 'The answer took longer than it may.')
  if (cause instanceof DOMException && cause.name === 'AbortError') return new AppError('BUSY', 'The work was stopped.')
  const system = systemError(cause)
  unexpected(cause)
  if (system?.code === 'DISK_FULL') return new AppError('DISK_FULL', 'The disk of the home is full.')
  return new AppError('ENGINE', 'The server met something it did not expect.', {
    hint: 'Its log has the details under this request id.',
  })
}

/** What Hono itself refuses, such as a body that is no JSON. */
function fromHttp(cause: HTTPException): AppError {
  if (cause.status === 413) return new AppError('TOO_LARGE', 'The body is too large.')
  if (cause.status === 401) return new AppError('UNAUTHENTICATED', 'Nobody is signed in.')
  if (cause.status === 403) return new AppError('FORBIDDEN', 'That is refused.')
  if (cause.status === 404) return new AppError('NOT_FOUND', 'There is nothing here.')
  return new AppError('BAD_ARGUMENT', cause.message || 'The request cannot be read.', {
    hint: 'Send JSON, with `content-type: application/json`.',
  })
}

/** A fresh id of a request. */
export const newRequestId = (): string => randomUUID()

/** The request's id, made where it has none. */
export function requestIdOf(c: Context): string {
  const known: unknown = c.get('requestId')
  if (typeof known === 'string') return known
  const id = newRequestId()
  c.set('requestId', id)
  return id
}

const titleOf = (code: ErrorCode): string => {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}
