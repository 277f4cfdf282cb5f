import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { compact } from '../../lake/compact.ts'
import { DetectBench } from './home.fixture.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, MANY_RULES, type PlainEvent, packOf, randomEvents, splitUp } from './pack.fixture.ts'
import { stateFile } from './state-file.ts'

let bench: DetectBench
beforeEach(async () => {
  bench = await DetectBench.open()
})
afterEach(() => bench.close())

const at = (action: string, ...secs: readonly number[]): PlainEvent[] =>
  secs.map((sec) => ({ id: `${action}-${String(sec).padStart(6, '0')}`, secs: sec, action }))

/** What all events lead to in one go. */
async function inOneGo(events: readonly PlainEvent[], rules = MANY_RULES) {
  await detectOver(bench.engine, packOf(rules), await eventTable(bench.engine, 'closed', events))
  return bench.engine.rows(
    `SELECT * EXCLUDE (revision, detected_time, evidence) FROM ${FOUND} ORDER BY title, entity, first_time`,
  )
}

describe('a home', () => {
  it('tells of each event once, with the data file it is in', async () => {
    await bench.add(at('drop', 0, 10))
    expect(await bench.detect()).toMatchObject({ events: 2, findings: 1, passes: 1, leftOut: [], problems: [] })
    expect(await bench.detect()).toMatchObject({ events: 0, findings: 0, passes: 0 })
    await bench.add(at('drop', 20))
    expect(await bench.detect()).toMatchObject({ events: 1, findings: 1 })
    const [first, second, ...more] = await bench.told()
    expect(more).toEqual([])
    expect(first).toMatchObject({ revision: 1, events: '2' })
    const file = (batch: number) => `event_date=2026-11-14/b00000000${batch}-0000abcd-0.parquet`
    expect(second).toMatchObject({
      finding_id: first?.finding_id,
      revision: 2,
      events: '3',
      evidence: [
        { event_id: 'drop-000000', file: file(1), leaf: null },
        { event_id: 'drop-000010', file: file(1), leaf: null },
        { event_id: 'drop-000020', file: file(2), leaf: null },
      ],
    })
  })

  it('comes to the same, batch by batch, whether it is looked at after each or after several', async () => {
    const chance = new Chance(11)
    const events = randomEvents(chance, 120)
    for (const batch of splitUp(chance, events)) {
      await bench.add(batch)
      if (chance.often(0.6)) await bench.detect({}, { rowsAPass: 20 })
    }
    await bench.detect({}, { rowsAPass: 20 })
    expect(await bench.standing()).toEqual(await inOneGo(events))
  }, 60_000)

  it('passes over files that only hold moved rows, and finds what was merged before it was looked at', async () => {
    for (let batch = 0; batch < 3; batch++) await bench.add(at('drop', batch * 10))
    await bench.detect()
    await bench.add(at('drop', 100))
    await compact(bench.engine, bench.events, { nowMs: Date.now() + 1e9, minFiles: 2, graceMs: 0 })
    expect(await bench.detect()).toMatchObject({ events: 1, findings: 1 })
    expect(await bench.standing()).toMatchObject([{ events: '4' }])
    await compact(bench.engine, bench.events, { nowMs: Date.now() + 1e9, minFiles: 2, graceMs: 0 })
    expect(await bench.detect()).toMatchObject({ events: 0, findings: 0 })
  })

  it('tells what the clock alone brings about only when asked', async () => {
    await bench.add(at('drop', 0))
    expect(await bench.detect({ clock: true })).toMatchObject({ events: 1, findings: 1 })
    expect(await bench.detect({ clock: true })).toMatchObject({ events: 0, findings: 0 })
  })
})

describe('a state', () => {
  const first = [...at('login', 0, 60, 120), ...at('read', 200, 210, 220), ...at('drop', 30)]
  const second = [...at('login', 180, 240), ...at('grant', 300), ...at('drop', 600)]

  const losses: readonly (readonly [string, () => Promise<void>, 'lost' | 'asked'])[] = [
    ['that is lost', async () => rm(bench.home.detect, { recursive: true }), 'lost'],
    ['that cannot be read', async () => writeFile(stateFile(bench.home), 'no database'.repeat(2000)), 'lost'],
    ['that is to be made again', async () => undefined, 'asked'],
  ]

  it.each(losses)('%s is worked out again from the lake', async (_, lose, why) => {
    await bench.add(first)
    await bench.detect()
    await lose()
    await bench.add(second)
    expect(await bench.detect({ rebuild: why === 'asked' })).toMatchObject({ rebuilt: why, events: second.length })
    expect(await bench.standing()).toEqual(await inOneGo([...first, ...second]))
    const revisions = (await bench.told()).filter(({ title }) => title === 'alone').map(({ revision }) => revision)
    expect(revisions).toEqual([1, 2])
  })

  it('learns a new rule from events that were looked at before, and tells of none of them alone', async () => {
    const few = MANY_RULES.split('---\n')
      .filter((text) => /name: (alone|a)\n/.test(text))
      .join('---\n')
    await bench.add(first)
    await bench.detect({}, { pack: { ...packOf(few), problems: [] } })
    expect(await bench.detect()).toMatchObject({ findings: 0 })
    await bench.add(second)
    await bench.detect()
    // What was over by then is not told of.
    const whole = (await inOneGo([...first, ...second])).filter(({ title }) => title !== 'few')
    expect(await bench.standing()).toEqual(whole)
  })

  it('of a lake that was put back goes on from where the two agree', async () => {
    await bench.add(first)
    await bench.detect()
    const before = (await bench.told()).length
    await bench.add(at('drop', 50_000))
    await bench.detect()
    expect(await bench.told()).toHaveLength(before + 1)
    await rm(join(bench.home.events, '_delta_log/00000000000000000001.json'))
    expect(await bench.detect()).toMatchObject({ rebuilt: 'lake put back', events: 0, findings: 0 })
    await bench.add(at('drop', 70_000))
    expect(await bench.detect()).toMatchObject({ events: 1, findings: 1 })
    expect(await bench.told()).toHaveLength(before + 2)
    await bench.add(at('drop', 90_000))
    expect(await bench.detect()).toMatchObject({ events: 1, findings: 1 })
  })
})
