import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { SAMPLE_EVENTS, validateOcsfSample } from './ocsf-sample.ts'
import { ROWS, tableOfEvents } from './rows.fixture.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', ROWS)
})
afterAll(() => engine.close())

it('validates a sample of bounded size, the same one each time', async () => {
  const many = '(SELECT e.* FROM events e, range(100))'
  const first = await validateOcsfSample(engine, many)
  expect(first).toEqual({ events: SAMPLE_EVENTS, invalid: 0, problems: [] })
  expect((await validateOcsfSample(engine, 'events')).events).toBe(ROWS.length)
})

it('tells each different problem once, with how many events have it', async () => {
  const broken = '(SELECT * REPLACE (NULL::TIMESTAMPTZ AS event_time) FROM events)'
  expect(await validateOcsfSample(engine, broken)).toEqual({
    events: ROWS.length,
    invalid: ROWS.length,
    problems: [{ problem: 'attribute_required_missing time: is required', events: ROWS.length }],
  })
})
