/** `/api/v1/events/download`: events as a file. */
import { createRoute, z } from '@hono/zod-openapi'
import { newRoutes } from '../app.ts'
import type { RouteGroup } from '../contract.ts'
import { note } from '../guard.ts'
import { DOWNLOADS, type DownloadFormat, download } from '../read/download.ts'
import { checkDisk, DownloadPlaces } from '../read/download-places.ts'
import { facetAnswer } from '../read/facets.ts'
import { readerOf } from '../read/reader-of.ts'
import { spanOf } from '../read/spans.ts'
import { behind, REFUSED } from '../routing.ts'
import { searchOf } from '../search/to-sql.ts'
import { EventQuery } from '../shapes/events.ts'
import { limitParam } from '../shapes/page.ts'

/** More than these are for `bricktrail export`, which writes files beside the lake. */
const MOST_EVENTS = 1_000_000
/** A slow client has this long to take all of it. */
const MOST_SECONDS = 3600

const TYPES: Readonly<Record<DownloadFormat, string>> = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}

const file = createRoute({
  method: 'get',
  path: '/api/v1/events/download',
  tags: ['Events'],
  summary: 'Download events as a file',
  description:
    'The oldest first; as Parquet the rows are in no order, and of more than fit it has the oldest too. `x-events` says how many the file has, and `x-events-found` how many there are; a file of the first of more is named so, and as NDJSON ends in a line that says it. Two at once are made for each who asks, and four in all.',
  ...behind('events:download', 'downloadEvents', { seconds: MOST_SECONDS }),
  request: {
    query: EventQuery.extend({
      format: z.enum(DOWNLOADS).default('ndjson'),
      limit: limitParam(MOST_EVENTS, MOST_EVENTS),
    }),
  },
  responses: {
    ...REFUSED,
    200: {
      description: 'The file.',
      headers: z.object({ 'x-events': z.string(), 'x-events-found': z.string() }),
      content: {
        'application/x-ndjson': { schema: z.string(), example: '{"event_id":"4a7f…","service":"unityCatalog"}\n' },
        'text/csv': { schema: z.string(), example: 'event_id,service\r\n' },
        'application/vnd.apache.parquet': { schema: z.string().openapi({ format: 'binary' }), example: 'PAR1' },
      },
    },
  },
})

/** Downloads. */
export const downloads: RouteGroup = (deps) => {
  const places = new DownloadPlaces()
  return newRoutes().openapi(file, async (c) => {
    const { from, to, q, format, limit } = c.req.valid('query')
    const [reader, sight, gone] = [readerOf(deps), c.get('principal'), c.get('signal')]
    const question = { search: searchOf(q), ...spanOf({ from, to }, deps.now()) }
    const giveBack = places.take(sight)
    try {
      await checkDisk(deps.home)
      const { version } = (await reader.snapshots.newest()).events
      const { total } = await facetAnswer({ reader, sight, signal: gone }, question, [], 1)
      const events = Math.min(total, limit)
      note(c, { events })
      const leave = new AbortController()
      const signal = AbortSignal.any([gone, leave.signal])
      const bytes = download(reader, sight, { ...question, format, limit, found: total, version }, signal)
      const more = total > limit && format === 'ndjson'
      const name = `events${total > limit ? `-first-${limit}` : ''}.${format}`
      const headers = {
        'content-type': TYPES[format],
        'content-disposition': `attachment; filename="${name}"`,
        'x-events': String(events),
        'x-events-found': String(total),
      }
      // Nobody takes the bytes of an answer that is asked for its headers only.
      const isWanted = c.req.method !== 'HEAD'
      if (!isWanted) giveBack()
      else signal.addEventListener('abort', giveBack, { once: true })
      const mark = more ? markOf(events, total) : undefined
      return new Response(isWanted ? streamOf(bytes, leave, mark, giveBack) : null, { headers }) as never
    } catch (cause) {
      giveBack()
      throw cause
    }
  })
}

const markOf = (events: number, found: number): string => `${JSON.stringify({ truncated: true, events, found })}\n`

function streamOf(
  bytes: AsyncGenerator<Buffer>,
  leave: AbortController,
  mark: string | undefined,
  ended: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await bytes.next().catch((cause: unknown) => {
        ended()
        throw cause
      })
      if (!done) return controller.enqueue(value)
      ended()
      if (mark !== undefined) controller.enqueue(new TextEncoder().encode(mark))
      controller.close()
    },
    async cancel(reason) {
      leave.abort(reason)
      await bytes.return(undefined).catch(() => undefined)
      ended()
    },
  })
}
