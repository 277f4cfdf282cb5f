import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { withinSecs } from '../correlate/runner.ts'
import { stoppedBy } from './stopping.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const LONG = 'SELECT sum(hash(a.i * b.i)) FROM range(1000000) a(i), range(1000000) b(i)'

it('work that is stopped ends soon, though it takes a failure for that of a rule', async () => {
  const stop = new AbortController()
  const failures: unknown[] = []
  setTimeout(() => stop.abort(), 200)
  const started = performance.now()
  const work = stoppedBy(engine, stop.signal, async () => {
    for (let rule = 0; rule < 5; rule++) failures.push(await withinSecs(engine, 60, () => engine.run(LONG)))
  })
  await expect(work).rejects.toMatchObject({ name: 'AbortError' })
  expect(failures).toEqual([])
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(await engine.row('SELECT 1 AS one')).toEqual({ one: 1 })
})

it('work that was stopped before is not begun', async () => {
  const work = stoppedBy(engine, AbortSignal.abort('done'), () => expect.fail('It was begun.'))
  await expect(work).rejects.toBe('done')
})
