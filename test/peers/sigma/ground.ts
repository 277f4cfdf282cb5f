/**
 * Rules and records that every reading of the standard agrees about: what evaluators written by others are compared on. What they are
 * known to read in another way is left out here, and listed with the peer.
 */
import { parse, stringify } from 'yaml'
import { parseRules } from '../../../src/detect/sigma/parse.ts'
import type { DetectionRule } from '../../../src/detect/sigma/rule.ts'
import { fieldsOf } from '../../../src/detect/sigma/tree.ts'
import { duckdb } from '../../../src/detect/sql/duckdb.ts'
import { jsonShape, listFieldsIn } from '../../../src/detect/sql/json-fields.ts'
import { RuleRunner } from '../../../src/detect/sql/runner.ts'
import { Engine } from '../../../src/engine/duckdb.ts'
import { lit } from '../../../src/engine/sql.ts'
import { matches } from '../../sigma/evaluator.ts'
import type { Chance } from '../../sigma/random-rules.ts'
import { jsonSubject } from '../../sigma/records.ts'

/** A record of any log. */
export type LogRecord = Readonly<Record<string, unknown>>

/** A rule as text, and as this project reads it. */
export interface GroundRule {
  readonly text: string
  readonly rule: DetectionRule
}

/** What of the standard a peer is compared on. */
export interface Extent {
  /** Records lack fields now and then. */
  readonly absent: boolean
  /** Members of members, and lists of which any element counts. */
  readonly nested: boolean
  readonly modifiers: readonly string[]
}

const TEXTS = [
  'alpha',
  'Beta',
  'alphaBeta',
  'beta-alpha',
  'al',
  'ha Be',
  'x',
  'X1',
  '10.1.2.3',
  '10.2.0.1',
  '20',
  'a.b',
  'C:\\dir\\file.exe',
]
const VALUES = ['alpha', 'BETA', 'al', 'x', 'al*a', '*beta', 'alpha*', '?1', 'a', '-alpha', 'dir', '10.1', 'a.b']
const REGEXES = ['^al', 'a$', '[0-9]{2}', 'al|x', '(ph|et)a', '^.$', 'A']
const NETWORKS = ['10.1.0.0/16', '10.0.0.0/8', '10.1.2.3/32', '192.168.0.0/16']

/** Fields of records by chance; those with dots are nested. */
const FIELDS = ['a', 'b', 'c', 'n']
const NESTED = ['d.e', 'd.f.g']

/** A record. */
export function recordByChance(chance: Chance, { absent, nested }: Extent): LogRecord {
  const has = () => !absent || chance.often(0.75)
  const text = () => chance.one(TEXTS)
  const value = () => (nested && chance.often(0.3) ? chance.some(1, 3, text) : text())
  const record: Record<string, unknown> = {}
  for (const name of ['a', 'b', 'c']) if (has()) record[name] = value()
  if (has()) record.n = chance.one([0, 1, 5, 20, 404])
  if (nested && has()) record.d = { ...(has() ? { e: value() } : {}), ...(has() ? { f: { g: value() } } : {}) }
  return record
}

function lineByChance(chance: Chance, { nested, modifiers }: Extent): [string, unknown] {
  const fields = nested ? [...FIELDS, ...NESTED] : FIELDS
  const field = chance.one(fields)
  if (field === 'n') {
    const compare = chance.one(['', '|lt', '|lte', '|gt', '|gte'])
    const number = chance.one([0, 1, 5, 20])
    return [`n${compare}`, compare === '' && chance.often(0.5) ? [number, 404] : number]
  }
  const modifier = chance.one(['', '', ...modifiers])
  if (modifier === 're') return [`${field}|re`, chance.one(REGEXES)]
  if (modifier === 'cidr') return [`${field}|cidr`, chance.one(NETWORKS)]
  if (modifier === 'exists') return [`${field}|exists`, chance.often(0.5)]
  if (modifier === 'null') return [field, null]
  const key = modifier === '' ? field : `${field}|${modifier}`
  const plain = () => chance.one(modifier === '' ? VALUES : VALUES.filter((value) => !/[*?]/.test(value)))
  if (chance.often(0.3))
    return [modifier === '' ? key : `${key}|all`, chance.some(2, 3, plain)].slice(0, 2) as [string, unknown]
  return [key, chance.often(0.4) ? chance.some(2, 3, plain) : plain()]
}

function conditionByChance(chance: Chance, depth: number): string {
  const roll = chance.below(depth > 0 ? 8 : 3)
  if (roll < 2) return chance.one(['s1', 's2', 's3'])
  if (roll === 2) return chance.one(['1 of s*', 'all of s*', '1 of them', 'all of them'])
  if (roll === 3) return `not ${conditionByChance(chance, 0)}`
  const parts = [conditionByChance(chance, depth - 1), conditionByChance(chance, depth - 1)]
  return `(${parts.join(chance.one([' and ', ' or ', ' and not ']))})`
}

/** A rule; undefined where chance made one that is refused. */
export function ruleByChance(chance: Chance, number: number, extent: Extent): GroundRule | undefined {
  const selection = () => {
    const map = () => Object.fromEntries(chance.some(1, 2, () => lineByChance(chance, extent)))
    return chance.often(0.2) ? [map(), map()] : map()
  }
  const text = stringify({
    title: `Rule ${number}`,
    logsource: { product: 'any' },
    detection: { s1: selection(), s2: selection(), s3: selection(), condition: conditionByChance(chance, 2) },
  })
  const [rule] = parseRules(text, `${number}.yml`).rules
  return rule?.kind === 'detection' ? { text, rule } : undefined
}

/** Which rules match which records, as `rule/record` by position. */
export type Found = ReadonlySet<string>

/** By this project's SQL. */
export async function foundBySql(rules: readonly DetectionRule[], records: readonly LogRecord[]): Promise<Found> {
  const engine = await Engine.open({ threads: 2 })
  try {
    await engine.run('CREATE TABLE records (record BIGINT, json JSON)')
    const rows = records.map((record, at) => `(${at}, ${lit(JSON.stringify(record))})`)
    for (let at = 0; at < rows.length; at += 2000)
      await engine.run(`INSERT INTO records VALUES ${rows.slice(at, at + 2000).join(', ')}`)
    const fields = [...new Set(rules.flatMap(({ tree }) => fieldsOf(tree)))]
    const shape = jsonShape(duckdb, await listFieldsIn(engine, 'records', fields, duckdb))
    const { unrun } = await new RuleRunner(engine, rules, shape, duckdb).run('records')
    if (unrun.length > 0) throw new Error(`${unrun.length} rules did not run: ${unrun[0]?.message}`)
    const found = await engine.rows('SELECT rule, record FROM temp.rule_matches')
    return new Set(found.map(({ rule, record }) => `${rule}/${record}`))
  } finally {
    engine.close()
  }
}

/** By the plain evaluator of the tests. */
export function foundPlainly(rules: readonly GroundRule[], records: readonly LogRecord[]): Found {
  const subjects = records.map((record) => jsonSubject({ ...record }))
  return new Set(
    rules.flatMap(({ text }, rule) => {
      const { detection } = parse(text) as { detection: Record<string, unknown> }
      return subjects.flatMap((subject, record) => (matches(detection, subject) ? [`${rule}/${record}`] : []))
    }),
  )
}

/** The first differences between two findings, told with rule and record. */
export function differences(
  ours: Found,
  theirs: Found,
  texts: readonly string[],
  records: readonly LogRecord[],
): string[] {
  const all = [...[...ours].filter((each) => !theirs.has(each)), ...[...theirs].filter((each) => !ours.has(each))]
  return all.map((each) => {
    const [rule = 0, record = 0] = each.split('/').map(Number)
    return `${ours.has(each) ? 'only ours' : 'only theirs'}\n${texts[rule]}\n${JSON.stringify(records[record])}`
  })
}
