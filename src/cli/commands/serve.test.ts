import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { shareCache } from '../../ingest/taking.fixture.ts'
import { eventually, logLine, ServiceBench } from '../../service/service.fixture.ts'
import { within } from './serve.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')

/** Rooms load in less on a machine that does nothing else. */
const READY_MS = 15_000

let bench: ServiceBench
const children: ChildProcess[] = []

beforeEach(async () => {
  bench = await ServiceBench.open()
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  await bench.close()
})

interface Process {
  readonly child: ChildProcess
  readonly said: { out: string; notes: string }
  readonly ended: Promise<number | null>
}

function bricktrail(...argv: string[]): Process {
  const child = spawn(process.execPath, [MAIN, '--home', bench.home.root, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BRICKTRAIL_HOME: '' },
  })
  children.push(child)
  const said = { out: '', notes: '' }
  child.stdout.on('data', (piece) => (said.out += piece))
  child.stderr.on('data', (piece) => (said.notes += piece))
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

async function served(...argv: string[]): Promise<Process & { url: string; link: string }> {
  const running = bricktrail('--json', 'serve', '--port', '0', '--link', ...argv)
  await eventually(() => running.said.out.endsWith('\n') || running.child.exitCode !== null, READY_MS)
  if (running.said.out === '') throw new Error(running.said.notes)
  return { ...running, ...(JSON.parse(running.said.out) as { url: string; link: string }) }
}

it('serves, ingests what comes, is asked with a one-time link, and ends when it is told to', async () => {
  await writeFile(
    join(bench.home.root, 'bricktrail.yaml'),
    `sources: [{name: inbox, path: ${bench.inbox}, every: 300ms}]\nschedules: {own_log: 300ms}\n`,
  )
  const { url, link, child, ended, said } = await served()
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' })
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, await ready.json()]).toEqual([
    200,
    { status: 'ready', checks: { record: true, lake: true, loop: true } },
  ])
  expect((await fetch(`${url}/api/v1/me`)).status).toBe(401)
  const signedIn = await fetch(link, { redirect: 'manual' })
  expect(signedIn.status).toBeLessThan(400)
  const cookie = (signedIn.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? ''
  const me = await fetch(`${url}/api/v1/me`, { headers: { cookie } })
  expect(await me.json()).toMatchObject({ kind: 'session', role: 'admin' })
  await bench.drop('a.json', [logLine({ n: 1 })])
  const figures = async () => (await fetch(`${url}/metrics`)).text()
  await eventually(async () => /^bricktrail_source_events\{source="inbox"\} 1$/m.test(await figures()))
  // One event of the inbox, and the record of what was asked above.
  await eventually(async () => (await bench.counted()).events >= 3)
  expect((await fetch(link, { redirect: 'manual' })).headers.getSetCookie()).toEqual([])
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(said.notes).toMatch(/^SIGTERM: ending/m)
})

it('waits for what hangs no longer than it says, and for nothing where all has ended', async () => {
  const started = performance.now()
  expect(await within(50, new Promise(() => {}))).toBe(false)
  expect(await within(60_000, Promise.resolve(true))).toBe(true)
  expect(performance.now() - started).toBeLessThan(5000)
})

it('lets no second service onto a home, and names the first', async () => {
  const { url, child } = await served()
  const second = bricktrail('serve', '--port', '0')
  expect(await second.ended).toBe(3)
  expect(second.said.notes).toContain(`A bricktrail service (process ${child.pid}) has served ${bench.home.root} since`)
  expect(second.said.notes).toContain(`and answers at ${url}.`)
})

it('lets the command line work on the home that it serves', async () => {
  await served()
  const log = join(bench.folder, 'a.json')
  await writeFile(log, `${logLine({ n: 1 })}\n`)
  const { ended, said } = bricktrail('--json', 'ingest', log)
  expect(await ended, said.notes).toBe(0)
  expect(JSON.parse(said.out)).toMatchObject({ events: 1 })
})

it('does not start where it would be open to the network, or with settings that cannot be used', async () => {
  const open = bricktrail('serve', '--host', '0.0.0.0', '--port', '0')
  expect(await open.ended).toBe(3)
  expect(open.said.notes).toMatch(
    /^error: Listening on 0\.0\.0\.0 would send tokens and events over the network in the open\./,
  )
  const file = join(bench.home.root, 'bricktrail.yaml')
  await writeFile(file, 'sources:\n  - nme: a\n')
  const wrong = bricktrail('serve')
  expect(await wrong.ended).toBe(3)
  expect(wrong.said.notes).toContain(`${file}:2:5: nme is no key of sources.0.`)
})

it('gives no link to a log file that nobody asked to have it', async () => {
  const quiet = bricktrail('serve', '--port', '0')
  await eventually(() => quiet.said.out.includes('\n'), READY_MS)
  expect(quiet.said.out).toMatch(/^Bricktrail serves .* at http:\/\/127\.0\.0\.1:\d+\n$/)
})

it('serves the demo after it, on any port where the usual one is taken, unless told to end', {
  timeout: 180_000,
}, async () => {
  const demo = ['demo', '--events', '500', '--days', '1', '--scenarios', 'none', '--serve']
  const env = { ...process.env, BRICKTRAIL_HOME: '', BRICKTRAIL_DEMO_EXIT: '' }
  const home = join(bench.folder, 'demo')
  await shareCache(homeAt(home))
  await writeFile(homeAt(home).detectSettings, 'shipped: false\n')
  const child = spawn(process.execPath, [MAIN, '--home', home, ...demo], { stdio: ['ignore', 'pipe', 'inherit'], env })
  children.push(child)
  let out = ''
  child.stdout.on('data', (piece) => {
    out += piece
  })
  await eventually(() => out.includes('Sign in, once'), 90_000)
  const link = /http:\S+/.exec(out.slice(out.indexOf('Sign in')))?.[0] ?? ''
  expect((await fetch(link, { redirect: 'manual' })).headers.getSetCookie()).toHaveLength(1)
  child.kill('SIGTERM')
  await once(child, 'close')
  expect(child.exitCode).toBe(0)
  const ending = { ...env, BRICKTRAIL_DEMO_EXIT: '1' }
  const ended = spawn(process.execPath, [MAIN, '--home', home, ...demo], { stdio: 'ignore', env: ending })
  children.push(ended)
  const [code] = await once(ended, 'close')
  expect(code).toBe(0)
})
