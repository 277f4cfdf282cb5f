/** Lists of findings for people, and one in full. */
import { AppError } from '../core/errors.ts'
import { lit } from '../engine/sql.ts'
import type { LakeQuery } from './lake-sql.ts'
import type { TimeRange } from './times.ts'

/** Levels, the least first. */
const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const

/** Which findings. */
export interface FindingFilter extends TimeRange {
  /** This level and those above it. */
  readonly level?: string
  /** Id, name or part of the title of the rule. */
  readonly rule?: string
  /** Who or what it is about; `*` stands for anything. */
  readonly entity?: string
  readonly threat?: string
}

const SHORT = `finding_id AS id, "level", title, entity, events, first_time AS first, last_time AS last`

const FLAT = `finding_id, revision, "level", threat, rule_id, rule_name, title, entity, entity_field, first_time, last_time, detected_time, events, measure, summary`

const COLUMNS = { short: SHORT, flat: FLAT, whole: '*' } as const

/** SQL over `findings` for the matching ones, the gravest of the newest first; one row more than the limit. */
export function findingListSql(filter: FindingFilter, columns: keyof typeof COLUMNS, limit: number): string {
  const cut = Number.isFinite(limit) ? ` LIMIT ${limit + 1}` : ''
  return `SELECT ${COLUMNS[columns]} FROM findings WHERE ${findingFilterSql(filter)}
    ORDER BY last_time DESC, list_position([${LEVELS.map(lit).join(', ')}], "level") DESC, finding_id${cut}`
}

/** A condition over `findings` that holds for the matching ones that stand. Throws BAD_ARGUMENT for a level that is none. */
export function findingFilterSql({ level, rule, entity, threat, fromMs, toMs }: FindingFilter): string {
  const conditions = ['superseded_by IS NULL']
  if (level !== undefined) conditions.push(`"level" IN (${levelsFrom(level).map(lit).join(', ')})`)
  if (rule !== undefined) {
    const text = lit(rule.toLowerCase())
    conditions.push(`(lower(rule_id) = ${text} OR lower(rule_name) = ${text} OR contains(lower(title), ${text}))`)
  }
  if (entity !== undefined) conditions.push(`lower(entity) ${likeSql(entity.toLowerCase())}`)
  if (threat !== undefined) conditions.push(`lower(threat) ${likeSql(threat.toLowerCase())}`)
  if (fromMs !== undefined) conditions.push(`epoch_ms(last_time) >= ${fromMs}`)
  if (toMs !== undefined) conditions.push(`epoch_ms(first_time) < ${toMs}`)
  return conditions.join(' AND ')
}

function levelsFrom(level: string): readonly string[] {
  const at = LEVELS.findIndex((each) => each.startsWith(level.toLowerCase()))
  if (at < 0)
    throw new AppError('BAD_ARGUMENT', `There is no level ${level}.`, { hint: `Levels are ${LEVELS.join(', ')}.` })
  return LEVELS.slice(at)
}

function likeSql(text: string): string {
  const pattern = text.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%')
  return `LIKE ${lit(pattern)} ESCAPE '\\'`
}

/** A finding in full, by the beginning of its id. Throws BAD_ARGUMENT if none or several have it. */
export async function wholeFinding(lake: LakeQuery, id: string): Promise<Record<string, unknown>> {
  if (!/^[0-9a-f]{4,32}$/i.test(id))
    throw new AppError('BAD_ARGUMENT', `${id} is no id of a finding.`, {
      hint: 'Give at least four digits of one that `bricktrail findings` lists.',
    })
  const { columns, rows } = await lake.query(
    `SELECT * FROM findings WHERE starts_with(finding_id, ${lit(id.toLowerCase())}) LIMIT 2`,
  )
  const [row, another] = rows
  if (row === undefined) throw new AppError('BAD_ARGUMENT', `No finding has an id that begins with ${id}.`)
  if (another !== undefined)
    throw new AppError('BAD_ARGUMENT', `Several findings have ids that begin with ${id}.`, { hint: 'Give more of it.' })
  return Object.fromEntries(columns.map(({ name }, at) => [name, row[at]]))
}
