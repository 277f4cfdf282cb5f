import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DetectBench } from './home.fixture.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, type PlainEvent, packOf } from './pack.fixture.ts'

let bench: DetectBench
beforeEach(async () => {
  bench = await DetectBench.open()
})
afterEach(() => bench.close())

const base = (name: string, action: string): string =>
  `title: ${name}\nname: ${name}\nlogsource: {}\ndetection:\n  s:\n    actionName: ${action}\n  condition: s\nbricktrail: { feeds: true }\n`

const pack = (...sections: readonly string[]) => ({
  ...packOf(
    [
      base('a', 'login'),
      base('b', 'read'),
      base('c', 'grant'),
      ...sections.map(
        (section, at) =>
          `title: rule${at}\nname: rule${at}\ncorrelation:\n  ${section}\n  group-by: [actor.email]\n  timespan: ${at === 0 ? '10m' : '30m'}\n`,
      ),
    ].join('---\n'),
  ),
  problems: [],
})

const UNLESS = 'type: temporal\n  rules: [a, c]\n  condition: a and not c'

const at = (action: string, ...secs: readonly number[]): PlainEvent[] =>
  secs.map((sec) => ({ id: `${action}-${String(sec).padStart(6, '0')}`, secs: sec, action }))

const same = (id: string): PlainEvent => ({ id, secs: 0, action: 'login' })

const shortTold = async () =>
  (await bench.told()).map(({ finding_id, title, revision, events, superseded_by }) => [
    title,
    revision,
    events,
    superseded_by === null ? 'stands' : superseded_by === finding_id ? 'taken back' : 'part of another',
  ])

describe('a finding that late events undo', () => {
  it.each([
    ['by what must not be there', UNLESS, at('login', 100), at('grant', 50)],
    ['by one too many', 'type: event_count\n  rules: [a]\n  condition: { eq: 2 }', [same('x'), same('y')], [same('z')]],
    [
      'by a lower average',
      'type: value_avg\n  rules: [a]\n  condition: { field: source_ip, gte: 9 }',
      [{ ...at('login', 100)[0], ip: '9' } as PlainEvent],
      [{ ...at('login', 50)[0], ip: '1' } as PlainEvent],
    ],
  ])('%s is taken back', async (_, section, first, late) => {
    const rules = pack(section)
    await bench.add(first)
    expect(await bench.detect({}, { pack: rules })).toMatchObject({ findings: 1 })
    await bench.add(late)
    await bench.detect({}, { pack: rules })
    expect(await bench.standing()).toEqual(await inOneGo([...first, ...late], rules))
    expect((await shortTold()).map(([, revision, , state]) => [revision, state])).toContainEqual([2, 'taken back'])
    expect(await bench.detect({}, { pack: rules })).toMatchObject({ findings: 0 })
  })

  it('goes on under its id when it is met again, even if what is remembered was made again', async () => {
    const rules = pack('type: temporal\n  rules: [a, c, b]\n  condition: (a and not c) or b')
    await bench.add(at('login', 100))
    await bench.detect({}, { pack: rules })
    await bench.add(at('grant', 50))
    await bench.detect({}, { pack: rules })
    await bench.detect({ rebuild: true }, { pack: rules })
    await bench.add(at('read', 90))
    await bench.detect({}, { pack: rules })
    expect(await shortTold()).toEqual([
      ['rule0', 1, '1', 'stands'],
      ['rule0', 2, '1', 'taken back'],
      ['rule0', 3, '3', 'stands'],
    ])
  })

  it('takes with it what was built on it', async () => {
    const rules = pack(UNLESS, 'type: temporal\n  rules: [rule0, b]')
    await bench.add([...at('login', 100), ...at('read', 200)])
    await bench.detect({}, { pack: rules })
    expect((await bench.standing()).map(({ title }) => title)).toContain('rule1')
    await bench.add(at('grant', 50))
    await bench.detect({}, { pack: rules })
    expect(await bench.standing()).toEqual([])
    expect((await shortTold()).filter(([title]) => title === 'rule1')).toEqual([
      ['rule1', 1, '2', 'stands'],
      ['rule1', 2, '2', 'taken back'],
    ])
  })

  it('in its middle goes on as its first part, and the rest is another', async () => {
    const rules = pack(UNLESS)
    const first = at('login', 0, 600, 1200, 1800)
    await bench.add(first)
    await bench.detect({}, { pack: rules })
    const [whole] = await bench.told()
    await bench.add(at('grant', 500))
    await bench.detect({}, { pack: rules })
    const parts = await bench.standing()
    expect(parts.map(({ events }) => events)).toEqual(['1', '3'])
    expect(parts[0]?.finding_id).toBe(whole?.finding_id)
    const withoutIds = (rows: readonly Record<string, unknown>[]) => rows.map(({ finding_id, ...rest }) => rest)
    expect(withoutIds(parts)).toEqual(withoutIds(await inOneGo([...first, ...at('grant', 500)], rules)))
    expect(await bench.detect({}, { pack: rules })).toMatchObject({ findings: 0 })
  })

  it('stands where what came late is of somebody else, or came afterwards', async () => {
    const rules = pack(UNLESS)
    await bench.add(at('login', 100))
    await bench.detect({}, { pack: rules })
    await bench.add([...at('grant', 150), { id: 'x', secs: 50, action: 'grant', who: 'bob' }])
    expect(await bench.detect({}, { pack: rules })).toMatchObject({ findings: 0 })
    expect(await shortTold()).toEqual([['rule0', 1, '1', 'stands']])
  })
})

async function inOneGo(events: readonly PlainEvent[], rules: ReturnType<typeof packOf>) {
  await detectOver(bench.engine, rules, await eventTable(bench.engine, 'closed', events))
  return bench.engine.rows(
    `SELECT * EXCLUDE (revision, detected_time, evidence) FROM ${FOUND} ORDER BY title, entity, first_time`,
  )
}
