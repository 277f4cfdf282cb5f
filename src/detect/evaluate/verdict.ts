/** Findings against labels: what each rule was right about, which attacks were told of, and how much a day asks for attention. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { FOUND } from '../job/over.ts'
import type { PackRule } from '../pack/pack.ts'
import { LEVELS, type Level } from '../sigma/rule.ts'
import { ATTACKS, type LabelledScenario } from './labels.ts'

/** From here on a finding asks for somebody's attention. */
const ATTENTION: Level = 'medium'

/** Whether findings of a level ask for attention. */
export const isNoticed = (level: Level): boolean => LEVELS.indexOf(level) >= LEVELS.indexOf(ATTENTION)

/** What a rule came to. */
export interface RuleVerdict {
  /** For shipped rules the path of the file below `rules`, without `.yml`; for others their name or title. */
  readonly name: string
  readonly key: string
  readonly level: Level
  readonly findings: number
  /** Findings with an event of an attack among those they name. */
  readonly right: number
  /** The others. */
  readonly wrong: number
  /** `right` of `findings`; null where there are none. */
  readonly precision: number | null
  /** Attacks that it should tell of, and how many of them it did. */
  readonly expected: number
  readonly told: number
  /** `told` of `expected`; null where it is expected to tell of none. */
  readonly recall: number | null
}

/** What became of an attack. */
export interface ScenarioVerdict {
  readonly id: string
  readonly title: string
  /** Whether a rule that should tell of it did, at a level that asks for attention. */
  readonly isDetected: boolean
  /** Rules that should tell of it and did. */
  readonly by: readonly string[]
  /** Rules that should tell of it and did not. */
  readonly silent: readonly string[]
  /** Other rules that told of it at a level that asks for attention. */
  readonly also: readonly string[]
}

/** Findings of a level. */
export interface LevelCount {
  readonly level: Level
  readonly findings: number
  /** Those on no attack. */
  readonly wrong: number
}

/** All of it. */
export interface Verdict {
  readonly rules: readonly RuleVerdict[]
  readonly scenarios: readonly ScenarioVerdict[]
  readonly levels: readonly LevelCount[]
  /** The day with the most findings on no attack that ask for attention; undefined where there are none. */
  readonly busiest?: { readonly day: string; readonly wrong: number }
}

interface RuleCount {
  readonly rule_id: string
  readonly level: Level
  readonly findings: number
  readonly right: number
  readonly scenarios: readonly string[]
}

/**
 * Judges the findings of the last pass, {@link FOUND}, by the events in {@link ATTACKS}.
 *
 * @param from ISO time; findings on no attack that begin before it are not counted
 */
export async function judge(
  engine: Engine,
  rules: readonly PackRule[],
  scenarios: readonly LabelledScenario[],
  from?: string,
): Promise<Verdict> {
  const counts = await countsOf(engine, from)
  const busiest = await busiestDay(engine, from)
  const names = namesOf(rules)
  const told = counts.map((count) => ({ ...count, name: names.get(count.rule_id) ?? count.rule_id }))
  return {
    rules: ruleVerdicts(rules, names, counts, scenarios),
    scenarios: scenarios.map((scenario) => scenarioVerdict(scenario, told)),
    levels: LEVELS.map((level) => {
      const own = counts.filter((count) => count.level === level)
      const sum = (number: (count: RuleCount) => number) => own.reduce((total, count) => total + number(count), 0)
      return { level, findings: sum(({ findings }) => findings), wrong: sum(({ findings, right }) => findings - right) }
    }),
    ...(busiest === undefined ? {} : { busiest }),
  }
}

async function busiestDay(engine: Engine, from: string | undefined): Promise<Verdict['busiest']> {
  const [row] = await engine.rows<{
    day: string
    wrong: number
  }>(`SELECT f.finding_date::VARCHAR AS day, count(*)::INTEGER AS wrong FROM ${FOUND} f
    WHERE f.superseded_by IS NULL AND f."level" IN (${LEVELS.filter(isNoticed).map(lit).join(', ')}) AND ${begunAt(from)} AND NOT EXISTS
      (FROM ${ATTACKS} a WHERE list_contains(f.event_ids, a.event_id)) GROUP BY day ORDER BY wrong DESC, day LIMIT 1`)
  return row
}

/** A finding counts once, however many of its events are of an attack. */
function countsOf(engine: Engine, from: string | undefined): Promise<(RuleCount & Record<string, unknown>)[]> {
  const named = `SELECT finding_id, unnest(event_ids) AS event_id FROM ${FOUND}`
  const hits = `SELECT n.finding_id, list_distinct(list(a.scenario)) AS scenarios FROM (${named}) n JOIN ${ATTACKS} a USING (event_id) GROUP BY ALL`
  return engine.rows(`SELECT f.rule_id, f."level", count(*)::INTEGER AS findings, count(h.finding_id)::INTEGER AS "right",
    coalesce(list_sort(list_distinct(flatten(list(h.scenarios) FILTER (h.scenarios IS NOT NULL)))), []) AS scenarios
    FROM ${FOUND} f LEFT JOIN (${hits}) h USING (finding_id)
    WHERE f.superseded_by IS NULL AND (h.finding_id IS NOT NULL OR ${begunAt(from)}) GROUP BY f.rule_id, f."level"`)
}

const begunAt = (from: string | undefined): string =>
  from === undefined ? 'true' : `f.first_time >= ${lit(from)}::TIMESTAMPTZ`

/** How each rule is called, by its key: `threat/file` for shipped rules, which stand alone in their files. */
function namesOf(rules: readonly PackRule[]): ReadonlyMap<string, string> {
  return new Map(
    rules.map(({ key, file, isShipped, rule: { meta } }) => [
      key,
      isShipped
        ? file
            .replace(/\.ya?ml$/, '')
            .split('/')
            .slice(-2)
            .join('/')
        : (meta.name ?? meta.title),
    ]),
  )
}

/** Whether a rule goes by a name of the labels: its own, or that of its file. */
const goesBy = (name: string, wanted: string): boolean => name === wanted || name.endsWith(`/${wanted}`)

function scenarioVerdict(
  { id, title, rules }: LabelledScenario,
  counts: readonly (RuleCount & { readonly name: string })[],
): ScenarioVerdict {
  const telling = counts.filter(({ scenarios, level }) => scenarios.includes(id) && isNoticed(level))
  const names = [...new Set(telling.map(({ name }) => name))].sort()
  const by = names.filter((name) => rules.some((wanted) => goesBy(name, wanted)))
  const silent = rules.filter((wanted) => !names.some((name) => goesBy(name, wanted)))
  const also = names.filter((name) => !by.includes(name))
  return { id, title, isDetected: by.length > 0 || (rules.length === 0 && also.length > 0), by, silent, also }
}

function ruleVerdicts(
  rules: readonly PackRule[],
  names: ReadonlyMap<string, string>,
  counts: readonly RuleCount[],
  scenarios: readonly LabelledScenario[],
): RuleVerdict[] {
  return rules
    .filter(({ feeds }) => !feeds)
    .map(({ key, level }) => {
      const name = names.get(key) ?? key
      const own = counts.find(({ rule_id }) => rule_id === key)
      const due = scenarios.filter((scenario) => scenario.rules.some((wanted) => goesBy(name, wanted)))
      const told = due.filter(({ id }) => own?.scenarios.includes(id)).length
      const findings = own?.findings ?? 0
      const right = own?.right ?? 0
      const part = (some: number, all: number) => (all === 0 ? null : some / all)
      const figures = { findings, right, wrong: findings - right, precision: part(right, findings) }
      return { name, key, level, ...figures, expected: due.length, told, recall: part(told, due.length) }
    })
    .sort((a, b) => b.wrong - a.wrong || b.findings - a.findings || (a.name < b.name ? -1 : 1))
}

/** Findings that ask for attention and are on no attack: at which times, about whom, at most `limit` of a rule. */
export function wrongOf(engine: Engine, key: string, limit: number, from?: string): Promise<Record<string, unknown>[]> {
  return engine.rows(`SELECT f.summary FROM ${FOUND} f WHERE f.rule_id = ${lit(key)} AND f.superseded_by IS NULL AND ${begunAt(from)} AND NOT EXISTS
    (FROM ${ATTACKS} a WHERE list_contains(f.event_ids, a.event_id)) ORDER BY f.first_time LIMIT ${limit}`)
}
