/** Commands that read the lake, on a home and over a server of it. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writeSmallLake } from '../ask/small-lake.fixture.ts'
import { Sandbox } from '../engine/sandbox.ts'
import { type Asked, asked, emptyHome } from '../serve/read/asked.fixture.ts'
import { recordLines } from '../serve/records.fixture.ts'
import { ROUTES } from '../serve/routes/registry.ts'
import { registerEvents } from './commands/events.ts'
import { registerQuery } from './commands/query.ts'
import { registerRejects } from './commands/rejects.ts'
import type { RegisterCommand } from './contract.ts'
import { type ServedCli, servedCli } from './served-cli.fixture.ts'

let server: Asked
let cli: ServedCli
beforeAll(async () => {
  const home = await emptyHome()
  await writeSmallLake(home)
  server = await asked(home, ROUTES)
  cli = await servedCli(server, home)
}, 60_000)
afterAll(async () => {
  await cli.close()
  await server.close()
})

/** Without how long it took. */
const timeless = (text: string): string =>
  text.replace(/in \d+\.\d\d s/g, 'in N s').replace(/"elapsedMs":\d+/g, '"elapsedMs":0')

async function both(register: RegisterCommand, argv: readonly string[], tty = false): Promise<void> {
  const at = await cli.on(register, argv, { tty })
  const over = await cli.over(register, argv, { tty })
  expect(timeless(over.out)).toBe(timeless(at.out))
  expect(timeless(over.notes)).toBe(timeless(at.notes))
  expect(over.exitCode).toBe(at.exitCode)
}

describe('events', () => {
  it.each([
    [['events']],
    [['events', '--oldest', '--limit', '2']],
    [['events', '--actor', 'smith\\, john@example.com,ada*', '--format', 'json']],
    [['events', '--text', '100% sure', '--format', 'ndjson']],
    [['events', '--format', 'csv', '--from', '2026-11-13']],
    [['--json', 'events', '--target', 'main.hr.*']],
    [['events', '--action', 'getTabel']],
  ])(
    '%j print the same over a server',
    async (argv) => {
      await both(registerEvents, argv)
    },
    60_000,
  )
})

describe('events for who may run no SQL', () => {
  const asViewer = (argv: readonly string[]) => cli.over(registerEvents, argv, { as: 'viewer' })

  it('are a table, by searches that are recorded as such', async () => {
    const { out, notes } = await asViewer(['events', '--text', '100% sure'])
    expect(out).toContain('accounts.tokenLogin')
    expect(out.trim().split('\n')).toHaveLength(3)
    expect(out).not.toMatch(/ada@/i)
    expect(notes).toContain('The role viewer sees e-mail addresses, addresses of machines, texts of queries masked.')
    const last = (await recordLines(server.home)).at(-1)
    expect(last).toMatchObject({ actionName: 'searchEvents', requestParams: { q: '"100% sure"', limit: '50' } })
  })

  it.each([
    [['--actor', 'smith\\, john@example.com, Ada Lovelace']],
    [['--actor', 'Ada *', '--ip', '10.0.0.0/8,192.0.2.1']],
    [['--text', 'SELECT *a*b']],
    [['--text', '"id": *9']],
    [['--key-event', 'role_permission_update', '--workspace', '7', '--verb', 'add']],
    [['--action', 'accounts.*,getTable', '--status', 'UNAUTHORIZED,failure', '--category', 'data_access']],
    [['--target', 'eve@example.com', '--service', 'accounts', '--from', '2026-11-13', '--to', 'now']],
  ])('find with %j what it finds on the home', async (filter) => {
    const token = server.token({ role: 'admin', scopes: ['events:read'] })
    const times = (text: string) => text.split('\n').map((line) => line.slice(0, 27).trim())
    const at = await cli.on(registerEvents, ['events', ...filter])
    const over = await cli.over(registerEvents, ['events', ...filter], { token })
    expect(times(over.out)).toEqual(times(at.out))
  })

  it('follow the pages until there are as many as were asked for', async () => {
    const argv = ['events', '--oldest', '--limit', '2']
    const [at, over] = [await cli.on(registerEvents, argv), await asViewer(argv)]
    const times = (text: string) => text.split('\n').map((line) => line.slice(0, 27).trim())
    expect(times(over.out)).toEqual(times(at.out))
    expect(over.notes).toContain('The first 2 events')
  })

  it('are refused as whole ones, with what is needed', async () => {
    await expect(asViewer(['events', '--format', 'json'])).rejects.toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('--format table'),
    })
  })
})

describe('query', () => {
  it.each([
    [['query', 'SELECT event_id, event_time, targets, request_params FROM events ORDER BY 1', '--format', 'ndjson']],
    [['query', 'SELECT event_id, status FROM events ORDER BY 1 LIMIT 2']],
    [['--json', 'query', 'SELECT count(*) AS n FROM rejects']],
    [['query', 'SHOW TABLES']],
    [['query', 'DESCRIBE events', '--format', 'csv']],
  ])(
    '%j prints the same over a server',
    async (argv) => {
      await both(registerQuery, argv)
    },
    60_000,
  )

  it('says over a server that no option gives more than it does', async () => {
    const many = ['query', 'SELECT 1 AS n FROM range(100001)', '--format', 'csv']
    const all = await cli.over(registerQuery, [...many, '--limit', '0'])
    expect(all.notes).toMatch(/The first 100,000 rows in .*; there are more: a server gives 100,000 rows at most/)
    const few = await cli.over(registerQuery, [...many, '--limit', '5'])
    expect(few.notes).toContain('--limit N shows more, and a server gives 100,000 rows at most')
    expect(few.notes).not.toContain('--limit 0')
  }, 60_000)

  it.each([
    ['SELECT * FROM event', 'BAD_SQL'],
    ["COPY events TO '/tmp/x'", 'SQL_REFUSED'],
    ['SELECT', 'BAD_SQL'],
  ])(
    '%s fails the same over a server',
    async (sql) => {
      const failure = (work: Promise<unknown>) =>
        work.then(
          () => undefined,
          ({ code, message, exit }) => ({ code, message, exit }),
        )
      const at = await failure(cli.on(registerQuery, ['query', sql]))
      expect(await failure(cli.over(registerQuery, ['query', sql]))).toEqual(at)
      expect(at).toBeDefined()
    },
    60_000,
  )

  it('is stopped on the server with the command', async () => {
    const endless = 'SELECT count(*) FROM range(1000000000000) a, range(1000000000) b'
    const started = performance.now()
    const begun = vi.spyOn(Sandbox.prototype, 'query')
    const running = cli.over(registerQuery, ['query', endless, '--timeout', '2m'])
    await vi.waitFor(() => expect(begun).toHaveBeenCalled(), { timeout: 30_000, interval: 20 })
    begun.mockRestore()
    process.emit('SIGINT')
    expect((await running).exitCode).toBe(130)
    // Both places are free again: the next does not wait for it.
    const next = await cli.over(registerQuery, ['query', 'SELECT 1 AS one', '--format', 'csv'])
    expect(next.out).toBe('one\r\n1\r\n')
    expect(performance.now() - started).toBeLessThan(20_000)
    const [stopped] = (await recordLines(server.home)).filter(({ response }) => response.statusCode === 499)
    expect(stopped).toMatchObject({ actionName: 'runSql' })
  }, 60_000)

  it('says what a server does not give', async () => {
    const asking = (...argv: string[]) => cli.over(registerQuery, ['query', 'SELECT 1', ...argv])
    await expect(asking('--out', '/tmp/x.parquet')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(asking('--timeout', '10m')).rejects.toMatchObject({ hint: 'Give --timeout 5m at most.' })
    await expect(cli.over(registerQuery, ['query', 'SELECT 1'], { as: 'viewer' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      exit: 2,
    })
  })
})

describe('rejects', () => {
  it.each([
    [['rejects']],
    [['--json', 'rejects', '--reason', 'malformed*']],
    [['rejects', '--limit', '1']],
    [['rejects', '--show', 'a1']],
  ])(
    '%j print the same over a server',
    async (argv) => {
      await both(registerRejects, argv)
      await both(registerRejects, argv, true)
    },
    60_000,
  )
})

describe('the record of use', () => {
  it('has the command, its token and its program, and no secret is in it', async () => {
    await cli.over(registerQuery, ['query', "SELECT 'from the command line' AS said"])
    const records = await recordLines(server.home)
    const own = records.find(({ requestParams }) => requestParams.sql?.includes('from the command line'))
    expect(own).toMatchObject({
      serviceName: 'bricktrail',
      actionName: 'runSql',
      userIdentity: { subjectName: expect.anything() },
      response: { statusCode: 200 },
    })
    expect(JSON.stringify(own)).toMatch(/bricktrail-cli\/\d/)
    expect(JSON.stringify(records)).not.toContain(server.tokens.admin.slice(4))
  })
})
