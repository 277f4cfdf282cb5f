/** `/api/v1/events/{id}`: one event, what is related to it, what was received, its proof, and what is hidden of it. */
import { createRoute, z } from '@hono/zod-openapi'
import { AppError } from '../../core/errors.ts'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { note } from '../guard.ts'
import { eventDetail, findEvent, RELATIONS, relatedSpan, relatedSql } from '../read/event-detail.ts'
import { eventPage } from '../read/event-page.ts'
import { proofOf } from '../read/proof.ts'
import { rawRecord } from '../read/raw-record.ts'
import { readerOf } from '../read/reader-of.ts'
import { SealedIn } from '../read/sealed-in.ts'
import { answer, behind, body, idParam, REFUSED } from '../routing.ts'
import { EventDetail, EventPage, RevealRequest } from '../shapes/events.ts'
import { limitParam } from '../shapes/page.ts'
import { EVENT, EVENT_PAGE, EVENT_ROW } from './examples/events.ts'

const tags = ['Events']
const request = idParam('Id of an event.', EVENT_ROW.id)
const PROOF_SECONDS = 120

const one = createRoute({
  method: 'get',
  path: '/api/v1/events/{id}',
  tags,
  summary: 'Show an event in full, and what it means',
  description: 'Related events are counted within two hours around it.',
  ...behind('events:read', 'getEvent'),
  request,
  responses: { ...REFUSED, 200: answer('The event.', EventDetail, EVENT) },
})

const related = createRoute({
  method: 'get',
  path: '/api/v1/events/{id}/related',
  tags,
  summary: 'List events of the same session, request or actor, within two hours around it',
  ...behind('events:read', 'searchEvents'),
  request: {
    ...request,
    query: z.object({ by: z.enum(RELATIONS).default('session'), limit: limitParam(500, 50) }),
  },
  responses: { ...REFUSED, 200: answer('A page of events, the oldest first.', EventPage, EVENT_PAGE) },
})

const raw = createRoute({
  method: 'get',
  path: '/api/v1/events/{id}/raw',
  tags,
  summary: 'Give the record as it was received',
  description: 'Not for those from whom something is masked: bytes cannot be masked.',
  ...behind('events:raw', 'getRawEvent'),
  request,
  responses: {
    ...REFUSED,
    200: {
      description: 'The record, one a line where the same request was logged more than once.',
      content: { 'text/plain': { schema: z.string(), example: '{"version":"2.0","serviceName":"unityCatalog"}\n' } },
    },
  },
})

const proof = createRoute({
  method: 'get',
  path: '/api/v1/events/{id}/proof',
  tags,
  summary: 'Give a proof that the event stands in the sealed log',
  description:
    '`bricktrail verify` checks it anywhere, with the public key alone. It holds the event, so that masks keep it away.',
  ...behind('seal:read', 'getProof', { seconds: PROOF_SECONDS }),
  request,
  responses: {
    ...REFUSED,
    200: {
      description: 'A C2SP tlog-proof.',
      content: { 'text/plain': { schema: z.string(), example: 'c2sp.org/tlog-proof@v1\nindex 3\n' } },
    },
  },
})

const reveal = createRoute({
  method: 'post',
  path: '/api/v1/events/{id}/reveal',
  tags,
  summary: 'Show what is masked in an event, for a reason that is recorded',
  ...behind('events:reveal', 'revealEvent'),
  request: { ...request, body: body(RevealRequest, { fields: ['query'], reason: 'Case 4711: what was read?' }) },
  responses: { ...REFUSED, 200: answer('The event with these fields as they are.', EventDetail, EVENT) },
})

/** Routes over one event. */
export const event: RouteGroup = (deps) => {
  const sealedIn = new SealedIn(deps.home)
  return newRoutes()
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param')
      return c.json(await eventDetail(readerOf(deps), sealedIn, c.get('principal'), id, c.get('signal')), 200)
    })
    .openapi(related, async (c) => {
      const { id } = c.req.valid('param')
      const { by, limit } = c.req.valid('query')
      const [reader, sight, signal] = [readerOf(deps), c.get('principal'), c.get('signal')]
      const found = await findEvent(reader, { ...sight, masks: [] }, id, signal)
      const sql = relatedSql(by, found) ?? 'FALSE'
      // Who is masked is looked for as they are, and shown masked.
      const isMasked = sight.masks.length > 0
      const search = {
        sql: isMasked ? 'TRUE' : sql,
        countedSql: 'TRUE',
        isCounted: false,
        ...(isMasked ? { before: sql } : {}),
      }
      const page = await eventPage(reader, sight, { search, ...relatedSpan(found), limit, order: 'oldest' }, signal)
      return c.json({ events: [...page.events], nextCursor: null, version: page.version }, 200)
    })
    .openapi(raw, async (c) => {
      const { id } = c.req.valid('param')
      const principal = c.get('principal')
      unmasked(principal.masks.length)
      const found = await findEvent(readerOf(deps), principal, id, c.get('signal'))
      const text = await rawRecord(deps.home, found.columns, c.get('signal'))
      return c.body(text, 200, { 'content-type': 'text/plain; charset=utf-8' }) as never
    })
    .openapi(proof, async (c) => {
      const { id } = c.req.valid('param')
      const principal = c.get('principal')
      unmasked(principal.masks.length)
      const reader = readerOf(deps)
      await findEvent(reader, principal, id, c.get('signal'))
      const { text, eventId } = await proofOf(reader, id, c.get('signal'))
      return c.body(text, 200, {
        'content-type': 'text/plain; charset=utf-8',
        'content-disposition': `attachment; filename="${eventId}.tlog-proof"`,
      }) as never
    })
    .openapi(reveal, async (c) => {
      const { id } = c.req.valid('param')
      const { fields } = c.req.valid('json')
      const { masks, rows } = c.get('principal')
      const sight = { masks: masks.filter((mask) => !fields.includes(mask)), rows }
      note(c, { revealed: masks.filter((mask) => fields.includes(mask)) })
      return c.json(await eventDetail(readerOf(deps), sealedIn, sight, id, c.get('signal')), 200)
    })
}

function unmasked(masks: number): void {
  if (masks === 0) return
  throw new AppError('FORBIDDEN', 'That holds what is masked for you.', {
    hint: 'Ask for the event itself, and reveal what you need of it with a reason.',
  })
}
