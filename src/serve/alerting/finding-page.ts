/** Findings as people with limited rights may see them: pages of a list, and one in full. */
import { type FindingFilter, findingFilterSql } from '../../ask/finding-list.ts'
import { AppError } from '../../core/errors.ts'
import { lit } from '../../engine/sql.ts'
import type { LakeQuestions, Relations } from '../contract.ts'
import { cursorAfter, keysOf } from '../key-cursor.ts'
import type { Sight } from '../read/visible.ts'
import { type FindingDetail, type FindingPage, type FindingRow, LEVEL_NAMES } from '../shapes/alerts.ts'
import { runbookSteps } from './runbook.ts'
import { laneOf } from './visible-findings.ts'

/** Which findings, and from where on. */
export interface FindingQuestion extends FindingFilter {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Who asks, and how to stop. */
export interface Asking {
  readonly lake: LakeQuestions
  readonly viewer: Sight
  readonly signal: AbortSignal
}

/** Queries of the rule of an id; none for one that is gone. */
export type RunbookOf = (ruleId: string) => Promise<readonly { readonly title: string; readonly sql: string }[]>

/** Microseconds since 1970, and an id. */
const KEYS = [/^-?\d{1,18}$/, /^[0-9a-f]{1,64}$/] as const

const ROW = `finding_id AS id, "level", title, rule_id, threat, entity, entity_field, epoch_ms(first_time)::DOUBLE AS first_ms,
  epoch_ms(last_time)::DOUBLE AS last_ms, epoch_us(last_time)::VARCHAR AS last_us, events::DOUBLE AS events, coalesce(summary, title) AS summary`

interface Row extends Record<string, unknown> {
  readonly id: string
  readonly level: string
  readonly title: string
  readonly rule_id: string
  readonly threat: string | null
  readonly entity: string | null
  readonly entity_field: string | null
  readonly first_ms: number
  readonly last_ms: number
  readonly last_us: string
  readonly events: number
  readonly summary: string
}

/** A page of findings, the newest first. */
export async function findingPage(
  { lake, viewer, signal }: Asking,
  { limit, cursor, ...filter }: FindingQuestion,
): Promise<FindingPage> {
  const [us, id] = keysOf(cursor, KEYS) ?? []
  const after =
    us === undefined || id === undefined
      ? 'true'
      : `(epoch_us(last_time) < ${us} OR (epoch_us(last_time) = ${us} AND finding_id > ${lit(id)}))`
  const condition = findingFilterSql(filter)
  const sql = ({ findings }: Relations) =>
    `SELECT ${ROW} FROM ${findings} WHERE ${condition} AND ${after}
     ORDER BY last_time DESC, finding_id LIMIT ${limit + 1}`
  const { rows } = await lake.rows<Row>(viewer, sql, { signal, lane: laneOf(viewer) })
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return { findings: shown.map(rowOf), nextCursor: hasMore ? cursorAfter([last.last_us, last.id]) : null }
}

interface WholeRow extends Row {
  readonly revision: number
  readonly rule_kind: string | null
  readonly tags: readonly string[] | null
  readonly grouped: readonly { readonly key: string; readonly value: string | null }[] | null
  readonly measure: string | null
  readonly detected_ms: number
  readonly event_ids: readonly string[] | null
  readonly explanation: readonly { selection: string | null; field: string | null; value: string | null }[] | null
  readonly evidence: readonly { event_id: string; file: string | null; leaf: string | number | null }[] | null
}

const WHOLE = `${ROW}, revision::INTEGER AS revision, rule_kind, tags, map_entries("group") AS grouped, measure,
  epoch_ms(detected_time)::DOUBLE AS detected_ms, event_ids, explanation, evidence`

/** Ids of findings. */
const ID = /^[0-9a-f]{1,64}$/

/**
 * A finding in full.
 * @throws AppError NOT_FOUND for none, and for one that the asker may not see
 */
export async function findingDetail(
  { lake, viewer, signal }: Asking,
  id: string,
  runbookOf: RunbookOf,
): Promise<FindingDetail> {
  const row = ID.test(id) ? await wholeRow({ lake, viewer, signal }, id) : undefined
  if (row === undefined) throw new AppError('NOT_FOUND', 'There is no finding of this id.')
  const subject = {
    entity: row.entity ?? '',
    entityField: row.entity_field ?? '',
    firstMs: row.first_ms,
    lastMs: row.last_ms,
  }
  return {
    ...rowOf(row),
    revision: row.revision,
    ruleKind: row.rule_kind ?? 'detection',
    tags: [...(row.tags ?? [])],
    group: Object.fromEntries((row.grouped ?? []).map(({ key, value }) => [key, value ?? ''])),
    measure: row.measure,
    detectedTime: iso(row.detected_ms),
    eventIds: [...(row.event_ids ?? [])],
    explanation: (row.explanation ?? []).map(({ selection, field, value }) => ({
      selection: selection ?? '',
      field: field ?? '',
      value,
    })),
    evidence: (row.evidence ?? []).map(({ event_id, file, leaf }) => ({
      eventId: event_id,
      file: file ?? '',
      leaf: leaf === null ? null : Number(leaf),
    })),
    runbook: runbookSteps(await runbookOf(row.rule_id), subject),
  }
}

async function wholeRow({ lake, viewer, signal }: Asking, id: string): Promise<WholeRow | undefined> {
  const sql = ({ findings }: Relations) => `SELECT ${WHOLE} FROM ${findings} WHERE finding_id = ${lit(id)} LIMIT 1`
  return (await lake.rows<WholeRow>(viewer, sql, { signal, lane: laneOf(viewer) })).rows[0]
}

const rowOf = (row: Row): FindingRow => ({
  id: row.id,
  level: LEVEL_NAMES.find((name) => name === row.level) ?? 'medium',
  title: row.title,
  ruleId: row.rule_id,
  threat: row.threat,
  entity: row.entity,
  entityField: row.entity_field,
  firstTime: iso(row.first_ms),
  lastTime: iso(row.last_ms),
  events: row.events,
  summary: row.summary,
})

const iso = (ms: number): string => new Date(ms).toISOString()
