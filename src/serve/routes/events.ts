/** `/api/v1/events`: a page, facets, a histogram, completions. */
import { createRoute, z } from '@hono/zod-openapi'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { eventCursor, placeOf } from '../event-cursor.ts'
import { eventPage } from '../read/event-page.ts'
import { completions, facetAnswer, histogram } from '../read/facets.ts'
import { readerOf } from '../read/reader-of.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { searchOf } from '../search/to-sql.ts'
import { EventPage, EventQuery, FACETS, FacetAnswer, Histogram, ValueList } from '../shapes/events.ts'
import { limitParam, spanParams } from '../shapes/page.ts'
import { EVENT_PAGE, FACET_ANSWER, HISTOGRAM } from './examples/events.ts'

const MOST_EVENTS = 500
const MOST_VALUES = 100
const MOST_BUCKETS = 500

const tags = ['Events']
const facet = z.enum(FACETS)

const list = createRoute({
  method: 'get',
  path: '/api/v1/events',
  tags,
  summary: 'Search events, a page at a time',
  description:
    'By time, then by id. The cursor holds the place and the version of the table that the first page was read from, so that pages neither repeat nor leave out an event while others arrive.',
  ...behind('events:read', 'searchEvents'),
  request: {
    query: EventQuery.extend({
      limit: limitParam(MOST_EVENTS, 50),
      cursor: z.string().max(500).optional().openapi({ description: '`nextCursor` of the page before.' }),
      order: z.enum(['newest', 'oldest']).default('newest'),
    }),
  },
  responses: { ...REFUSED, 200: answer('A page of events.', EventPage, EVENT_PAGE) },
})

const facets = createRoute({
  method: 'get',
  path: '/api/v1/events/facets',
  tags,
  summary: 'Count events by the values of fields',
  ...behind('events:read', 'countEvents'),
  request: {
    query: EventQuery.extend({
      fields: z
        .string()
        .max(400)
        .default('category,service,action,status,actor,country')
        .transform((text, context) => fieldsOf(text, context))
        .openapi({ type: 'string', example: 'category,status', description: `Some of ${FACETS.join(', ')}.` }),
      most: limitParam(MOST_VALUES, 10),
    }),
  },
  responses: { ...REFUSED, 200: answer('Values with their numbers of events.', FacetAnswer, FACET_ANSWER) },
})

const bars = createRoute({
  method: 'get',
  path: '/api/v1/events/histogram',
  tags,
  summary: 'Count events over time',
  ...behind('events:read', 'countEvents'),
  request: {
    query: EventQuery.extend({ by: facet.optional(), buckets: limitParam(MOST_BUCKETS, 60) }),
  },
  responses: { ...REFUSED, 200: answer('Buckets that hold events.', Histogram, HISTOGRAM) },
})

const values = createRoute({
  method: 'get',
  path: '/api/v1/events/values',
  tags,
  summary: 'Complete a value of a field',
  description: 'Values that begin with the text come first. Targets are looked for in the newest day of the span.',
  ...behind('events:read', 'completeValues'),
  request: {
    query: z.object({
      field: facet,
      prefix: z.string().max(200).default(''),
      ...spanParams,
      limit: limitParam(MOST_VALUES, 20),
    }),
  },
  responses: { ...REFUSED, 200: answer('Values.', ValueList, { values: [{ value: 'getTable', count: 1234 }] }) },
})

/** Routes over many events. */
export const events: RouteGroup = (deps) =>
  newRoutes()
    .openapi(list, async (c) => {
      const { from, to, q, limit, cursor, order } = c.req.valid('query')
      const span = spanOf({ from, to }, deps.now())
      const question = { search: searchOf(q), ...span, limit, order, ...placeOf(cursor, 'cursor') }
      const found = await eventPage(readerOf(deps), c.get('principal'), question, c.get('signal'))
      return c.json({ events: [...found.events], nextCursor: eventCursor(found) ?? null, version: found.version }, 200)
    })
    .openapi(facets, async (c) => {
      const { from, to, q, fields, most } = c.req.valid('query')
      const question = { search: searchOf(q), ...spanOf({ from, to }, deps.now()) }
      return c.json(await facetAnswer(asking(deps, c), question, fields, most), 200)
    })
    .openapi(bars, async (c) => {
      const { from, to, q, by, buckets } = c.req.valid('query')
      const question = { search: searchOf(q), ...spanOf({ from, to }, deps.now()) }
      return c.json(await histogram(asking(deps, c), question, by, buckets), 200)
    })
    .openapi(values, async (c) => {
      const { from, to, field, prefix, limit } = c.req.valid('query')
      const span = spanOf({ from, to }, deps.now())
      return c.json({ values: await completions(asking(deps, c), span, field, prefix, limit) }, 200)
    })

interface Asked {
  get(name: 'principal'): Parameters<typeof eventPage>[1]
  get(name: 'signal'): AbortSignal
}

const asking = (deps: Parameters<RouteGroup>[0], c: Asked) => ({
  reader: readerOf(deps),
  sight: c.get('principal'),
  signal: c.get('signal'),
})

function fieldsOf(text: string, context: z.RefinementCtx): (typeof FACETS)[number][] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '')
  const known = names.map((name) => FACETS.find((each) => each === name))
  const stray = names.find((_, at) => known[at] === undefined)
  if (stray !== undefined) context.addIssue({ code: 'custom', message: `There is no field ${stray}.` })
  return known.filter((each) => each !== undefined)
}
