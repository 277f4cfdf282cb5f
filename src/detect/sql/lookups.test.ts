/** Long lists against the same lists taken one entry at a time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { parseRules } from '../sigma/parse.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { duckdb } from './duckdb.ts'
import { jsonShape } from './json-fields.ts'
import { RuleRunner } from './runner.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

/** A rule of one line, with a list. */
function ruleOf(line: string, entries: readonly string[], condition = 'selection'): DetectionRule {
  const text = `title: T\nlogsource: { product: any }\ndetection:\n  selection:\n    ${line}: '%list%'\n  condition: ${condition}\n`
  const { rules, problems } = parseRules(text, 'r.yml', { placeholders: { list: entries } })
  expect(problems).toEqual([])
  return rules[0] as DetectionRule
}

/** Numbers of the records that a rule matches. */
async function matched(
  rule: DetectionRule,
  records: readonly unknown[],
  lists: readonly string[] = [],
): Promise<number[]> {
  const rows = records.map((record, at) => `(${at}::BIGINT, ${lit(JSON.stringify(record))}::JSON)`)
  await engine.run(`CREATE OR REPLACE TABLE records AS SELECT * FROM (VALUES ${rows.join(', ')}) AS v(record, json)`)
  const report = await new RuleRunner(engine, [rule], jsonShape(duckdb, new Set(lists)), duckdb).run('records')
  expect(report.unrun).toEqual([])
  const found = await engine.rows('SELECT record::INTEGER AS record FROM temp.rule_matches ORDER BY record')
  return found.map(({ record }) => Number(record))
}

const USERS = Array.from({ length: 150 }, (_, at) => `User${at}@Example.com`)

describe('a long list', () => {
  it('of texts is found without case, and with case where the rule says so', async () => {
    const list = [...USERS, 'ΟΔΟΣ', '1234', 'a\x1fb', "it's", 'wild*card']
    const values = [
      'user7@example.com',
      'User8@Example.com',
      'user150@example.com',
      'οδος',
      'οδοσ',
      1234,
      'A\x1fB',
      "IT'S",
      null,
      '',
      'wild cats card',
    ]
    const records = [...values.map((a) => ({ a })), {}]
    expect(await matched(ruleOf('a|expand', list), records)).toEqual([0, 1, 3, 4, 5, 6, 7, 10])
    expect(await matched(ruleOf('a|cased|expand', list), records)).toEqual([1, 5, 10])
    expect(await matched(ruleOf('a|expand', list, 'not selection'), records)).toEqual([2, 8, 9, 11])
    expect(await matched(ruleOf('a|neq|expand', list), records)).toEqual([2, 8, 9, 11])
  })

  it('of texts is found among the elements of lists', async () => {
    const records = [
      { a: ['x', 'USER7@example.com'] },
      { a: ['x'] },
      { a: [] },
      { a: null },
      {},
      { a: [null, 'wild x card'] },
    ]
    const list = [...USERS, 'wild*card']
    expect(await matched(ruleOf('a|expand', list), records, ['a'])).toEqual([0, 5])
    expect(await matched(ruleOf('a|expand', list, 'not selection'), records, ['a'])).toEqual([1, 2, 3, 4])
  })

  it('of networks is found by address, whatever their lengths', async () => {
    const four = Array.from({ length: 20 }, (_, at) => `10.${at}.0.0/${16 + (at % 9)}`)
    const list = [
      ...four,
      '172.16.0.0/12',
      '192.168.7.9',
      '2001:db8:8000::/33',
      '2001:db8:4::/47',
      '::ffff:9.9.9.0/120',
    ]
    const values = [
      ...[
        '10.0.255.1',
        '10.1.127.255',
        '10.1.128.0',
        '10.8.0.255',
        '10.8.1.0',
        '10.20.0.0',
        '172.31.255.255',
        '172.32.0.0',
      ],
      ...[
        '192.168.7.9',
        '192.168.7.90',
        '2001:db8:8000::1',
        '2001:db8:7fff::1',
        '2001:db8:5:ffff::',
        '2001:db8:6::',
        '::ffff:9.9.9.7',
        'no address',
      ],
    ]
    const inside = [0, 1, 3, 6, 8, 10, 12, 14]
    const records = [...values.map((ip) => ({ ip })), {}]
    expect(await matched(ruleOf('ip|cidr|expand', list), records)).toEqual(inside)
    expect(await matched(ruleOf('ip|cidr|expand', [...list, '0.0.0.0/0']), records)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14,
    ])
    const single = await Promise.all(list.map((network) => ruleOf('ip|cidr|expand', [network])))
    const one = new Set<number>()
    for (const rule of single) for (const at of await matched(rule, records)) one.add(at)
    expect([...one].sort((a, b) => a - b)).toEqual(inside)
  })

  it.each([
    ['one network', []],
    ['many networks', Array.from({ length: 20 }, (_, at) => `100.${at}.0.0/16`)],
  ])(
    'of %s finds addresses with ports, in brackets, with zones and in the words of the other version',
    async (_, more) => {
      const values = [
        ...['1.2.3.4', '1.2.3.4:443', '::ffff:1.2.3.4', '::FFFF:1.2.3.4', '::ffff:102:304', '0:0:0:0:0:ffff:1.2.3.4'],
        ...['[::ffff:1.2.3.4]:443', '::ffff:1.2.3.4%eth0'],
        ...[
          '1.2.4.4',
          '1.2.4.4:443',
          '::ffff:1.2.4.4',
          '::1.2.3.4',
          '1.2.3.4:port',
          '1.2.3.4:443:1',
          ':1.2.3.4',
          '1.2.3.4 ',
        ],
        ...[
          '2001:db8::1',
          '[2001:db8::1]',
          '[2001:db8::1]:443',
          '2001:DB8::1%eth0',
          '2001:db9::1',
          '[2001:db9::1]:443',
          '[2001:db8::1',
        ],
      ]
      const records = values.map((ip) => ({ ip }))
      expect(await matched(ruleOf('ip|cidr|expand', ['1.2.3.0/24', ...more]), records)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7,
      ])
      expect(await matched(ruleOf('ip|cidr|expand', ['::ffff:1.2.3.4', ...more]), records)).toEqual([
        0, 1, 2, 3, 4, 5, 6, 7,
      ])
      expect(await matched(ruleOf('ip|cidr|expand', ['2001:db8::/32', ...more]), records)).toEqual([16, 17, 18, 19])
    },
  )

  it('of 100,000 texts or networks takes a statement of its own size, not a comparison each', async () => {
    const users = Array.from({ length: 100_000 }, (_, at) => `user${at}@example.com`)
    const networks = Array.from({ length: 100_000 }, (_, at) => `10.${at >> 9}.${(at >> 1) & 255}.${(at & 1) * 128}/25`)
    await engine.run(
      `CREATE OR REPLACE TABLE big AS SELECT i::BIGINT AS record,
         json_object('a', 'USER' || (i * 50) || '@example.com', 'ip', '10.' || (i % 250) || '.3.4')::JSON AS json FROM range(20000) t(i)`,
    )
    for (const [line, list, expected] of [
      ['a|expand', users, 2000],
      ['ip|cidr|expand', networks, 15_680],
    ] as const) {
      const runner = new RuleRunner(engine, [ruleOf(line, list)], jsonShape(duckdb, new Set()), duckdb, {
        timeoutSecs: 20,
      })
      expect((await runner.run('big')).matches.get(0)).toBe(expected)
    }
  }, 300_000)
})
