/** People, principals, things and addresses, and the overview. */
import { z } from '@hono/zod-openapi'
import { EventRow, FacetCount } from './events.ts'

/** Kinds of entities. `target` covers tables, clusters, jobs and the like; their kind is `targetType`. */
export const ENTITY_KINDS = ['actor', 'target', 'ip'] as const
/** One of {@link ENTITY_KINDS}. */
export type EntityKind = (typeof ENTITY_KINDS)[number]

/** A line of a list of entities. */
export const EntityRow = z
  .object({
    kind: z.enum(ENTITY_KINDS),
    id: z.string(),
    type: z.string().nullable(),
    events: z.number().int(),
    firstSeen: z.string(),
    lastSeen: z.string(),
  })
  .openapi('EntityRow')
/** As a value. */
export type EntityRow = z.infer<typeof EntityRow>

/** All of an entity on one page. */
export const Entity = z
  .object({
    kind: z.enum(ENTITY_KINDS),
    id: z.string(),
    type: z.string().nullable(),
    events: z.number().int(),
    refused: z.number().int(),
    failed: z.number().int(),
    firstSeen: z.string(),
    lastSeen: z.string(),
    /** Sum of risk over 7 days; null where alerts keep none for it. */
    risk: z.number().nullable(),
    /** 7 rows (Monday first) of 24 hours, UTC: events. */
    hours: z.array(z.array(z.number().int())),
    /** Events by day, UTC. */
    days: z.array(z.object({ day: z.string(), events: z.number().int(), refused: z.number().int() })),
    countries: z.array(FacetCount),
    actions: z.array(FacetCount),
    /** What it touched (for actors and addresses). */
    touched: z.array(
      z.object({ id: z.string(), type: z.string().nullable(), events: z.number().int(), lastSeen: z.string() }),
    ),
    /** Who touched it (for targets and addresses). */
    touchedBy: z.array(
      z.object({ id: z.string(), type: z.string().nullable(), events: z.number().int(), lastSeen: z.string() }),
    ),
    addresses: z.array(FacetCount),
    clients: z.array(FacetCount),
    /** Latest changes by it or to it: verbs create, update, delete, grant, revoke, share and the like. */
    changes: z.array(EventRow),
    alerts: z.array(
      z.object({ id: z.string(), title: z.string(), level: z.string(), status: z.string(), lastTime: z.string() }),
    ),
  })
  .openapi('Entity')
/** As a value. */
export type Entity = z.infer<typeof Entity>

/** A number with the search that shows its events. */
export const Figure = z
  .object({
    value: z.number(),
    /** The same span before. */
    before: z.number().nullable(),
    /** `q` of the explorer; null where it is not about events. */
    q: z.string().nullable(),
  })
  .openapi('Figure')
/** As a value. */
export type Figure = z.infer<typeof Figure>

/** What happened since then. */
export const Overview = z
  .object({
    from: z.string(),
    to: z.string(),
    /** Newest event of the lake; a lake of old logs has its overview around that, not around today. */
    newestEvent: z.string().nullable(),
    figures: z.object({
      events: Figure,
      actors: Figure,
      failedLogins: Figure,
      refused: Figure,
      permissionChanges: Figure,
      sensitiveReads: Figure,
      newActors: Figure,
      newActions: Figure,
      newCountries: Figure,
      rejects: Figure,
    }),
    openAlerts: z.array(z.object({ level: z.string(), count: z.number().int() })),
    openIncidents: z.number().int(),
    topFailedLogins: z.array(FacetCount),
    topReaders: z.array(FacetCount),
    newActors: z.array(z.object({ value: z.string(), firstSeen: z.string() })),
    newActions: z.array(z.object({ value: z.string(), firstSeen: z.string() })),
    newCountries: z.array(z.object({ value: z.string(), firstSeen: z.string() })),
    permissionChanges: z.array(EventRow),
    keyEvents: z.array(FacetCount),
    lagSeconds: z.number().nullable(),
    seal: z.object({ size: z.string(), unsealed: z.number().int(), lastSealed: z.string().nullable() }).nullable(),
  })
  .openapi('Overview')
/** As a value. */
export type Overview = z.infer<typeof Overview>
