/**
 * How fast a pack of rules goes over the events of a home, beside a plain scan of the same columns.
 *
 * Usage: node test/sigma/speed.ts HOME [RULES] [UNGATED]   (180 rules, of which 10 ask for no service or action)
 */
import { join } from 'node:path'
import { stringify } from 'yaml'
import { parseRules } from '../../src/detect/sigma/parse.ts'
import { duckdb } from '../../src/detect/sql/duckdb.ts'
import { eventShape } from '../../src/detect/sql/event-fields.ts'
import { RuleRunner } from '../../src/detect/sql/runner.ts'
import { Engine } from '../../src/engine/duckdb.ts'
import { scanSql } from '../../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../src/lake/table.ts'
import { Chance } from './random-rules.ts'

const RUNS = 3

const PLAIN = `count(service), count("action"), count(actor), count(source_ip), count(user_agent), sum(len(map_keys(request_params))),
  count(error_message), count(targets), count(event_id), count(event_time), count(status), count(category), count(response_result)`

/** A selection that most of a pack's rules have a like of: a service and actions, and something about them. */
function gatedRule(
  chance: Chance,
  pairs: readonly (readonly [string, string])[],
  number: number,
): Record<string, unknown> {
  const [service, action] = chance.one(pairs)
  const selection = { serviceName: service, actionName: [action, chance.one(pairs)[1], `${action}${number}`] }
  const more: Record<string, unknown>[] = [
    { 'requestParams.full_name_arg|contains': [`payroll${number}`, 'secret_'] },
    { 'response.statusCode': [401, 403], 'userIdentity.email|endswith': '@nowhere.example' },
    { 'requestParams.name|re': `(?i)^(prod|admin)${number}-.*` },
    { 'targets.name|contains': `finance${number}` },
    { 'requestParams.changes.add': 'ALL_PRIVILEGES' },
    { 'userAgent|contains|all': ['curl', `x${number}`] },
    { 'actor.type': 'service_principal', 'geo.country': ['KP', 'IR'] },
    { 'requestParams.path|startswith': '/Volumes', 'requestParams.path|endswith': `.pem${number}` },
  ]
  const filters: Record<string, unknown>[] = [
    { 'sourceIPAddress|cidr': ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] },
    { 'userIdentity.email|startswith': 'system-' },
  ]
  return {
    selection: { ...selection, ...chance.one(more) },
    filter: chance.one(filters),
    condition: 'selection and not filter',
  }
}

const UNGATED: readonly ((number: number) => Record<string, unknown>)[] = [
  (number) => ({ 'userAgent|contains': [`trufflehog${number}`, 'sqlmap'] }),
  (number) => ({ 'sourceIPAddress|cidr': `203.0.${number % 256}.0/24` }),
  (number) => ({ 'userIdentity.email|re': `^admin${number}.*@` }),
  (number) => ({ 'requestParams.commandText|contains': `rm -rf ${number}` }),
  (number) => ({ status: 'UNAUTHORIZED', 'error_message|contains': `probe${number}` }),
]

async function timed<T>(name: string, events: number, work: () => Promise<T>): Promise<T> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const result = await work()
  const { user, system } = process.cpuUsage(cpu)
  const wallMs = performance.now() - start
  const cpuSecs = (user + system) / 1e6
  console.log(
    `${name.padEnd(12)} ${(wallMs / 1000).toFixed(2)} s, ${cpuSecs.toFixed(2)} CPU s; ${Math.round((events * 1000) / wallMs).toLocaleString('en')} events/s, ${Math.round(events / cpuSecs).toLocaleString('en')} a CPU second`,
  )
  return result
}

async function run(home: string, count: number, ungated: number): Promise<void> {
  const table = DeltaTable.at(join(home, 'lake/events'), EVENTS_TABLE)
  const relation = scanSql(table, (await table.snapshot()).files)
  const engine = await Engine.open({ threads: 2 })
  try {
    const pairs = (
      await engine.rows(
        `SELECT service, "action" FROM ${relation} GROUP BY ALL ORDER BY count(*) DESC, service, "action"`,
      )
    ).map((row) => [String(row.service), String(row.action)] as const)
    const chance = new Chance(4)
    const texts = Array.from({ length: count }, (_, number) => {
      const detection =
        number < ungated
          ? { selection: UNGATED[number % UNGATED.length]?.(number), condition: 'selection' }
          : gatedRule(chance, pairs, number)
      return stringify({ title: `Rule ${number}`, logsource: { product: 'databricks' }, detection })
    })
    const { rules, problems } = parseRules(texts.join('---\n'), 'made.yml')
    if (problems.length > 0) throw new Error(problems[0]?.message)
    const { n } = await engine.row(`SELECT count(*)::INTEGER AS n FROM ${relation}`)
    const events = Number(n)
    const runner = new RuleRunner(
      engine,
      rules.filter((rule) => rule.kind === 'detection'),
      eventShape(duckdb),
      duckdb,
    )
    console.log(`${count} rules, ${ungated} of them for any service and action; ${events.toLocaleString('en')} events`)
    for (let at = 0; at < RUNS; at++) {
      await timed('plain scan', events, () => engine.rows(`SELECT ${PLAIN} FROM ${relation}`))
      const report = await timed('rules', events, () => runner.run(relation))
      const matches = [...report.matches.values()].reduce((sum, each) => sum + each, 0)
      console.log(
        `             ${report.candidates} rules that anything could match, ${matches} matches of ${report.matches.size}`,
      )
    }
  } finally {
    engine.close()
  }
}

const [home, count = '180', ungated = '10'] = process.argv.slice(2)
if (home === undefined) {
  console.error('Name a home that has events.')
  process.exitCode = 2
} else await run(home, Number(count), Number(ungated))
