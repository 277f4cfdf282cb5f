/** Events in many batches lead to the findings they lead to in one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { Engine } from '../../engine/duckdb.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import { attachState, STATE } from '../state.ts'
import { DAWN, eventTable, type PlainEvent, packOf } from './pack.fixture.ts'
import { Detector } from './pass.ts'
import { FOUND } from './tell.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const base = (name: string, action: string, feeds = true): string =>
  `title: ${name}\nname: ${name}\nlogsource: {}\ndetection:\n  s:\n    actionName: ${action}\n  condition: s\nbricktrail: { feeds: ${feeds} }\n`

const correlation = (name: string, section: string, feeds = false): string =>
  `title: ${name}\nname: ${name}\nbricktrail: { feeds: ${feeds} }\ncorrelation:\n${section.replaceAll(/^/gm, '  ')}\n`

const GROUPED = 'group-by: [actor.email]\ntimespan: 10m\n'

const RULES = [
  base('alone', 'drop', false),
  base('a', 'login'),
  base('b', 'read'),
  base('c', 'grant'),
  correlation('count', `type: event_count\nrules: [a]\n${GROUPED}condition: { gte: 4 }`),
  correlation('values', `type: value_count\nrules: [b]\n${GROUPED}condition: { gte: 3, field: source_ip }`),
  correlation('few', `type: event_count\nrules: [a]\n${GROUPED}condition: { gte: 2, lt: 4 }`),
  correlation('both', `type: temporal\nrules: [a, c]\n${GROUPED}`),
  correlation('ordered', `type: temporal_ordered\nrules: [a, b, c]\n${GROUPED}`),
  correlation('burst', `type: event_count\nrules: [b]\n${GROUPED}condition: { gte: 3 }`, true),
  correlation('then', 'type: temporal_ordered\nrules: [burst, c]\ngroup-by: [actor.email]\ntimespan: 30m'),
].join('---\n')

const detector = async (): Promise<Detector> =>
  Detector.open(engine, { pack: packOf(RULES), shape: eventShape(duckdb), entity: 'actor.email' })

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

function randomEvents(chance: Chance, count: number): PlainEvent[] {
  const events = Array.from({ length: count }, (_, id): PlainEvent => {
    return {
      id: `e${String(id).padStart(3, '0')}`,
      secs: chance.below(4 * 3600),
      action: chance.one(['drop', 'login', 'read', 'grant']),
      who: chance.one(['ada', 'bob', null]),
      ip: chance.one(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']),
    }
  })
  // No two at once: of these, which comes first is a matter of the id.
  return events.sort((a, b) => a.secs - b.secs).filter((event, at) => event.secs !== events[at - 1]?.secs)
}

function split(chance: Chance, events: readonly PlainEvent[]): PlainEvent[][] {
  const batches: PlainEvent[][] = [[]]
  for (const event of events) {
    if (chance.often(0.08)) batches.push([])
    batches.at(-1)?.push(event)
  }
  return batches
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
        expect(await told(split(chance, events), runner)).toEqual(whole)
      }
    },
    60_000,
  )
})

describe('events that come late', () => {
  it('leave the same spans and counts, and nobody is told of a burst twice', async () => {
    const chance = new Chance(7)
    const runner = await detector()
    const events = randomEvents(chance, 100)
    const shape = (rows: readonly Record<string, unknown>[]) =>
      rows
        .filter(({ title }) => title !== 'few')
        .map(({ title, entity, first_time, last_time, events: n }) => [title, entity, first_time, last_time, n])
    const whole = await told([events], runner)
    const shuffled = events.map((event) => ({ event, key: chance.below(1000) })).sort((a, b) => a.key - b.key)
    const late = await told(
      split(
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
