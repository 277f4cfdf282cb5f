import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { ingest } from '../../ingest/ingest.ts'
import { CACHE_HOME } from '../../normalise/read-records.fixture.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerRules } from './rules.ts'

let folder: string
let home: string
let own: string

const record = (day: number, action: string, email: string, status = 200): string =>
  JSON.stringify({
    timestamp: Date.parse(`2026-11-0${day}T09:00:00Z`),
    serviceName: 'accounts',
    actionName: action,
    userIdentity: { email },
    requestId: `${day}${action}${email}`,
    requestParams: { targetUserName: 'bob@x.io' },
    response: { statusCode: status },
  })

const RULES = `title: Administrator made
id: 1b7e4a62-4c1d-4a53-9f9e-3e0d9a6f8b21
name: administrator_made
description: Somebody became an administrator.
tags: [attack.persistence, attack.t1098.003]
logsource: { product: databricks }
detection:
  selection:
    serviceName: accounts
    actionName: setAdmin
    response.statusCode: 200
  self:
    requestParams.targetUserName|fieldref: userIdentity.email
  condition: selection and not self
falsepositives: [Onboarding]
level: high
bricktrail:
  threat: persistence
  entity: actor.email
  controls: { soc2: [CC6.2] }
  runbook:
    - { title: What else, sql: "SELECT action FROM events WHERE actor.email = :entity" }
  examples:
    fires:
      - name: granted
        records: [ { timestamp: 2026-11-02T09:00:00Z, serviceName: accounts, actionName: setAdmin, response: { statusCode: 200 } } ]
    silent:
      - name: refused
        records: [ { timestamp: 2026-11-02T09:00:00Z, serviceName: accounts, actionName: setAdmin, response: { statusCode: 403 } } ]
`

/** The same rule under other names, changed. */
const another = (from: string, to: string): string =>
  RULES.replace('1b7e4a62', '2b7e4a62').replace('administrator_made', 'another_made').replace(from, to)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-rules-'))
  home = join(folder, 'home')
  own = join(folder, 'own')
  await mkdir(home)
  await mkdir(own)
  // Compiled networks are the same for every home.
  await mkdir(homeAt(CACHE_HOME).cache, { recursive: true })
  await symlink(homeAt(CACHE_HOME).cache, homeAt(home).cache)
  await writeFile(join(own, 'administrator-made.yml'), RULES)
  await writeFile(join(home, 'detect.yaml'), `shipped: false\nrules: [${own}]\n`)
  const log = join(folder, 'log.json')
  const records = [
    record(2, 'setAdmin', 'ada@x.io'),
    record(3, 'setAdmin', 'ada@x.io'),
    record(3, 'setAdmin', 'eve@x.io'),
    record(4, 'setAdmin', 'eve@x.io', 403),
    record(4, 'login', 'eve@x.io'),
  ]
  await writeFile(log, `${records.join('\n')}\n`)
  await ingest({
    home: homeAt(home),
    specs: [log],
    form: 'auto',
    stdin: process.stdin,
    now: () => new Date(),
    seal: false,
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (...argv: string[]): Promise<Recorded> => runCommand(registerRules, ['rules', ...argv], { home })
const json = async (...argv: string[]) => JSON.parse((await run('--json', ...argv)).out)

describe('the rule of declared environments', () => {
  it('is listed, shown, explained, linted around and tried like any other, unless it is disabled', async () => {
    const apart = join(folder, 'apart')
    const access = {
      ...JSON.parse(record(2, 'getTable', 'ada@x.io')),
      serviceName: 'unityCatalog',
      workspaceId: '1001',
      requestParams: { full_name_arg: 'prod.hr.salaries' },
    }
    await mkdir(apart)
    await writeFile(join(folder, 'access.json'), `${JSON.stringify(access)}\n`)
    const settings = `shipped: false\nenvironments:\n  - { name: dev, workspaces: ["1001"] }\n  - { name: prod, catalogs: [prod] }\n`
    await writeFile(join(apart, 'detect.yaml'), settings)
    await symlink(homeAt(CACHE_HOME).cache, homeAt(apart).cache)
    const specs = [join(folder, 'access.json')]
    await ingest({ home: homeAt(apart), specs, form: 'auto', stdin: process.stdin, now: () => new Date(), seal: false })
    const go = (...argv: string[]) => runCommand(registerRules, ['rules', ...argv], { home: apart })
    expect((await go('list')).out).toMatch(/^environment-crossing +high +detection +data-access /m)
    expect((await go('show', 'environment-crossing')).out).toContain('reaches from one of the `environments`')
    expect((await go('explain', 'environment-crossing', '--sql')).out).toContain('prod')
    await expect(go('explain', 'environment-crossing', 'e1')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect((await go('lint')).notes).toContain('0 errors, 0 warnings')
    expect((await go('test')).exitCode).toBe(0)
    expect((await go('backtest')).out).toMatch(/^environment-crossing +high +1 +1 /m)
    await writeFile(join(apart, 'detect.yaml'), `disabled: [environment-crossing]\n${settings}`)
    expect((await go('backtest')).out).toContain('No rule would have found anything.')
    expect((await go('show', 'environment-crossing')).out).toContain('DISABLED in detect.yaml')
  })
})

describe('rules list', () => {
  it('lists rules in force, shipped ones unless told otherwise, through filters with lists and stars', async () => {
    const shipped = (...argv: string[]) => runCommand(registerRules, ['rules', 'list', ...argv], { home: folder })
    const all = await shipped()
    expect(all.out.split('\n')[0]).toMatch(/^rule +level +kind +threat +title$/)
    expect(all.notes).toMatch(/^(\d+) of \1 rules; 0 disabled\.$/)
    const some = await shipped(
      '--level',
      'high,critical',
      '--tag',
      'attack.t1098*',
      '--kind',
      'correlation',
      '--threat',
      'priv*',
    )
    const lines = some.out.trimEnd().split('\n').slice(2)
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).toMatch(/ (high|critical) +correlation, \w+ +privilege-escalation /)
    expect((await run('list')).out).toMatch(/^administrator_made +high +detection +persistence +Administrator made$/m)
    expect((await run('list', '--no-shipped', '--level', 'low')).notes).toBe('0 of 1 rule; 0 disabled.')
  })

  it('calls several rules of one file by the names they give themselves', async () => {
    const both = join(folder, 'both')
    await mkdir(both)
    await writeFile(
      join(both, 'two.yml'),
      `${another('', '')}---\n${another('4c1d', '4c1e').replace('another', 'third')}`,
    )
    const { rules } = await json('list', '--rules', both)
    expect(rules.map(({ rule }: { rule: string }) => rule)).toEqual(
      expect.arrayContaining(['another_made', 'third_made']),
    )
    expect((await json('show', 'two', '--rules', both)).rules).toHaveLength(2)
    await expect(run('show', 'third_maed', '--rules', both)).rejects.toMatchObject({
      hint: expect.stringMatching(/^Did you mean third_made/),
    })
  })

  it('refuses a word that no rule can have, and says which there are', async () => {
    await expect(run('list', '--threat', 'sharin')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'There is no threat "sharin".',
      hint: expect.stringMatching(/^Did you mean sharing\? There are /),
    })
    await expect(run('list', '--level', ',')).rejects.toMatchObject({ message: '--level is empty.' })
  })

  it('prints facts of rules as JSON', async () => {
    expect(await json('list')).toEqual({
      rules: [
        expect.objectContaining({
          rule: 'administrator_made',
          kind: 'detection',
          level: 'high',
          feeds: false,
          shipped: false,
        }),
      ],
    })
  })
})

describe('rules show and explain', () => {
  it('shows what a rule says of itself, by any of its names', async () => {
    const { out } = await run('show', 'Administrator_Made')
    expect(out).toMatch(/^Administrator made\nSomebody became an administrator\.\n\nlevel +high\n/)
    expect(out).toContain('  fires: granted\n  silent: refused\n')
    expect(out).toContain('  soc2: CC6.2\n')
    const { rules } = await json('show', '1b7e4a62-4c1d-4a53-9f9e-3e0d9a6f8b21')
    expect(rules[0].examples.fires).toHaveLength(1)
  })

  it('a name that is nearly a rule says which is meant', async () => {
    await expect(run('show', 'administrator_mad')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'There is no rule administrator_mad.',
      hint: 'Did you mean administrator_made? Run `bricktrail rules list` to see all.',
    })
  })

  it('says in words and SQL what a rule looks for', async () => {
    const { out } = await run('explain', 'administrator-made')
    expect(out).toContain('        actionName is setAdmin\n')
    expect(out).toContain('requestParams.targetUserName is the same as userIdentity.email\n')
    const { out: sql } = await run('explain', 'administrator-made', '--sql')
    expect(sql).toMatch(/^SELECT event_id, event_time FROM/)
    expect(sql).not.toContain('One event with')
  })

  it('says of an event which parts hold and what it has where they do not', async () => {
    const [row] = (await json('backtest')).found[0].samples
    const { out } = await run('explain', 'administrator-made', row.eventIds[0])
    expect(out).toContain('Administrator made: matches\n')
    expect(out).toMatch(/ {2}✓ {5}actionName is setAdmin {3}\("setAdmin"\)\n/)
    expect(out).toMatch(
      / {2}✗ .*is the same as userIdentity\.email {3}\("bob@x\.io \(userIdentity\.email: \w+@x\.io\)"\)\n/,
    )
    const { asked } = await json('explain', 'administrator-made', row.eventIds[0])
    expect(asked[0]).toMatchObject({ title: 'Administrator made', matches: true })
  })

  it('an event that the lake does not have is refused', async () => {
    await expect(run('explain', 'administrator-made', 'nope')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'The lake has no event nope.',
    })
  })
})

describe('rules lint and test', () => {
  it('lint is content with good rules, and ends with 1 for faults, told with file, line and column', async () => {
    const good = await run('lint')
    expect(good).toMatchObject({ out: '', exitCode: 0, notes: '1 rule in 1 file: 0 errors, 0 warnings.' })
    const file = join(folder, 'bad.yml')
    await writeFile(file, another('actionName: setAdmin\n', 'actionName: setAdmim\n'))
    const bad = await run('lint', file)
    expect(bad.exitCode).toBe(1)
    expect(bad.out).toMatch(/bad\.yml:10:5: error: The catalogue has no action setAdmim\.\n {2}Did you mean setAdmin/)
    const report = await json('lint', file)
    expect(report).toMatchObject({ files: 1, rules: 1, errors: 1, warnings: 0, problems: [{ line: 10, column: 5 }] })
  })

  it('warnings end with 1 only if asked to be strict', async () => {
    const file = join(folder, 'warned.yml')
    await writeFile(file, another(RULES.slice(RULES.indexOf('bricktrail:')), ''))
    expect((await run('lint', file)).exitCode).toBe(0)
    expect((await run('lint', '--strict', file)).exitCode).toBe(1)
  })

  it('test runs examples of all rules, of paths or of names, and ends with 1 where one fails', async () => {
    const good = await run('test')
    expect(good).toMatchObject({ exitCode: 0, out: 'ok      administrator_made: 1 fire, 1 silent\n' })
    expect(good.notes).toBe('2 examples of 1 rule: 0 failed.')
    const file = join(folder, 'wrong.yml')
    await writeFile(
      file,
      another('name: granted', 'name: promised').replace('statusCode: 200 } } ]', 'statusCode: 500 } } ]'),
    )
    const wrong = await run('test', file)
    expect(wrong.exitCode).toBe(1)
    expect(wrong.out).toContain('  must fire: promised\n    It did not fire.\n')
    expect(wrong.out).toContain('Nearest event: response.statusCode is 200; it has "500".\n')
    const named = await json('test', 'administrator-made')
    expect(named).toMatchObject({ examples: 2, failed: 0, rules: [{ rule: 'administrator_made', passed: true }] })
    await expect(run('test', 'no-such-rule')).rejects.toMatchObject({ message: 'There is no rule no-such-rule.' })
  })
})

describe('rules coverage and backtest', () => {
  it('coverage counts tactics, techniques and actions, and writes a layer', async () => {
    const { out, notes } = await run('coverage')
    expect(out).toMatch(/^persistence +1$/m)
    expect(out).toMatch(/^T1098\.003 +1 +administrator_made$/m)
    expect(notes).toMatch(/^1 rule; 1 technique; of \d+ actions 1 by name, 0 by kind, \d+ by none/)
    const file = join(folder, 'layer.json')
    await run('coverage', '--navigator', file)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      domain: 'enterprise-attack',
      versions: { layer: '4.5' },
    })
    const { out: uncovered } = await run('coverage', '--actions')
    expect(uncovered).not.toMatch(/^accounts +setAdmin /m)
    expect(uncovered).toMatch(/^accounts +login /m)
    expect((await json('coverage')).techniques).toEqual([{ id: 'T1098.003', rules: ['administrator_made'] }])
  })

  it('backtest counts findings by day, and shows some', async () => {
    const { out, notes } = await run('backtest')
    expect(out).toMatch(/^administrator_made +high +3 +3 +2 +2 +2026-11-03T09:00:00Z$/m)
    expect(out).toMatch(/^2026-11-02 +1$/m)
    expect(out).toMatch(/^2026-11-03 +2$/m)
    expect(notes).toMatch(/^3 findings of 1 of 1 rule on 2 days, in [\d.]+ s\.$/)
    const late = await json('backtest', 'administrator-made', '--from', '2026-11-03', '--to', '2026-11-03')
    expect(late.days).toEqual([{ day: '2026-11-03', findings: 2 }])
    expect((await run('backtest', '--from', '2026-11-04')).out).toBe('No rule would have found anything.\n')
  })

  it('backtest ends on Ctrl-C and leaves nothing behind', async () => {
    const running = run('backtest', '--rules', own)
    while (process.listenerCount('SIGINT') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    process.listeners('SIGINT').at(-1)?.('SIGINT')
    expect(await running).toMatchObject({ exitCode: 130, notes: expect.stringContaining('Stopped.'), out: '' })
    expect((await readdir(homeAt(home).tmp)).filter((name) => name.startsWith('backtest'))).toEqual([])
    expect(process.listenerCount('SIGINT')).toBe(0)
  })

  it('backtest needs a lake', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    await expect(runCommand(registerRules, ['rules', 'backtest'], { home: empty })).rejects.toMatchObject({
      code: 'NO_LAKE',
    })
  })
})
