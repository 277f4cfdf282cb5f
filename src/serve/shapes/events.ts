/** Events: the explorer's questions. */
import { z } from '@hono/zod-openapi'
import { asked } from './asked.ts'
import { nextCursor, spanParams } from './page.ts'

/** Fields that can be counted by, completed and searched as `field:value`. */
export const FACETS = [
  'category',
  'service',
  'action',
  'verb',
  'status',
  'actor',
  'actor_type',
  'target',
  'target_type',
  'workspace',
  'country',
  'ip',
  'client',
  'key_event',
  'form',
  'cloud',
  'as_org',
] as const
/** One of {@link FACETS}. */
export type Facet = (typeof FACETS)[number]

/**
 * `q` is the search box: words and `field:value` joined by AND; `-` before one negates it; commas and `*` in values as on the command
 * line; quotes keep blanks; words search parameters, query text, user agents, errors and results.
 * Besides facets: `session`, `request`, `id`, `user_agent`, `status_code`, `error`, `params.NAME`, `text`.
 */
export const EventQuery = z.object({ ...spanParams, q: z.string().max(4000).default('') })
/** As a value, before defaults. */
export type EventQuery = z.input<typeof EventQuery>

/** One line of the explorer's table. */
export const EventRow = z
  .object({
    id: z.string(),
    time: z.string(),
    actor: z.string(),
    actorType: z.string().nullable(),
    service: z.string().nullable(),
    action: z.string().nullable(),
    category: z.string(),
    verb: z.string().nullable(),
    keyEvent: z.string().nullable(),
    target: z.string().nullable(),
    targetType: z.string().nullable(),
    targets: z.number().int(),
    status: z.string().nullable(),
    statusCode: z.number().int().nullable(),
    error: z.string().nullable(),
    ip: z.string().nullable(),
    country: z.string().nullable(),
    client: z.string().nullable(),
    workspace: z.string().nullable(),
    sessionId: z.string().nullable(),
    requestId: z.string().nullable(),
  })
  .openapi('EventRow')
/** As a value. */
export type EventRow = z.infer<typeof EventRow>

/** A page of events. */
export const EventPage = z
  .object({ events: z.array(EventRow), nextCursor, version: z.number().int() })
  .openapi('EventPage')
/** As a value. */
export type EventPage = z.infer<typeof EventPage>

/** Values of a field with their numbers of events. */
export const FacetCount = z.object({ value: z.string().nullable(), count: z.number().int() }).openapi('FacetCount')
/** As a value. */
export type FacetCount = z.infer<typeof FacetCount>

/** Counts by field. */
export const FacetAnswer = z
  .object({
    total: z.number().int(),
    facets: z.array(z.object({ field: z.enum(FACETS), values: z.array(FacetCount), more: z.boolean() })),
  })
  .openapi('Facets')
/** As a value. */
export type FacetAnswer = z.infer<typeof FacetAnswer>

/** Events over time. */
export const Histogram = z
  .object({
    /** Seconds a bucket spans. */
    intervalSeconds: z.number().int(),
    from: z.string(),
    to: z.string(),
    by: z.enum(FACETS).nullable(),
    /** Only buckets with events; `by` holds counts by value, the rare ones under an empty text. */
    buckets: z.array(
      z.object({ time: z.string(), count: z.number().int(), by: z.record(z.string(), z.number().int()) }),
    ),
  })
  .openapi('Histogram')
/** As a value. */
export type Histogram = z.infer<typeof Histogram>

/** Completions of a value. */
export const ValueList = z.object({ values: z.array(FacetCount) }).openapi('Values')
/** As a value. */
export type ValueList = z.infer<typeof ValueList>

/** An event in full: columns of the `events` table as JSON, and what they mean. */
export const EventDetail = z
  .object({
    id: z.string(),
    /** All columns, by name; see docs/reference/events.md. Masked where the reader may not see. */
    event: z.record(z.string(), z.unknown()),
    /** Fields that were masked in it. */
    masked: z.array(z.string()),
    explanation: z.object({
      /** One sentence. */
      sentence: z.string(),
      who: z.string(),
      what: z.string(),
      toWhat: z.string().nullable(),
      fromWhere: z.string().nullable(),
      outcome: z.string(),
      /** What the catalogue says of the action; null where it does not list it. */
      catalogue: z.object({ description: z.string(), evidence: z.string() }).nullable(),
    }),
    related: z.object({ session: z.number().int(), request: z.number().int(), actor: z.number().int() }),
    findings: z.array(z.object({ id: z.string(), title: z.string(), level: z.string() })),
    provenance: z.object({
      source: z.string().nullable(),
      object: z.string().nullable(),
      batch: z.string().nullable(),
      received: z.string().nullable(),
      ingested: z.string().nullable(),
      form: z.string().nullable(),
    }),
    seal: z.object({ file: z.string(), leaf: z.number().int().nullable() }).nullable(),
  })
  .openapi('Event')
/** As a value. */
export type EventDetail = z.infer<typeof EventDetail>

/** To see what is masked. */
export const RevealRequest = asked({
  fields: z.array(z.enum(['email', 'ip', 'query'])).min(1),
  reason: z.string().trim().min(5).max(500),
}).openapi('RevealRequest')
/** As a value. */
export type RevealRequest = z.infer<typeof RevealRequest>

/** SQL of a person. */
export const SqlRequest = asked({
  sql: z.string().min(1).max(100_000),
  limit: z.number().int().min(1).max(100_000).default(1000),
  timeoutSeconds: z.number().min(1).max(300).default(30),
}).openapi('SqlRequest')
/** Rows as lists of plain values. */
export const SqlAnswer = z
  .object({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    rows: z.array(z.array(z.unknown())),
    truncated: z.boolean(),
    elapsedMs: z.number(),
  })
  .openapi('SqlAnswer')
/** As a value. */
export type SqlAnswer = z.infer<typeof SqlAnswer>
