/** One bounded POST to a service that is not ours: no redirects, a time limit, and a limit to what is read. */
import { messageOf } from '../../core/errors.ts'

/** What a service answered. */
export interface Answer {
  readonly ok: true
  readonly status: number
  /** Media type, lower case, without parameters. */
  readonly type: string
  readonly bytes: Uint8Array
}

/** Why there is no answer. */
export interface NoAnswer {
  readonly ok: false
  readonly reason: string
}

/** What is sent, and how much patience there is. */
export interface Post {
  readonly url: string
  readonly type: string
  readonly body: Uint8Array
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** An address as it may be shown: without what may be secret in it. */
export function shownUrl(text: string): string {
  const url = URL.parse(text)
  return url === null ? 'an address that is none' : `${url.origin}${url.pathname}`
}

/** Posts; whatever goes wrong is the reason of a {@link NoAnswer}. */
export async function post({ url, type, body, maxBytes, signal }: Post): Promise<Answer | NoAnswer> {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    return { ok: false, reason: 'its address is no http(s) URL' }
  if (parsed.username !== '' || parsed.password !== '') {
    return { ok: false, reason: 'its address has a user or password in it, which is not sent' }
  }
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(body),
      // A redirect would take the checkpoint to somebody who was not named.
      redirect: 'manual',
      signal,
    })
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel()
      return { ok: false, reason: `it redirects (${answer.status}), which is not followed` }
    }
    const bytes = await readAtMost(answer, maxBytes)
    if (bytes === undefined) return { ok: false, reason: `it answered more than ${maxBytes} bytes` }
    const media = answer.headers.get('content-type') ?? ''
    return { ok: true, status: answer.status, type: media.split(';')[0]?.trim().toLowerCase() ?? '', bytes }
  } catch (cause) {
    return { ok: false, reason: reasonOf(cause) }
  }
}

async function readAtMost(answer: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.length
    // Leaving the loop cancels the body.
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** fetch hides what happened in the cause. */
function reasonOf(cause: unknown): string {
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'it did not answer in time'
  const inner = cause instanceof Error && cause.cause !== undefined ? `: ${messageOf(cause.cause)}` : ''
  return `${messageOf(cause)}${inner}`
}
