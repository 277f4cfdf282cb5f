import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { AlertBench } from './findings.fixture.ts'

const FIXTURE = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url))
const FINDINGS = 6000
const PEOPLE = 200
const MOST_KILLS = 40

/** Runs it, and kills it so long after it began to work; true if it was done before. */
async function runAndKill(root: string, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [FIXTURE, root], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const [code, signal] = (await exited) as [number | null, string | null]
  clearTimeout(timer)
  if (signal === null) expect(code).toBe(0)
  return signal === null
}

/** Alerts, history without its order, and messages by destination and id. */
function leftIn({ home }: AlertBench) {
  const alerts = new DatabaseSync(home.alerts)
  const outbox = new DatabaseSync(home.outbox)
  try {
    return {
      alerts: alerts
        .prepare(
          'SELECT id, kind, n, state, level, facts, first_ms, last_ms, findings, events, counted FROM alerts ORDER BY id',
        )
        .all(),
      history: alerts.prepare('SELECT alert_id, what, why FROM history ORDER BY alert_id, what').all(),
      outgoing: alerts.prepare('SELECT count(*) AS n FROM outgoing').get(),
      messages: outbox.prepare('SELECT destination, id, body FROM messages ORDER BY destination, id').all(),
    }
  } finally {
    alerts.close()
    outbox.close()
  }
}

async function bench(): Promise<AlertBench> {
  const made = await AlertBench.open()
  await made.file('alerts.yaml', 'routes: [{ to: [pager, mail] }]')
  await made.foundMany(FINDINGS, PEOPLE)
  return made
}

it('killed at any moment, it loses nothing and tells nothing twice', async () => {
  const [killed, whole] = [await bench(), await bench()]
  try {
    await whole.run()
    let kills = 0
    // Each time it comes a little further, at last to the end.
    while (kills < MOST_KILLS && !(await runAndKill(killed.home.root, 30 + kills * 90))) kills += 1
    expect(kills).toBeGreaterThan(2)
    await killed.run()
    const left = leftIn(killed)
    expect(left.messages).toHaveLength(PEOPLE * 2)
    expect(left).toEqual(leftIn(whole))
  } finally {
    await killed.close()
    await whole.close()
  }
}, 120_000)
