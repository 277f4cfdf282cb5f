import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { countsOf, putTogether } from './rules-together.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
  await engine.run(
    'CREATE TEMP TABLE matches AS SELECT (i * 7 % 9)::INTEGER AS rule, i AS event_id FROM range(900) t(i) ORDER BY hash(i)',
  )
})
afterAll(() => engine.close())

it.each([1, 150, 250, 10_000])(
  'takes every match of the rules once, those of a rule together, sorting %i at once',
  async (atOnce) => {
    const counts = await countsOf(engine, [2, 3, 5, 8, 77], 'matches')
    expect([...counts].sort()).toEqual([2, 3, 5, 8].map((rule) => [rule, 100]))
    await putTogether(engine, 'temp.together', 'matches', counts, atOnce)
    const rows = await engine.rows<{ rule: number }>('SELECT rule FROM temp.together ORDER BY rowid')
    expect(rows.map(({ rule }) => rule)).toEqual([2, 3, 5, 8].flatMap((rule) => Array(100).fill(rule)))
    const [all] = await engine.rows('SELECT count(DISTINCT event_id)::INTEGER AS n FROM temp.together')
    expect(all).toEqual({ n: 400 })
  },
)

it('makes an empty table of no rules', async () => {
  await putTogether(engine, 'temp.together', 'matches', await countsOf(engine, [], 'matches'))
  expect(await engine.rows('FROM temp.together')).toEqual([])
})
