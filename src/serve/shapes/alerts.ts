/** Findings, alerts, incidents and silences. */
import { z } from '@hono/zod-openapi'
import { asked } from './asked.ts'
import { nextCursor } from './page.ts'

/** Levels, the least first. */
export const LEVEL_NAMES = ['informational', 'low', 'medium', 'high', 'critical'] as const
const level = z.enum(LEVEL_NAMES)

/** A finding in a list. */
export const FindingRow = z
  .object({
    id: z.string(),
    level,
    title: z.string(),
    ruleId: z.string(),
    threat: z.string().nullable(),
    entity: z.string().nullable(),
    entityField: z.string().nullable(),
    firstTime: z.string(),
    lastTime: z.string(),
    events: z.number().int(),
    summary: z.string(),
  })
  .openapi('FindingRow')
/** As a value. */
export type FindingRow = z.infer<typeof FindingRow>

/** A page of findings. */
export const FindingPage = z.object({ findings: z.array(FindingRow), nextCursor }).openapi('FindingPage')
/** As a value. */
export type FindingPage = z.infer<typeof FindingPage>

/** A query of a runbook, ready for the explorer or the SQL page. */
export const RunbookStep = z
  .object({
    title: z.string(),
    sql: z.string().nullable(),
    q: z.string().nullable(),
    /** The time that a search is about. */
    from: z.string().optional(),
    to: z.string().optional(),
  })
  .openapi('RunbookStep')

/** A finding in full. */
export const FindingDetail = FindingRow.extend({
  revision: z.number().int(),
  ruleKind: z.string(),
  tags: z.array(z.string()),
  group: z.record(z.string(), z.string()),
  measure: z.string().nullable(),
  detectedTime: z.string(),
  eventIds: z.array(z.string()),
  explanation: z.array(z.object({ selection: z.string(), field: z.string(), value: z.string().nullable() })),
  evidence: z.array(z.object({ eventId: z.string(), file: z.string(), leaf: z.number().int().nullable() })),
  runbook: z.array(RunbookStep),
}).openapi('Finding')
/** As a value. */
export type FindingDetail = z.infer<typeof FindingDetail>

/** An alert or incident in a list: as `bricktrail alerts list --json` shows it. */
export const AlertRow = z
  .object({
    id: z.string(),
    kind: z.enum(['alert', 'incident']),
    level,
    state: z.string(),
    /** State or, where resolved, the outcome. */
    status: z.string(),
    outcome: z.string().nullable(),
    assignee: z.string().nullable(),
    quiet: z.string().nullable(),
    title: z.string(),
    summary: z.string(),
    rule: z.object({ id: z.string(), name: z.string().nullable(), title: z.string() }),
    entity: z.object({ field: z.string(), value: z.string() }),
    threat: z.string().nullable(),
    tags: z.array(z.string()),
    workspaces: z.array(z.string()),
    actors: z.array(z.string()),
    assets: z.array(z.string()),
    risk: z.object({ score: z.number(), tactics: z.array(z.string()) }).nullable(),
    findings: z.number().int(),
    events: z.number().int(),
    firstTime: z.string(),
    lastTime: z.string(),
    created: z.string(),
    updated: z.string(),
    resolved: z.string().nullable(),
  })
  .openapi('AlertRow')
/** As a value. */
export type AlertRow = z.infer<typeof AlertRow>

/** A page of alerts. */
export const AlertPage = z
  .object({ alerts: z.array(AlertRow), hasMore: z.boolean(), counts: z.record(z.string(), z.number().int()) })
  .openapi('AlertPage')
/** As a value. */
export type AlertPage = z.infer<typeof AlertPage>

/** An alert in full. */
export const AlertDetail = AlertRow.extend({
  duplicateOf: z.string().nullable(),
  because: z.array(z.string()),
  history: z.array(
    z.object({
      time: z.string(),
      who: z.string(),
      what: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      why: z.string().nullable(),
    }),
  ),
  findingList: z.array(
    z.object({ id: z.string(), revision: z.number(), events: z.number(), lastTime: z.string(), summary: z.string() }),
  ),
  /** For incidents. */
  timeline: z.array(z.object({ time: z.string(), score: z.number(), title: z.string(), summary: z.string() })),
  alerts: z.array(AlertRow),
  runbook: z.array(RunbookStep),
}).openapi('Alert')
/** As a value. */
export type AlertDetail = z.infer<typeof AlertDetail>

/** What people do to alerts. */
export const AlertDeed = z
  .discriminatedUnion('deed', [
    asked({ deed: z.literal('acknowledge'), note: z.string().max(4000).optional() }),
    asked({ deed: z.literal('start'), note: z.string().max(4000).optional() }),
    asked({ deed: z.literal('reopen'), note: z.string().max(4000).optional() }),
    asked({
      deed: z.literal('assign'),
      assignee: z.string().max(200).nullable(),
      note: z.string().max(4000).optional(),
    }),
    asked({ deed: z.literal('note'), note: z.string().min(1).max(4000) }),
    asked({
      deed: z.literal('resolve'),
      outcome: z.enum(['true_positive', 'benign', 'false_positive', 'duplicate']),
      duplicateOf: z.string().optional(),
      note: z.string().max(4000).optional(),
    }),
  ])
  .openapi('AlertDeed')
/** As a value. */
export type AlertDeed = z.infer<typeof AlertDeed>

/** A silence. */
export const SilenceRow = z
  .object({
    id: z.string(),
    about: z.string(),
    who: z.string(),
    reason: z.string(),
    created: z.string(),
    ends: z.string(),
    inForce: z.boolean(),
    quieted: z.number().int(),
  })
  .openapi('Silence')
/** As a value. */
export type SilenceRow = z.infer<typeof SilenceRow>

/** A silence to make. */
export const NewSilence = asked({
  /** Id of an alert: its rule and whom it is about. */
  alert: z.string().max(64).optional(),
  rule: z.string().max(200).optional(),
  entity: z.string().max(500).optional(),
  /** Such as `8h` or `3d`. */
  duration: z.string().max(20),
  reason: z.string().trim().min(3).max(500),
}).openapi('NewSilence')
/** As a value. */
export type NewSilence = z.infer<typeof NewSilence>
