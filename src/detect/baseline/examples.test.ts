/** The examples of the shipped baselines: each in a home of its own, as far as baselines can tell. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { CACHE_HOME } from '../../normalise/read-records.fixture.ts'
import { loadPack } from '../pack/load.ts'
import type { BaselineRule, Example, PackRule } from '../pack/pack.ts'
import { EXAMPLE_EVENTS, loadExamples, prepareExamples } from '../review/example-events.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { MATCHES_TABLE } from '../sql/match-tables.ts'
import { RuleRunner } from '../sql/runner.ts'
import { attachState } from '../state.ts'
import { BASELINE_MATCHES, compareWithHabits } from './compare.ts'
import { rememberHabits } from './remember.ts'
import { oneByOne, takeBatch } from './selected.ts'
import { capturedByBaseline } from './settings.ts'

interface Case {
  readonly key: string
  readonly rule: BaselineRule
  readonly number: number
  readonly name: string
  readonly fires: boolean
  readonly example: Example
}

/** Where an example says nothing of now. */
const LATER = '2100-01-01T00:00:00Z'

const isBaseline = (each: PackRule): each is PackRule & { readonly rule: BaselineRule } => each.rule.kind === 'baseline'

describe('the examples of the shipped baselines', () => {
  let engine: Engine
  let cases: readonly Case[]
  const fired = new Map<string, string[]>()

  beforeAll(async () => {
    engine = await Engine.open({ threads: 2 })
    await prepareExamples(engine, homeAt(CACHE_HOME))
    await attachState(engine)
    const rules = (await loadPack()).rules.filter(isBaseline)
    cases = casesOf(rules)
    expect(
      await loadExamples(
        engine,
        cases.map(({ key, example }) => ({ id: key, records: example.records })),
      ),
    ).toEqual([])
    const captured = new Map(rules.map(({ rule }, at) => [at, capturedByBaseline(rule)]))
    const runner = new RuleRunner(
      engine,
      rules.map(({ rule }) => rule.select),
      eventShape(duckdb),
      duckdb,
      { captured },
    )
    expect((await runner.run(EXAMPLE_EVENTS)).unrun).toEqual([])
    await engine.tableOf(
      'cases',
      cases.map(({ key, number }) => ({ key, number: String(number) })),
      ['key', 'number'],
    )
    await engine.run(`CREATE TEMP TABLE selected AS SELECT DISTINCT c.key AS rule, m.event_id, m.event_time, m.fields, m.selections, m.because
      FROM ${MATCHES_TABLE} m JOIN ${EXAMPLE_EVENTS} e USING (event_id) JOIN cases c ON c.key = e.source_object AND c.number = m.rule::VARCHAR`)
    await takeBatch(engine, cases, oneByOne('selected'))
    await rememberHabits(engine)
    for (const [now, some] of Map.groupBy(cases, ({ example }) => example.asOf ?? LATER)) {
      await compareWithHabits(engine, some, { now: new Date(now) })
      for (const row of await engine.rows(
        `SELECT rule, because[len(because)].value AS why, event_time FROM ${BASELINE_MATCHES} ORDER BY ALL`,
      ))
        fired.set(String(row.rule), [...(fired.get(String(row.rule)) ?? []), `${row.event_time}: ${row.why}`])
    }
  })
  afterAll(() => engine.close())

  it('fire where they should, and not where they should not', () => {
    expect(cases.length).toBeGreaterThan(100)
    const wrong = cases.filter(({ key, fires }) => fired.has(key) !== fires)
    expect(wrong.map(({ key, name }) => `${name}: ${fired.get(key)?.join(' | ') ?? 'silent'}`)).toEqual([])
  })

  it('fire once: of one event, or of one window', () => {
    const often = cases.filter(({ key }) => (fired.get(key)?.length ?? 0) > 1).map(({ name }) => name)
    // Another account of that example is silent for 106 days before.
    expect(often).toEqual(['Dormant account is active again, fires: four months of silence'])
  })
})

function casesOf(rules: readonly (PackRule & { readonly rule: BaselineRule })[]): Case[] {
  return rules.flatMap(({ rule, content, key }, number) =>
    [
      ...content.fires.map((example) => ({ example, fires: true })),
      ...content.silent.map((example) => ({ example, fires: false })),
    ].map(({ example, fires }, at) => ({
      key: `${key}@${at}`,
      rule,
      number,
      name: `${rule.meta.title}, ${fires ? 'fires' : 'silent'}: ${example.name}`,
      fires,
      example,
    })),
  )
}
