/** Sources, destinations, rejects and the seal. */
import { z } from '@hono/zod-openapi'
import { nextCursor } from './page.ts'

/** A stage of the loop. */
export const Stage = z
  .object({
    name: z.string(),
    state: z.enum(['idle', 'running', 'failing', 'held', 'off']),
    lastStart: z.string().optional(),
    lastSuccess: z.string().optional(),
    lastFailure: z.object({ time: z.string(), message: z.string(), hint: z.string() }).optional(),
    failuresInRow: z.number().int(),
    runs: z.number().int(),
    seconds: z.number().optional(),
    note: z.string().optional(),
    next: z.string().optional(),
  })
  .openapi('Stage')
/** As a value. */
export type Stage = z.infer<typeof Stage>

/** Sources and stages. */
export const SourceList = z
  .object({
    sources: z.array(
      z.object({
        name: z.string(),
        spec: z.string(),
        stage: Stage,
        /** Null for who sees some rows only: they are counts of the whole account. */
        objects: z.number().int().nullable(),
        events: z.number().int().nullable(),
        rejects: z.number().int().nullable(),
        newestEvent: z.string().optional(),
        lagSeconds: z.number().optional(),
      }),
    ),
    stages: z.array(Stage),
  })
  .openapi('Sources')
/** As a value. */
export type SourceList = z.infer<typeof SourceList>

/** Records that became no event. */
export const RejectPage = z
  .object({
    rejects: z.array(
      z.object({
        id: z.string(),
        /** When it was set aside. */
        time: z.string(),
        reason: z.string(),
        object: z.string(),
        line: z.number().int().nullable(),
        message: z.string().nullable(),
        /** Scrubbed, and cut to a few thousand characters. */
        bytes: z.string().nullable(),
      }),
    ),
    nextCursor,
    reasons: z.array(z.object({ value: z.string(), count: z.number().int() })),
  })
  .openapi('RejectPage')
/** As a value. */
export type RejectPage = z.infer<typeof RejectPage>

/** Where alerts and events go. */
export const DestinationList = z
  .object({
    destinations: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        takes: z.enum(['messages', 'events']),
        delivered: z.number().int(),
        waiting: z.number().int(),
        oldest: z.string().optional(),
        dead: z.number().int(),
        lastDelivered: z.string().optional(),
        lastFailure: z.object({ time: z.string(), reason: z.string() }).optional(),
      }),
    ),
  })
  .openapi('Destinations')
/** As a value. */
export type DestinationList = z.infer<typeof DestinationList>

/** What was refused for good. */
export const DeadLetterPage = z
  .object({
    letters: z.array(
      z.object({
        id: z.string(),
        seq: z.number().int(),
        destination: z.string(),
        reason: z.string(),
        time: z.string(),
        body: z.string(),
      }),
    ),
    nextCursor,
  })
  .openapi('DeadLetters')
/** As a value. */
export type DeadLetterPage = z.infer<typeof DeadLetterPage>

/** The transparency log. */
export const SealView = z
  .object({
    origin: z.string(),
    key: z.string(),
    size: z.string(),
    root: z.string(),
    unsealed: z.number().int(),
    behind: z.array(z.string()),
    raw: z.string(),
    checkpoint: z.string(),
    anchors: z.array(
      z.object({
        id: z.string(),
        lastSize: z.string().optional(),
        lastTime: z.string().optional(),
        lastError: z.string().optional(),
      }),
    ),
    /** Leaves by day. */
    growth: z.array(z.object({ day: z.string(), leaves: z.number().int(), events: z.number().int() })),
    verification: z
      .object({
        state: z.enum(['running', 'clean', 'findings', 'failed']),
        started: z.string(),
        ended: z.string().nullable(),
        /** Between 0 and 1. */
        done: z.number(),
        findings: z.array(z.object({ kind: z.string(), message: z.string() })),
        checked: z.record(z.string(), z.number()),
      })
      .nullable(),
  })
  .openapi('Seal')
/** As a value. */
export type SealView = z.infer<typeof SealView>
