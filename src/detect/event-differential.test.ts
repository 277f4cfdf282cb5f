/** Rules by chance over events by chance: the names of delivered records, the gate, and parameters. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { matches } from '../../test/sigma/evaluator.ts'
import { Chance, detectionByChance, textByChance } from '../../test/sigma/random-rules.ts'
import { type AuditRecord, auditSubject } from '../../test/sigma/records.ts'
import { EVENT_COLUMNS } from '../core/event.ts'
import { Engine } from '../engine/duckdb.ts'
import { lit, litOrNull } from '../engine/sql.ts'
import { columnDefinitions } from '../engine/types.ts'
import { parseRules } from './sigma/parse.ts'
import type { DetectionRule } from './sigma/rule.ts'
import type { Dialect } from './sql/dialect.ts'
import { duckdb } from './sql/duckdb.ts'
import { eventShape } from './sql/event-fields.ts'
import { RuleRunner, type RunnerOptions } from './sql/runner.ts'

const SERVICES = ['accounts', 'unityCatalog', 'secrets']
const ACTIONS = ['login', 'getTable', 'getSecret', 'putAcl', 'delete']
const FIELDS = [
  'userIdentity.email',
  'source_ip_address',
  'userAgent',
  'auditLevel',
  'response.statusCode',
  'response.error_message',
  'requestParams.a',
  'request_params.USER',
  'requestParams.j.k',
  'requestParams.j.l.m',
  'requestParams.a.b',
]

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

function recordByChance(chance: Chance): AuditRecord {
  const maybe = <T>(make: () => T): T | null => (chance.often(0.7) ? make() : null)
  const json = () =>
    chance.one([
      '{"k":"ab","l":[{"m":"a"},{"m":20}]}',
      '{"k":null}',
      '[{"k":["B","ab"]}]',
      '{bad',
      '7',
      '{"l":{"m":"ab"}}',
      '{"K":"a"}',
    ])
  const params = [
    ['a', () => textByChance(chance)],
    [chance.one(['user', 'User', 'USER']), () => textByChance(chance)],
    ['j', json],
    ['a.b', () => textByChance(chance, 2)],
  ] as const
  return {
    serviceName: chance.one(SERVICES),
    actionName: chance.one(ACTIONS),
    auditLevel: maybe(() => chance.one(['ACCOUNT_LEVEL', 'WORKSPACE_LEVEL'])),
    email: maybe(() => textByChance(chance)),
    sourceIPAddress: maybe(() => chance.one(['10.1.2.3', '192.168.1.200', '2001:db8::1', '11.0.0.1'])),
    userAgent: maybe(() => textByChance(chance)),
    statusCode: maybe(() => chance.one([200, 403, 404, 20, 1])),
    errorMessage: maybe(() => textByChance(chance, 8)),
    requestParams: Object.fromEntries(params.filter(() => chance.often(0.6)).map(([key, make]) => [key, make()])),
  }
}

/** Most rules of ours ask for service and action first; these do too. */
function gatedByChance(chance: Chance): Record<string, unknown> {
  const made = detectionByChance(chance, FIELDS)
  const gate: Record<string, unknown> = {}
  if (chance.often(0.7)) gate.serviceName = chance.one([...SERVICES, 'UNITYCATALOG', 'acc*', SERVICES])
  if (chance.often(0.7)) gate['action_name|endswith'] = chance.one(['in', 'Table', 'SECRET', ['acl', 'delete']])
  if (chance.often(0.3)) gate['response.statusCode'] = chance.one([200, [403, 404]])
  if (Object.keys(gate).length === 0) return made
  const conditions = Array.isArray(made.condition) ? made.condition : [made.condition]
  const join = chance.one([' and ', ' and ', ' and not ', ' or not '])
  return { gate, ...made, condition: conditions.map((condition) => `gate${join}(${condition})`) }
}

async function fill(records: readonly AuditRecord[]): Promise<void> {
  await engine.run(`CREATE OR REPLACE TABLE events (${columnDefinitions(EVENT_COLUMNS)})`)
  const rows = records.map((record, at) => {
    const params = Object.entries(record.requestParams)
    const map = `MAP([${params.map(([key]) => lit(key)).join(', ')}]::VARCHAR[], [${params.map(([, value]) => lit(value)).join(', ')}]::VARCHAR[])`
    const texts = [record.serviceName, record.actionName, record.auditLevel, record.sourceIPAddress, record.userAgent]
    return `(${lit(String(at))}, TIMESTAMPTZ '2026-01-01', ${texts.map(litOrNull).join(', ')}, ${record.statusCode ?? 'NULL'}, ${litOrNull(record.errorMessage)}, ${
      record.email === null ? 'NULL' : `{'email': ${lit(record.email)}}`
    }, ${map})`
  })
  const names = [
    'event_id',
    'event_time',
    'service',
    'action',
    'audit_level',
    'source_ip',
    'user_agent',
    'status_code',
    'error_message',
    'actor',
    'request_params',
  ]
  const blank = EVENT_COLUMNS.map(({ name }) =>
    names.includes(name) ? (name === 'actor' ? 'NULL AS actor' : `v."${name}"`) : `NULL AS "${name}"`,
  )
  const plain = blank.map((sql) => (sql === 'NULL AS actor' ? ACTOR : sql))
  await engine.run(
    `INSERT INTO events SELECT ${plain.join(', ')} FROM (VALUES ${rows.join(', ')}) AS v(${names.join(', ')})`,
  )
}

const ACTOR = `CASE WHEN v.actor IS NOT NULL THEN {'type': NULL, 'id': NULL, 'name': NULL, 'email': v.actor.email, 'identity_provider': NULL,
  'run_by': NULL, 'run_as': NULL, 'acting_resource': NULL, 'impersonated_by': NULL} END`

/** As if the keys of any two contexts were the same. */
const KEYS_ALIKE: Dialect = { ...duckdb, hashOf: () => '1' }

/** Matches as `rule/event`, in order. */
async function foundBy(
  rules: readonly DetectionRule[],
  options: RunnerOptions = {},
  dialect = duckdb,
): Promise<Set<string>> {
  const report = await new RuleRunner(engine, rules, eventShape(dialect), dialect, options).run('events')
  expect(report.unrun.map(({ message }) => message)).toEqual([])
  const rows = await engine.rows('SELECT rule, event_id FROM temp.rule_matches ORDER BY ALL')
  const found = new Set(rows.map(({ rule, event_id }) => `${rule}/${event_id}`))
  expect(found.size).toBe(rows.length)
  return found
}

describe('rules by chance over events by chance', () => {
  const seeds = (process.env.SIGMA_SEEDS ?? '1').split(',').map(Number)
  it.each(seeds)('match the same events as the plain evaluator does (seed %i)', async (seed) => {
    const chance = new Chance(seed)
    const records = Array.from({ length: 300 }, () => recordByChance(chance))
    const made = Array.from({ length: 120 }, (_, number) => {
      const text = stringify({
        title: `Rule ${number}`,
        logsource: { product: 'databricks' },
        detection: gatedByChance(chance),
      })
      const [rule] = parseRules(text, `${number}.yml`).rules
      const { detection } = parse(text) as { detection: Record<string, unknown> }
      return { text, rule: rule?.kind === 'detection' ? rule : undefined, detection }
    })
    const rules = made.flatMap(({ rule, detection, text }) => (rule === undefined ? [] : [{ rule, detection, text }]))
    await fill(records)
    const all = rules.map(({ rule }) => rule)
    const found = await foundBy(all)
    const unexplained = new Set([...rules.keys()].filter((number) => number % 2 === 0))
    expect(await foundBy(all, { unexplained, recordsToPart: 0 }, KEYS_ALIKE)).toEqual(found)
    const differ: unknown[] = []
    const subjects = records.map(auditSubject)
    rules.forEach(({ detection, text }, number) => {
      subjects.forEach((subject, record) => {
        const expected = matches(detection, subject)
        if (expected !== found.has(`${number}/${record}`)) differ.push({ text, record: records[record], expected })
      })
    })
    expect(differ.slice(0, 2), `${differ.length}`).toEqual([])
    expect(found.size).toBeGreaterThan(rules.length * records.length * 0.03)
  })
})
