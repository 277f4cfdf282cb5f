import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { type Collector, collector, type Manner, TOKEN } from './hec.fixture.ts'
import { numberIn, writeBatch } from './lake.fixture.ts'

const DRAIN = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url))
/** 20,000 is a minute's work; 200,000 are ten. */
const EVENTS = Number(process.env.BRICKTRAIL_DELIVER_EVENTS ?? 20_000)
const IS_LONG = EVENTS > 50_000
/** Times it is killed, one run after another, as long as something is left. */
const KILLS = Number(process.env.BRICKTRAIL_DELIVER_KILLS ?? (IS_LONG ? 60 : 6))
/** Each of the two connections may have so many under way when it is killed. */
const BATCH = IS_LONG ? 50 : 15
/** Starting takes some of it. */
const killAfterMs = (): number => (IS_LONG ? 2000 + Math.random() * 4000 : 700 + Math.random() * 1500)

let root: string
let there: Collector
const children = new Set<ChildProcess>()
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bricktrail-deliver-crash-'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await there.close()
  await rm(root, { recursive: true, force: true })
})

/** Runs the drain until it ends or is killed; true if it said that nothing is left. */
async function drain(killAfterMs?: number): Promise<boolean> {
  const child = spawn(process.execPath, [DRAIN, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, HEC: TOKEN },
  })
  children.add(child)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  await once(child, 'exit')
  clearTimeout(timer)
  children.delete(child)
  return said === 'done'
}

it(
  'killed at any moment, with a destination that fails in every way, it delivers every event, few twice, each key in order',
  async () => {
    const per = 2500
    for (let batch = 1; batch <= EVENTS / per; batch++)
      await writeBatch(homeAt(root), batch, { from: (batch - 1) * per, to: batch * per, people: 200 })
    const faults: readonly Manner[] = [
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 503, body: '{"code":9}' },
      'hang up',
      { status: 500 },
    ]
    there = await collector((_, lines) => {
      const chance = Math.random()
      if (chance < 0.08) return faults[Math.floor(Math.random() * faults.length)] ?? 'hang up'
      if (chance < 0.0804) return 'never answer'
      return lines.length > 0 ? 'take' : 'hang up'
    })
    await writeFile(
      join(root, 'deliver.yaml'),
      `destinations: { siem: { kind: splunk-hec, url: "${there.url}", token: env:HEC, format: system-table, from: beginning, connections: 2, timeout: 2s, batch: ${BATCH} } }`,
    )
    let done = false
    let kills = 0
    for (; kills < KILLS && !done; kills++) done = await drain(killAfterMs())
    for (let tries = 0; tries < (IS_LONG ? 15 : 5) && !done; tries++) done = await drain()
    expect(done).toBe(true)
    const numbers = there.taken.map(({ event }) => numberIn(JSON.stringify(event)))
    if (IS_LONG)
      process.stdout.write(
        `${EVENTS} events, killed ${kills} times, ${there.requests} requests, ${numbers.length - EVENTS} events came twice\n`,
      )
    expect(new Set(numbers).size).toBe(EVENTS)
    expect((numbers.length - EVENTS) / EVENTS).toBeLessThan(0.01)
    for (const sent of Map.groupBy(numbers, (n) => n % 200).values()) {
      const first = [...new Set(sent)]
      expect(first).toEqual([...first].sort((a, b) => a - b))
    }
  },
  Math.max(180_000, EVENTS * 9),
)
