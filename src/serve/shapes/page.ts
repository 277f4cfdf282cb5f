/** Shapes that all answers share. Times are ISO 8601 in UTC. */
import { z } from '@hono/zod-openapi'

/** RFC 9457 problem. */
export const Problem = z
  .object({
    type: z.string().openapi({ example: 'urn:bricktrail:error:BAD_ARGUMENT' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    hint: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.string(),
          name: z.string(),
          message: z.string(),
          /** Where in the value: the first character, and the one after the last. */
          from: z.number().int().optional(),
          to: z.number().int().optional(),
        }),
      )
      .optional(),
  })
  .openapi('Problem')
/** A problem, as a value. */
export type Problem = z.infer<typeof Problem>

/** Where the next page begins; null on the last. Opaque. */
export const nextCursor = z.string().nullable()

/** How many at most. */
export const limitParam = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)

/** An ISO time, or words such as `2h ago`, `yesterday`. */
export const timeParam = z.string().max(64).openapi({ example: '24h ago' })

/** Span of time of a question. */
export const spanParams = { from: timeParam.optional(), to: timeParam.optional() }
