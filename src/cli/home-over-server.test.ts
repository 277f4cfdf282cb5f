/** Seal, proofs, downloads, rules, tokens, destinations and health, on a home and over a server of it. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aMessage } from '../deliver/message.fixture.ts'
import { Outbox } from '../deliver/outbox.ts'
import { type Receiver, receiver } from '../deliver/receiver.fixture.ts'
import { vkeyOf } from '../ingest/sealed-home.fixture.ts'
import { verifyProof } from '../seal/verify.ts'
import { type Asked, asked, simulatedHome } from '../serve/read/asked.fixture.ts'
import { recordLines, recordText } from '../serve/records.fixture.ts'
import { ROUTES } from '../serve/routes/registry.ts'
import { registerDeliver } from './commands/deliver.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerExport } from './commands/export.ts'
import { registerProve } from './commands/prove.ts'
import { registerQuery } from './commands/query.ts'
import { registerRules } from './commands/rules.ts'
import { registerSeal } from './commands/seal.ts'
import { registerToken } from './commands/token.ts'
import { registerVerify } from './commands/verify.ts'
import type { RegisterCommand } from './contract.ts'
import { type OverServer, type ServedCli, servedCli } from './served-cli.fixture.ts'

const EVENTS = 1500

/** Two rules of one file. */
const TWO_RULES = ['one', 'other']
  .map(
    (name) => `title: Notebooks of ${name}
name: ${name}_notebook
logsource: { product: databricks, service: audit }
detection: { selection: { serviceName: notebook }, condition: selection }
level: low
`,
  )
  .join('---\n')
const PLANTED = `whsec_${Buffer.from('planted secret, 24 bytes at least').toString('base64')}`

let server: Asked
let cli: ServedCli
let there: Receiver
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-over-'))
  vi.stubEnv('SOC', PLANTED)
  there = await receiver(({ body }) => ({ status: body.includes('refuse me') ? 400 : 200 }))
  const home = await simulatedHome(EVENTS)
  const yaml = `destinations:\n  soc: { kind: webhook, url: "${there.url}/hook", secrets: [env:SOC], allow_private: true }\n`
  await writeFile(join(home.root, 'deliver.yaml'), yaml)
  await mkdir(join(home.root, 'two'))
  await writeFile(join(home.root, 'two', 'notebooks.yml'), TWO_RULES)
  await writeFile(home.detectSettings, 'rules: [two]\n')
  server = await asked(home, ROUTES)
  cli = await servedCli(server, home)
}, 120_000)
afterAll(async () => {
  vi.unstubAllEnvs()
  await cli.close()
  await server.close()
  await there.close()
  await rm(folder, { recursive: true, force: true })
})

const over = (register: RegisterCommand, argv: readonly string[], options: OverServer = {}) =>
  cli.over(register, argv, options)

describe('the seal', () => {
  it('shows the same state and checkpoint over a server', async () => {
    const [at, through] = [await cli.on(registerSeal, ['seal']), await over(registerSeal, ['seal'])]
    // Versions of tables are told by a home alone.
    const lines = (text: string) => text.split('\n').filter((line) => !line.includes('sealed up to version'))
    expect(lines(through.out)).toEqual(lines(at.out))
    expect(through.exitCode).toBe(at.exitCode)
    const argv = ['seal', 'checkpoint']
    expect(await over(registerSeal, argv)).toEqual(await cli.on(registerSeal, argv))
    await expect(over(registerSeal, ['seal', 'key', 'show'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT', exit: 2 })
  })

  it('gives a proof that verifies here, with the key alone', async () => {
    const asking = ['query', 'SELECT event_id FROM events ORDER BY 1 LIMIT 1', '--format', 'csv']
    const id = (await over(registerQuery, asking)).out.split('\r\n')[1] ?? ''
    const path = join(folder, 'event.tlog-proof')
    const argv = ['prove', id.slice(0, 12), '--out', path, '--json']
    const told = JSON.parse((await over(registerProve, argv)).out)
    const key = await vkeyOf(server.home)
    const { ok, proven } = verifyProof(await readFile(path), { keys: key })
    expect([ok, proven?.values.event_id]).toEqual([true, id])
    expect(told).toEqual(JSON.parse((await cli.on(registerProve, argv)).out))
    expect((await over(registerProve, ['prove', id, '--out', '-'])).out).toMatch(/^c2sp\.org\/tlog-proof@v1\n/)
    await expect(over(registerProve, ['prove', 'ffffffff'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(over(registerProve, ['prove', id], { as: 'viewer' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(over(registerProve, ['prove', '--from', 'today', '--out', folder])).rejects.toMatchObject({
      message: expect.stringContaining('needs the files of a home'),
    })
  }, 60_000)

  it('is verified by the server, which says what that is worth', async () => {
    const { out, exitCode } = await over(registerVerify, ['verify'], { as: 'auditor' })
    expect(out).toContain(`Home ${cli.url}`)
    expect(out).toMatch(/\d leaves, hashed up to the signed root/)
    expect(out).toContain('this is what the server says of itself')
    expect(exitCode).toBe(0)
    const argv = ['verify', '--key', await vkeyOf(server.home)]
    await expect(over(registerVerify, argv)).rejects.toMatchObject({ message: '--key cannot be asked of a server.' })
  }, 60_000)

  it('that does not hold ends the command with 1, and says where', async () => {
    const tables = join(server.home.events)
    const [day = ''] = (await readdir(tables)).filter((name) => name.startsWith('event_date='))
    const [file = ''] = await readdir(join(tables, day))
    const path = join(tables, day, file)
    const bytes = await readFile(path)
    await writeFile(path, Buffer.concat([bytes, Buffer.of(0)]))
    try {
      const { out, exitCode } = await over(registerVerify, ['verify', '--json'])
      const { report } = { report: JSON.parse(out) }
      expect([exitCode, report.ok, report.findings[0].where]).toEqual([1, false, expect.stringContaining(day)])
    } finally {
      await writeFile(path, bytes)
    }
  }, 60_000)
})

describe('export', () => {
  const get = (format: string, out: string, ...more: string[]) =>
    over(registerExport, ['export', '--format', format, '--out', out, ...more], { as: 'analyst' })

  it('downloads the events that a home would write', async () => {
    const [here, through] = [join(folder, 'here.csv'), join(folder, 'through.csv')]
    const span = ['--from', '2026-11-10', '--to', '2026-11-11']
    await cli.on(registerExport, ['export', '--format', 'csv', '--out', here, ...span])
    const { out } = await over(registerExport, ['export', '--format', 'csv', '--out', through, ...span])
    const lines = async (path: string) => (await readFile(path, 'utf8')).split(/\r?\n/).sort()
    expect(await lines(through)).toEqual(await lines(here))
    expect(out).toMatch(/^[\d,]+ events as csv, [\d.]+ [kM]B, in /)
    expect((await stat(through)).mode & 0o077).toBe(0)
  }, 60_000)

  it('writes parquet and compressed lines, and lines to standard output', async () => {
    const parquet = join(folder, 'events.parquet')
    expect(JSON.parse((await get('parquet', parquet, '--json')).out)).toMatchObject({
      format: 'parquet',
      events: EVENTS,
    })
    expect((await readFile(parquet)).subarray(0, 4).toString()).toBe('PAR1')
    const zipped = join(folder, 'events.ndjson.gz')
    await get('ndjson', zipped)
    expect([...(await readFile(zipped)).subarray(0, 2)]).toEqual([0x1f, 0x8b])
    const { out, notes } = await get('ndjson', '-')
    expect(out.trim().split('\n')).toHaveLength(EVENTS)
    expect(notes).toMatch(/^1,500 events as ndjson/)
    expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([])
  }, 60_000)

  it('says what a server does not give, and writes nothing where there is nothing', async () => {
    const empty = join(folder, 'empty.csv')
    expect((await get('csv', empty, '--from', '2020-01', '--to', '2020-02')).notes).toContain('nothing was written')
    await expect(stat(empty)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(get('ocsf', join(folder, 'x.json'))).rejects.toMatchObject({ message: 'A server gives no ocsf.' })
    await expect(get('csv', folder)).rejects.toMatchObject({ message: 'A server gives one file, not one a day.' })
    await expect(get('csv', join(folder, 'missing', 'x.csv'))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  }, 60_000)
})

describe('rules', () => {
  it('are listed as on the home', async () => {
    const [at, through] = [await cli.on(registerRules, ['rules', 'list']), await over(registerRules, ['rules', 'list'])]
    const named = (text: string) =>
      [...text.matchAll(/^(\S+) +(informational|low|medium|high|critical) /gm)].map(String).sort()
    expect(named(through.out)).toEqual(named(at.out))
    expect(named(at.out).length).toBeGreaterThan(50)
    const some = ['rules', 'list', '--level', 'critical', '--threat', 'exfil*', '--json']
    const calls = ({ out }: { out: string }) =>
      JSON.parse(out)
        .rules.map(({ title }: { title: string }) => title)
        .sort()
    expect(calls(await over(registerRules, some))).toEqual(calls(await cli.on(registerRules, some)))
  }, 60_000)

  it('of one file go by their own names, as on the home', async () => {
    const { out } = await over(registerRules, ['rules', 'list', '--level', 'low'])
    for (const name of ['one_notebook', 'other_notebook']) expect(out).toMatch(new RegExp(`^${name} +low `, 'm'))
    const show = async (name: string) =>
      Promise.all([
        cli.on(registerRules, ['rules', 'show', name, '--json']),
        over(registerRules, ['rules', 'show', name, '--json']),
      ])
    for (const name of ['notebooks', 'other_notebook']) {
      const [at, through] = (await show(name)).map(({ out: text }) =>
        JSON.parse(text).rules.map(({ rule }: { rule: string }) => rule),
      )
      expect(through).toEqual(at)
      expect(at).toHaveLength(name === 'notebooks' ? 2 : 1)
    }
  }, 60_000)

  it('are shown by the name of their file, and a slip says what was meant', async () => {
    const { out } = await cli.on(registerRules, ['rules', 'list'])
    const [name = ''] = /^[a-z][\w-]+(?= +(?:high|critical) )/m.exec(out) ?? []
    const [at, through] = [
      await cli.on(registerRules, ['rules', 'show', name]),
      await over(registerRules, ['rules', 'show', name]),
    ]
    expect(through.out.split('\n')[0]).toBe(at.out.split('\n')[0])
    expect(through.out).toContain('\nFalse positives\n')
    await expect(over(registerRules, ['rules', 'show', `${name}x`])).rejects.toMatchObject({
      hint: expect.stringContaining(`Did you mean ${name}`),
    })
    await expect(over(registerRules, ['rules', 'list', '--no-shipped'])).rejects.toMatchObject({ exit: 2 })
  }, 60_000)
})

describe('a backtest', () => {
  it('finds over a server what it finds on the home', async () => {
    const span = ['--from', '2026-11-10', '--to', '2026-11-13']
    const names = ['group-deleted', 'account-admin-granted', 'failed-logins-of-account']
    const known = (await over(registerRules, ['rules', 'list'])).out
    const there = names.filter((name) => known.includes(`${name} `))
    const argv = ['rules', 'backtest', ...there, ...span, '--json']
    const [at, through] = [await cli.on(registerRules, argv), await over(registerRules, argv)]
    const figures = ({ out }: { out: string }) =>
      JSON.parse(out)
        .found.map(({ samples: _, ...row }: Record<string, unknown>) => JSON.stringify(row))
        .sort()
    expect(there.length).toBeGreaterThan(0)
    expect(figures(through)).toEqual(figures(at))
    expect(JSON.parse(through.out).days).toEqual(JSON.parse(at.out).days)
    await expect(over(registerRules, ['rules', 'backtest'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(over(registerRules, argv, { as: 'viewer' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }, 120_000)
})

describe('tokens', () => {
  it('are made, listed and revoked over a server, with at most the rights of who asks', async () => {
    const token = (...argv: string[]) => over(registerToken, ['token', ...argv])
    const made = await token('create', 'nightly', '--role', 'auditor', '--scope', 'events:read', '--expires', '7d')
    const secret = made.out.trim()
    expect(secret).toMatch(/^btk_/)
    const asking = over(registerQuery, ['query', 'SELECT 1'], { token: secret })
    await expect(asking).rejects.toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining('sql:run') })
    expect(await token('list')).toEqual(await cli.on(registerToken, ['token', 'list']))
    const id = /its id is (\S+)\.$/.exec(made.notes)?.[1] ?? ''
    await expect(token('revoke', id, 'nonesuch')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await token('revoke', id)).out).toBe(`${id} (nightly) counts no longer.\n`)
    await expect(over(registerQuery, ['query', 'SELECT 1'], { token: secret })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      hint: expect.stringContaining('revoked'),
    })
    await expect(over(registerToken, ['token', 'create', 'x'], { as: 'analyst' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    const records = await recordLines(server.home)
    expect(records.filter(({ actionName }) => actionName === 'createToken')[0]).toMatchObject({
      requestParams: { name: 'nightly', role: 'auditor' },
    })
    expect(await recordText(server.home)).not.toContain(secret)
  })
})

describe('destinations', () => {
  const deliver = (...argv: string[]) => over(registerDeliver, ['deliver', ...argv])
  const put = (...notes: readonly string[]) => {
    const outbox = Outbox.open(server.home.outbox)
    outbox.put(notes.map((note, n) => aMessage('soc', n, `alert ${n}`, { note })))
    outbox.close()
  }

  it('are shown, tried, and their dead letters looked at, sent again and thrown away', async () => {
    expect((await deliver('test', 'soc')).out).toBe('soc took the test.\n')
    put('refuse me \u001b[2J', 'refuse me, too')
    await cli.on(registerDeliver, ['deliver', 'drain'])
    for (const argv of [['status'], ['dead'], ['dead', 'soc', '--limit', '1'], ['discard', 'soc']]) {
      const at = await cli.on(registerDeliver, ['deliver', ...argv])
      expect((await deliver(...argv)).out).toBe(at.out)
    }
    expect((await deliver('dead')).out.trim().split('\n')).toHaveLength(4)
    expect((await deliver('replay', 'soc')).out).toBe('2 are in the queue again.\n')
    await cli.on(registerDeliver, ['deliver', 'drain'])
    expect((await deliver('discard', 'soc', '--yes')).out).toBe('2 discarded.\n')
    expect((await deliver('dead')).out).toBe('Nothing was refused for good.\n')
    await expect(deliver('test', 'sock')).rejects.toMatchObject({ hint: 'Did you mean soc?' })
    await expect(deliver('drain')).rejects.toMatchObject({ message: expect.stringContaining('files of a home') })
  }, 60_000)
})

describe('doctor', () => {
  it('looks at the server, and as far as the token sees at what it does', async () => {
    const { out, exitCode } = await over(registerDoctor, ['doctor'])
    expect(out).toMatch(/^ok {4}server +Bricktrail \S+ at http:\/\/127\.0\.0\.1:\d+, asked as a admin \(admin\)$/m)
    expect(out).toMatch(/^ok {4}lake +the lake can be read$/m)
    expect(out).toMatch(/^ok {4}seal +\d+ leaves; nothing is unsealed$/m)
    expect(out).toMatch(/^(?:ok {2}|warn) {2}to soc /m)
    expect(exitCode).toBe(0)
    const { checks } = JSON.parse((await over(registerDoctor, ['doctor', '--json'], { as: 'viewer' })).out)
    expect(checks.map(({ name }: { name: string }) => name)).not.toContain('seal')
  })
})
