import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ruleDeskOf } from '../rules/rule-desk.ts'
import type { Backtest, Coverage, RuleDetail, RuleList, RuleRow } from '../shapes/rules.ts'
import { type Alerted, alerted, digest } from './alerted.fixture.ts'
import { alerts } from './alerts.ts'
import { rules } from './rules.ts'

const ADMIN_RULE = `title: Admin granted
id: 11111111-2222-4333-8444-555555555555
name: admin_granted
status: test
description: Somebody became an admin.
tags: [attack.privilege-escalation, attack.t1098.003]
logsource: { product: databricks, service: audit }
detection:
  selection: { actionName: setAccountAdmin }
  condition: selection
falsepositives: [A planned move]
level: high
bricktrail:
  threat: privilege-escalation
  controls: { soc2: [CC6.1] }
  entity: actor.email
  runbook:
    - { title: What else, sql: "SELECT * FROM events WHERE actor.email = :entity" }
`

const LOGINS_RULE = `title: Quiet base
name: quiet_base
logsource: { product: databricks, service: audit }
detection:
  selection: { actionName: tokenLogin }
  condition: selection
bricktrail: { feeds: true }
---
title: Many logins
id: 99999999-2222-4333-8444-555555555555
name: many_logins
tags: [attack.credential-access, attack.t1110]
correlation: { type: event_count, rules: [quiet_base], group-by: [actor.email], timespan: 1h, condition: { gte: '%times%' } }
level: low
bricktrail:
  entity: actor.email
  parameters:
    - { name: times, value: 10, reason: People log in often. }
`

const GLASS_RULE = `title: Break glass
id: 22222222-2222-4333-8444-555555555555
name: glass
description: Ask writer@example.com about it.
logsource: { product: databricks, service: audit }
detection:
  selection: { actionName: setAccountAdmin, userIdentity.email|expand: '%break_glass_accounts%' }
  condition: selection
level: low
bricktrail:
  entity: actor.email
  parameters:
    - { name: break_glass_accounts, value: [owner@example.com], reason: Of whom owner@example.com is one. }
`

const SETTINGS = `# ours
shipped: false
rules: [own]
`

let server: Alerted
beforeAll(async () => {
  server = await alerted(
    [rules, alerts],
    [
      { id: digest(1), ruleId: '11111111-2222-4333-8444-555555555555', entity: 'ana@example.com', workspace: '1' },
      { id: digest(2), ruleId: '11111111-2222-4333-8444-555555555555', entity: 'bob@example.com', workspace: '2' },
    ],
  )
  const { home } = server.bench
  await mkdir(join(home.root, 'own'))
  await writeFile(join(home.root, 'own', 'admins.yml'), ADMIN_RULE)
  await writeFile(join(home.root, 'own', 'logins.yml'), LOGINS_RULE)
  await writeFile(home.detectSettings, SETTINGS)
}, 60_000)
afterAll(async () => server?.close())

const json = async <T>(path: string, init: Parameters<Alerted['fetch']>[1] = { as: 'admin' }): Promise<T> =>
  (await server.fetch(path, init)).json() as Promise<T>
const list = async (): Promise<RuleRow[]> => (await json<RuleList>('/api/v1/rules')).rules
const put = (id: string, body: object, as: 'admin' | 'analyst' | 'auditor' | 'viewer' = 'admin') =>
  server.fetch(`/api/v1/rules/${id}/override`, { method: 'PUT', as, json: body })
const settings = () => readFile(server.bench.home.detectSettings, 'utf8')

describe('rules', () => {
  it('are listed with what they found, and without those that only feed others', async () => {
    const rows = await list()
    expect(rows.map(({ title }) => title)).toEqual(['Admin granted', 'Many logins'])
    expect(rows[0]).toMatchObject({
      findings: 2,
      lastFired: '2026-11-12T11:30:00.000Z',
      noise: null,
      techniques: ['T1098.003'],
      tactics: ['privilege-escalation'],
      name: 'admin_granted',
      names: ['11111111-2222-4333-8444-555555555555', 'admin_granted', 'admins'],
      file: 'own/admins.yml',
      enabled: true,
      overridden: false,
    })
    expect(rows[1]).toMatchObject({ kind: 'correlation', findings: 0, lastFired: null })
  })

  it('say how much of what was resolved was noise', async () => {
    const { alerts: open } = await json<{ alerts: { id: string }[] }>('/api/v1/alerts')
    for (const [at, outcome] of ['benign', 'true_positive'].entries())
      await server.fetch(`/api/v1/alerts/${open[at]?.id}/deeds`, {
        method: 'POST',
        as: 'analyst',
        json: { deed: 'resolve', outcome },
      })
    expect((await list())[0]?.noise).toBe(0.5)
  })

  it('count for somebody who sees a workspace what was found there', async () => {
    const headers = { authorization: `Bearer ${server.token({ role: 'admin', rows: { workspaces: ['1'] } })}` }
    const own = await json<RuleList>('/api/v1/rules', { headers })
    expect(own.rules[0]).toMatchObject({ findings: 1, noise: null })
  })

  it('are told in full by id, name and name of the file', async () => {
    for (const called of ['11111111-2222-4333-8444-555555555555', 'admin_granted', 'admins']) {
      const rule = await json<RuleDetail>(`/api/v1/rules/${called}`)
      expect(rule).toMatchObject({
        title: 'Admin granted',
        description: 'Somebody became an admin.',
        controls: ['soc2 CC6.1'],
        falsePositives: ['A planned move'],
        perDay: [{ day: '2026-11-12', findings: 2 }],
        runbook: [{ title: 'What else', sql: 'SELECT * FROM events WHERE actor.email = :entity', q: null }],
      })
      expect(rule.yaml).toBe(ADMIN_RULE)
    }
    expect((await json<RuleDetail>('/api/v1/rules/many_logins')).parameters).toEqual([
      { name: 'times', value: 10, usual: 10, reason: 'People log in often.', overridden: false },
    ])
  })

  it.each(['nope', '..%2f..%2fetc%2fpasswd', "'%20OR%20true", '%00'])('called %s are not there', async (id) => {
    expect((await server.fetch(`/api/v1/rules/${id}`, { as: 'admin' })).status).toBe(404)
    expect((await put(id, { enabled: false, reason: 'a test' })).status).toBe(404)
    const backtest = await server.fetch(`/api/v1/rules/${id}/backtest`, { method: 'POST', as: 'admin', json: {} })
    expect(backtest.status).toBe(404)
  })

  it('cover techniques by tactic, with what fired', async () => {
    const { tactics, actions } = await json<Coverage>('/api/v1/rules/coverage')
    expect(tactics).toHaveLength(15)
    const of = (id: string) => tactics.find((tactic) => tactic.id === id)
    expect(of('privilege-escalation')).toEqual({
      id: 'privilege-escalation',
      name: 'Privilege Escalation',
      techniques: [{ id: 'T1098.003', name: 'Additional Cloud Roles', rules: 1, fired: 2 }],
    })
    expect(of('persistence')?.techniques).toEqual([])
    expect(actions.covered).toBeGreaterThan(0)
    expect(actions.known).toBeGreaterThan(500)
  })

  it('are read again when a file of theirs changes', async () => {
    const file = join(server.bench.home.root, 'own', 'broken.yml')
    await writeFile(
      file,
      'title: Broken\nid: 77777777-2222-4333-8444-555555555555\nlogsource: {}\ndetection: { condition: nothing }\n',
    )
    ruleDeskOf(server.bench.home).forget()
    expect((await list()).map(({ title }) => title)).toEqual(['Admin granted', 'Many logins'])
    await writeFile(file, ADMIN_RULE.replaceAll('1111', '7777').replaceAll('dmin', 'DMIN'))
    const within = { timeout: 20_000, interval: 200 }
    await expect.poll(list, within).toHaveLength(3)
    await rm(file)
    await expect.poll(list, within).toHaveLength(2)
  }, 30_000)
})

describe('what a site sets of a rule', () => {
  it('is written with who and why, and counts at once', async () => {
    const response = await put('many_logins', {
      level: 'high',
      parameters: { times: 25 },
      reason: 'Ours\nlog in # often',
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      level: 'high',
      overridden: true,
      parameters: [{ name: 'times', value: 25, usual: 10, overridden: true }],
    })
    expect(await settings()).toBe(`# ours
shipped: false
rules: [ own ]
overrides:
  logins:
    # 2026-11-12 a admin: Ours log in # often
    level: high
    parameters:
      times: 25
`)
    const back = await put('many_logins', { level: null, parameters: { times: null }, reason: 'as it was' })
    expect(await back.json()).toMatchObject({ level: 'low', overridden: false })
    expect(await settings()).not.toContain('overrides')
  }, 30_000)

  it('turns it off and on', async () => {
    expect(await (await put('admins', { enabled: false, reason: 'a test' })).json()).toMatchObject({ enabled: false })
    expect((await list()).find(({ title }) => title === 'Admin granted')).toMatchObject({
      enabled: false,
      overridden: true,
    })
    expect(await (await put('admins', { enabled: true, reason: 'a test' })).json()).toMatchObject({ enabled: true })
    expect(await settings()).not.toContain('disabled')
  }, 30_000)

  it('is refused where the rules could not be run with it, and nothing is written', async () => {
    const before = await settings()
    const wrong = await put('many_logins', { parameters: { times: 'often' }, reason: 'a test' })
    expect(wrong.status).toBe(422)
    expect(await wrong.json()).toMatchObject({
      detail: 'The parameter is a text, not a number.',
      hint: 'Write a number, such as 10.',
    })
    const strange = await put('many_logins', { parameters: { tmes: 3 }, reason: 'a test' })
    expect(await strange.json()).toMatchObject({
      detail: 'logins has no parameter tmes.',
      hint: 'Did you mean times?',
    })
    for (const body of [{ level: 'worst', reason: 'a test' }, { enabled: false }, { enabled: 'no', reason: 'a test' }])
      expect((await put('many_logins', body)).status).toBe(422)
    expect(await settings()).toBe(before)
    expect((await readdir(server.bench.home.root)).filter((name) => name.includes('draft'))).toEqual([])
  }, 30_000)

  it('by several at once is all of it', async () => {
    const answers = await Promise.all([
      put('many_logins', { level: 'critical', reason: 'one' }),
      put('many_logins', { parameters: { times: 7 }, reason: 'two' }),
      put('admins', { level: 'low', reason: 'three' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const rows = await list()
    expect(rows.map(({ level }) => level)).toEqual(['low', 'critical'])
    expect((await json<RuleDetail>('/api/v1/rules/many_logins')).parameters[0]?.value).toBe(7)
  }, 90_000)

  it('names nobody to who does not see names: neither in what was set, nor who set it and why', async () => {
    await writeFile(join(server.bench.home.root, 'own', 'glass.yml'), GLASS_RULE)
    const isThere = async () => (await server.fetch('/api/v1/rules/glass', { as: 'admin' })).status
    await expect.poll(isThere, { timeout: 20_000, interval: 500 }).toBe(200)
    const people = ['ana@example.com', 'Bob Lopez', '10.20.30.40']
    const change = { parameters: { break_glass_accounts: people }, reason: 'eve@example.com asked for it' }
    expect((await put('glass', change)).status).toBe(200)
    const plain = await json<RuleDetail>('/api/v1/rules/glass')
    expect(plain.parameters[0]).toMatchObject({ value: people, usual: ['owner@example.com'] })
    expect(plain.set).toEqual([{ day: '2026-11-12', who: 'a admin', why: change.reason }])
    expect(plain.yaml).toBe(GLASS_RULE)
    const response = await server.fetch('/api/v1/rules/glass', { as: 'viewer' })
    const text = await response.text()
    expect(text).not.toMatch(/ana@|Bob|Lopez|30[.]40|owner@|writer@|eve@|a admin/)
    const seen = JSON.parse(text) as RuleDetail
    expect(seen.parameters[0]?.value).toEqual([
      expect.stringMatching(/^p-[0-9a-f]{12}@example[.]com$/),
      expect.stringMatching(/^p-[0-9a-f]{12}$/),
      expect.anything(),
    ])
    expect(seen.set[0]?.why).toMatch(/^p-[0-9a-f]{12}@example[.]com asked for it$/)
  }, 30_000)

  it('needs the right to change rules, of all rows', async () => {
    for (const as of ['viewer', 'analyst', 'auditor'] as const)
      expect((await put('admins', { enabled: false, reason: 'a test' }, as)).status).toBe(403)
    const headers = { authorization: `Bearer ${server.token({ role: 'admin', rows: { workspaces: ['1'] } })}` }
    const init = { method: 'PUT', headers, json: { enabled: false, reason: 'a test' } }
    expect((await server.fetch('/api/v1/rules/admins/override', init)).status).toBe(403)
  })
})

describe('a backtest', () => {
  const backtest = (id: string, body: object, init: Parameters<Alerted['fetch']>[1] = { as: 'analyst' }) =>
    server.fetch(`/api/v1/rules/${id}/backtest`, { ...init, method: 'POST', json: body })

  it('says what the rule would have found, of the rows that the asker sees', async () => {
    const whole = (await (await backtest('admins', {})).json()) as Backtest
    expect(whole).toMatchObject({ findings: 2, events: 2, perDay: [{ day: '2026-11-12', findings: 2 }] })
    expect(whole.examples.map(({ eventId }) => eventId).sort()).toEqual(
      [digest(1), digest(2)].map((id) => `event-of-${id}`),
    )
    const headers = { authorization: `Bearer ${server.token({ role: 'analyst', rows: { workspaces: ['1'] } })}` }
    expect(await (await backtest('admins', {}, { headers })).json()).toMatchObject({ findings: 1 })
    expect(await (await backtest('admins', { to: '2026-11-01' })).json()).toMatchObject({ findings: 0, examples: [] })
  }, 30_000)

  it('runs alone, ends when the client leaves, and leaves nothing behind', async () => {
    await list()
    const begun = [0, 1].map((nth) => {
      const client = new AbortController()
      return { nth, client, answer: backtest('admins', {}, { as: 'analyst', signal: client.signal }) }
    })
    // Whichever was first: files are looked at before.
    const refused = await Promise.race(begun.map(async ({ nth, answer }) => ({ nth, response: await answer })))
    expect(refused.response.status).toBe(503)
    expect(await refused.response.json()).toMatchObject({ code: 'BUSY' })
    const running = begun[1 - refused.nth]
    running?.client.abort()
    expect((await running?.answer)?.status).toBe(504)
    const { tmp } = server.bench.home
    const left = existsSync(tmp) ? (await readdir(tmp)).filter((name) => name.startsWith('backtest')) : []
    expect(left).toEqual([])
    expect((await backtest('admins', {})).status).toBe(200)
  }, 30_000)

  it('needs the right to test rules, and a time that is one', async () => {
    expect((await backtest('admins', {}, { as: 'viewer' })).status).toBe(403)
    expect((await backtest('admins', { from: 'soon' })).status).toBe(422)
    expect((await backtest('admins', { from: 1 })).status).toBe(422)
  })
})
