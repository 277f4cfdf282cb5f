/** Rules of the pack and of the site. */
import { z } from '@hono/zod-openapi'
import { LEVEL_NAMES } from './alerts.ts'
import { asked } from './asked.ts'

/** A rule in a list. */
export const RuleRow = z
  .object({
    id: z.string(),
    /** What it goes by in lists and in its findings. */
    name: z.string(),
    /** All that it may be called by: id, name, and the name of its file. */
    names: z.array(z.string()),
    title: z.string(),
    kind: z.enum(['detection', 'correlation', 'baseline']),
    threat: z.string().nullable(),
    level: z.enum(LEVEL_NAMES),
    status: z.string().nullable(),
    enabled: z.boolean(),
    /** True where the site set something of it. */
    overridden: z.boolean(),
    techniques: z.array(z.string()),
    tactics: z.array(z.string()),
    /** Over the days asked for. */
    findings: z.number().int(),
    lastFired: z.string().nullable(),
    /** Share of resolved alerts of it that were false positive or benign; null where none was resolved. */
    noise: z.number().nullable(),
    problems: z.number().int(),
    file: z.string(),
  })
  .openapi('RuleRow')
/** As a value. */
export type RuleRow = z.infer<typeof RuleRow>

/** All rules. */
export const RuleList = z.object({ rules: z.array(RuleRow), days: z.number() }).openapi('RuleList')
/** As a value. */
export type RuleList = z.infer<typeof RuleList>

/** A rule in full. */
export const RuleDetail = RuleRow.extend({
  description: z.string(),
  falsePositives: z.array(z.string()),
  controls: z.array(z.string()),
  references: z.array(z.string()),
  yaml: z.string(),
  parameters: z.array(
    z.object({
      name: z.string(),
      value: z.unknown(),
      usual: z.unknown(),
      reason: z.string().nullable(),
      overridden: z.boolean(),
    }),
  ),
  runbook: z.array(z.object({ title: z.string(), sql: z.string().nullable(), q: z.string().nullable() })),
  problemList: z.array(
    z.object({ severity: z.string(), message: z.string(), hint: z.string(), line: z.number().int() }),
  ),
  perDay: z.array(z.object({ day: z.string(), findings: z.number().int() })),
  set: z.array(z.object({ day: z.string(), who: z.string(), why: z.string() })),
}).openapi('Rule')
/** As a value. */
export type RuleDetail = z.infer<typeof RuleDetail>

/** What a site sets of a rule; null takes a setting back. */
export const RuleOverride = asked({
  enabled: z.boolean().optional(),
  level: z.enum(LEVEL_NAMES).nullable().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  reason: z.string().trim().min(3).max(500),
}).openapi('RuleOverride')
/** As a value. */
export type RuleOverride = z.infer<typeof RuleOverride>

/** Over which time a rule is tried. */
export const BacktestRequest = asked({ from: z.string().optional(), to: z.string().optional() }).openapi(
  'BacktestRequest',
)
/** What the rule would have found. */
export const Backtest = z
  .object({
    events: z.number().int(),
    findings: z.number().int(),
    perDay: z.array(z.object({ day: z.string(), findings: z.number().int() })),
    examples: z.array(z.object({ eventId: z.string(), time: z.string(), summary: z.string() })),
    seconds: z.number(),
  })
  .openapi('Backtest')
/** As a value. */
export type Backtest = z.infer<typeof Backtest>

/** ATT&CK coverage. */
export const Coverage = z
  .object({
    tactics: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        techniques: z.array(
          z.object({ id: z.string(), name: z.string(), rules: z.number().int(), fired: z.number().int() }),
        ),
      }),
    ),
    actions: z.object({ covered: z.number().int(), known: z.number().int() }),
  })
  .openapi('Coverage')
/** As a value. */
export type Coverage = z.infer<typeof Coverage>
