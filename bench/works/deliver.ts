/** Delivery of a whole lake to a collector on loopback, which is a process of its own: what it needs is told apart. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { homeAt } from '../../src/core/home.ts'
import { openDelivery } from '../../src/deliver/open.ts'
import { deliverSettingsOf } from '../../src/deliver/settings.ts'
import type { Collected } from '../collector.ts'
import { type Measured, stopwatch } from '../outcome.ts'

/** A home with events, of which none was delivered. */
export interface DeliverParams {
  readonly home: string
}

/** Longer than it takes anywhere. */
const MOST_MS = 20 * 60_000

/** Delivers everything, as `bricktrail deliver drain` does, with the settings that a destination has by default. */
export async function work({ home }: DeliverParams): Promise<Measured> {
  const child = fork(fileURLToPath(new URL('../collector.ts', import.meta.url)))
  try {
    const port = await told<number>(child)
    const yaml = `destinations: { bench: { kind: splunk-hec, url: 'http://127.0.0.1:${port}', token: 'env:TOKEN', from: beginning } }`
    const delivery = await openDelivery(homeAt(home), deliverSettingsOf(yaml, 'deliver.yaml'), {
      environment: { TOKEN: 'bench' },
    })
    const lap = stopwatch()
    const before = process.threadCpuUsage()
    const isDone = await delivery.dispatcher.drain(AbortSignal.timeout(MOST_MS))
    const measured = lap()
    const { user, system } = process.threadCpuUsage(before)
    const [account] = delivery.outbox.accounts()
    await delivery.close()
    child.send('count')
    const { events, ids, requests, cpuSeconds } = await told<Collected>(child)
    if (!isDone || ids !== account?.delivered)
      throw new Error(`${ids} events arrived, and ${account?.delivered} were delivered.`)
    const main = (user + system) / 1e6
    const details = { requests, twice: events - ids, main_thread_cpu_s: main, collector_cpu_s: cpuSeconds }
    return { events: ids, ...measured, details }
  } finally {
    child.kill('SIGKILL')
  }
}

const told = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', (code) => reject(new Error(`The collector ended with ${code}.`)))
  })
