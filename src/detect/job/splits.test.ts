/** Events in many batches lead to the findings they lead to in one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { Engine } from '../../engine/duckdb.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { attachState, STATE } from '../state.ts'
import { DAWN, eventTable, MANY_RULES, type PlainEvent, packOf, randomEvents, splitUp } from './pack.fixture.ts'
import { Detector } from './pass.ts'
import { FOUND } from './tell.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const detector = async (): Promise<Detector> =>
  Detector.open(engine, { pack: packOf(MANY_RULES), shape: eventShape(duckdb), entity: 'actor.email' })

const options = (pass: number) => ({ now: new Date(0), asOf: new Date(DAWN), pass, settle: async () => {} })

/** What stands in the end, after these batches one by one. */
async function told(batches: readonly (readonly PlainEvent[])[], runner: Detector) {
  await attachState(engine)
  try {
    await engine.run('CREATE OR REPLACE TABLE told AS SELECT 0 AS pass, 0 AS n')
    for (const [at, batch] of batches.entries()) {
      const relation = await eventTable(engine, 'batch', batch)
      const report = await runner.pass(relation, options(at))
      expect(report.leftOut).toEqual([])
      await engine.run(at === 0 ? `CREATE OR REPLACE TABLE told AS FROM ${FOUND}` : `INSERT INTO told FROM ${FOUND}`)
    }
    return await engine.rows(`SELECT * EXCLUDE (revision, detected_time) FROM (SELECT * FROM told
      QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC) = 1) WHERE superseded_by IS NULL ORDER BY title, entity, first_time`)
  } finally {
    await engine.run(`DETACH ${STATE}`)
  }
}

describe('events in the order of their time', () => {
  it.each((process.env.SIGMA_SEEDS ?? '1,2').split(',').map(Number))(
    'lead to the same findings in whatever batches they come (seed %i)',
    async (seed) => {
      const chance = new Chance(seed)
      const runner = await detector()
      for (let round = 0; round < 1; round++) {
        const events = randomEvents(chance, 140)
        const whole = await told([events], runner)
        expect(whole.length).toBeGreaterThan(10)
        expect(await told(splitUp(chance, events), runner)).toEqual(whole)
      }
    },
    300_000,
  )
})

describe('events that come late', () => {
  it('leave the same spans and counts, and nobody is told of a burst twice', async () => {
    const chance = new Chance(7)
    const runner = await detector()
    const events = randomEvents(chance, 100)
    const shape = (rows: readonly Record<string, unknown>[]) =>
      rows.map(({ title, entity, first_time, last_time, events: n }) => [title, entity, first_time, last_time, n])
    const whole = await told([events], runner)
    const shuffled = events.map((event) => ({ event, key: chance.below(1000) })).sort((a, b) => a.key - b.key)
    const late = await told(
      splitUp(
        chance,
        shuffled.map(({ event }) => event),
      ),
      runner,
    )
    expect(shape(late)).toEqual(shape(whole))
  })

  it('join two findings into the one that was told first', async () => {
    const runner = await detector()
    const drop = (id: string, secs: number): PlainEvent => ({ id, secs, action: 'drop' })
    await attachState(engine)
    try {
      const run = async (pass: number, ...events: readonly PlainEvent[]) => {
        await runner.pass(await eventTable(engine, 'batch', events), options(pass))
        return engine.rows(
          `SELECT finding_id, revision, event_ids, superseded_by FROM ${FOUND} ORDER BY superseded_by NULLS FIRST`,
        )
      }
      const [second] = await run(0, drop('late', 7000))
      const [first] = await run(1, drop('early', 0))
      expect(first?.finding_id).not.toBe(second?.finding_id)
      expect(await run(2, drop('between', 3500))).toEqual([
        { finding_id: second?.finding_id, revision: 2, event_ids: ['early', 'between', 'late'], superseded_by: null },
        { finding_id: first?.finding_id, revision: 2, event_ids: ['early'], superseded_by: second?.finding_id },
      ])
      expect(await run(3, drop('after', 9000))).toMatchObject([{ finding_id: second?.finding_id, revision: 3 }])
    } finally {
      await engine.run(`DETACH ${STATE}`)
    }
  })
})
