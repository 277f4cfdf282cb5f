import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { type Certificate, certificate } from '../../deliver/certificate.fixture.ts'
import { hasClient, withClient } from '../../deliver/clients.fixture.ts'
import { ECHOES, type EchoServer, echoPost, echoServer } from '../../deliver/echo.fixture.ts'
import { writeBatch } from '../../deliver/lake.fixture.ts'
import { aMessage } from '../../deliver/message.fixture.ts'
import { Outbox } from '../../deliver/outbox.ts'
import { SINKS, sinkKind } from '../../deliver/registry.ts'
import { readDeliverSettings } from '../../deliver/settings.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerAlerts } from './alerts.ts'
import { registerDeliver } from './deliver.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

let root: string
let made: Certificate
let web: EchoServer
let post: EchoServer
/** What was planted, by key of the settings: `kind.key`. */
const planted = new Map<string, string>()
/** All that was printed. */
const printed: string[] = []

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bricktrail-planted-'))
  await mkdir(join(root, 'home'))
  await mkdir(join(root, 'given'))
  made = certificate(join(root, 'given'))
  web = await echoServer()
  post = await echoPost(made)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await web.close()
  await post.close()
  await rm(root, { recursive: true, force: true })
})

let count = 0
/** A reference to a secret: of every two, one is a variable and one a file. */
async function plant(name: string, value = `planted-${count + 1}-S3cret+/=?&"word of ${name}`): Promise<string> {
  count += 1
  planted.set(name, value)
  if (count % 2 === 0) {
    vi.stubEnv(`PLANTED_${count}`, value)
    return `env:PLANTED_${count}`
  }
  const file = join(root, 'given', `secret-${count}`)
  await writeFile(file, `${value}\n`)
  return `file:${file}`
}

type Section = Readonly<Record<string, unknown>>

/** Every kind that is given secrets, with each way of giving them. */
async function sections(): Promise<Readonly<Record<string, Section>>> {
  const url = `http://127.0.0.1:${web.port}`
  const at = { url, allow_private: true }
  const hook = (name: string) => plant(name, `${url}/hooks/planted-path-${name}/9876?sig=planted-signature-of-${name}`)
  const whsec = `whsec_${Buffer.from('planted secret of the webhook!!!').toString('base64')}`
  const whsk = `whsk_${Buffer.from('planted key that signs webhooks!').toString('base64')}`
  const azure = `DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=${Buffer.from('planted account key of azure blob').toString('base64')};BlobEndpoint=${url}/acct;`
  return {
    webhook: {
      kind: 'webhook',
      ...at,
      secrets: [await plant('webhook.secrets', whsec), await plant('webhook.secrets 2', whsk)],
    },
    slack: { kind: 'slack', url: await hook('slack.url'), allow_private: true },
    teams: { kind: 'teams', url: await hook('teams.url'), allow_private: true },
    pagerduty: { kind: 'pagerduty', ...at, routing_key: await plant('pagerduty.routing_key') },
    jsm: { kind: 'jsm', ...at, api_key: await plant('jsm.api_key') },
    jira: { kind: 'jira', ...at, email: 'a@example.com', token: await plant('jira.token'), project: 'OPS' },
    email: {
      kind: 'email',
      host: '127.0.0.1',
      port: post.port,
      ca: made.file,
      from: 'a@example.com',
      to: ['b@example.com'],
      username: 'trail',
      password: await plant('email.password'),
    },
    am1: { kind: 'alertmanager', ...at, username: 'trail', password: await plant('alertmanager.password') },
    am2: { kind: 'alertmanager', ...at, token: await plant('alertmanager.token') },
    syslog: {
      kind: 'syslog',
      host: '127.0.0.1',
      port: web.port,
      ca: made.file,
      certificate: made.file,
      key: await plant('syslog.key', made.key.trim()),
    },
    hec: { kind: 'splunk-hec', url, token: await plant('splunk-hec.token') },
    hecack: { kind: 'splunk-hec', url, token: await plant('splunk-hec.token 2'), acknowledge: true },
    datadog: { kind: 'datadog', url, api_key: await plant('datadog.api_key') },
    azure: {
      kind: 'azure-logs',
      endpoint: url,
      rule: 'dcr-1',
      stream: 'Custom-A_CL',
      token: await plant('azure-logs.token'),
    },
    glog: { kind: 'google-logging', parent: 'projects/p', endpoint: url, token: await plant('google-logging.token') },
    es1: { kind: 'elasticsearch', url, index: 'audit', api_key: await plant('elasticsearch.api_key') },
    es2: {
      kind: 'elasticsearch',
      url,
      index: 'audit',
      username: 'trail',
      password: await plant('elasticsearch.password'),
    },
    otlp: { kind: 'otlp', url, headers: { 'x-api-key': await plant('otlp.headers') } },
    gcs: { kind: 'gcs', bucket: 'audit', endpoint: url, token: await plant('gcs.token') },
    evsyslog: {
      kind: 'event-syslog',
      host: '127.0.0.1',
      port: web.port,
      ca: made.file,
      certificate: made.file,
      key: await plant('event-syslog.key', made.key.trim()),
    },
    kafka: {
      kind: 'kafka',
      brokers: [`127.0.0.1:${web.port}`],
      topic: 'audit',
      username: 'trail',
      password: await plant('kafka.password'),
    },
    blob: { kind: 'azure-blob', container: 'audit', connection: await plant('azure-blob.connection', azure) },
  }
}

/** Packages that some kinds need; without them those cannot be opened, and `npm run test:peers` does it. */
const CLIENTS: Readonly<Record<string, string>> = { kafka: '@platformatic/kafka', blob: '@azure/storage-blob' }

/** Keys of a schema that lead to secrets, as `kind.key`. */
function secretKeys({ kind, schema }: (typeof SINKS)[number]): string[] {
  const isSecret = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    ((value as { format?: unknown }).format === 'reference' || Object.values(value).some(isSecret))
  const { properties } = schema as { properties: Readonly<Record<string, unknown>> }
  return Object.entries(properties).flatMap(([key, property]) => (isSecret(property) ? [`${kind}.${key}`] : []))
}

/** A secret as it may be written: plainly, in JSON, in an address, in hexadecimal, and in base64 wherever it begins. */
function spellings(name: string, secret: string): string[] {
  const parts = secret.startsWith('http')
    ? [new URL(secret).pathname, new URL(secret).search.slice(5)]
    : secret.includes('-----BEGIN')
      ? secret.split('\n').slice(1, -1)
      : name === 'azure-blob.connection'
        ? [/AccountKey=([^;]+)/.exec(secret)?.[1] ?? '']
        : [secret.replace(/^wh(sec|sk)_/, '')]
  return parts.flatMap((part) => {
    const bytes = Buffer.from(part)
    const inBase64 = [0, 1, 2].map((offset) =>
      Buffer.concat([Buffer.alloc(offset), bytes])
        .toString('base64')
        .slice(offset === 0 ? 0 : 4, -4),
    )
    return [
      part,
      JSON.stringify(part).slice(1, -1),
      encodeURIComponent(part),
      bytes.toString('hex'),
      ...inBase64,
      ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    ]
  })
}

/** Files below a folder, with what they hold. */
const filesIn = (folder: string): (readonly [string, Buffer])[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('node_modules') && statSync(join(folder, name)).isFile())
    .map((name) => [name, readFileSync(join(folder, name))] as const)

/** Where any secret stands. */
function leaks(): string[] {
  const places = [
    ['printed', Buffer.from(printed.join('\n'))] as const,
    ...filesIn(join(root, 'home')),
    ...filesIn(join(root, 'crash')),
  ]
  return [...planted].flatMap(([name, secret]) =>
    spellings(name, secret).flatMap((spelling) =>
      places.filter(([, bytes]) => bytes.includes(spelling)).map(([place]) => `${name} in ${place}: ${spelling}`),
    ),
  )
}

async function command(register: Parameters<typeof runCommand>[0], ...argv: string[]): Promise<void> {
  try {
    const { out, notes } = await runCommand(register, argv, { home: join(root, 'home') })
    printed.push(out, notes)
  } catch (cause) {
    const { message, hint, stack } = cause as { message: string; hint?: string; stack?: string }
    printed.push(message, hint ?? '', stack ?? '', JSON.stringify(cause))
  }
}

/** Delivers in a process of its own that dies of an error while it does, with a report, as a user may have asked Node for. */
async function crash(): Promise<void> {
  const dying = 'data:text/javascript,setTimeout(()=>{throw new Error("crash")},2500)'
  const report = ['--report-uncaught-exception', `--report-directory=${join(root, 'crash')}`]
  const child = spawn(
    process.execPath,
    [...report, '--import', dying, MAIN, '--home', join(root, 'home'), 'deliver', 'drain'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    },
  )
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => printed.push(text))
  await once(child, 'close')
}

it('no secret is printed or written, whatever a destination answers, and however it ends', async () => {
  const home = homeAt(join(root, 'home'))
  const all = Object.entries(await sections())
  const secretsOfKinds = SINKS.flatMap(secretKeys)
  expect(secretsOfKinds.filter((key) => !planted.has(key))).toEqual([])
  const here = all.filter(([name]) => CLIENTS[name] === undefined || hasClient(CLIENTS[name]))
  for (const [name] of here) if (CLIENTS[name] !== undefined) await withClient(home.root, CLIENTS[name])
  const isOfEvents = (section: Section) => sinkKind(String(section.kind))?.takes === 'events'
  const written = here.map(([name, section]) => [
    name,
    { ...section, timeout: '1s', ...(isOfEvents(section) ? { from: 'beginning' } : {}) },
  ])
  await writeFile(join(home.root, 'deliver.yaml'), JSON.stringify({ destinations: Object.fromEntries(written) }))
  const { destinations } = await readDeliverSettings(join(home.root, 'deliver.yaml'))
  await mkdir(join(root, 'crash'))
  for (const [round, manner] of ECHOES.entries()) {
    await writeBatch(home, round + 1, { from: round * 3, to: round * 3 + 3 })
    const outbox = Outbox.open(home.outbox)
    const messages = destinations.filter(({ kind }) => kind.takes === 'messages')
    outbox.put(messages.map(({ name }) => aMessage(name, round, `alert ${round}`)))
    outbox.close()
    web.manner = manner
    post.manner = manner
    await command(registerDeliver, 'deliver', 'drain', '--timeout', '2s')
    if (manner === 'broken') await crash()
    if (manner !== 'refuse') continue
    for (const { name } of destinations) await command(registerDeliver, 'deliver', 'test', name)
    for (const { name } of destinations) await command(registerDeliver, 'deliver', 'replay', name)
  }
  await command(registerDeliver, 'deliver', 'status')
  await command(registerDeliver, 'deliver', 'status', '--json')
  await command(registerDeliver, 'deliver', 'dead')
  await command(registerDeliver, 'deliver', 'dead', '--json')
  await command(registerAlerts, 'alerts', 'run', '--json')
  const said = printed.join('\n')
  expect(said).toContain('(secret)')
  expect(said).toContain('Error: crash')
  expect(filesIn(join(root, 'crash')).map(([name]) => name)).toEqual([expect.stringMatching(/^report.*json$/)])
  expect(leaks()).toEqual([])
}, 300_000)
