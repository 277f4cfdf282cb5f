/** The SQL of rules against an evaluator written from the specification alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { matches } from '../../test/sigma/evaluator.ts'
import { Chance, detectionByChance, valueByChance } from '../../test/sigma/random-rules.ts'
import { jsonSubject } from '../../test/sigma/records.ts'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { parseRules } from './sigma/parse.ts'
import type { DetectionRule } from './sigma/rule.ts'
import { fieldsOf } from './sigma/tree.ts'
import { duckdb } from './sql/duckdb.ts'
import { jsonShape, listFieldsIn } from './sql/json-fields.ts'
import { RuleRunner } from './sql/runner.ts'

const FIELDS = ['a', 'b', 'c', 'd', 'e.f', 'e.g', 'h.i.a', 'x y', 'nobody.has']
const NAMES = ['a', 'b', 'f', 'g', 'i']

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

function recordByChance(chance: Chance): Record<string, unknown> {
  const names = ['a', 'b', 'c', 'd', 'e', 'h', 'x y', 'e.f'].filter(() => chance.often(0.75))
  return Object.fromEntries(names.map((name) => [name, valueByChance(chance, NAMES, 'eh'.includes(name) ? 2 : 1)]))
}

function ruleByChance(chance: Chance, number: number) {
  const text = stringify({
    title: `Rule ${number}`,
    logsource: { product: 'any' },
    detection: detectionByChance(chance, FIELDS),
  })
  const { detection } = parse(text) as { detection: Record<string, unknown> }
  const { rules, problems } = parseRules(text, `${number}.yml`)
  return { detection, rule: rules[0] as DetectionRule | undefined, problems, text }
}

async function sqlMatches(rules: readonly DetectionRule[], records: readonly unknown[]): Promise<Set<string>> {
  await engine.run('CREATE OR REPLACE TABLE records (record BIGINT, json JSON)')
  const rows = records.map((record, at) => `(${at}, ${lit(JSON.stringify(record))})`)
  await engine.run(`INSERT INTO records VALUES ${rows.join(', ')}`)
  const fields = [...new Set(rules.flatMap(({ tree }) => fieldsOf(tree)))]
  const lists = await listFieldsIn(engine, 'records', fields, duckdb)
  const report = await new RuleRunner(engine, rules, jsonShape(duckdb, lists), duckdb).run('records')
  expect(report.unrun.map(({ rule, message }) => `${rule.rule.meta.title}: ${message}`)).toEqual([])
  const found = await engine.rows('SELECT rule, record FROM temp.rule_matches')
  return new Set(found.map(({ rule, record }) => `${rule}/${record}`))
}

describe('rules by chance over records by chance', () => {
  const seeds = (process.env.SIGMA_SEEDS ?? '1').split(',').map(Number)
  it.each(seeds)('match the same records as the plain evaluator does (seed %i)', async (seed) => {
    const chance = new Chance(seed)
    const made = Array.from({ length: 120 }, (_, number) => ruleByChance(chance, number))
    const records = Array.from({ length: 150 }, () => recordByChance(chance))
    const used = made.filter(({ rule }) => rule !== undefined)
    expect(used.length).toBeGreaterThan(made.length * 0.8)
    const subjects = records.map(jsonSubject)
    const found = await sqlMatches(
      used.map(({ rule }) => rule as DetectionRule),
      records,
    )
    let matched = 0
    const differ: unknown[] = []
    used.forEach(({ detection, text }, number) => {
      subjects.forEach((subject, record) => {
        const expected = matches(detection, subject)
        if (expected) matched++
        if (expected !== found.has(`${number}/${record}`)) differ.push({ text, record: records[record], expected })
      })
    })
    expect(differ.slice(0, 2), `${differ.length} of ${used.length * records.length}`).toEqual([])
    expect(matched).toBeGreaterThan(used.length * records.length * 0.05)
    expect(matched).toBeLessThan(used.length * records.length * 0.95)
  })
})
