/** What stands before every route: who asks, whether they may, how often, and the record of it before the answer begins. */
import type { Context, MiddlewareHandler } from 'hono'
import { AppError, type ErrorCode, isAppError } from '../core/errors.ts'
import type { Access } from './auth/access.ts'
import { type Authenticated, authenticate, changes } from './auth/authenticate.ts'
import { type Client, type Clients, neighbourhood } from './auth/client.ts'
import { overflowOf } from './body.ts'
import type { Permission, Principal, ServeEnv } from './contract.ts'
import type { RateLimit } from './limits.ts'
import type { OwnAction } from './own-actions.ts'
import type { OwnLog } from './own-log.ts'
import type { OwnRecord } from './own-record.ts'
import { expected, problemResponse, RequestProblem, requestIdOf, STATUS } from './problems.ts'
import { isSentWhileMade } from './server.ts'
import type { ServeSettings } from './settings.ts'

/** What the guard works with. */
export interface Door {
  readonly access: Access
  readonly ownLog: Pick<OwnLog, 'append' | 'ready' | 'begin' | 'refused'>
  readonly settings: ServeSettings
  readonly clients: Clients
  readonly now: () => Date
  /** By principal. */
  readonly requests: RateLimit
  /** Requests that nobody stands behind, by address. */
  readonly strangers: RateLimit
}

/** How a route differs from others. */
export interface GuardOptions {
  /** How long it may take; null for a live stream. The settings' bound where absent. */
  readonly seconds?: number | null
  /** Where a page asks by itself, and again and again: it keeps no session alive. */
  readonly isBackground?: true
}

/** What is recorded where the client left before the answer. */
const CLIENT_GONE = 499

const doors = new WeakMap<object, Door>()
const known = new WeakMap<Context, Authenticated>()
const notes = new WeakMap<Context, Record<string, unknown>>()

/** Sets the door of a request, by its variables; the app does it first. */
export const openDoor = (c: Context, door: Door): void => {
  doors.set(c, door)
}

/** The door of a request. */
export function doorOf(c: Context): Door {
  const door = doors.get(c)
  if (door === undefined) throw new Error('the app sets a door before its routes')
  return door
}

/** Where a request came from. */
export const clientOf = (c: Context): Client => doorOf(c).clients.of(c)

/** The session behind a guarded request; undefined for a token. */
export const sessionOf = (c: Context): Authenticated['session'] => known.get(c)?.session

/** Adds to the record of this request what its parameters do not tell, such as how many rows left. */
export function note(c: Context, params: Readonly<Record<string, unknown>>): void {
  notes.set(c, { ...notes.get(c), ...params })
}

/**
 * Middleware of a route: authenticates, checks the permission, sets `principal`, `requestId` and `signal`, runs the handler, and
 * writes the record of use before the answer begins. What cannot be recorded is refused.
 */
export function guard(
  needs: Permission | 'any',
  action: OwnAction,
  options: GuardOptions = {},
): MiddlewareHandler<ServeEnv> {
  return async (c, next) => {
    const door = doorOf(c)
    const requestId = requestIdOf(c)
    const refusal = await refusalOf(c, door, needs, options.isBackground)
    if (refusal !== undefined) return refuse(c, door, action, refusal)
    const principal = known.get(c)?.principal
    if (principal === undefined) throw new Error('a request that is not refused has a principal')
    const unready = changes(c) ? await begun(c, door, action, principal) : undefined
    if (unready !== undefined) return refuse(c, door, action, unready)
    c.set('principal', principal)
    c.set('requestId', requestId)
    const bound = signalOf(c, options.seconds === undefined ? door.settings.limits.requestSeconds : options.seconds)
    c.set('signal', bound.signal)
    try {
      await next()
    } catch {
      // Failures have become answers by now; only what is thrown and is no error comes this far.
      replaceAnswer(
        c,
        problemResponse(new AppError('ENGINE', 'The server met something it did not expect.'), requestId),
      )
    }
    if (!isSentWhileMade(c.res)) bound.settle()
    const status = c.req.raw.signal.aborted ? CLIENT_GONE : c.res.status
    try {
      await door.ownLog.append(recordOf(c, door, { action, principal, status, error: c.error }))
    } catch (cause) {
      await c.res.body?.cancel().catch(() => undefined)
      replaceAnswer(c, problemResponse(asAppError(cause), requestId))
    }
    return undefined
  }
}

/** A change is not taken back, so it is kept before it is done; why it could not be, if so. */
async function begun(c: Context, door: Door, action: OwnAction, principal: Principal): Promise<AppError | undefined> {
  try {
    await door.ownLog.begin(recordOf(c, door, { action, principal, status: 0 }))
    return undefined
  } catch (cause) {
    return asAppError(cause)
  }
}

interface Outcome {
  readonly action: OwnAction
  readonly principal?: Principal | undefined
  readonly status: number
  readonly error?: Error | undefined
}

/** Refusals before anything was done: a statement that failed on its way may have told something by that. */
const UNDONE: ReadonlySet<string> = new Set<ErrorCode>([
  'SQL_REFUSED',
  'BAD_ARGUMENT',
  'BAD_TIME',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NO_LAKE',
  'NOT_FOUND',
  'CONFLICT',
  'TOO_MANY',
])

/** The record of a request. */
export function recordOf(c: Context, door: Door, outcome: Outcome): OwnRecord {
  const { principal, error } = outcome
  const failure = error === undefined ? undefined : answeredFailure(c, error)
  const client = door.clients.of(c)
  return {
    time: door.now(),
    action: outcome.action,
    requestId: requestIdOf(c),
    who: principal === undefined ? undefined : principal,
    address: client.address,
    userAgent: client.userAgent,
    params: paramsOf(c),
    query: queryOf(c),
    status: outcome.status,
    error:
      failure === undefined
        ? undefined
        : failure.code === 'ENGINE' && !isAppError(error)
          ? 'ENGINE'
          : `${failure.code}: ${failure.message}`,
    isRefused: failure !== undefined && UNDONE.has(failure.code),
  }
}

/** What was answered, where it was no answer to the question: the record says the same. */
const answeredFailure = (c: Context, error: Error): AppError => overflowOf(c) ?? expected(error, () => undefined)

/** What was asked: how and where, notes, the parameters of the path, and the body once it was found right. */
function paramsOf(c: Context): Record<string, unknown> {
  return { ...bodyOf(c), ...c.req.param(), ...notes.get(c), method: c.req.method, path: c.req.path }
}

/** The query string: its names are whatever somebody wrote there. */
const queryOf = (c: Context): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )

function bodyOf(c: Context): Record<string, unknown> {
  const body: unknown = c.req.valid('json' as never)
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {}
}

async function refusalOf(
  c: Context,
  door: Door,
  needs: Permission | 'any',
  isBackground = c.req.header('x-bricktrail-background') !== undefined,
): Promise<AppError | undefined> {
  try {
    const principal = admitted(c, door, isBackground)
    if (needs !== 'any' && !principal.permissions.has(needs)) throw lacking(principal, needs)
    if (changes(c)) await door.ownLog.ready()
    return undefined
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    return cause.code === 'UNAUTHENTICATED' ? ofStranger(c, door, cause) : cause
  }
}

/** Who asks. @throws AppError where nobody knows, or they ask too often */
function admitted(c: Context, door: Door, isBackground: boolean): Principal {
  const asked = { client: door.clients.of(c), publicUrl: door.settings.publicUrl, isBackground }
  const found = authenticate(c, door.access, asked)
  known.set(c, found)
  const allowance = door.requests.take(found.principal.id)
  if (!allowance.allowed) throw new TooOften(allowance.retrySeconds)
  return found.principal
}

/** Whoever goes on without a token that counts is told to wait; those who have one behind the same address are not. */
function ofStranger(c: Context, door: Door, refusal: AppError): AppError {
  const allowance = door.strangers.take(neighbourhood(door.clients.of(c).address))
  return allowance.allowed ? refusal : new TooOften(allowance.retrySeconds)
}

/** Records a refusal before anybody asked who it is, and answers it. */
export function refuseStranger(c: Context, door: Door, action: OwnAction, refusal: AppError): Promise<Response> {
  return refuse(c, door, action, ofStranger(c, door, refusal))
}

/** As {@link refuseStranger}, but the record says who it was where that is known. It keeps no session alive. */
export function refuseAtDoor(c: Context, door: Door, action: OwnAction, refusal: AppError): Promise<Response> {
  try {
    admitted(c, door, true)
    return refuse(c, door, action, refusal)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    return cause instanceof TooOften ? refuse(c, door, action, cause) : refuseStranger(c, door, action, refusal)
  }
}

/** Records a refusal and answers it. Of many by strangers, or by one who asks too often, most are recorded as a number. */
export async function refuse(c: Context, door: Door, action: OwnAction, refusal: AppError): Promise<Response> {
  const requestId = requestIdOf(c)
  try {
    const principal = known.get(c)?.principal
    const outcome = { action, principal, status: STATUS[refusal.code], error: refusal }
    const record = recordOf(c, door, outcome)
    if (principal === undefined || refusal instanceof TooOften) await door.ownLog.refused(record)
    else await door.ownLog.append(record)
    return problemResponse(refusal, requestId)
  } catch (cause) {
    return problemResponse(asAppError(cause), requestId)
  }
}

/** Too many requests. */
export class TooOften extends RequestProblem {
  constructor(retrySeconds: number) {
    super('TOO_MANY', 'Too many requests.', { retryAfterSeconds: retrySeconds })
  }
}

const lacking = (principal: Principal, needs: Permission): AppError =>
  new AppError(
    'FORBIDDEN',
    `That needs the permission ${needs}, which ${principal.name} (${principal.role}) does not have.`,
  )

function asAppError(cause: unknown): AppError {
  if (isAppError(cause)) return cause
  throw cause
}

/** What bounds the work on a request. */
interface Bound {
  /** Says itself why it was raised: whoever throws its reason answers with the right problem. */
  readonly signal: AbortSignal
  /** Nothing is worked on any more: neither the time nor a client that leaves matters. */
  settle(): void
}

function signalOf(c: Context, seconds: number | null): Bound {
  const stop = new AbortController()
  const { signal: gone } = c.req.raw
  const leave = () => stop.abort(new AppError('BUSY', 'The client left before the answer.'))
  if (gone.aborted) leave()
  gone.addEventListener('abort', leave, { once: true })
  const late = () => stop.abort(new AppError('SQL_TIMEOUT', `The answer took longer than ${seconds} seconds.`))
  const timer = seconds === null ? undefined : setTimeout(late, seconds * 1000).unref()
  const settle = () => {
    clearTimeout(timer)
    gone.removeEventListener('abort', leave)
  }
  return { signal: stop.signal, settle }
}

/** In place of an answer and all its headers. */
function replaceAnswer(c: Context, answer: Response): void {
  c.res = undefined
  c.res = answer
}
