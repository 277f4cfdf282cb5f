/** The destination `elasticsearch` against a server of OpenSearch. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, same } from './check.ts'
import { event, events, opened, send, using, WORDS } from './deliver.ts'
import { freePort, has, skipped, start } from './servers.ts'

/** The server alone, which Maven Central has for tests of plug-ins. */
const SERVER = { group: 'org.opensearch.distribution.integ-test-zip', name: 'opensearch', version: '2.19.3' }

const ZIPS = join(import.meta.dirname, 'search')
/** It does not run as root. */
const NOBODY = process.getuid?.() === 0 ? 65_534 : undefined

function must(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2], timeout: 300_000 })
  if (status !== 0) throw new Error(`${command} ended with ${status}`)
}

function unpack(folder: string): string {
  const { group, name, version } = SERVER
  const zip = `${name}-${version}.zip`
  if (!existsSync(join(ZIPS, zip))) {
    const copy = `-Dartifact=${group}:${name}:${version}:zip`
    must('mvn', ['-q', '-B', 'dependency:copy', copy, `-DoutputDirectory=${ZIPS}`], import.meta.dirname)
  }
  must('python3', ['-m', 'zipfile', '-e', join(ZIPS, zip), folder], folder)
  const home = join(folder, `${name}-${version}`)
  for (const script of readdirSync(join(home, 'bin'))) chmodSync(join(home, 'bin', script), 0o755)
  if (NOBODY !== undefined) {
    chownSync(folder, NOBODY, NOBODY)
    for (const entry of readdirSync(home, { recursive: true })) chownSync(join(home, String(entry)), NOBODY, NOBODY)
    chownSync(home, NOBODY, NOBODY)
  }
  return home
}

async function serve(folder: string) {
  const home = unpack(folder)
  const [http, transport] = [await freePort(), await freePort()]
  const settings = [
    'discovery.type=single-node',
    'network.host=127.0.0.1',
    `http.port=${http}`,
    `transport.port=${transport}`,
    'cluster.routing.allocation.disk.threshold_enabled=false',
    'action.auto_create_index=audit*,stream*',
  ]
  const args = [join(home, 'bin', SERVER.name), ...settings.map((setting) => `-E${setting}`)]
  const java = spawnSync('sh', ['-c', 'dirname $(dirname $(readlink -f $(command -v java)))'], { encoding: 'utf8' })
  const env = {
    ...process.env,
    OPENSEARCH_JAVA_OPTS: '-Xms300m -Xmx300m',
    OPENSEARCH_JAVA_HOME: java.stdout.trim(),
    OPENSEARCH_TMPDIR: folder,
    HOME: folder,
  }
  const whose = NOBODY === undefined ? {} : { uid: NOBODY }
  const server = await start({ command: 'bash', args, cwd: home, env, port: http, withinMs: 120_000, ...whose })
  return { server, url: `http://127.0.0.1:${http}` }
}

const json = { 'content-type': 'application/json' }
const ask = async <T>(url: string, method = 'GET', body?: object): Promise<T> => {
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(20_000),
    method,
    headers: json,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as T
}
const refreshed = (url: string, index: string) => ask(`${url}/${index}/_refresh`, 'POST')
const counted = async (url: string, index: string): Promise<number> => {
  await refreshed(url, index)
  return (await ask<{ count: number }>(`${url}/${index}/_count`)).count
}

async function checks(url: string): Promise<void> {
  const open = (index: string) => opened('elasticsearch', { url, index })
  const day = new Date(event(0).timeMs).toISOString().slice(0, 10)

  await check(
    'OpenSearch: events are stored under their ids, in the index of their day; the same again changes nothing',
    () =>
      using(open('audit-{date}'), async (sink) => {
        const batch = events(0, 500).map((item) => ({ ...item, timeMs: event(0).timeMs }))
        for (let time = 0; time < 2; time++) same(await send(sink, batch), { kind: 'delivered' })
        same(await counted(url, `audit-${day}`), 500)
        const found = await ask<{ _source: Record<string, unknown>; _version: number }>(
          `${url}/audit-${day}/_doc/event-7`,
        )
        same([found._source.words, found._source.n, found._version], [WORDS, 7, 1])
      }),
  )

  await check(
    'OpenSearch: of a batch, the event that does not fit the index is refused, and the others are stored',
    () =>
      using(open('audit-typed'), async (sink) => {
        await ask(`${url}/audit-typed`, 'PUT', { mappings: { properties: { n: { type: 'integer' } } } })
        const wrong = event(2, { text: JSON.stringify({ id: 'event-2', n: 'no number' }) })
        const outcome = await send(sink, [event(1), wrong, event(3)])
        same(outcome.kind === 'partly' ? outcome.refused.map(({ at, verdict }) => [at, verdict]) : outcome, [
          [1, 'dead'],
        ])
        same(await counted(url, 'audit-typed'), 2)
      }),
  )

  await check('OpenSearch: an index that may not be made blames the settings', () =>
    using(open('other'), async (sink) => same((await send(sink, events(0, 3))).kind, 'misconfigured')),
  )

  await check('OpenSearch: an index that is read-only for now gets its events later', () =>
    using(open('audit-closed'), async (sink) => {
      same(await send(sink, events(0, 3)), { kind: 'delivered' })
      await ask(`${url}/audit-closed/_settings`, 'PUT', { 'index.blocks.write': true })
      const outcome = await send(sink, events(3, 6))
      same(outcome.kind === 'partly' ? outcome.refused.map(({ verdict }) => verdict) : outcome.kind, [
        'again',
        'again',
        'again',
      ])
      await ask(`${url}/audit-closed/_settings`, 'PUT', { 'index.blocks.write': false })
      same(await send(sink, events(3, 6)), { kind: 'delivered' })
      same(await counted(url, 'audit-closed'), 6)
    }),
  )

  await check('OpenSearch: a data stream takes events once', () =>
    using(open('stream-audit'), async (sink) => {
      await ask(`${url}/_index_template/streams`, 'PUT', {
        index_patterns: ['stream*'],
        data_stream: {},
        priority: 500,
      })
      for (let time = 0; time < 2; time++) same(await send(sink, events(0, 50)), { kind: 'delivered' })
      same(await counted(url, 'stream-audit'), 50)
    }),
  )
}

const missing = ['java', 'mvn', 'bash', 'python3'].filter((command) => !has(command))
if (missing.length > 0) skipped('a server of OpenSearch', `${missing.join(' and ')} not installed`)
else {
  // Who is nobody may not enter a folder for temporary files that is its owner's only.
  const folder = await mkdtemp(join(NOBODY === undefined ? tmpdir() : '/tmp', 'bricktrail-search-'))
  try {
    const { server, url } = await serve(folder)
    try {
      for (let tries = 0; tries < 100; tries++) {
        const health = await ask<{ status?: string }>(`${url}/_cluster/health`).catch(() => ({ status: '' }))
        if (health.status === 'green' || health.status === 'yellow') break
        await sleep(200)
      }
      await checks(url)
    } finally {
      await server.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
await check('OpenSearch: nobody there is tried again', async () => {
  const url = `http://127.0.0.1:${await freePort()}`
  await using(opened('elasticsearch', { url, index: 'audit' }), async (sink) =>
    same((await send(sink, events(0, 1))).kind, 'again'),
  )
})
