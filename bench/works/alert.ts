/** From a finding that is committed to a webhook that has its alert, one finding at a time, as in a service at rest. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AlertBench, aFinding } from '../../src/alert/findings.fixture.ts'
import { runAlerts } from '../../src/alert/run.ts'
import type { AlertMessage } from '../../src/deliver/message.ts'
import { openDelivery } from '../../src/deliver/open.ts'
import { deliverSettingsOf } from '../../src/deliver/settings.ts'
import { loadPack } from '../../src/detect/pack/load.ts'
import { type Measured, median, quantile, stopwatch } from '../outcome.ts'

/** How many findings. */
export interface AlertParams {
  readonly findings: number
}

/** A dispatcher looks for something to do four times a second; findings come at any moment between. */
const REST_MS = 250
const MOST_MS = 30_000

/** Finds, alerts and delivers; `details` has the times in milliseconds. */
export async function work({ findings }: AlertParams): Promise<Measured> {
  const bench = await AlertBench.open()
  const hook = await webhook()
  const stop = new AbortController()
  const yaml = `destinations: { hook: { kind: webhook, url: '${hook.url}', secrets: ['env:SECRET'], allow_private: true } }\n`
  await bench.file('deliver.yaml', yaml)
  await bench.file('alerts.yaml', 'routes: [{ to: hook }]\n')
  // As a service does, which keeps them.
  const { rules } = await loadPack({ settingsFile: bench.home.detectSettings, examples: false })
  const environment = { SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }
  const delivery = await openDelivery(bench.home, deliverSettingsOf(yaml, 'deliver.yaml'), { environment })
  const serving = delivery.dispatcher.serve(stop.signal)
  const lap = stopwatch()
  try {
    const times: number[] = []
    for (let n = 0; n < findings; n++) {
      await sleep((REST_MS * n) / findings)
      const [nowMs, entity] = [Date.now(), `person${n}@example.com`]
      await bench.found(aFinding(`finding-${n}`, { entity, firstMs: nowMs - 1000, lastMs: nowMs - 1000 }))
      const committed = performance.now()
      await runAlerts(bench.home, { now: new Date(), engine: bench.engine, rules })
      times.push((await hook.heardOf(entity)) - committed)
    }
    const details = { p50_ms: median(times), p95_ms: quantile(times, 0.95), max_ms: Math.max(...times) }
    return { events: findings, ...lap(), details }
  } finally {
    stop.abort()
    await serving
    await delivery.close()
    await hook.close()
    await bench.close()
  }
}

/** Notes when it first heard of whom. */
async function webhook() {
  const heard = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const atMs = performance.now()
    const { data } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as { data: AlertMessage }
    const entity = data.entity?.value ?? ''
    if (!heard.has(entity)) heard.set(entity, atMs)
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heardOf: async (entity: string): Promise<number> => {
      for (const until = performance.now() + MOST_MS; performance.now() < until; await sleep(2)) {
        const at = heard.get(entity)
        if (at !== undefined) return at
      }
      throw new Error(`Nobody was told of ${entity}.`)
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
