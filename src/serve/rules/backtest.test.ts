import { expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { withQueries } from './backtest.ts'

it('knows the events that hold a query, in their own column or as a parameter', async () => {
  const engine = await Engine.open({ threads: 1 })
  try {
    const scan = `(SELECT * FROM (VALUES
      ('a', {'text': 'SELECT 1'}, NULL::MAP(VARCHAR, VARCHAR)),
      ('b', {'text': NULL::VARCHAR}, MAP {'commandText': 'DROP TABLE t'}),
      ('c', NULL, MAP {'name': 'x'}),
      ('d', {'text': 'SELECT 2'}, NULL)) rows(event_id, query, request_params))`
    expect([...(await withQueries(engine, scan, ['a', 'b', 'c']))].sort()).toEqual(['a', 'b'])
    expect(await withQueries(engine, scan, [])).toEqual(new Set())
  } finally {
    engine.close()
  }
})
