import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verified } from '../ingest/sealed-home.fixture.ts'
import { eventually, logLine, ServiceBench } from './service.fixture.ts'

/** Each kill comes at another moment of what a service does with new files. */
const KILLS = 6
const LINES = 400

let bench: ServiceBench

beforeAll(async () => {
  bench = await ServiceBench.open()
})
afterAll(() => bench.close())

async function begun(): Promise<ChildProcess> {
  const fixture = join(import.meta.dirname, 'crash.fixture.ts')
  const child = spawn(process.execPath, [fixture, bench.home.root, bench.inbox], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

it('loses nothing and doubles nothing when it is killed again and again', { timeout: 180_000 }, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const child = await begun()
    const lines = Array.from({ length: LINES }, (_, n) => logLine({ n: kill * LINES + n, status: n === 0 ? 401 : 200 }))
    await bench.drop(`${kill}.json`, lines)
    await sleep(1000 + Math.random() * 2500)
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  const last = await begun()
  const wanted = KILLS * LINES
  await eventually(async () => (await bench.counted()).events >= wanted && (await bench.findings()) >= KILLS, 60_000)
  last.kill('SIGTERM')
  const [code] = await once(last, 'close')
  expect(code).toBe(0)
  expect(await bench.counted()).toEqual({ events: wanted, different: wanted })
  expect(await bench.findings()).toBe(KILLS)
  expect((await verified(bench.home)).findings).toEqual([])
})
