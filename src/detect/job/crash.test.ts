import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Chance } from '../../../test/sigma/random-rules.ts'
import { DetectBench } from './home.fixture.ts'
import { detectOver, FOUND } from './over.ts'
import { eventTable, MANY_RULES, type PlainEvent, packOf, randomEvents } from './pack.fixture.ts'

const CHILD = fileURLToPath(new URL('crash.fixture.ts', import.meta.url))
const KILLS = 6
const BATCHES = 14

const inBatches = (events: readonly PlainEvent[]): PlainEvent[][] => {
  const size = Math.ceil(events.length / BATCHES)
  return Array.from({ length: BATCHES }, (_, at) => events.slice(at * size, (at + 1) * size)).filter(
    (some) => some.length > 0,
  )
}

/** Lets a process detect until it has told of something, kills it `delayMs` later; true if it was done before that. */
async function killAtWork(bench: DetectBench, delayMs: number): Promise<boolean> {
  const { version } = await bench.findings.snapshot()
  const child = spawn(process.execPath, [CHILD, bench.home.root], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  while ((await bench.findings.snapshot()).version <= version && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  await exited
  return child.exitCode === 0
}

it('tells each finding once, whatever moment it is killed at', async () => {
  const bench = await DetectBench.open()
  try {
    const events = randomEvents(new Chance(5), 110)
    for (const batch of inBatches(events)) await bench.add(batch)
    // With no delay the findings are in the table and the state does not know of them yet.
    for (let kill = 0; kill < KILLS; kill++) if (await killAtWork(bench, (kill % 3) * 25)) break
    await bench.detect({}, { rowsAPass: 1 })
    const twice = await bench.engine.rows(
      `SELECT finding_id, revision FROM (${await bench.toldSql()}) GROUP BY ALL HAVING count(*) > 1`,
    )
    expect(twice).toEqual([])
    const found = await bench.standing()
    await detectOver(bench.engine, packOf(MANY_RULES), await eventTable(bench.engine, 'closed', events))
    expect(found).toEqual(
      await bench.engine.rows(
        `SELECT * EXCLUDE (revision, detected_time, evidence) FROM ${FOUND} ORDER BY title, entity, first_time`,
      ),
    )
  } finally {
    await bench.close()
  }
}, 120_000)
