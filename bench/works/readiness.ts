/** How soon the service is ready: `bricktrail serve` as it is, with its loop, from its start as a process to the first 200 of `/readyz`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { median } from '../outcome.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/bricktrail.mjs', import.meta.url))
const STARTS = 3
const LONGEST_MS = 60_000
const PAUSE_MS = 5
const END_MS = 30_000

/** Median of several starts over a home, in milliseconds. What the loop does right away is left to it; each start is ended before the next. */
export async function readyMs(home: string): Promise<number> {
  const found: number[] = []
  for (let nth = 0; nth < STARTS; nth++) found.push(await oneStart(home))
  return median(found)
}

async function oneStart(home: string): Promise<number> {
  const startMs = performance.now()
  const child = spawn(process.execPath, [PROGRAM, '--home', home, '--json', 'serve', '--port', '0', '--no-open'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const url = await urlSaid(child.stdout)
    while ((await statusOf(`${url}/readyz`)) !== 200) {
      if (performance.now() - startMs > LONGEST_MS) throw new Error('the service did not become ready')
      await sleep(PAUSE_MS)
    }
    return performance.now() - startMs
  } finally {
    const gone = child.exitCode === null ? once(child, 'close') : undefined
    child.kill('SIGTERM')
    const stopping = new AbortController()
    await Promise.race([gone, sleep(END_MS, undefined, { signal: stopping.signal }).catch(() => undefined)])
    stopping.abort()
    child.kill('SIGKILL')
  }
}

async function urlSaid(out: Readable): Promise<string> {
  let said = ''
  for await (const piece of out.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += String(piece)
    if (said.endsWith('\n')) break
  }
  return (JSON.parse(said) as { url: string }).url
}

const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    async (answer) => {
      await answer.body?.cancel()
      return answer.status
    },
    () => 0,
  )
