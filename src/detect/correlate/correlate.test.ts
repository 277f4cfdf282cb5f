import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { correlate, type MatchRow, type PlainFinding } from '../../../test/sigma/correlator.ts'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit, litOrNull } from '../../engine/sql.ts'
import { parseRules } from '../sigma/parse.ts'
import { duckdb } from '../sql/duckdb.ts'
import { keyOfGroupSql } from './bursts.ts'
import { linkCorrelations } from './link.ts'
import { runCorrelations } from './runner.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const RULES = ['one', 'two', 'three']
const DETECTIONS = RULES.map(
  (name) => `title: ${name}\nname: ${name}\nlogsource: {}\ndetection:\n  s:\n    a: 1\n  condition: s`,
)

const correlation = (section: Record<string, unknown>, name = 'c'): string =>
  stringify({ title: name, name, correlation: section })

function linked(...texts: readonly string[]) {
  const { rules, problems } = parseRules([...DETECTIONS, ...texts].join('\n---\n'), 'c.yml')
  expect(problems).toEqual([])
  return linkCorrelations(
    rules.filter((rule) => rule.kind === 'detection'),
    rules.filter((rule) => rule.kind === 'correlation'),
  )
}

interface Finding extends PlainFinding {
  readonly id: string
  readonly rule: number
  readonly measure: number
}

async function findings(matches: readonly MatchRow[], ...texts: readonly string[]): Promise<Finding[]> {
  const { correlations, problems } = linked(...texts)
  expect(problems).toEqual([])
  await engine.run(
    'CREATE OR REPLACE TABLE matches (rule INTEGER, event_id VARCHAR, event_time TIMESTAMPTZ, fields MAP(VARCHAR, VARCHAR))',
  )
  const rows = matches.map(({ rule, id, secs, fields }) => {
    const entries = Object.entries(fields)
    const map = `MAP([${entries.map(([key]) => lit(key)).join(', ')}]::VARCHAR[], [${entries.map(([, value]) => litOrNull(value)).join(', ')}]::VARCHAR[])`
    return `(${rule}, ${lit(id)}, make_timestamptz(${Math.round(secs * 1e6)}), ${map})`
  })
  if (rows.length > 0) await engine.run(`INSERT INTO matches VALUES ${rows.join(', ')}`)
  expect(await runCorrelations(engine, correlations, 'matches', duckdb)).toEqual([])
  const found = await engine.rows(
    `SELECT finding_id, rule, map_values("group") AS "group", epoch(first_time) AS first, epoch(last_time) AS last, measure, event_ids
     FROM temp.correlation_findings ORDER BY rule, "group"::VARCHAR, first_time`,
  )
  return found.map((row) => ({
    id: String(row.finding_id),
    rule: Number(row.rule),
    group: row.group as string[],
    first: Number(row.first),
    last: Number(row.last),
    measure: Number(row.measure),
    events: [...(row.event_ids as string[])].sort(),
  }))
}

/** `at(0, 10, 20)`: matches of one rule at these seconds, of one user. */
const at = (rule: number, user: string, ...secs: readonly number[]): MatchRow[] =>
  secs.map((sec) => ({ rule, id: `${rule}-${user}-${sec}`, secs: sec, fields: { user, ip: `10.0.0.${sec % 3}` } }))

const BASE = { 'group-by': ['user'], timespan: '1m' }

describe('a window', () => {
  it('slides: a burst across an hour is found', async () => {
    const rows = at(0, 'ada', 3590, 3595, 3605, 3610)
    const [found, ...more] = await findings(
      rows,
      correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 4 } }),
    )
    expect(more).toEqual([])
    expect(found).toMatchObject({ group: ['ada'], first: 3590, last: 3610, measure: 4 })
  })

  it('holds both its ends and nothing beyond them', async () => {
    const text = correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 2 } })
    expect(await findings(at(0, 'ada', 0, 60), text)).toHaveLength(1)
    expect(await findings(at(0, 'ada', 0, 61), text)).toHaveLength(0)
  })

  it('of different values forgets what has left it', async () => {
    const rows = at(0, 'ada', 0, 61, 62)
    expect(
      await findings(
        rows,
        correlation({ type: 'value_count', rules: ['one'], ...BASE, condition: { field: 'ip', gte: 3 } }),
      ),
    ).toEqual([])
  })

  it('joins no matches of different groups', async () => {
    const rows = [...at(0, 'ada', 0), ...at(1, 'bob', 1)]
    expect(await findings(rows, correlation({ type: 'temporal', rules: ['one', 'two'], ...BASE }))).toEqual([])
  })

  it('has no place for events without what they are grouped by', async () => {
    const rows = [0, 1, 2].map((secs) => ({ rule: 0, id: String(secs), secs, fields: { user: null } }))
    expect(
      await findings(rows, correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 2 } })),
    ).toEqual([])
  })
})

describe('a burst', () => {
  const text = correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 3 } })

  it('is one finding, which keeps its id as it grows', async () => {
    const [before] = await findings(at(0, 'ada', 0, 1, 2), text)
    const after = await findings(at(0, 'ada', 0, 1, 2, 3, 50, 70, 75, 80), text)
    expect(after).toHaveLength(1)
    expect(after[0]?.id).toBe(before?.id)
    expect(after[0]?.events).toHaveLength(8)
  })

  it('is another once nothing happened for as long as the window', async () => {
    const found = await findings(at(0, 'ada', 0, 1, 2, 100, 101, 102), text)
    expect(found.map(({ first, last }) => [first, last])).toEqual([
      [0, 2],
      [100, 102],
    ])
  })

  it('takes events that come late where they belong', async () => {
    const rows = at(0, 'ada', 0, 30, 59)
    expect(await findings([...rows].reverse(), text)).toEqual(await findings(rows, text))
  })
})

describe('the same in another spelling', () => {
  const who = (secs: number, user: string, ip = '10.0.0.1', host = 'h'): MatchRow => ({
    rule: 0,
    id: `e${secs}`,
    secs,
    fields: { user, ip, host },
  })

  it('is one group, which is shown as it was first written', async () => {
    const rows = [who(0, 'Bob@x.io'), who(1, 'bob@x.io'), who(2, 'BOB@X.IO')]
    const text = correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 3 } })
    const [found, ...more] = await findings(rows, text)
    expect(more).toEqual([])
    expect(found).toMatchObject({ group: ['Bob@x.io'], measure: 3 })
    const lower = rows.map((row) => ({ ...row, fields: { ...row.fields, user: 'bob@x.io' } }))
    expect((await findings(lower.reverse(), text))[0]?.id).toBe(found?.id)
  })

  it('is one value', async () => {
    const text = correlation({ type: 'value_count', rules: ['one'], ...BASE, condition: { field: 'ip', gte: 2 } })
    expect(await findings([who(0, 'ada', 'fe80::A'), who(1, 'ada', 'FE80::a')], text)).toEqual([])
    expect(await findings([who(0, 'ada', 'fe80::A'), who(1, 'ada', 'fe80::b')], text)).toHaveLength(1)
  })

  it('of several fields is one group too, whatever signs are in them', async () => {
    const text = correlation({
      type: 'event_count',
      rules: ['one'],
      'group-by': ['user', 'host'],
      timespan: '1m',
      condition: { gte: 2 },
    })
    const odd = [who(0, 'a\x1fb', '', 'c'), who(1, 'A\x1fb', '', 'C')]
    expect(await findings(odd, text)).toMatchObject([{ group: ['a\x1fb', 'c'] }])
    // A finding that is all there is left of a state says which group it was.
    const key = keyOfGroupSql('map_values("group")', duckdb)
    expect(await engine.rows(`SELECT group_key = ${key} AS same FROM temp.correlation_findings`)).toEqual([
      { same: true },
    ])
    expect(await findings([who(0, 'a\x1fb', '', 'c'), who(1, 'a', '', 'b\x1fc')], text)).toEqual([])
    expect(await findings([who(0, 'a","b', '', 'c'), who(1, 'a', '', 'b","c')], text)).toEqual([])
  })
})

describe('rules in their order', () => {
  const text = correlation({ type: 'temporal_ordered', rules: RULES, ...BASE })

  it('match when they come in it', async () => {
    const rows = [...at(0, 'ada', 0, 20), ...at(1, 'ada', 30), ...at(2, 'ada', 70)]
    expect(await findings(rows, text)).toMatchObject([{ first: 20, last: 70 }])
  })

  it('do not match when two of them come first and last', async () => {
    expect(await findings([...at(0, 'ada', 0), ...at(2, 'ada', 5), ...at(1, 'ada', 9)], text)).toEqual([])
  })

  it('do not match when the chain as a whole takes longer than the window', async () => {
    expect(await findings([...at(0, 'ada', 0), ...at(1, 'ada', 50), ...at(2, 'ada', 90)], text)).toEqual([])
  })
})

describe('correlations of correlations', () => {
  const failures = correlation({ type: 'event_count', rules: ['one'], ...BASE, condition: { gte: 3 } }, 'failures')

  it('follow one another, in whatever order they are written', async () => {
    const then = correlation(
      { type: 'temporal_ordered', rules: ['failures', 'two'], 'group-by': ['user'], timespan: '5m' },
      'then',
    )
    const rows = [...at(0, 'ada', 0, 1, 2), ...at(1, 'ada', 200), ...at(1, 'bob', 3)]
    const found = await findings(rows, then, failures)
    expect(found.filter(({ rule }) => rule === 3)).toMatchObject([{ group: ['ada'], last: 200 }])
  })

  it('count a burst once', async () => {
    const many = correlation(
      { type: 'event_count', rules: ['failures'], 'group-by': ['user'], timespan: '1h', condition: { gte: 2 } },
      'many',
    )
    const once = await findings(at(0, 'ada', 0, 1, 2, 3, 4, 5), failures, many)
    expect(once.map(({ rule }) => rule)).toEqual([3])
    const twice = await findings(at(0, 'ada', 0, 1, 2, 600, 601, 602), failures, many)
    expect(twice.map(({ rule }) => rule)).toEqual([3, 3, 4])
  })

  it('are refused where they lead back to themselves, or to a rule that is not here', () => {
    const a = correlation({ type: 'temporal', rules: ['one', 'b'], ...BASE }, 'a')
    const b = correlation({ type: 'temporal', rules: ['one', 'a'], ...BASE }, 'b')
    const c = correlation({ type: 'temporal', rules: ['one', 'nobody'], ...BASE }, 'cc')
    const { correlations, problems } = linked(a, b, c, failures)
    expect(correlations.map(({ rule }) => rule.meta.name)).toEqual(['failures'])
    expect(problems.map(({ message }) => message).join('\n')).toMatch(/nobody[\s\S]*leads back/)
  })
})

describe('aliases and expressions', () => {
  it('group by the field that each rule has', async () => {
    const aliases = { who: { one: 'user', two: 'target' } }
    const text = correlation({ type: 'temporal', rules: ['one', 'two'], 'group-by': ['who'], timespan: '1m', aliases })
    const rows = [...at(0, 'ada', 0), { rule: 1, id: 'x', secs: 5, fields: { user: 'eve', target: 'ada' } }]
    expect(await findings(rows, text)).toMatchObject([{ group: ['ada'] }])
    expect([...linked(text).captured]).toEqual([
      [0, ['user']],
      [1, ['target']],
    ])
  })

  it('are fields of a correlation to those built on it', async () => {
    const alias = (
      rules: readonly string[],
      aliases: Record<string, Record<string, string>>,
      name: string,
      by = 'who',
    ) => correlation({ type: 'temporal', rules, 'group-by': [by], timespan: '1m', aliases }, name)
    const below = alias(['one', 'two'], { who: { one: 'user', two: 'target' } }, 'below')
    const middle = alias(['below', 'three'], { whose: { below: 'who', three: 'owner' } }, 'middle', 'whose')
    const top = correlation(
      {
        type: 'temporal',
        rules: ['middle', 'three'],
        'group-by': ['person'],
        timespan: '1m',
        aliases: { person: { middle: 'whose', three: 'owner' } },
      },
      'top',
    )
    const rows: MatchRow[] = [
      { rule: 0, id: 'a', secs: 0, fields: { user: 'ada' } },
      { rule: 1, id: 'b', secs: 5, fields: { user: 'eve', target: 'ada' } },
      { rule: 2, id: 'c', secs: 9, fields: { owner: 'Ada' } },
    ]
    const found = await findings(rows, below, middle, top)
    expect(found.map(({ rule, group }) => [rule, group])).toEqual([
      [3, ['ada']],
      [4, ['ada']],
      // The one in the middle is met at the third event, so that it is spelled as there.
      [5, ['Ada']],
    ])
    expect(linked(below, middle, top).captured).toEqual(
      new Map([
        [0, ['user']],
        [1, ['target']],
        [2, ['owner']],
      ]),
    )
  })

  it('say which rules have to match', async () => {
    const text = correlation({ type: 'temporal', rules: RULES, ...BASE, condition: 'one and two and not three' })
    expect(await findings([...at(0, 'ada', 0), ...at(1, 'ada', 5)], text)).toHaveLength(1)
    expect(await findings([...at(2, 'ada', 0), ...at(0, 'ada', 1), ...at(1, 'ada', 5)], text)).toHaveLength(0)
  })
})

describe('correlations by chance', () => {
  it.each((process.env.SIGMA_SEEDS ?? '1,2').split(',').map(Number))('find what loops find (seed %i)', async (seed) => {
    const chance = new Chance(seed)
    const types = [
      'event_count',
      'value_count',
      'value_sum',
      'value_avg',
      'value_median',
      'value_percentile',
      'temporal',
      'temporal_ordered',
    ]
    let total = 0
    for (let round = 0; round < 24; round++) {
      const type = types[round % types.length] ?? ''
      const matches = Array.from({ length: 60 }, (_, id): MatchRow => {
        const user = chance.one(['ada', 'bob', null])
        return {
          rule: chance.below(3),
          id: `e${id}`,
          secs: chance.below(400),
          fields: { user, n: chance.one(['1', '2', '5', 'x', null, '2.5']) },
        }
      })
      const refs = [0, 1, 2].slice(0, 1 + chance.below(3))
      const gte = chance.one([1, 2, 3, 5])
      const lt = chance.one([undefined, 6, 20])
      const percentile = type === 'value_percentile' && chance.often(0.5) ? chance.one([50, 90]) : undefined
      const isValue = type.startsWith('value_')
      const grouped = chance.often(0.7)
      const text = correlation({
        type,
        rules: refs.map((ref) => RULES[ref]),
        ...(grouped ? { 'group-by': ['user'] } : {}),
        timespan: '20s',
        ...(type === 'temporal_ordered'
          ? {}
          : {
              condition: {
                gte,
                ...(lt === undefined ? {} : { lt }),
                ...(isValue ? { field: 'n' } : {}),
                ...(percentile === undefined ? {} : { percentile }),
              },
            }),
      })
      const expected = correlate(
        {
          type,
          refs,
          groupBy: grouped ? ['user'] : [],
          spanSecs: 20,
          met: (measure) => measure >= gte && (lt === undefined || measure < lt),
          field: 'n',
          ...(percentile === undefined ? {} : { percentile }),
        },
        matches,
      )
      total += expected.length
      const key = ({ group, first, last, events }: PlainFinding) => JSON.stringify([group, first, last, events])
      expect((await findings(matches, text)).map(key).sort(), text).toEqual(expected.map(key).sort())
    }
    expect(total).toBeGreaterThan(40)
  })
})
