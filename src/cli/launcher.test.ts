import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSmallLake } from '../ask/small-lake.fixture.ts'
import { homeAt } from '../core/home.ts'

const binFile = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-launcher-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Starts a script by way of the launcher, in a process group of its own. */
const launch = (script: string, ...argv: string[]): ChildProcess =>
  spawn(process.execPath, [binFile('pinned-node.mjs'), script, ...argv], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const part of stream ?? []) text += String(part)
  return text
}

/** Runs source text that prints `ready` when it can be signalled; signals only the launcher; returns how that ended. */
async function signalled(source: string, signal: NodeJS.Signals) {
  const script = join(folder, `${Math.random().toString(36).slice(2)}.mjs`)
  await writeFile(script, `${source}\nsetInterval(() => {}, 1000)\nconsole.log('ready')`)
  const launcher = launch(script)
  const ended = once(launcher, 'exit')
  await once(launcher.stdout as NodeJS.ReadableStream, 'data')
  launcher.kill(signal)
  const [code, by] = await ended
  return { code, by }
}

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'passes on %s that it alone gets, and ends as the script does',
  async (signal) => {
    expect(await signalled(`process.on('${signal}', () => process.exit(7))`, signal)).toEqual({ code: 7, by: null })
    expect(await signalled('', signal)).toEqual({ code: null, by: signal })
  },
)

it('ends by the signal that ends the script', async () => {
  const script = join(folder, 'killed.mjs')
  await writeFile(script, "process.kill(process.pid, 'SIGKILL')")
  expect((await once(launch(script), 'exit')).slice(0, 2)).toEqual([null, 'SIGKILL'])
})

it('takes Ctrl-C, which launcher and program both get, for one', async () => {
  await writeSmallLake(homeAt(folder))
  const endless = 'select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3'
  const launcher = launch(binFile('bricktrail.mjs'), '--home', folder, 'query', endless, '--timeout', '60s')
  const notes = textOf(launcher.stderr)
  const ended = once(launcher, 'exit')
  await sleep(2000)
  process.kill(-(launcher.pid ?? 0), 'SIGINT')
  expect([(await ended)[0], await notes]).toEqual([130, 'Stopped.\n'])
})
