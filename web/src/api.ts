/** How the page asks the server: one place for cookies, the token against forged requests, and what went wrong. */
import type { Problem } from '../../src/serve/shapes/page.ts'
import { watchPresence } from './presence.ts'

/** Values of a query string; absent, null and empty ones are left out. */
export type Params = Readonly<Record<string, string | number | boolean | null | undefined>>

/** An answer that says no, in the server's words. */
export class ApiError extends Error {
  /** HTTP status; 0 where the server could not be reached. */
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly requestId: string
  /** Which parameters were wrong, for 422. */
  readonly errors: NonNullable<Problem['errors']>

  constructor(problem: Pick<Problem, 'status' | 'detail' | 'code' | 'hint'> & Partial<Problem>) {
    super(problem.detail)
    this.name = 'ApiError'
    this.status = problem.status
    this.code = problem.code
    this.hint = problem.hint
    this.requestId = problem.requestId ?? ''
    this.errors = problem.errors ?? []
  }
}

const ROOT = '/api/v1'

const isAway = watchPresence(window)

/** Says that nobody waits for the answer: the question does not count as use of the session. */
const BACKGROUND = { 'x-bricktrail-background': '1' }

let csrf: string | null = null

/** Told once it is known who is signed in. */
export const setCsrf = (token: string | null): void => {
  csrf = token
}

/** Address of a route below `/api/v1`, for questions and for links to downloads. */
export function urlOf(path: string, params: Params = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return `${path.startsWith('/auth/') ? '' : ROOT}${path}${text === '' ? '' : `?${text}`}`
}

/** Asks for JSON. @throws ApiError, or AbortError where the signal was raised */
export const ask = <T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> =>
  sent<T>(urlOf(path, params), { ...(signal === undefined ? {} : { signal }) })

/** Changes something, and answers with what the server says of it. @throws ApiError */
export function tell<T>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const headers: Record<string, string> = {}
  if (csrf !== null) headers['x-csrf-token'] = csrf
  if (body !== undefined) headers['content-type'] = 'application/json'
  return sent<T>(urlOf(path), {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Asks for text, such as what was received. @throws ApiError */
export async function askText(path: string, params: Params = {}, signal?: AbortSignal): Promise<string> {
  const response = await fetched(urlOf(path, params), { ...(signal === undefined ? {} : { signal }) })
  return await response.text()
}

/** Headers as a plain object, so that some can be added. */
type Asked = RequestInit & { readonly headers?: Readonly<Record<string, string>> }

async function sent<T>(url: string, init: Asked): Promise<T> {
  const response = await fetched(url, init)
  if (response.status === 204 || response.headers.get('content-length') === '0') return undefined as T
  return (await response.json()) as T
}

async function fetched(url: string, init: Asked): Promise<Response> {
  let response: Response
  try {
    const headers = { ...init.headers, ...(isAway() ? BACKGROUND : {}) }
    response = await fetch(url, { credentials: 'same-origin', redirect: 'error', ...init, headers })
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new ApiError({
      status: 0,
      detail: 'The server cannot be reached.',
      code: 'UNREACHABLE',
      hint: 'See whether `bricktrail serve` is still running, then try again.',
    })
  }
  if (!response.ok) throw new ApiError(await problemOf(response))
  return response
}

async function problemOf(response: Response): Promise<Pick<Problem, 'status' | 'detail' | 'code' | 'hint'>> {
  const unknown = {
    status: response.status,
    detail: `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
    code: `HTTP_${response.status}`,
    hint: 'Try again; if it stays, look at what `bricktrail serve` printed.',
  }
  if (!(response.headers.get('content-type') ?? '').includes('json')) return unknown
  try {
    const problem = (await response.json()) as Partial<Problem>
    return { ...unknown, ...problem, status: response.status }
  } catch {
    return unknown
  }
}
