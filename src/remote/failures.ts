/** What can go wrong on the way to a server, and what a server refuses, as errors of the table. */
import type { IncomingHttpHeaders } from 'node:http'
import { AppError, ERRORS, type ErrorCode, isAppError, messageOf } from '../core/errors.ts'
import type { Problem } from '../serve/shapes/page.ts'

/** What nobody waits for any more. */
export const aborted = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof Error ? signal.reason : new DOMException('The request was stopped.', 'AbortError')

/** No byte came for so long. */
export const silentFailure = (url: URL, ms: number): AppError =>
  new AppError('NO_SERVER', `${url.origin} did not answer within ${Math.round(ms / 1000)} seconds.`)

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'no machine has this name',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it did not answer',
}

/** Codes of certificates that Node does not trust; the rest of `ERR_TLS_` and `CERT_` are told in its words. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED/
const OF_CERTIFICATE = /CERT|ERR_TLS/
const NOT_TLS = /ERR_SSL|EPROTO/

/** A connection that could not be made, or broke. */
export function connectionFailure(url: URL, cause: unknown): unknown {
  if (isAppError(cause)) return cause
  const code = codeOf(cause)
  if (code === undefined) return cause
  const to = url.origin
  if (NOT_TLS.test(code))
    return new AppError('BAD_SERVER', `${to} does not speak TLS as Bricktrail does.`, {
      hint: 'A server without a certificate has an address that begins with http://.',
      cause,
    })
  if (UNTRUSTED.test(code))
    return new AppError('BAD_SERVER', `The certificate of ${to} comes from nobody whom this machine trusts.`, {
      hint: 'For an authority of your own, name its certificate: --ca-file FILE, or NODE_EXTRA_CA_CERTS.',
      cause,
    })
  if (OF_CERTIFICATE.test(code))
    return new AppError('BAD_SERVER', `The certificate of ${to} does not hold: ${messageOf(cause)}.`, {
      hint: 'Use the name that it was made for; one that is over must be renewed (`serve.tls`).',
      cause,
    })
  // Node says of several addresses that none answered; the first tells why.
  return new AppError('NO_SERVER', `${to} cannot be reached: ${WORDS[code] ?? messageOf(cause)}.`, {
    ...(hasProxy(url)
      ? { hint: 'HTTPS_PROXY is set, so that may be about the proxy; NO_PROXY names what it is not for.' }
      : {}),
    cause,
  })
}

const hasProxy = ({ protocol }: URL): boolean =>
  protocol === 'https:' && (process.env.https_proxy || process.env.HTTPS_PROXY || '') !== ''

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined
  if ('code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof AggregateError ? codeOf(cause.errors[0]) : undefined
}

/** An answer, as far as a failure is told by it. */
export interface FailedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What a server answered that is no Bricktrail, or not the address people use of it. */
export function notBricktrail(url: URL, { status, headers }: Pick<FailedAnswer, 'status' | 'headers'>): AppError {
  if (status >= 300 && status < 400) {
    const to = URL.canParse(headers.location ?? '', url.href) ? new URL(headers.location ?? '', url.href).origin : ''
    const hint =
      to === '' || to === url.origin ? 'Name the address of Bricktrail itself.' : `Is it ${to}? Then name that.`
    return new AppError('BAD_SERVER', `${url.origin} sends on to elsewhere, where the token is not sent.`, { hint })
  }
  const type = String(headers['content-type'] ?? '').split(';')[0] || 'nothing'
  return new AppError('BAD_SERVER', `${url.origin} does not answer as Bricktrail does: ${status}, ${type}.`)
}

/** Hints that say how it is done on the command line; the server's own speak of HTTP. */
const HERE: Readonly<Partial<Record<ErrorCode, string>>> = {
  UNAUTHENTICATED:
    'The token may be revoked, over, or of another server. `bricktrail token create` on the machine of the home makes another.',
  FORBIDDEN: 'Ask an administrator for a token of a role that may do this.',
  SQL_TIMEOUT: ERRORS.SQL_TIMEOUT.hint,
  WRONG_HOST: 'Use the address the service prints, or have `serve.public_url` or `serve.names` name the one you use.',
}

/** A gateway's own refusals, which are no problems. */
const GATEWAY: ReadonlySet<number> = new Set([502, 503, 504])

/** A refusal as an error: with the server's code, words and hint where it is a problem of ours. */
export function refusal(url: URL, answer: FailedAnswer): AppError {
  const problem = problemOf(answer)
  if (problem === undefined)
    return GATEWAY.has(answer.status)
      ? new AppError(
          'NO_SERVER',
          `${url.origin} answers ${answer.status}: what stands before Bricktrail does not reach it.`,
        )
      : notBricktrail(url, answer)
  const { code, detail, hint, errors = [], requestId } = problem
  const others = errors.filter((each) => !detail.includes(each.message))
  const message = [detail, ...others.map((each) => `${each.name}: ${each.message}`)].join(' ')
  // Only the server's log can tell more of what it did not expect.
  const where = answer.status === 500 ? { where: `request ${requestId}` } : {}
  return new AppError(code, message, { hint: waiting(code, answer) ?? HERE[code] ?? ofCommands(hint), ...where })
}

/** What the server says of its routes, as whoever types commands does it. */
function ofCommands(hint: string): string {
  if (hint.includes('GET /api/v1/rules')) return '`bricktrail rules list` lists all.'
  return /\/docs\b|\b(?:GET|POST|PUT|DELETE) \/api\//.test(hint)
    ? 'Add --help to the command to see what it takes; `bricktrail doctor` tells whether the server is of another version.'
    : hint
}

/** What is over by itself. Of anything else the server's own hint says more than when to ask again. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TOO_MANY', 'BUSY', 'LOCKED', 'LAKE_CONFLICT', 'ENGINE'])

function waiting(code: ErrorCode, { status, headers }: FailedAnswer): string | undefined {
  if (!PASSING.has(code)) return undefined
  const after = Number(headers['retry-after'])
  if (!Number.isFinite(after) || after <= 0 || (status !== 429 && status !== 503)) return undefined
  return `Run the command again in ${after} ${after === 1 ? 'second' : 'seconds'}.`
}

interface Told extends Pick<Problem, 'detail' | 'hint' | 'errors'> {
  readonly code: ErrorCode
  readonly requestId: string
}

function problemOf({ headers, text, status }: FailedAnswer): Told | undefined {
  if (!/problem\+json/.test(String(headers['content-type'] ?? ''))) return undefined
  const read = objectOf(text)
  const said = (name: string): string => (typeof read?.[name] === 'string' ? read[name] : '')
  if (!/^urn:bricktrail:error:/.test(said('type'))) return undefined
  const code = said('code')
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : status < 500 ? 'BAD_ARGUMENT' : 'ENGINE'
  const errors = Array.isArray(read?.errors) ? read.errors.filter(isWrong) : []
  return { code: known, detail: said('detail'), hint: said('hint'), requestId: said('requestId'), errors }
}

const isWrong = (value: unknown): value is NonNullable<Problem['errors']>[number] =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'message' in value &&
  typeof value.message === 'string'

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
