/** Alerts, incidents and findings, on a home and over a server of it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { later } from '../alert/findings.fixture.ts'
import { isAppError } from '../core/errors.ts'
import { printableLines } from '../core/printable.ts'
import { recordLines } from '../serve/records.fixture.ts'
import { type Alerted, alerted, digest } from '../serve/routes/alerted.fixture.ts'
import { ROUTES } from '../serve/routes/registry.ts'
import { registerAlerts } from './commands/alerts.ts'
import { registerDeliver } from './commands/deliver.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerEvents } from './commands/events.ts'
import { registerFindings } from './commands/findings.ts'
import { registerIncidents } from './commands/incidents.ts'
import { registerQuery } from './commands/query.ts'
import { registerRules } from './commands/rules.ts'
import { registerSeal } from './commands/seal.ts'
import { registerToken } from './commands/token.ts'
import type { RegisterCommand } from './contract.ts'
import type { Recorded } from './recorded-cli.fixture.ts'
import { type OverServer, type ServedCli, servedCli } from './served-cli.fixture.ts'

let server: Alerted
let cli: ServedCli
beforeEach(async () => {
  server = await alerted(ROUTES, [
    { id: digest(1) },
    { id: digest(2), entity: 'bob@example.com', ruleId: 'rule-2', title: 'Token\u001b[31m made', level: 'low' },
  ])
  cli = await servedCli(server, server.bench.home)
}, 60_000)
afterEach(async () => {
  await cli.close()
  await server.close()
})

const over = (argv: readonly string[], options: OverServer = {}) =>
  cli.over(registerAlerts, ['alerts', ...argv], { now: later(10), ...options })

async function both(register: RegisterCommand, argv: readonly string[]): Promise<string> {
  const [at, through] = [await cli.on(register, argv), await cli.over(register, argv)]
  expect(through).toEqual(at)
  return through.out
}

const idOf = async (entity: string): Promise<string> =>
  JSON.parse((await over(['list', '--json', '--entity', entity])).out).alerts[0].id

describe('alerts', () => {
  it('are listed and shown the same over a server', async () => {
    const listed = await both(registerAlerts, ['alerts', 'list'])
    expect(listed).toContain('Token\\x1b[31m made')
    await both(registerAlerts, ['alerts', 'list', '--level', 'medium', '--rule', 'admin', '--limit', '1'])
    await both(registerAlerts, ['alerts', 'list', '--state', 'in-progress'])
    await both(registerAlerts, ['alerts', 'list', '--limit', '1'])
    for (const line of listed.trim().split('\n')) await both(registerAlerts, ['alerts', 'show', line.slice(0, 8)])
    await both(registerIncidents, ['incidents', 'list', '--all'])
  }, 60_000)

  it('are dealt with in the name of the token, and it stands in the history and in the record of use', async () => {
    const id = await idOf('ana')
    const short = id.slice(0, 6)
    expect((await over(['ack', short, '--note', 'Mine.'])).out).toMatch(/^[0-9a-f]{8} acknowledged: Account/)
    expect((await over(['ack', short])).out).toMatch(/was acknowledged already/)
    expect((await over(['start', id])).out).toMatch(/in progress/)
    expect((await over(['assign', 'eve@example.com', short])).out).toMatch(/assigned to eve/)
    expect((await over(['assign', '-', short])).out).toMatch(/given back/)
    expect((await over(['note', short, 'Looked\u001b[2J at it.'])).out).toMatch(/noted/)
    expect(JSON.parse((await over(['resolve', short, '--was', 'benign', '--json'])).out)).toMatchObject({
      changed: 1,
      alerts: [{ id, status: 'resolved (benign)' }],
    })
    await expect(over(['start', short])).rejects.toMatchObject({ code: 'CONFLICT' })
    expect((await over(['reopen', short])).out).toMatch(/reopened/)
    const shown = await both(registerAlerts, ['alerts', 'show', short])
    expect(shown).toMatch(/a admin: acknowledged \(Mine\.\)/)
    expect(shown).toContain('Looked\\x1b[2J at it.')
    const deeds = (await recordLines(server.bench.home)).filter(({ actionName }) => actionName === 'changeAlert')
    expect(deeds[0]).toMatchObject({ requestParams: { id, deed: 'acknowledge', note: 'Mine.' } })
    expect(deeds).toHaveLength(9)
  }, 60_000)

  it('are left as they are by a slip in the last name, and by who may not change them', async () => {
    const [id] = [await idOf('ana')]
    await expect(over(['ack', id, 'ffff0000'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(over(['ack', id, '--as', 'eve'])).rejects.toMatchObject({
      message: '--as cannot be asked of a server.',
    })
    await expect(over(['ack', id], { as: 'viewer' })).rejects.toMatchObject({ code: 'FORBIDDEN', exit: 2 })
    await expect(cli.over(registerIncidents, ['incidents', 'show', id])).rejects.toMatchObject({
      hint: 'It is an alert: use `bricktrail alerts`.',
    })
    await expect(over(['run'])).rejects.toMatchObject({ message: expect.stringContaining('needs the files of a home') })
    expect((await over(['list', '--state', 'new'])).out.trim().split('\n')).toHaveLength(2)
  }, 60_000)

  it('are silenced, and heard again', async () => {
    const id = (await idOf('bob')).slice(0, 8)
    expect((await over(['silence', id, '--for', '2h', '--reason', 'Planned.'])).out).toMatch(
      /^Silence [0-9a-f]{12} until/,
    )
    const until = ['silence', '--rule', 'rule-1', '--until', later(600).toISOString(), '--reason', 'Planned.']
    const { silence } = JSON.parse((await over([...until, '--json'])).out)
    expect(silence).toMatchObject({ inForce: true, who: 'a admin' })
    const listed = (await over(['silences'])).out
    expect(listed).toBe((await cli.on(registerAlerts, ['alerts', 'silences'], { now: later(10) })).out)
    expect(listed.trim().split('\n')).toHaveLength(2)
    expect((await over(['unsilence', silence.id.slice(0, 5)])).out).toMatch(/is over/)
    expect((await over(['silences'])).out.trim().split('\n')).toHaveLength(1)
    await expect(over(['silence', '--tag', 'x', '--for', '2h', '--reason', 'Planned.'])).rejects.toMatchObject({
      message: '--tag cannot be asked of a server.',
    })
  }, 60_000)
})

describe('findings', () => {
  const timeless = ({ notes, ...rest }: Recorded) => ({ ...rest, notes: notes.replace(/\d+\.\d\d s/, 'N s') })

  it.each([
    [['findings']],
    [['findings', '--level', 'medium', '--format', 'ndjson']],
    [['findings', '--rule', 'admin granted', '--format', 'csv']],
    [['findings', '--from', '2026-11-12', '--entity', 'bob*', '--limit', '1']],
    [['findings', 'show', digest(1)]],
    [['findings', 'show', digest(2), '--json']],
  ])(
    '%j print the same over a server',
    async (argv) => {
      const [at, through] = [await cli.on(registerFindings, argv), await cli.over(registerFindings, argv)]
      expect(timeless(through)).toEqual(timeless(at))
      expect(at.out.length).toBeGreaterThan(100)
    },
    60_000,
  )

  it('are listed and shown by their own routes to who may run no SQL', async () => {
    const token = server.token({ role: 'admin', scopes: ['findings:read', 'rules:read'] })
    const argv = ['findings', '--level', 'medium']
    const [at, through] = [await cli.on(registerFindings, argv), await cli.over(registerFindings, argv, { token })]
    const ids = (text: string) => text.match(/[0-9a-f]{32}/g)
    expect(ids(through.out)).toEqual(ids(at.out))
    const shown = await cli.over(registerFindings, ['findings', 'show', digest(2)], { token })
    expect(shown.out).toContain('Token\\x1b[31m made')
    expect(shown.out).toContain('selection: action = setAccountAdmin')
    await expect(cli.over(registerFindings, ['findings', '--rule', 'admin grannted'], { token })).rejects.toMatchObject(
      { message: 'There is no rule admin grannted.' },
    )
    await expect(cli.over(registerFindings, ['findings', 'show', 'ffffff'], { token })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
    })
  }, 60_000)
})

describe('a server that writes to the terminal', () => {
  const EVIL = '\u001b[2J\u202e\u009b31m'
  /** Every text of an answer with what a terminal would act on; what programs go by is left as it is. */
  const spoilt = (value: unknown, name = ''): unknown => {
    if (typeof value === 'string')
      return /^(?:kind|level|state|permissions|masks|takes|type|code|nextCursor|id|.*[tT]ime|started|ended)$/.test(name)
        ? value
        : `${value}${EVIL}`
    if (Array.isArray(value)) return value.map((each) => spoilt(each, name))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, spoilt(each, key)]))
  }

  it('reaches it with no command', async () => {
    const evil = createServer(async (asked, answer) => {
      const parts: Buffer[] = []
      for await (const part of asked) parts.push(part as Buffer)
      const { method = 'GET' } = asked
      const headers = { authorization: asked.headers.authorization ?? '', 'content-type': 'application/json' }
      const body = parts.length === 0 ? {} : { body: Buffer.concat(parts).toString() }
      const real = await fetch(`${cli.url}${asked.url}`, { method, headers, ...body })
      const text = await real.text()
      const type = real.headers.get('content-type') ?? ''
      answer.writeHead(real.status, type === '' ? {} : { 'content-type': type })
      answer.end(/json/.test(type) ? JSON.stringify(spoilt(JSON.parse(text))) : `${text}${text === '' ? '' : EVIL}`)
    })
    await new Promise<void>((done) => {
      evil.listen(0, '127.0.0.1', () => done())
    })
    const address = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
    const id = await idOf('ana')
    const viewer = server.tokens.viewer
    const asking: [RegisterCommand, string[], string?][] = [
      [registerAlerts, ['alerts', 'list']],
      [registerAlerts, ['alerts', 'list', '--json']],
      [registerAlerts, ['alerts', 'show', id.slice(0, 6)]],
      [registerAlerts, ['alerts', 'ack', id]],
      [registerAlerts, ['alerts', 'silence', id, '--for', '2h', '--reason', 'Planned.']],
      [registerAlerts, ['alerts', 'silences']],
      [registerFindings, ['findings']],
      [registerFindings, ['findings'], viewer],
      [registerFindings, ['findings', 'show', digest(1)]],
      [registerFindings, ['findings', '--format', 'csv']],
      [registerEvents, ['events']],
      [registerEvents, ['events'], viewer],
      [registerEvents, ['events', '--format', 'ndjson']],
      [registerQuery, ['query', 'SELECT 1 AS one, 2 AS two', '--format', 'json']],
      [registerQuery, ['query', 'SELEC']],
      [registerRules, ['rules', 'list', '--level', 'critical']],
      [registerRules, ['rules', 'show', 'group-deleted']],
      [registerToken, ['token', 'list']],
      [registerToken, ['token', 'create', 'x']],
      [registerDeliver, ['deliver', 'status']],
      [registerDoctor, ['doctor']],
      [registerSeal, ['seal']],
    ]
    try {
      let [answered, escaped] = [0, 0]
      for (const [register, argv, token] of asking) {
        const options = { tty: true, wish: { address }, ...(token === undefined ? {} : { token }) }
        const done = await shownBy(register, argv, options)
        const said = typeof done === 'string' ? done : `${done.out}${done.notes}`
        answered += typeof done === 'string' ? 0 : 1
        escaped += /\\x1b|\\u001b/.test(said) ? 1 : 0
        expect([argv, /[\u001b\u202e\u009b]/.exec(said)]).toEqual([argv, null])
      }
      expect(answered).toBeGreaterThan(asking.length - 5)
      expect(escaped).toBeGreaterThan(asking.length - 8)
    } finally {
      evil.closeAllConnections()
      await new Promise((done) => evil.close(done))
    }
  }, 120_000)

  /** What is printed, or the failure as the program prints it. */
  const shownBy = (register: RegisterCommand, argv: readonly string[], options: OverServer) =>
    cli.over(register, argv, { now: later(10), ...options }).catch((cause: unknown) => {
      if (!isAppError(cause)) throw cause
      return printableLines(`${cause.message} ${cause.hint} ${cause.where ?? ''}`)
    })
})
