import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { USUAL_SETTINGS } from '../serve/settings.ts'
import { USUAL_SERVICE } from '../service/settings.ts'
import { commentedConfig } from './commented.ts'
import { configOf, readConfig } from './config.ts'

const read = (text: string, environment: NodeJS.ProcessEnv = {}) =>
  configOf(text, '/etc/bt/bricktrail.yaml', environment)

const fault = (text: string): string => {
  try {
    read(text)
  } catch (cause) {
    if (isAppError(cause)) return `${cause.message} ${cause.hint}`.replace('/etc/bt/bricktrail.yaml:', '')
    throw cause
  }
  return 'nothing is wrong'
}

it('has usual settings where nothing is said', () => {
  const usual = { listen: { host: '127.0.0.1', port: 7420 }, serve: USUAL_SETTINGS, service: USUAL_SERVICE }
  for (const text of ['', '# nothing\n', commentedConfig('schema.json')]) expect(read(text)).toEqual(usual)
})

it('reads everything there is to say', () => {
  const config = read(
    `
sources:
  - {name: prod, path: logs, form: delivery, every: 5m}
  - {name: azure, paths: [/mnt/a, "b/**/*.json"]}
serve:
  listen: "[::1]:8443"
  public_url: https://audit.example.com
  names: [Audit.internal]
  tls: {cert: server.pem, key: /etc/key.pem}
  behind_proxy: [10.0.0.7, fd00::/8]
  sessions: {longest: 8h, idle: 15m}
  limits: {requests_per_minute: 60, body: 2MiB, headers: 8KiB, request_time: 2m, sign_in_failures: 3, connections: 50}
access:
  oidc:
    issuer: https://login.example.com
    client_id: bt
    client_secret: env:SECRET
    groups: {security: admin}
    people: {Ana@Example.com: analyst}
    default_role: viewer
    domains: [Example.COM]
    trust_email: true
  roles:
    viewer: {allow: [seal:read], masks: [email], workspaces: ["1"]}
    analyst: {deny: [sql:run]}
schedules: {own_log: 1m, alert: 2m, silence: "0 * * * *", compact: "30 3 * * *"}
deliver: false
disk_floor: 2GiB
grace: 1d
`,
    { SECRET: 'hidden' },
  )
  expect(config.listen).toEqual({ host: '::1', port: 8443 })
  expect(config.service).toEqual({
    sources: [
      { name: 'prod', specs: ['/etc/bt/logs'], form: 'delivery', everyMs: 300_000 },
      { name: 'azure', specs: ['/mnt/a', '/etc/bt/b/**/*.json'], form: 'auto', everyMs: 30_000 },
    ],
    schedules: {
      ownLog: { everyMs: 60_000 },
      alert: { everyMs: 120_000 },
      silence: { cron: '0 * * * *' },
      compact: { cron: '30 3 * * *' },
    },
    diskFloorBytes: 2 * 1024 ** 3,
    graceMs: 86_400_000,
    delivers: false,
  })
  expect(config.serve).toEqual({
    publicUrl: 'https://audit.example.com',
    tls: { certFile: '/etc/bt/server.pem', keyFile: '/etc/key.pem' },
    names: ['audit.internal'],
    behindProxy: ['10.0.0.7', 'fd00::/8'],
    sessions: { hours: 8, idleMinutes: 15 },
    limits: {
      requestsPerMinute: 60,
      bodyBytes: 2 * 1024 ** 2,
      headerBytes: 8192,
      requestSeconds: 120,
      signInFailures: 3,
      connections: 50,
    },
    access: {
      oidc: {
        name: 'login.example.com',
        issuer: 'https://login.example.com',
        clientId: 'bt',
        clientSecret: 'hidden',
        scopes: ['openid', 'profile', 'email'],
        groupsClaim: 'groups',
        groups: { security: 'admin' },
        people: { 'ana@example.com': 'analyst' },
        defaultRole: 'viewer',
        domains: ['example.com'],
        trustEmail: true,
      },
      roles: {
        viewer: { allow: ['seal:read'], masks: ['email'], rows: { workspaces: ['1'] } },
        analyst: { deny: ['sql:run'] },
      },
    },
  })
})

it.each([
  ['sorces: []', '1:1: sorces is no key of the file. Did you mean sources?'],
  ['serve:\n  lisen: 127.0.0.1:1', '2:3: lisen is no key of serve. Did you mean listen?'],
  ['serve:\n  listen: 80', '2:3: serve.listen is a number, not a text. Write for example 127.0.0.1:7420.'],
  ['serve: {listen: "a:99999"}', '1:9: "a:99999" is no address with a port'],
  ['serve: {behind_proxy: [10.0.0.0/33]}', '1:24: "10.0.0.0/33" is no address or network'],
  ['serve: {public_url: "https://a.b/c"}', '1:9: The address has no path, no query and no user'],
  ['serve: {names: ["https://a.b"]}', '1:17: "https://a.b" is no name of a host'],
  ['serve: {limits: {connections: 1}}', '1:18: serve.limits.connections is out of bounds'],
  ['sources:\n  - name: a\n  - {name: b, path: x}', '2:5: A source has either `path` or `paths`.'],
  ['sources: [{name: A, path: x}]', '1:12: A name has small letters'],
  ['sources: [{name: a, path: x, form: aws}]', '1:30: sources.0.form cannot be "aws". Use one of auto, '],
  ['sources: [{name: a, path: x}, {name: a, path: y}]', '1:32: There are two sources a.'],
  ['sources: [{name: a, path: x}, {name: b, path: x}]', '1:41: x is read by a already.'],
  ['access: {roles: {viewr: {}}}', '1:18: viewr is no key of access.roles. Did you mean viewer?'],
  [
    'access: {roles: {viewer: {masks: [emal]}}}',
    '1:35: access.roles.viewer.masks.0 cannot be "emal". Did you mean email? Use one of email',
  ],
  [
    'access: {roles: {viewer: {categories: [permision]}}}',
    '1:40: access.roles.viewer.categories.0 cannot be "permision". Did you mean permission? Use one of authentication',
  ],
  [
    'access: {roles: {viewer: {workspaces: [1234567890]}}}',
    '1:40: access.roles.viewer.workspaces.0 is a number, not a text. Put it in quotes.',
  ],
  ['access: {oidc: {issuer: "https://a.b"}}', '1:10: access.oidc.client_id is missing.'],
  ['access: {oidc: {issuer: "http://a.b", client_id: c}}', '1:17: "http://a.b" is no https address of an issuer.'],
  ['access: {oidc: {issuer: "https://a.b", client_id: c, client_secret: s3cret}}', '1:54: Write env:NAME or file:'],
  [
    'access: {oidc: {issuer: "https://a.b", client_id: c, client_secret: "env:NO"}}',
    '1:54: There is no secret in env:NO.',
  ],
  ['schedules: {compact: "99 * * * *"}', '1:13: "99 * * * *" is neither a length of time nor a cron pattern'],
  ['schedules: {alert: soon}', '1:13: "soon" is neither a length of time nor a cron pattern'],
  ['disk_floor: 5', '1:1: disk_floor is a number, not a text. Write for example 512MiB.'],
  ['deliver: "yes"', '1:1: deliver is a text, not true or false.'],
  ['- a', '1:1: The document is no map of keys.'],
  ['a: [', '1:5: This is no YAML'],
])('tells where %j is wrong, and what to do', (text, told) => {
  expect(fault(text).slice(0, told.length)).toBe(told)
})

it('never tells a secret that stands where a reference belongs', () => {
  expect(fault('access: {oidc: {issuer: "https://a.b", client_id: c, client_secret: s3cret}}')).not.toMatch(/s3cret/)
})

it('takes the settings that the pages show', () => {
  const pages = ['sign-in', 'run-the-service'].map((name) => new URL(`../../docs/how-to/${name}.md`, import.meta.url))
  const blocks = pages.flatMap((page) => [...readFileSync(page, 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)])
  expect(blocks.length).toBeGreaterThan(3)
  for (const [, block = ''] of blocks) read(block, { BRICKTRAIL_OIDC_SECRET: 'hidden' })
})

it('reads the file of the home, or the one that is named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'config-'))
  try {
    expect((await readConfig({ root }, undefined)).file).toBeUndefined()
    await writeFile(join(root, 'bricktrail.yaml'), 'serve: {listen: "127.0.0.1:1"}\n')
    await writeFile(join(root, 'other.yaml'), 'serve: {listen: "127.0.0.1:2"}\n')
    expect(await readConfig({ root }, undefined)).toMatchObject({
      file: join(root, 'bricktrail.yaml'),
      listen: { port: 1 },
    })
    expect(await readConfig({ root }, join(root, 'other.yaml'))).toMatchObject({ listen: { port: 2 } })
    await expect(readConfig({ root }, join(root, 'none.yaml'))).rejects.toMatchObject({ code: 'BAD_HOME' })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})
