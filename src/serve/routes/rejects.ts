/** Records that became no event, with why and what they were. */
import { createRoute, z } from '@hono/zod-openapi'
import { rejectFilterSql } from '../../ask/reject-list.ts'
import type { TimeRange } from '../../ask/times.ts'
import { lit } from '../../engine/sql.ts'
import { scrubText } from '../../normalise/scrub.ts'
import { newRoutes } from '../app.ts'
import type { Relations, RouteGroup } from '../contract.ts'
import { cursorAfter, keysOf } from '../key-cursor.ts'
import { spanOf } from '../read/spans.ts'
import { answer, behind, given, REFUSED } from '../routing.ts'
import { RejectPage } from '../shapes/operations.ts'
import { limitParam, spanParams } from '../shapes/page.ts'

const MOST = 200
const USUAL = 50

/** Of a reject so much is shown; all that was kept is in the lake. */
const SHOWN_CHARS = 4000

/** A character is at most four bytes, and base64 takes four characters for three bytes. */
const SHOWN_BASE64 = Math.ceil((SHOWN_CHARS * 4) / 3) * 4

/** Microseconds since 1970, and an id. */
const KEYS = [/^-?\d{1,18}$/, /^[\w-]{1,100}$/] as const

const ROW = `reject_id AS id, epoch_us(ingest_time)::VARCHAR AS us, epoch_ms(ingest_time)::DOUBLE AS ms, reason, source_object, line::DOUBLE AS line,
  detail, left(content_base64, ${SHOWN_BASE64}) AS head`

interface Row extends Record<string, unknown> {
  readonly id: string
  readonly us: string
  readonly ms: number
  readonly reason: string | null
  readonly source_object: string | null
  readonly line: number | null
  readonly detail: string | null
  readonly head: string | null
}

const list = createRoute({
  method: 'get',
  path: '/api/v1/rejects',
  tags: ['Operations'],
  summary: 'List records that became no event, the newest first',
  description:
    'Secrets are cut out of what is shown. `from` and `to` are about when a record was set aside: it may have no time of its own. `reasons` counts all that match `object` in that span.',
  ...behind('events:raw', 'searchRejects'),
  request: {
    query: z.object({
      ...spanParams,
      reason: z.string().max(200).optional().openapi({ description: 'Reasons, with commas.', example: 'truncated' }),
      object: z.string().max(1000).optional().openapi({ description: 'Names of objects; * is anything.' }),
      limit: limitParam(MOST, USUAL),
      cursor: z.string().max(500).optional(),
    }),
  },
  responses: {
    ...REFUSED,
    200: answer('A page of rejects.', RejectPage, {
      rejects: [
        {
          id: 'a1b2c3d4',
          time: '2026-11-13T10:00:01.000Z',
          reason: 'malformed_json',
          object: 'logs/one.json',
          line: 12,
          message: 'The record is no JSON.',
          bytes: '{"a": ',
        },
      ],
      nextCursor: null,
      reasons: [{ value: 'malformed_json', count: 1 }],
    }),
  },
})

/** `/api/v1/rejects`. */
export const rejects: RouteGroup = ({ lake, now }) =>
  newRoutes().openapi(list, async (c) => {
    const { limit, cursor, reason, object, from, to } = c.req.valid('query')
    const [viewer, signal] = [c.get('principal'), c.get('signal')]
    const [us, id] = keysOf(cursor, KEYS) ?? []
    const after =
      us === undefined || id === undefined
        ? 'true'
        : `(epoch_us(ingest_time) < ${us} OR (epoch_us(ingest_time) = ${us} AND reject_id > ${lit(id)}))`
    const within = withinSql(spanOf({ from, to }, now()))
    const filter = `${rejectFilterSql(given({ reason, object }))} AND ${within}`
    const ofObject = `${rejectFilterSql(given({ object }))} AND ${within}`
    const page = (relations: Relations) =>
      `SELECT ${ROW} FROM ${relations.rejects} WHERE ${filter} AND ${after} ORDER BY ingest_time DESC, reject_id LIMIT ${limit + 1}`
    const counts = (relations: Relations) =>
      `SELECT coalesce(reason, 'unknown') AS value, count(*)::DOUBLE AS count FROM ${relations.rejects} WHERE ${ofObject}
       GROUP BY 1 ORDER BY 2 DESC, 1`
    const options = { signal, lane: 'quick' } as const
    const [found, reasons] = await Promise.all([
      lake.rows<Row>(viewer, page, options),
      lake.rows<{ value: string; count: number }>(viewer, counts, options),
    ])
    const shown = found.rows.slice(0, limit)
    const last = shown.at(-1)
    const hasMore = found.rows.length > limit && last !== undefined
    return c.json(
      {
        rejects: shown.map(rejectOf),
        nextCursor: hasMore ? cursorAfter([last.us, last.id]) : null,
        reasons: reasons.rows.map(({ value, count }) => ({ value, count })),
      },
      200,
    )
  })

/** By when it was set aside, as the overview counts. */
const withinSql = ({ fromMs, toMs }: TimeRange): string =>
  [
    'true',
    ...(fromMs === undefined ? [] : [`ingest_time >= make_timestamptz(${fromMs * 1000})`]),
    ...(toMs === undefined ? [] : [`ingest_time < make_timestamptz(${toMs * 1000})`]),
  ].join(' AND ')

const rejectOf = ({ id, ms, reason, source_object, line, detail, head }: Row) => ({
  id,
  time: new Date(ms).toISOString(),
  reason: reason ?? 'unknown',
  object: source_object ?? '',
  line,
  message: detail,
  bytes: head === null ? null : scrubText(textOf(head).slice(0, SHOWN_CHARS)),
})

/** Bytes as text where they are; what is no UTF-8 becomes U+FFFD. */
const textOf = (base64: string): string => new TextDecoder().decode(Buffer.from(base64, 'base64'))
