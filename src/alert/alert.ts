/** Alerts and incidents as they stand in `alerts.db`. */
import { AppError } from '../core/errors.ts'
import type { AlertsFile } from './alerts-file.ts'
import { isOpen, type Outcome, type State } from './state.ts'

/** An alert is of one rule and entity; an incident is of an actor or asset whose risk adds up. */
export type AlertKind = 'alert' | 'incident'

/** What an alert is about, made anew from its findings whenever they change. */
export interface AlertFacts {
  readonly title: string
  readonly summary: string
  readonly ruleId: string
  readonly ruleName: string
  readonly ruleTitle: string
  readonly threat?: string
  readonly tags: readonly string[]
  readonly entityField: string
  readonly entity: string
  readonly workspaces: readonly string[]
  readonly actors: readonly string[]
  /** `type:name`. */
  readonly assets: readonly string[]
  readonly because: readonly string[]
  /** Of incidents: the most risk within a day, what it is made of, and which alerts. */
  readonly risk?: RiskFacts
}

/** What an incident adds up to. */
export interface RiskFacts {
  readonly kind: 'actor' | 'asset'
  readonly score: number
  readonly tactics: readonly string[]
  readonly rules: readonly string[]
  readonly alerts: readonly string[]
}

/** One alert or incident. */
export interface Alert {
  readonly id: string
  readonly kind: AlertKind
  readonly key: string
  /** It is the nth of its key. */
  readonly n: number
  readonly state: State
  readonly outcome: Outcome | null
  readonly duplicateOf: string | null
  readonly assignee: string | null
  /** Place in the list of levels. */
  readonly level: number
  /** Why nobody was told of it; null where somebody was, or is about to be. */
  readonly quiet: string | null
  readonly facts: AlertFacts
  readonly firstMs: number
  readonly lastMs: number
  readonly findings: number
  readonly events: number
  /** Findings that came while it was resolved and stayed quiet. */
  readonly counted: number
  readonly createdMs: number
  readonly updatedMs: number
  readonly resolvedMs: number | null
}

interface Row extends Omit<Alert, 'facts'> {
  readonly facts: string
}

const COLUMNS = `a.id, a.kind, a.key, a.n, a.state, a.outcome, a.duplicate_of AS duplicateOf, a.assignee, a.level, a.quiet, a.facts,
  a.first_ms AS firstMs, a.last_ms AS lastMs, a.findings, a.events, a.counted, a.created_ms AS createdMs, a.updated_ms AS updatedMs,
  a.resolved_ms AS resolvedMs`

const alertOf = (row: Row): Alert => ({ ...row, facts: JSON.parse(row.facts) as AlertFacts })

/** The alert of an id. */
export function alertById(file: AlertsFile, id: string): Alert | undefined {
  const row = file.first<Row>(`SELECT ${COLUMNS} FROM alerts a WHERE a.id = ?`, id)
  return row === undefined ? undefined : alertOf(row)
}

/** The newest alert of a key. */
export function newestOfKey(file: AlertsFile, key: string): Alert | undefined {
  const row = file.first<Row>(`SELECT ${COLUMNS} FROM alerts a WHERE a.key = ? ORDER BY a.n DESC LIMIT 1`, key)
  return row === undefined ? undefined : alertOf(row)
}

/** Which alerts are wanted; all that is given has to hold. */
export interface AlertFilter {
  readonly kind: AlertKind
  /** Only open ones, only resolved ones, or both. */
  readonly which?: 'open' | 'resolved' | 'all'
  readonly states?: readonly string[]
  /** This level or above, as its place in the list. */
  readonly atLeast?: number
  /** This level or below. */
  readonly atMost?: number
  readonly assignee?: string
  /** Part of the entity, the rule's id, name or title. */
  readonly entity?: string
  readonly rule?: string
  readonly quiet?: boolean
  readonly sinceMs?: number
  readonly most: number
}

/** Alerts, the most severe and newest first. */
export function alertsLike(file: AlertsFile, filter: AlertFilter): Alert[] {
  const { kind, which = 'open', states = [], assignee, entity, rule, quiet, sinceMs = 0, most } = filter
  const { atLeast = 0, atMost = null } = filter
  const like = (text: string) => `%${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
  const where = [
    'a.kind = ?1 AND a.level >= ?2 AND a.last_ms >= ?3',
    which === 'all' ? 'true' : which === 'open' ? "a.state <> 'resolved'" : "a.state = 'resolved'",
    '(json_array_length(?5) = 0 OR a.state IN (SELECT value FROM json_each(?5)))',
    '(?6 IS NULL OR a.assignee = ?6)',
    "(?7 IS NULL OR lower(a.facts ->> 'entity') LIKE ?7 ESCAPE '\\')",
    `(?8 IS NULL OR lower(a.facts ->> 'ruleId' || ' ' || (a.facts ->> 'ruleName') || ' ' || (a.facts ->> 'ruleTitle')) LIKE ?8 ESCAPE '\\')`,
    '(?9 IS NULL OR (a.quiet IS NOT NULL) = ?9)',
    '(?10 IS NULL OR a.level <= ?10)',
  ]
  const rows = file.all<Row>(
    `SELECT ${COLUMNS} FROM alerts a WHERE ${where.join(' AND ')} ORDER BY a.level DESC, a.last_ms DESC, a.id LIMIT ?4`,
    kind,
    atLeast,
    sinceMs,
    most,
    JSON.stringify(states),
    assignee ?? null,
    entity === undefined ? null : like(entity),
    rule === undefined ? null : like(rule),
    quiet === undefined ? null : Number(quiet),
    atMost,
  )
  return rows.map(alertOf)
}

/** Open alerts that are not this one. */
export function otherOpen(file: AlertsFile, id: string): Alert[] {
  const rows = file.all<Row>(
    `SELECT ${COLUMNS} FROM alerts a WHERE a.state <> 'resolved' AND a.kind = 'alert' AND a.id <> ?`,
    id,
  )
  return rows.map(alertOf)
}

/** Digits of an id that are enough to look for. */
const FEWEST_DIGITS = 4

/**
 * The alert whose id is, or begins with, what was typed.
 * @throws AppError BAD_ARGUMENT
 */
export function alertNamed(file: AlertsFile, kind: AlertKind, typed: string): Alert {
  const text = typed.toLowerCase()
  const isId = /^[0-9a-f]+$/.test(text) && text.length >= FEWEST_DIGITS
  const rows = isId
    ? file.all<Row>(
        `SELECT ${COLUMNS} FROM alerts a WHERE a.kind = ? AND a.id >= ? AND a.id < ? ORDER BY a.id LIMIT 2`,
        kind,
        text,
        `${text}g`,
      )
    : []
  const [one, another] = rows
  if (one !== undefined && another === undefined) return alertOf(one)
  if (one !== undefined && another !== undefined)
    throw new AppError('BAD_ARGUMENT', `${typed} is the beginning of more than one ${kind}.`, {
      hint: `Type more of it, such as ${differing(one.id, another.id)}.`,
    })
  throw new AppError('BAD_ARGUMENT', `There is no ${kind} ${typed}.`, { hint: hintFor(file, kind, text) })
}

const differing = (one: string, another: string): string => {
  let at = 0
  while (one[at] === another[at]) at += 1
  return one.slice(0, at + 1)
}

function hintFor(file: AlertsFile, kind: AlertKind, text: string): string {
  const other = kind === 'alert' ? 'incident' : 'alert'
  const ofOther = file.first<{ id: string }>(
    'SELECT id FROM alerts WHERE kind = ? AND id >= ? AND id < ? LIMIT 1',
    other,
    text,
    `${text}g`,
  )
  if (ofOther !== undefined && text.length >= FEWEST_DIGITS) return `It is an ${other}: use \`bricktrail ${other}s\`.`
  const rows = file.all<{ id: string }>(
    'SELECT id FROM alerts WHERE kind = ? ORDER BY updated_ms DESC LIMIT 5000',
    kind,
  )
  const near = rows
    .map(({ id }) => ({ id, same: sameDigits(id, text) }))
    .filter(({ same }) => same >= Math.max(3, text.length - 2))
    .sort((a, b) => b.same - a.same)[0]
  const shown = near?.id.slice(0, Math.max(text.length, 8))
  return near === undefined ? `Run \`bricktrail ${kind}s list\` to see what there is.` : `Did you mean ${shown}?`
}

const sameDigits = (id: string, text: string): number => [...text].filter((digit, at) => id[at] === digit).length

/** One entry of what happened to an alert. */
export interface HistoryEntry {
  readonly atMs: number
  readonly who: string
  readonly what: string
  readonly from: State
  readonly to: State
  readonly why: string | null
}

/** What happened to an alert, oldest first. */
export const historyOf = (file: AlertsFile, id: string): HistoryEntry[] =>
  file.all<HistoryEntry>(
    'SELECT at_ms AS atMs, who, what, from_state AS "from", to_state AS "to", why FROM history WHERE alert_id = ? ORDER BY seq',
    id,
  )

/** Writes down what happened. */
export function remember(file: AlertsFile, id: string, entry: HistoryEntry): void {
  const { atMs, who, what, from, to, why } = entry
  file.run(
    'INSERT INTO history (alert_id, at_ms, who, what, from_state, to_state, why) VALUES (?, ?, ?, ?, ?, ?, ?)',
    id,
    atMs,
    who,
    what,
    from,
    to,
    why,
  )
}

/** What there is to tell of an alert. */
export type NoticeAction = 'opened' | 'updated' | 'acknowledged' | 'resolved' | 'reopened'

/** Takes note that something is to be told. */
export function notice(
  file: AlertsFile,
  id: string,
  {
    action,
    nowMs,
    urgent = action !== 'updated',
    note,
  }: { action: NoticeAction; nowMs: number; urgent?: boolean; note?: string | undefined },
): void {
  file.run(
    'INSERT INTO notices (alert_id, action, urgent, at_ms, note) VALUES (?, ?, ?, ?, ?)',
    id,
    action,
    Number(urgent),
    nowMs,
    note ?? null,
  )
}

/** Who did what the program did by itself. */
export const BRICKTRAIL = 'bricktrail'

/** True while something is to be done about it. */
export const isOpenAlert = (alert: Alert): boolean => isOpen(alert.state)
