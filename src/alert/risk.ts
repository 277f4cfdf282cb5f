/** Risk: what each finding adds to the score of who did it and what it was done to, and when that is too much. */
import { attackTags } from '../detect/review/attack.ts'
import { LEVELS, type Level } from '../detect/sigma/rule.ts'
import type { AlertsFile } from './alerts-file.ts'
import type { FindingRow } from './finding-feed.ts'
import { matchesAny } from './match.ts'

/** Scores and limits, as `alerts.yaml` has them. */
export interface RiskScores {
  /** By place in the list of levels. */
  readonly levels: readonly number[]
  /** Scores of rules, by pattern; the first that fits counts. */
  readonly rules: readonly { readonly pattern: string; readonly score: number }[]
  /** What one rule can add within a day, so that one noisy rule alone never makes an incident. */
  readonly mostPerRule: number
  /** More than this within a day is an incident. */
  readonly dayScore: number
  /** So many tactics and so many rules within a week are one. */
  readonly weekTactics: number
  readonly weekRules: number
}

/** Without settings: Splunk's usual limits, and scores with which two alerts that are bad, or four that are middling, do not reach them. */
export const USUAL_RISK: RiskScores = {
  levels: [1, 10, 25, 50, 100],
  rules: [],
  mostPerRule: 100,
  dayScore: 100,
  weekTactics: 3,
  weekRules: 4,
}

const DAY_MS = 86_400_000

/** The longer of the two windows. */
export const WEEK_MS = 7 * DAY_MS

/** Whose risk it is. */
export type RiskKind = 'actor' | 'asset'

/** Writes down what a finding adds, in place of what it added before. */
export function keepRisk(file: AlertsFile, alert: string, row: FindingRow, scores: RiskScores): void {
  const wanted = objectsOf(row)
  for (const { kind, object } of forgotten(file, row.id, wanted)) toReckon(file, kind, object, row.lastMs)
  const score = scoreOf(row, scores)
  const tactics = JSON.stringify(attackTags(row.tags).tactics)
  for (const [kind, object] of wanted) {
    if (score <= 0) continue
    file.run(
      `INSERT INTO risks (finding_id, kind, object, rule_id, alert_id, score, time_ms, tactics) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET rule_id = excluded.rule_id, alert_id = excluded.alert_id, score = excluded.score, time_ms = excluded.time_ms, tactics = excluded.tactics`,
      row.id,
      kind,
      object,
      row.ruleId,
      alert,
      score,
      row.lastMs,
      tactics,
    )
    toReckon(file, kind, object, row.lastMs)
  }
}

/** Forgets what a finding added. */
export function dropRisk(file: AlertsFile, finding: string): void {
  for (const { kind, object, timeMs } of forgotten(file, finding, [])) toReckon(file, kind, object, timeMs)
}

/** What is decided about an alert bears on the risk of everybody in it. */
export function reckonAlert(file: AlertsFile, alert: string): void {
  const rows = file.all<Touched>(
    'SELECT kind, object, min(time_ms) AS timeMs FROM risks WHERE alert_id = ? GROUP BY kind, object',
    alert,
  )
  for (const { kind, object, timeMs } of rows) toReckon(file, kind, object, timeMs)
}

interface Touched {
  readonly kind: RiskKind
  readonly object: string
  readonly timeMs: number
}

function forgotten(file: AlertsFile, finding: string, wanted: readonly (readonly [RiskKind, string])[]): Touched[] {
  const rows = file.all<Touched>('SELECT kind, object, time_ms AS timeMs FROM risks WHERE finding_id = ?', finding)
  const gone = rows.filter(({ kind, object }) => !wanted.some(([k, o]) => k === kind && o === object))
  for (const { kind, object } of gone)
    file.run('DELETE FROM risks WHERE finding_id = ? AND kind = ? AND object = ?', finding, kind, object)
  return gone
}

const toReckon = (file: AlertsFile, kind: RiskKind, object: string, fromMs: number): void => {
  file.run(
    `INSERT INTO to_reckon (kind, object, from_ms) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET from_ms = min(from_ms, excluded.from_ms)`,
    kind,
    object,
    fromMs,
  )
}

/** Names that stand for nobody. */
const NOBODY = new Set(['', 'unknown', 'system-user', 'anonymous'])

/** Who, and what: the entity where it is one of them, else what its events name. */
function objectsOf({ entityField, entity, actors, assets }: FindingRow): (readonly [RiskKind, string])[] {
  const isActor = entityField.startsWith('actor.') && entity !== ''
  const who = (isActor ? [entity.toLowerCase()] : actors).filter((actor) => !NOBODY.has(actor))
  const named = assets.filter((asset) => asset.endsWith(`:${entity}`))
  const isAsset = entityField.startsWith('targets.') && named.length > 0
  return [
    ...who.map((actor) => ['actor', actor] as const),
    ...(isAsset ? named : assets).map((asset) => ['asset', asset] as const),
  ]
}

function scoreOf({ ruleId, ruleName, title, level }: FindingRow, { rules, levels }: RiskScores): number {
  const own = rules.find(({ pattern }) => matchesAny([pattern], [ruleId, ruleName, title]))
  return own?.score ?? levels[LEVELS.indexOf(level as Level)] ?? levels[LEVELS.indexOf('medium')] ?? 0
}

/** One finding's part in the risk of somebody. */
export interface RiskRow {
  readonly finding: string
  readonly rule: string
  readonly score: number
  readonly timeMs: number
  readonly tactics: readonly string[]
}

/** What the rows of an actor or asset come to. */
export interface Reckoned {
  /** Where the earliest window begins that is too much; undefined where none is. */
  readonly fromMs?: number
  /** The most within a day. */
  readonly score: number
  /** True if a week had too many tactics of too many rules. */
  readonly isBroad: boolean
}

/** Looks at every day and week that ends with a row. Rows have to be in the order of their times. */
export function reckoned(rows: readonly RiskRow[], scores: RiskScores): Reckoned {
  const day = new Sliding(DAY_MS)
  const week = new Sliding(WEEK_MS)
  let fromMs: number | undefined
  let score = 0
  let isBroad = false
  rows.forEach((row, at) => {
    day.take(rows, at)
    week.take(rows, at)
    // Of rows of one time the window is whole with the last.
    if (rows[at + 1]?.timeMs === row.timeMs) return
    const sum = day.score(scores.mostPerRule)
    const isHigh = sum > scores.dayScore
    const isWide = week.tactics >= scores.weekTactics && week.rules >= scores.weekRules
    score = Math.max(score, sum)
    isBroad ||= isWide
    const begin = isWide ? week.fromMs : isHigh ? day.fromMs : undefined
    if (begin !== undefined) fromMs = Math.min(fromMs ?? begin, begin)
  })
  return { score, isBroad, ...(fromMs === undefined ? {} : { fromMs }) }
}

/** A window that slides over rows. */
class Sliding {
  readonly #lengthMs: number
  readonly #scores = new Map<string, number>()
  readonly #counts = new Map<string, number>()
  readonly #tactics = new Map<string, number>()
  #first = 0
  fromMs = 0

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  take(rows: readonly RiskRow[], at: number): void {
    const newest = rows[at] as RiskRow
    this.#add(newest, 1)
    for (let row = rows[this.#first]; row !== undefined; row = rows[this.#first]) {
      this.fromMs = row.timeMs
      if (row.timeMs > newest.timeMs - this.#lengthMs) break
      this.#add(row, -1)
      this.#first += 1
    }
  }

  score(mostPerRule: number): number {
    let sum = 0
    for (const score of this.#scores.values()) sum += Math.min(score, mostPerRule)
    return sum
  }

  get rules(): number {
    return this.#counts.size
  }

  get tactics(): number {
    return this.#tactics.size
  }

  #add({ rule, score, tactics }: RiskRow, sign: 1 | -1): void {
    const isLeft = added(this.#counts, rule, sign)
    this.#scores.set(rule, (this.#scores.get(rule) ?? 0) + sign * score)
    if (!isLeft) this.#scores.delete(rule)
    for (const tactic of tactics) added(this.#tactics, tactic, sign)
  }
}

/** Counts up or down; false where nothing is left. */
function added(counts: Map<string, number>, key: string, by: number): boolean {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
  return count > 0
}
