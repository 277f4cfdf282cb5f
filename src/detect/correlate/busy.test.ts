/** Leaving out rows where no window can be met changes nothing of what is met and found. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { Engine } from '../../engine/duckdb.ts'
import { parseRules } from '../sigma/parse.ts'
import { duckdb } from '../sql/duckdb.ts'
import { findingsSql, metSql, rowsSql } from './bursts.ts'
import { busyRowsSql, busySql } from './busy.ts'
import { type LinkedCorrelation, linkCorrelations } from './link.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

function correlationOf(lines: string): LinkedCorrelation {
  const rule = (name: string): string =>
    `title: ${name}\nname: ${name}\nlogsource: {}\ndetection:\n  s:\n    a: b\n  condition: s\n`
  const text = `${['one', 'two', 'three'].map(rule).join('---\n')}---\ntitle: C\ncorrelation:\n  group-by: [who]\n  timespan: 1m\n${lines.replaceAll(/^/gm, '  ')}\n`
  const { rules, problems } = parseRules(text, 'c.yml')
  expect(problems).toEqual([])
  const { correlations } = linkCorrelations(
    rules.filter((each) => each.kind === 'detection'),
    rules.filter((each) => each.kind === 'correlation'),
  )
  return correlations[0] as LinkedCorrelation
}

/** Matches around the epoch, where spans change their sign, some exactly a window apart, and a few at no finite time. */
async function writeMatches(chance: Chance, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, at) => {
    const time =
      chance.below(40) === 0
        ? "'infinity'::TIMESTAMPTZ"
        : `make_timestamptz(${(chance.below(60) - 30) * 20_000_000 + chance.below(2)}::BIGINT)`
    const value = ['NULL', "'x'", "'X'", "'y'", "'z'"][chance.below(5)]
    return `(${chance.below(3)}, 'e${at}', ${time}, MAP {'who': 'u${chance.below(3)}', 'v': ${value}})`
  })
  await engine.run(`CREATE OR REPLACE TABLE matches AS SELECT *, true AS is_start
    FROM (VALUES ${rows.join(', ')}) AS m(rule, event_id, event_time, fields)`)
}

it.each([
  ['type: event_count\nrules: [one]\ncondition: { gte: 3 }', 40],
  ['type: event_count\nrules: [one, two]\ncondition: { gt: 2, lt: 5 }', 14],
  ['type: value_count\nrules: [one]\ncondition: { field: v, gte: 2 }', 14],
  ['type: value_count\nrules: [one, three]\ncondition: { field: v, eq: 3 }', 40],
  ['type: temporal\nrules: [one, two, three]', 40],
  ['type: temporal\nrules: [one, two, three]\ncondition: { gte: 2 }', 10],
  ['type: temporal_ordered\nrules: [three, one]', 14],
  ['type: temporal_ordered\nrules: [one, two, three]', 24],
])(
  'of %s',
  async (lines, count) => {
    const correlation = correlationOf(lines)
    const chance = new Chance(11)
    let met = 0
    let left = 0
    for (let round = 0; round < 25; round++) {
      await writeMatches(chance, count)
      const all = rowsSql(correlation, 'matches', duckdb)
      const busy = busySql(correlation, all, duckdb)
      expect(busy).toBeDefined()
      const some = `(${busyRowsSql(correlation, all, `(${busy})`, duckdb)})`
      const found = async (rows: string): Promise<readonly unknown[]> => {
        const ends = metSql(correlation, rows, duckdb)
        return [
          await engine.rows(`FROM (${ends}) ORDER BY ALL`),
          await engine.rows(`FROM (${findingsSql(correlation, `(${ends})`, rows, duckdb)}) ORDER BY ALL`),
        ]
      }
      const whole = await found(all)
      expect(await found(some)).toEqual(whole)
      met += (whole[0] as unknown[]).length
      const { n } = await engine.row(`SELECT (SELECT count(*) FROM ${all}) - (SELECT count(*) FROM ${some}) AS n`)
      left += Number(n)
    }
    expect(met).toBeGreaterThan(0)
    expect(left).toBeGreaterThan(0)
  },
  120_000,
)

it.each([
  'type: event_count\nrules: [one]\ncondition: { lte: 3 }',
  'type: event_count\nrules: [one]\ncondition: { gte: 1 }',
  'type: value_sum\nrules: [one]\ncondition: { field: v, gte: 3 }',
])('leaves nothing out of %s', (lines) => {
  expect(busySql(correlationOf(lines), 'rows', duckdb)).toBeUndefined()
})
