import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import { recordLines, recordText } from '../../serve/records.fixture.ts'
import { who } from '../../serve/routes/me.ts'
import { served } from '../../serve/served.fixture.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerToken } from './token.ts'

const NOW = new Date('2026-11-13T12:00:00Z')
let home: Home
beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-token-')))
})
afterEach(() => rm(home.root, { recursive: true, force: true }))

const token = (...argv: string[]): Promise<Recorded> =>
  runCommand(registerToken, ['token', ...argv], { home: home.root, now: NOW })

it('makes a token that the service takes, and records it without its secret', async () => {
  const { out, notes } = await token(
    'create',
    'nightly',
    '--role',
    'auditor',
    '--scope',
    'events:read,sql:run',
    '--as',
    'ana',
  )
  expect(out).toMatch(/^btk_[\w-]{43}\n$/)
  expect(notes).toContain('until 2027-02-11')
  const at = served(home, [who], { now: () => NOW })
  const answer = await at.fetch('/api/v1/me', { headers: { authorization: `Bearer ${out.trim()}` } })
  expect(await answer.json()).toMatchObject({
    name: 'nightly',
    role: 'auditor',
    permissions: ['events:read', 'sql:run'],
  })
  await at.close()
  const record = (await recordLines(home)).find(({ actionName }) => actionName === 'createToken')
  expect(record).toMatchObject({ userIdentity: { email: 'ana' }, requestParams: { name: 'nightly', role: 'auditor' } })
  expect(await recordText(home)).not.toContain(out.trim())
  expect(((await stat(home.access)).mode & 0o777).toString(8)).toBe('600')
})

it('names nobody by an address, and always the user of the system', async () => {
  for (const argv of [['link'], ['create', 'x'], ['signout', 'ana'], ['revoke', 'x']])
    for (const as of ['emily.wilson@example.com', 'emily\uFF20example.com'])
      await expect(token(...argv, '--as', as)).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: /--as is no address/,
      })
  expect(await recordText(home)).toBe('')
  await token('link', '--as', 'emily')
  const at = served(home, [], { now: () => NOW })
  expect(() => at.access.links.make({ name: 'emily@example.com', role: 'viewer' })).toThrow('no address')
  await at.close()
  expect(await recordLines(home)).toMatchObject([
    { userIdentity: { email: 'emily' }, requestParams: { role: 'admin', system_user: userInfo().username } },
  ])
})

it('refuses limits and scopes that could never count', async () => {
  await expect(token('create', 'x', '--category', 'permision')).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: 'There is no category "permision".',
    hint: /^Did you mean permission\?/,
  })
  await expect(token('create', 'x', '--role', 'viewer', '--scope', 'sql:run')).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: /The role viewer does not have sql:run/,
  })
  expect((await token('list')).out).toBe('No tokens.\n')
  await writeFile(join(home.root, 'bricktrail.yaml'), 'access: {roles: {viewer: {allow: [sql:run]}}}\n')
  expect((await token('create', 'x', '--role', 'viewer', '--scope', 'sql:run')).out).toMatch(/^btk_/)
})

it('lists tokens and what became of them, and revokes', async () => {
  expect((await token('list')).out).toBe('No tokens.\n')
  await token('create', 'one', '--workspace', '42,43')
  await token('create', 'two', '--expires', '1h')
  const { tokens } = JSON.parse((await token('list', '--json')).out) as {
    tokens: { id: string; name: string; rows: object }[]
  }
  const one = tokens.find(({ name }) => name === 'one')
  expect(one?.rows).toEqual({ workspaces: ['42', '43'] })
  expect((await token('revoke', one?.id ?? '')).out).toContain('(one) counts no longer')
  const later = new Date(NOW.getTime() + 2 * 3_600_000)
  const { out } = await runCommand(registerToken, ['token', 'list'], { home: home.root, now: later })
  expect(
    out
      .split('\n')
      .filter((line) => /one|two/.test(line))
      .map((line) => / (revoked|expired|counts) /.exec(line)?.[1])
      .sort(),
  ).toEqual(['expired', 'revoked'])
  await expect(token('revoke', 'nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('refuses tokens that live too long and permissions that do not exist', async () => {
  await expect(token('create', 'x', '--expires', '2y')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(token('create', 'x', '--expires', '400d')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(token('create', ' ')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(token('create', 'x', '--scope', 'everything')).rejects.toThrow()
})

it('prints a link to where the settings say the page is', async () => {
  expect((await token('link')).out).toMatch(/^http:\/\/127\.0\.0\.1:7420\/auth\/link\?code=btl_[\w-]{43}\n$/)
  await writeFile(join(home.root, 'bricktrail.yaml'), 'serve:\n  public_url: https://audit.example.com\n')
  const { out, notes } = await token('link', '--role', 'viewer', '--as', 'bob')
  expect(out).toMatch(/^https:\/\/audit\.example\.com\/auth\/link\?code=btl_/)
  expect(notes).toContain('no service runs')
  expect(await recordText(home)).not.toContain(/code=(\S+)/.exec(out)?.[1])
})

it('ends the sessions of a name, or of everybody, and records it', async () => {
  const at = served(home, [who], { now: () => NOW })
  for (const name of ['ana', 'ana', 'bob', 'eve'])
    at.access.sessions.begin({ holder: `link:${name}`, name, role: 'admin', rows: {} })
  expect((await token('signout', 'ana', '--as', 'root')).out).toBe('2 sessions ended.\n')
  expect(at.access.sessions.list().map(({ name }) => name)).toEqual(expect.arrayContaining(['bob', 'eve']))
  expect((await token('signout', '--all', '--json')).out).toBe('{"ended":2}\n')
  expect(at.access.sessions.list()).toEqual([])
  await expect(token('signout')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(token('signout', 'ana', '--all')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await at.close()
  const ended = (await recordLines(home)).filter(({ actionName }) => actionName === 'endSession')
  expect(ended.map(({ requestParams }) => requestParams.name).sort()).toEqual(['ana', 'everybody'])
})
