import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPack } from '../pack/load.ts'
import { lintPack } from './lint.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-lint-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** What is said of one rule file, as `line:column severity: message hint`. */
async function said(text: string): Promise<string[]> {
  const file = join(folder, 'rule.yml')
  await writeFile(file, text)
  const pack = await loadPack({ shipped: false, folders: [file] })
  const { problems } = await lintPack(pack)
  return problems.map(({ place, severity, message, hint }) => {
    expect(place.file).toBe(file)
    return `${place.line}:${place.column} ${severity}: ${message} ${hint}`
  })
}

const EXAMPLES = `  examples:
    fires:
      - name: one
        records:
          - { timestamp: 2026-11-02T09:00:00Z, serviceName: accounts, actionName: setAccountAdmin }
    silent:
      - name: another
        records:
          - { timestamp: 2026-11-02T09:00:00Z, serviceName: accounts, actionName: login }
`

/** A rule whose detection is `detection`, and whose block of ours goes on with `block`. */
const rule = (detection: string, block = ''): string => `title: A rule
id: 4f6a3c1e-8a3b-4f0e-9d3c-0b1f7a2c9d11
logsource: { product: databricks, service: audit }
detection:
${detection}
level: high
bricktrail:
  threat: persistence
${block}${EXAMPLES}`

const HEAD_LINES = 4

describe('names', () => {
  it('nothing is said of a rule that names what there is, in any case and either spelling', async () => {
    expect(
      await said(
        rule(
          `  selection:
    serviceName: ACCOUNTS
    action_name: [setAccountAdmin, 'change*']
    request_params.targetuserid|exists: true
    response.statusCode: 200
    actor.type: user
  condition: selection`,
        ),
      ),
    ).toEqual([])
  })

  it('a service, an action, a parameter and a field that do not exist are told where they stand, with those meant', async () => {
    const found = await said(
      rule(`  selection:
    serviceName: acounts
    actionName: setAccountAdmin
    requestParams.targetUserIdd: x
    userIdentity.mail: x
  condition: selection`),
    )
    expect(found.map((line) => line.replace(/ If it is right.*| docs\/reference.*/, ''))).toEqual([
      `${HEAD_LINES + 2}:5 error: The catalogue has no service acounts. Did you mean accounts or accountsManager or accountsAccessControl?`,
      `${HEAD_LINES + 4}:5 error: The catalogue has no parameter targetUserIdd. Did you mean targetUserId or targetUserName or targetUserExternalId?`,
      `${HEAD_LINES + 5}:5 error: Events have no field userIdentity.mail. Did you mean userIdentity.email or userIdentity.subjectName?`,
    ])
  })

  it('an action of another service is told, with the service it belongs to', async () => {
    const [only, ...more] = await said(
      rule(`  selection:
    serviceName: jobs
    actionName: setAccountAdmin
  condition: selection`),
    )
    expect(only).toMatch(/^7:5 error: No service jobs has the action setAccountAdmin. The catalogue has it in accounts/)
    expect(more).toEqual([])
  })

  it('in a line of several services and actions each needs a partner, and a stray one is told', async () => {
    const pairs = (services: string) => `  selection:
    serviceName: ${services}
    actionName: [setAccountAdmin, getTable]
  condition: selection`
    expect(await said(rule(pairs('[accounts, unityCatalog]')))).toEqual([])
    expect(await said(rule(pairs('[accounts, unityCatalog, jobs]')))).toEqual([
      expect.stringMatching(/^6:5 error: The service jobs has none of the actions setAccountAdmin, getTable\./),
    ])
  })

  it('a word that a closed column never has is told', async () => {
    const [first, second] = await said(
      rule(`  selection:
    category: permissions
    verb: [grant, granted]
  condition: selection`),
    )
    expect(first).toMatch(/^6:5 error: category is never permissions. Did you mean permission\?/)
    expect(second).toMatch(/^7:5 error: verb is never granted. Did you mean grant\?/)
  })

  it('a parameter of other actions only is a warning, since lists of parameters are not complete', async () => {
    expect(
      await said(
        rule(`  selection:
    serviceName: accounts
    actionName: setAccountAdmin
    requestParams.recipient_name: x
  condition: selection`),
      ),
    ).toEqual([expect.stringMatching(/^8:5 warning: The catalogue has no parameter recipient_name of setAccountAdmin/)])
  })

  it('names listed as on purpose are accepted, and told of once they are not needed', async () => {
    const detection = `  selection:
    serviceName: accounts
    actionName: polishAccount
    requestParams.shine: x
  condition: selection`
    const unlisted = `  unlisted:
    - { name: accounts.polishAccount, reason: Newer than the catalogue. }
    - { name: requestParams.shine, reason: Newer than the catalogue. }
`
    expect(await said(rule(detection, unlisted))).toEqual([])
    const more = `${unlisted}    - { name: accounts.setAccountAdmin, reason: Was not there once. }
    - { name: requestParams.gloss, reason: Was used once. }
`
    expect(await said(rule(detection, more))).toEqual([
      '16:7 warning: The catalogue has accounts.setAccountAdmin by now. Remove the entry.',
      '17:7 warning: Nothing in the file needs requestParams.gloss. Remove the entry.',
    ])
  })

  it('names of other products are left alone', async () => {
    const text = rule(`  selection:
    EventID: 4624
  condition: selection`).replace('product: databricks', 'product: windows')
    expect(await said(text)).toEqual([])
  })
})

describe('conditions', () => {
  it('a selection that nobody uses is an error', async () => {
    expect(
      await said(
        rule(`  selection:
    actionName: setAccountAdmin
  other:
    actionName: login
  condition: selection`),
      ),
    ).toEqual(['7:3 error: No condition uses the selection other. Use it, or remove it.'])
  })

  it.each([
    ['two values of one field', 'a:\n    status: SUCCESS\n  b:\n    status: FAILURE', 'a and b'],
    ['two spellings of one field', 'a:\n    response.statusCode: 200\n  b:\n    status_code: 403', 'a and b'],
    ['a value and its absence', 'a:\n    source_ip: 10.0.0.1\n  b:\n    source_ip: null', 'a and b'],
    ['what a filter takes away', 'a:\n    actionName: login\n  b:\n    actionName: [login, logout]', 'a and not b'],
    [
      'a text and a pattern it does not fit',
      'a:\n    actionName: login\n  b:\n    actionName|endswith: Acl',
      'a and b',
    ],
    ['bounds with nothing between', 'a:\n    status_code|gt: 400\n  b:\n    status_code|lt: 300', 'a and b'],
  ])('a condition that can never hold is an error: %s', async (_, selections, condition) => {
    const found = await said(rule(`  ${selections}\n  condition: ${condition}`))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^6:5 error: The condition can never hold\. Its lines contradict each other/)
  })

  it.each([
    ['two targets of one event', 'a:\n    targets.name: x\n  b:\n    targets.name: y', 'a and b'],
    ['a pattern and a text that fits it', 'a:\n    actionName: setJobAcl\n  b:\n    verb: grant', 'a and b'],
    ['bounds with something between', 'a:\n    status_code|gte: 400\n  b:\n    status_code|lt: 500', 'a and b'],
    ['a filter that leaves some', "a:\n    actionName: '*Acl'\n  b:\n    actionName: changeJobAcl", 'a and not b'],
  ])('a condition that can hold is none: %s', async (_, selections, condition) => {
    const found = await said(rule(`  ${selections}\n  condition: ${condition}`))
    expect(found.filter((line) => /never hold|adds nothing/.test(line))).toEqual([])
  })

  it('a selection that another includes is told', async () => {
    const found = await said(
      rule(`  narrow:
    actionName: login
    response.statusCode: 403
  wide:
    actionName: [login, tokenLogin]
  condition: narrow or wide`),
    )
    expect(found).toEqual([
      '6:5 warning: The selection narrow adds nothing: whatever it matches, the selection wide does too. Remove one of them.',
    ])
  })

  it('an impossible branch of several is told, and the others are not', async () => {
    const found = await said(
      rule(`  a:
    actionName: login
  b:
    status: SUCCESS
  c:
    status: FAILURE
  condition: a or (b and c)`),
    )
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^8:5 error: The part with b can never hold\./)
  })
})

describe('what stands around a condition', () => {
  const detection = `  selection:
    serviceName: accounts
    actionName: setAccountAdmin
  condition: selection`

  it('tags of ATT&CK that do not exist, were withdrawn, or lack their tactic are errors', async () => {
    const tagged = (tags: string) => said(rule(detection).replace('level: high', `tags: [${tags}]\nlevel: high`))
    expect(await tagged('attack.persistence, attack.t1098.003')).toEqual([])
    expect((await tagged('attack.persistance'))[0]).toMatch(
      /9:8 error: attack.persistance is no tactic and no technique/,
    )
    expect((await tagged('attack.stealth, attack.t1562.008'))[0]).toMatch(
      /9:24 error: attack.t1562.008 is not in ATT&CK 19/,
    )
    expect((await tagged('attack.t1098'))[0]).toMatch(/9:8 error: attack.t1098 stands without its tactic/)
  })

  it('a rule without an example of either kind is an error, and one without a block of ours a warning', async () => {
    const text = rule(detection)
    expect(await said(text.slice(0, text.indexOf('    silent:')))).toEqual([
      expect.stringMatching(/error: There is no example of the near miss, which must not fire\./),
    ])
    expect(await said(text.slice(0, text.indexOf('bricktrail:')))).toEqual([
      expect.stringMatching(/^1:1 warning: The rule has no examples\./),
    ])
  })

  it('records of examples that could not be delivered are errors', async () => {
    const found = await said(
      rule(detection).replace(
        '{ timestamp: 2026-11-02T09:00:00Z, serviceName: accounts, actionName: login }',
        '{ timestamp: soon, serviceName: accounts, actionName: logon, sourceIpAddress: 10.0.0.1, requestParams: { usr_name: x } }',
      ),
    )
    expect(found).toEqual([
      expect.stringMatching(/error: soon is no time\./),
      expect.stringMatching(/error: The catalogue has no action accounts\.logon\. Did you mean/),
      expect.stringMatching(/error: Delivered records have no sourceIpAddress. Did you mean sourceIPAddress\?/),
      expect.stringMatching(/warning: The catalogue has no parameter usr_name. Did you mean user_?[nN]ame/),
    ])
  })

  it('a parameter that nothing uses is an error', async () => {
    const parameters = `  parameters:
    - { name: threshold, value: 5, reason: As many as that. }
`
    expect(await said(rule(detection, parameters))).toEqual([
      `13:9 error: Nothing uses the parameter threshold. Write '%threshold%' where its value belongs, or remove it.`,
    ])
  })

  it('queries of the runbook that do not bind, are no SELECT, or are not bounded are errors', async () => {
    const runbook = `  runbook:
    - { title: Fine, sql: "SELECT event_time, targets[1].name FROM events WHERE actor.email = :entity AND event_time > :from" }
    - { title: No such column, sql: "SELECT actor_email FROM events WHERE event_time > :from" }
    - { title: A file, sql: "SELECT * FROM read_csv('/etc/passwd') WHERE 1 = :entity" }
    - { title: Everything, sql: "SELECT count(*) FROM events" }
`
    const found = await said(rule(detection, runbook))
    expect(found).toEqual([
      expect.stringMatching(/^14:\d+ error: The query does not run: .*actor_email/),
      expect.stringMatching(/^15:\d+ error: The query does not run: The table function read_csv is not available/),
      expect.stringMatching(/^16:\d+ error: The query is not bounded by the finding\./),
    ])
  })

  it('the field that findings are about has to exist', async () => {
    expect(await said(rule(detection, '  entity: actor.mail\n'))).toEqual([
      expect.stringMatching(/^12:3 error: Events have no field actor.mail. Did you mean actor.email/),
    ])
  })
})

describe('rules over several events', () => {
  const base = `title: Base
name: base
logsource: { product: databricks }
detection:
  selection:
    actionName: login
  condition: selection
bricktrail: { feeds: true }
---
title: Several
logsource: { product: databricks }
`

  it('fields of correlations and baselines have to exist', async () => {
    const correlation = `${base}correlation:
  type: value_count
  rules: [base]
  group-by: [actor.mail]
  timespan: 10m
  condition:
    field: source_ipp
    gte: 5
`
    const found = await said(correlation)
    expect(found.filter((line) => line.includes('error'))).toEqual([
      expect.stringMatching(/^15:3 error: Events have no field actor.mail/),
      expect.stringMatching(/^18:5 error: Events have no field source_ipp. Did you mean source_ip/),
    ])
    const baseline = `title: New
logsource: { product: databricks }
baseline:
  type: first_seen
  select:
    selection:
      actionName: logn
    condition: selection
  by: [actor.email]
  value: [geo.contry]
  learn: 14d
`
    expect((await said(baseline)).filter((line) => line.includes('error'))).toEqual([
      expect.stringMatching(/^7:7 error: The catalogue has no action logn. Did you mean login/),
      expect.stringMatching(/^10:11 error: Events have no field geo.contry. Did you mean geo.country/),
    ])
  })

  it('bounds that no number meets are an error, and those that one event meets a warning', async () => {
    const counted = (bounds: string) =>
      said(`${base}correlation:
  type: event_count
  rules: [base]
  group-by: [actor.email]
  timespan: 10m
  condition: { ${bounds} }
`)
    const about = (lines: readonly string[]) => lines.filter((line) => !line.includes('no examples'))
    expect(about(await counted('gte: 10, lt: 5'))).toEqual([
      expect.stringMatching(/^17:3 error: No number meets the condition of the correlation\./),
    ])
    expect(about(await counted('gte: 1'))).toEqual([expect.stringMatching(/warning: One event meets the condition\./)])
    expect(about(await counted('gte: 2'))).toEqual([])
    expect(about(await counted('gte: 2, lt: 9'))).toEqual([])
    for (const bounds of ['lt: 5', 'lte: 5, neq: 3'])
      expect(about(await counted(bounds))).toEqual([
        expect.stringMatching(/^17:3 warning: The first event meets the condition/),
      ])
  })

  it('a rule that cannot be read is told with the others', async () => {
    const found = await said(`${base}correlation:
  type: event_count
  rules: [base]
  timespan: soon
  condition: { gte: 2 }
`)
    expect(found.some((line) => line.includes('error: ') && line.includes('soon'))).toBe(true)
  })
})

describe('names of other rules', () => {
  it('that nobody has are told where they stand, in correlations, filters and baselines', async () => {
    const base = 'logsource: { product: databricks, service: audit }\n'
    const lines = await said(`title: Many
name: many
correlation:
  type: event_count
  rules:
    - base_one
    - nobody_here
  group-by: [actor.email]
  timespan: 1h
  condition: { gte: 3 }
---
title: Base
name: base_one
${base}detection: { selection: { actionName: login }, condition: selection }
---
title: Filter
${base}filter:
  rules: [base_one, nobody_else]
  selection: { serviceName: accounts }
  condition: not selection
---
title: First
${base}baseline:
  type: first_seen
  select: nobody_third
  by: [actor.email]
  value: [source_ip]
  learn: 3d
`)
    expect(lines.filter((line) => line.includes('nobody')).map((line) => line.split('. ')[0])).toEqual([
      '7:7 error: It refers to the rule nobody_here, which is not here',
      '20:21 warning: The filter names the rule nobody_else, which is not here',
      '28:11 error: It selects the events of the rule nobody_third, which is not here',
    ])
  })
})

describe('techniques', () => {
  const tagged = (tag: string) =>
    `tags: [attack.persistence, ${tag}]\n${rule('  selection: { actionName: setAccountAdmin }\n  condition: selection')}`
  it('with numbers that ATT&CK does not have are warned of', async () => {
    expect(await said(tagged('attack.t9999'))).toEqual([
      expect.stringMatching(/^1:28 warning: attack\.t9999 is no technique of ATT&CK 19: /),
    ])
    expect(await said(tagged('attack.t1098.003'))).toEqual([])
  })
})
