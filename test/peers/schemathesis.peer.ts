/**
 * The API fuzzed from its own description by schemathesis, against a real `bricktrail serve` on a home with events, rejects, findings and
 * alerts: no answer is a failure of the server, and each is one that the description has. Once as an administrator, and once as a viewer who sees
 * one workspace through masks.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { check } from './check.ts'
import { python } from './install.ts'

/** Enough to meet each route in many ways; more is found by running it longer. */
const EXAMPLES = Number(process.env.SCHEMATHESIS_EXAMPLES ?? 25)

/**
 * A stream has no end; sign-in by link and provider ends in redirects to pages that are not of the API; and the fuzzer, which learns ids from
 * answers, would revoke its own token and be refused from then on.
 */
const LEFT_OUT = ['/api/v1/stream', '/auth/link', '/auth/oidc/start', '/auth/oidc/callback', '/api/v1/tokens/{id}']

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'ignored_auth',
]

/** Of what it says so much is shown where it finds something. */
const MOST_LINES = 400
const LONGEST_LINE = 400

const PROGRAM = join(import.meta.dirname, '../../bin/bricktrail.mjs')

const RULE = `title: A sign-in that was refused
id: 6d0d7a5e-6a3c-4f4e-9a34-0c1b1f1f7a10
name: refused_sign_in
logsource: { product: databricks, service: audit }
detection:
  selection: { response.statusCode: [401, 403] }
  condition: selection
level: high
bricktrail:
  entity: actor.email
  parameters: [{ name: times, value: 3, reason: People mistype. }]
`

/** Viewers may as much as masks allow, so that little of what is asked behind them ends at the door. */
const SETTINGS = `serve:
  limits: { requests_per_minute: 100000 }
access:
  roles: { viewer: { allow: [sql:run, events:download, events:reveal, alerts:change, seal:read] } }
`

/** Who sees some rows through masks asks the same routes; fewer examples reach what differs. */
const LIMITED_EXAMPLES = Math.ceil(EXAMPLES / 3)

const folder = await mkdtemp(join(tmpdir(), 'schemathesis-'))
const home = join(folder, 'home')

/** Runs a command of the program; returns what it printed. */
function bricktrail(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, '--home', home, ...args], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`bricktrail ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}

const tokenOf = (name: string, role: string, ...more: readonly string[]): string =>
  bricktrail('token', 'create', name, '--role', role, ...more).match(/btk_[\w-]+/)?.[0] ?? ''

/** The workspace with the most events. */
function workspaceOf(): string {
  const sql = "SELECT workspace_id FROM events WHERE workspace_id <> '0' GROUP BY ALL ORDER BY count(*) DESC LIMIT 1"
  const id = bricktrail('query', sql, '--format', 'csv').match(/\d+/)?.[0]
  if (id === undefined) throw new Error('The home has no events of a workspace.')
  return id
}

async function makeHome(): Promise<void> {
  await mkdir(join(home, 'own'), { recursive: true })
  await writeFile(join(home, 'own', 'refused.yml'), RULE)
  await writeFile(join(home, 'detect.yaml'), 'shipped: false\nrules: [own]\n')
  await writeFile(join(home, 'deliver.yaml'), 'destinations:\n  pager: { kind: file, path: pager.ndjson }\n')
  await writeFile(join(home, 'bricktrail.yaml'), SETTINGS)
  const logs = join(folder, 'logs')
  bricktrail('simulate', '--out', logs, '--events', '3000', '--days', '2')
  const [first] = (await readdir(logs, { recursive: true })).filter((name) => name.endsWith('.json')).sort()
  await appendFile(join(logs, first ?? ''), '{"broken": \n[1]\n')
  bricktrail('ingest', logs)
  bricktrail('alerts', 'run')
}

/** Starts the server and waits until it says where it listens. */
async function serve(): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [PROGRAM, '--home', home, 'serve', '--port', '0', '--no-open'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = createInterface({ input: child.stdout })
  child.stderr.on('data', () => undefined)
  for await (const line of lines) {
    const url = /http:\/\/[\w.:[\]]+/.exec(line)?.[0]
    if (url !== undefined) {
      lines.resume()
      return { url, child }
    }
  }
  throw new Error('The server ended before it listened.')
}

/** The command of schemathesis, wherever pip put it. */
function schemathesis(args: readonly string[]): Promise<{ code: number | null; text: string }> {
  const { command, env } = python(import.meta.dirname)
  const path = [join(import.meta.dirname, '.python', 'bin'), process.env.PATH ?? ''].join(delimiter)
  const script = 'import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())'
  const child = spawn(command, ['-c', script, ...args], { cwd: folder, env: { ...env, PATH: path, NO_COLOR: '1' } })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })))
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
  })

/** A run of schemathesis must find nothing; what it says at the end is shown. */
async function fuzz(url: string, token: string, more: readonly string[], examples = EXAMPLES): Promise<void> {
  const usual = [
    '--checks',
    CHECKS.join(','),
    '--phases',
    'examples,coverage,fuzzing',
    '--max-examples',
    String(examples),
  ]
  const { code, text } = await schemathesis([
    ...more,
    'run',
    `${url}/openapi.json`,
    ...['--header', `Authorization: Bearer ${token}`, ...usual, '--request-timeout', '60', '--seed', '1'],
    ...[
      '--generation-database',
      'none',
      '--continue-on-failure',
      '--suppress-health-check',
      'all',
      '--warnings',
      'off',
    ],
    ...LEFT_OUT.flatMap((path) => ['--exclude-path', path]),
  ])
  const lines = text.split('\n').map((line) => line.slice(0, LONGEST_LINE))
  process.stdout.write(
    `${lines
      .slice(lines.findLastIndex((line) => line.includes('SUMMARY')))
      .join('\n')
      .replaceAll(/^/gm, '# ')}\n`,
  )
  if (code !== 0) throw new Error(lines.slice(-MOST_LINES).join('\n'))
}

/** Ids that are there, for the routes that show one thing: made-up ones end in 404. `limited` is the token that sees the event. */
async function realIds(url: string, token: string, limited?: string): Promise<string> {
  const get = async (path: string, as = token): Promise<Record<string, readonly Record<string, string>[]>> => {
    const response = await fetch(`${url}/api/v1/${path}`, { headers: { authorization: `Bearer ${as}` } })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, readonly Record<string, string>[]>
  }
  const ids = {
    // One that is seen: of the others, a limited token is told that there are none.
    events: (await get('events?limit=1', limited)).events?.[0]?.id,
    findings: (await get('findings?limit=1')).findings?.[0]?.id,
    alerts: (await get('alerts?which=all&limit=1')).alerts?.[0]?.id,
    rules: 'refused_sign_in',
  }
  const sections = Object.entries(ids).map(([name, id]) => {
    if (id === undefined) throw new Error(`The home has no ${name}.`)
    return `[[operations]]\ninclude-path-regex = "^/api/v1/${name}/\\\\{id\\\\}"\nparameters = { id = "${id}" }\n`
  })
  const named = '[[operations]]\ninclude-path-regex = "^/api/v1/destinations/"\nparameters = { name = "pager" }\n'
  return [...sections, named].join('\n')
}

let server: ChildProcess | undefined
try {
  await makeHome()
  const token = tokenOf('the fuzzer', 'admin')
  const limited = tokenOf('a limited fuzzer', 'viewer', '--workspace', workspaceOf())
  const { url, child } = await serve()
  server = child
  await check(
    `schemathesis: made-up ids, ${EXAMPLES} examples a route and all edge cases meet no failure of the server`,
    () => fuzz(url, token, []),
  )
  const settings = join(folder, 'schemathesis.toml')
  await writeFile(settings, await realIds(url, token))
  await check('schemathesis: and so with ids that are there', () => fuzz(url, token, ['--config-file', settings]))
  const theirs = join(folder, 'limited.toml')
  await writeFile(theirs, await realIds(url, token, limited))
  await check(
    `schemathesis: so does a viewer of one workspace, behind masks, with ${LIMITED_EXAMPLES} examples a route`,
    () => fuzz(url, limited, ['--config-file', theirs], LIMITED_EXAMPLES),
  )
  await check('the server still runs after it, and its home verifies', async () => {
    const { status } = await fetch(`${url}/healthz`)
    if (status !== 200) throw new Error(`/healthz answers ${status}`)
    child.kill('SIGTERM')
    await ended(child)
    bricktrail('verify')
    if (!existsSync(join(home, 'own'))) throw new Error('The record of use is gone.')
  })
} finally {
  if (server !== undefined) {
    server.kill('SIGKILL')
    await ended(server)
  }
  await rm(folder, { recursive: true, force: true })
}
