/** What declarations of routes have in common: who may ask, what is answered, and what is refused. */
import { z } from '@hono/zod-openapi'
import type { Permission } from './contract.ts'
import { type GuardOptions, guard } from './guard.ts'
import type { OwnAction } from './own-actions.ts'
import { knowsItsNames } from './shapes/asked.ts'
import { Problem } from './shapes/page.ts'

/** What a refusal means, by status. */
const REFUSALS = {
  401: 'Nobody is signed in, or the token does not count any more.',
  403: 'Who asks may not do this.',
  404: 'There is none, or it lies outside the rows of who asks.',
  409: 'Its state does not allow this.',
  422: 'Parameters or body do not fit; `errors` names each.',
  429: 'Too many requests; `Retry-After` says when to go on.',
  500: 'The server met something it did not expect; its log has it under `requestId`.',
  503: 'Too much is asked at once, or the record of use cannot be written.',
  504: 'The answer took longer than it may.',
} as const

/** A status of a refusal. */
export type Refusal = keyof typeof REFUSALS

const CODES: Readonly<Record<Refusal, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  422: 'BAD_ARGUMENT',
  429: 'TOO_MANY',
  500: 'ENGINE',
  503: 'BUSY',
  504: 'SQL_TIMEOUT',
}

const EXAMPLE_ID = 'd7a1f1de-5b21-4b3c-9b02-0d0c6d2f9d5a'

const refusalAnswer = (status: Refusal) => ({
  description: REFUSALS[status],
  content: {
    'application/problem+json': {
      schema: Problem,
      example: {
        type: `urn:bricktrail:error:${CODES[status]}`,
        title: CODES[status].toLowerCase().replaceAll('_', ' '),
        status,
        detail: REFUSALS[status],
        code: CODES[status],
        hint: 'What to do about it.',
        requestId: EXAMPLE_ID,
      },
    },
  },
})

/** Refusals that every guarded route can answer with. */
export const REFUSED = {
  401: refusalAnswer(401),
  403: refusalAnswer(403),
  404: refusalAnswer(404),
  422: refusalAnswer(422),
  429: refusalAnswer(429),
  // Refused before any route is looked for, and without words.
  431: { description: 'Address and headers are longer than the server takes.' },
  500: refusalAnswer(500),
  503: refusalAnswer(503),
  504: refusalAnswer(504),
}

/** Also for what can meet a state that does not allow it. */
export const REFUSED_OR_CONFLICT = { ...REFUSED, 409: refusalAnswer(409) }

/** A good answer: JSON of a shape, with an example that fits it. */
export const answer = <S extends z.ZodType>(description: string, schema: S, example: z.input<S>) => ({
  description,
  content: { 'application/json': { schema, example } },
})

/** A body that is needed: JSON of a shape that knows all of its names, with an example that fits it. */
export const body = <S extends z.ZodType>(schema: S, example: z.input<S>) => {
  if (!knowsItsNames(schema)) throw new Error('the body of a route is described by `asked`')
  return { required: true, content: { 'application/json': { schema, example } } }
}

/** Id of something in a path. */
export const idParam = (description: string, example: string) => ({
  params: z.object({ id: z.string().min(1).max(200).openapi({ description, example }) }),
})

const SECURITY: Record<string, string[]>[] = [{ token: [] }, { session: [] }]

/** Who may ask, and what the record of use calls it. To be spread into a route. */
export const behind = (needs: Permission | 'any', action: OwnAction, options: GuardOptions = {}) => ({
  middleware: guard(needs, action, options),
  security: SECURITY,
  'x-permission': needs,
  'x-action': action,
})

/** What was asked for, without what was not: an empty text asks for nothing. */
export const given = <T extends object>(asked: T) =>
  Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
