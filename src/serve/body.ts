/** Bodies that do not say how long they are, as they come: no more of them is taken than may be sent. */
import type { Context } from 'hono'
import { AppError } from '../core/errors.ts'

const overflows = new WeakMap<Context, AppError>()

/** The refusal of a body. */
export const tooLarge = (bytes: number): AppError =>
  new AppError('TOO_LARGE', `A body has at most ${bytes.toLocaleString('en-US')} bytes here.`)

/** Set where a body was longer than it may be: whoever read it knows only that it broke off. */
export const overflowOf = (c: Context): AppError | undefined => overflows.get(c)

/** Bounds the body of a request that does not say its length. Nothing of it is read before somebody asks for it. */
export function boundBody(c: Context, bytes: number): void {
  const { raw } = c.req
  if (raw.headers.get('transfer-encoding') === null && raw.headers.get('content-length') !== null) return
  if (raw.method === 'GET' || raw.method === 'HEAD' || raw.body === null) return
  let size = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      size += chunk.length
      if (size <= bytes) return controller.enqueue(chunk)
      const refusal = tooLarge(bytes)
      overflows.set(c, refusal)
      controller.error(refusal)
    },
  })
  const { method, headers, signal } = raw
  // From its parts: the server's own requests are no `Request` that could be copied whole.
  const init: RequestInit & { duplex: 'half' } = { method, headers, signal, duplex: 'half' }
  c.req.raw = new Request(raw.url, { ...init, body: raw.body.pipeThrough(counted) })
}
