/** What the state lacks, worked out again from the events of the lake: for rules that are new or changed, and for a lost state. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { scanSql } from '../../lake/read.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import { BASELINE_MATCHES, compareWithHabits } from '../baseline/compare.ts'
import { rememberHabits } from '../baseline/remember.ts'
import { takeBatch } from '../baseline/selected.ts'
import { keyOfGroupSql } from '../correlate/bursts.ts'
import { duckdb } from '../sql/duckdb.ts'
import type { RecordShape } from '../sql/fields.ts'
import { RuleRunner } from '../sql/runner.ts'
import { STATE_MATCHES } from '../state.ts'
import { STATE_BURSTS } from './bursts.ts'
import { rowsOf } from './lake-changes.ts'
import { selectedSql } from './matches.ts'
import type { Detector, LeftOut } from './pass.ts'
import { LATE_SECS, type Reaches } from './reach.ts'

const SELECTED = 'temp.refill_selected'

/** What {@link refill} works with. */
export interface RefillContext {
  readonly engine: Engine
  readonly detector: Detector
  readonly shape: RecordShape
  readonly events: DeltaTable
  readonly reaches: Reaches
  /** Time of the newest event. */
  readonly newest: Date
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs: number | undefined
}

/**
 * Works out the matches and habits of rules from the events of `files`, day by day. What was there of them has to be deleted before.
 *
 * @param keys rules of which it is done
 * @param unseen batches whose events are left out: their pass is still to come
 * @returns rules that were left out of some of it
 */
export async function refill(
  context: RefillContext,
  keys: ReadonlySet<string>,
  files: readonly DataFile[],
  unseen: readonly string[],
): Promise<readonly LeftOut[]> {
  const { engine, detector, shape, events, reaches, newest, timeoutSecs } = context
  const { programme } = detector
  const rules = programme.rules.filter(({ of }) => keys.has(of.key))
  if (rules.length === 0) return []
  const numbers = rules.map(({ number }) => number)
  const captured = new Map(numbers.map((number, at) => [at, programme.captured.get(number) ?? []]))
  const runner = new RuleRunner(
    engine,
    numbers.flatMap((number) => programme.matched[number] ?? []),
    shape,
    duckdb,
    {
      captured,
      unexplained: new Set(numbers.keys()),
      summed: new Set(numbers.flatMap((number, at) => (programme.summed.has(number) ? [at] : []))),
      ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
    },
  )
  const baselines = detector.baselines.filter(({ key }) => keys.has(key))
  const counted = rules.filter(({ number }) => programme.counted.has(number)).map(({ of }) => of.key)
  const names = `(VALUES ${rules.map(({ of }, at) => `(${at}, ${lit(of.key)})`).join(', ')}) AS n(place, key)`
  const from = newest.getTime() - furthest(reaches, keys) * 1000
  const days = Map.groupBy(
    files.filter(({ maxTimeMs = Number.POSITIVE_INFINITY }) => maxTimeMs >= from),
    ({ partition }) => partition,
  )
  const slow = new Map<string, LeftOut>()
  for (const day of [...days.keys()].sort()) {
    const rows = rowsOf(events, days.get(day) ?? [])
    const relation =
      unseen.length === 0 ? rows : `(SELECT * FROM ${rows} WHERE batch_id NOT IN (${unseen.map(lit).join(', ')}))`
    for (const { rule, reason, message } of (await runner.run(relation)).unrun) {
      const of = rules[rule.number]?.of
      if (of !== undefined)
        slow.set(of.key, { key: of.key, title: of.rule.meta.title, version: of.version, reason, message })
    }
    await engine.run(
      `CREATE OR REPLACE TEMP VIEW refill_selected AS SELECT n.key AS rule, m.* EXCLUDE (rule)
      FROM ${selectedSql(numbers.map((_, at) => at).join(', '))} m JOIN ${names} ON n.place = m.rule`,
    )
    if (baselines.length > 0) {
      await takeBatch(engine, baselines, SELECTED)
      await rememberHabits(engine)
      if (baselines.some(({ key }) => counted.includes(key))) {
        await compareWithHabits(engine, baselines, { now: newest })
        await remember(
          engine,
          counted,
          `(SELECT b.rule, b.event_id, b.event_time, coalesce(map_concat(s.fields, b.fields), b.fields) AS fields
          FROM ${BASELINE_MATCHES} b LEFT JOIN ${SELECTED} s ON s.rule = b.rule AND s.event_id = b.event_id)`,
        )
      }
    }
    const plain = counted.filter((key) => !baselines.some((baseline) => baseline.key === key))
    await remember(engine, plain, SELECTED)
  }
  return [...slow.values()]
}

async function remember(engine: Engine, keys: readonly string[], matches: string): Promise<void> {
  if (keys.length === 0) return
  await engine.run(`INSERT INTO ${STATE_MATCHES} BY NAME SELECT rule, event_id, event_time, fields
    FROM ${matches} WHERE rule IN (${keys.map(lit).join(', ')})`)
}

function furthest({ matches, habits }: Reaches, keys: ReadonlySet<string>): number {
  const secs = [...keys].map((key) => {
    const habit = habits.has(key) ? (habits.get(key) ?? Number.POSITIVE_INFINITY) : 0
    return Math.max(matches.get(key) ?? 0, habit)
  })
  return Math.max(0, ...secs) + LATE_SECS
}

/** Puts findings that may still grow back into an empty state, as the table has them. */
export async function recallBursts(engine: Engine, findings: DeltaTable, since: Date): Promise<void> {
  const { files } = await findings.snapshot()
  await engine.run(`INSERT INTO ${STATE_BURSTS} BY NAME
    SELECT finding_id, rule_id AS rule, ${keyOfGroupSql('map_values("group")', duckdb)} AS group_key, "group", entity, first_time, last_time,
      CASE WHEN superseded_by IS NULL THEN events ELSE 0 END AS events,
      measure::DOUBLE AS measure, explanation AS why, revision, row_number() OVER (ORDER BY told_first, finding_id) - 1000000000 AS told_in,
      list_transform(event_ids, lambda id, place: {'event_time': first_time + to_microseconds(place - 1), 'event_id': id,
        'file': list_filter(evidence, lambda e: e.event_id = id)[1].file}) AS kept
    FROM (SELECT *, min(detected_time) OVER (PARTITION BY finding_id) AS told_first FROM ${scanSql(findings, files)}
      QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC, detected_time DESC) = 1)
    WHERE coalesce(superseded_by, finding_id) = finding_id AND last_time >= ${lit(since.toISOString())}::TIMESTAMPTZ`)
}
