/**
 * Many people at once with the explorer: the server in a process of its own, asked over HTTP. Each of them opens a search (a page,
 * facets and a histogram together, as the page does), reads for a while, turns a page, looks at an event.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Measured, median, quantile, stopwatch } from '../outcome.ts'
import { readyMs } from './readiness.ts'

/** Who asks what, and for how long. */
export interface ServeParams {
  readonly home: string
  readonly users: number
  readonly seconds: number
  /** Between what a person sees and what they ask next, on average. */
  readonly thinkSeconds: number
}

const SERVER = fileURLToPath(new URL('../server.ts', import.meta.url))
const START_MS = 60_000
/** What is counted in the beginning is counted once for a lake; people come after that. */
const WARM_MS = 300_000

/** Starts the server, lets people ask, and ends it; then starts the service as it is, to see how soon it is ready. */
export async function work(params: ServeParams): Promise<Measured> {
  const explored = await explore(params)
  return { ...explored, details: { ...explored.details, service_ready_ms: await readyMs(params.home) } }
}

async function explore({ home, users, seconds, thinkSeconds }: ServeParams): Promise<Measured> {
  const starting = stopwatch()
  const server = await started(home, users)
  const { tokens } = server
  const ready = starting().seconds
  try {
    const first = await warm(server.url, tokens[0] ?? '')
    const memory = [await memoryOf(server.url)]
    const lap = stopwatch()
    const cpuBefore = await cpuOf(server.url)
    const until = performance.now() + seconds * 1000
    const asked: Asked[] = []
    const people = Array.from({ length: users }, (_, nth) =>
      person(
        { url: server.url, token: tokens[nth % tokens.length] ?? '', random: randomFrom(nth + 1), thinkSeconds, until },
        asked,
      ),
    )
    const half = sleep((seconds * 1000) / 2).then(() => memoryOf(server.url))
    await Promise.all(people)
    memory.push(await half, await memoryOf(server.url))
    const { seconds: took } = lap()
    const cpuSeconds = (await cpuOf(server.url)) - cpuBefore
    return {
      events: asked.length,
      seconds: took,
      cpuSeconds,
      details: {
        cpu_each_ms: (cpuSeconds * 1000) / asked.length,
        cpu_seconds: cpuSeconds,
        ready_ms: ready * 1000,
        counted_ms: first,
        counted_cpu_seconds: cpuBefore,
        ...figures(asked),
        ...memoryFigures(memory),
      },
    }
  } finally {
    await server.end()
  }
}

interface Server {
  readonly url: string
  readonly tokens: readonly string[]
  end(): Promise<void>
}

function started(home: string, users: number): Promise<Server> {
  const child = spawn(process.execPath, [SERVER, home, String(users)], { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(() => reject(new Error(`the server did not start: ${said}`)), START_MS)
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString()
      if (!said.endsWith('\n')) return
      clearTimeout(late)
      const { url, tokens } = JSON.parse(said) as { url: string; tokens: string[] }
      resolve({ url, tokens, end: () => ended(child) })
    })
    child.on('error', reject)
    child.on('close', () => reject(new Error(`the server ended: ${said}`)))
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  await Promise.race([gone, sleep(30_000)])
  child.kill('SIGKILL')
}

/** Asks until the lake is counted; how long that took. */
async function warm(url: string, token: string): Promise<number> {
  const startMs = performance.now()
  for (let quick = 0; quick < 5; ) {
    const askedMs = performance.now()
    await answered(url, token, `/api/v1/events/facets?q=${encodeURIComponent(`-action:warm${quick}${Math.random()}`)}`)
    quick = performance.now() - askedMs < 400 ? quick + 1 : 0
    if (performance.now() - startMs > WARM_MS) break
  }
  return performance.now() - startMs
}

async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 0)
}

const cpuOf = (url: string): Promise<number> => metricOf(url, 'process_cpu_seconds_total')
const memoryOf = (url: string): Promise<number> => metricOf(url, 'process_resident_memory_bytes')

interface Asked {
  readonly what: string
  readonly ms: number
  readonly failed: boolean
}

interface Person {
  readonly url: string
  readonly token: string
  readonly random: () => number
  readonly thinkSeconds: number
  readonly until: number
}

/** A generator of numbers from 0 to 1 that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const SEARCHES = [
  '',
  'status:unauthorized',
  'status:failure',
  'category:authentication',
  'category:permission',
  'actor_type:user',
  'action:getTable',
  'key_event:secret_access',
  'client:browser -status:success',
  'service:accounts verb:login',
  'country:DE',
  'target:main.*',
]
const DAYS = ['2026-11-09', '2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13', '2026-11-14', '2026-11-15']
const FIELDS = 'category,service,action,status,actor,actor_type,country,client'

/** One of the searches over all, over a day, or over some hours that nobody else asks for. */
function searchOf(random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const day = pick(DAYS)
  const hour = Math.floor(random() * 20)
  const minute = Math.floor(random() * 60)
  const two = (n: number) => String(n).padStart(2, '0')
  const span = pick([
    '',
    `&from=${day}&to=${day}`,
    `&from=${day}T${two(hour)}:${two(minute)}:00Z&to=${day}T${two(hour + 3)}:${two(minute)}:00Z`,
  ])
  return `q=${encodeURIComponent(pick(SEARCHES))}${span}`
}

async function person(who: Person, asked: Asked[]): Promise<void> {
  const { url, token, random, thinkSeconds, until } = who
  const ask = async (what: string, path: string) => {
    const startMs = performance.now()
    const answer = await answered(url, token, path)
    asked.push({ what, ms: performance.now() - startMs, failed: answer === undefined })
    return answer
  }
  // People do not come all at once.
  await sleep(random() * thinkSeconds * 1000)
  while (performance.now() < until) {
    const search = searchOf(random)
    const kind = (name: string) => (search.includes('target') ? 'targets' : name)
    const [page] = await Promise.all([
      ask(kind('page'), `/api/v1/events?${search}`),
      ask(kind('facets'), `/api/v1/events/facets?${search}&fields=${FIELDS}`),
      ask(kind('histogram'), `/api/v1/events/histogram?${search}&by=status`),
    ])
    await sleep(random() * 2 * thinkSeconds * 1000)
    const cursor = page?.nextCursor
    if (typeof cursor === 'string') await ask(kind('page'), `/api/v1/events?${search}&cursor=${cursor}`)
    const [event] = page?.events ?? []
    if (event !== undefined) await ask('event', `/api/v1/events/${event.id}`)
    await sleep(random() * 2 * thinkSeconds * 1000)
  }
}

interface Answer {
  readonly nextCursor?: string | null
  readonly events?: readonly { readonly id: string }[]
}

async function answered(url: string, token: string, path: string): Promise<Answer | undefined> {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
  const text = await response.text()
  return response.ok ? (JSON.parse(text) as Answer) : undefined
}

/** Quantiles of all explorer questions, and of each kind. */
function figures(asked: readonly Asked[]): Record<string, number> {
  const of = (name: string, some: readonly Asked[]) => ({
    [`${name}_p50_ms`]: median(some.map(({ ms }) => ms)),
    [`${name}_p95_ms`]: quantile(
      some.map(({ ms }) => ms),
      0.95,
    ),
    [`${name}_max_ms`]: some.reduce((most, { ms }) => Math.max(most, ms), 0),
  })
  // All questions of searches by target are a kind of their own: counts by quarters of an hour do not know targets.
  const kinds = ['page', 'facets', 'histogram', 'event', 'targets'].map((what) => {
    const some = asked.filter((each) => each.what === what)
    return { [`${what}_questions`]: some.length, ...of(what, some) }
  })
  return Object.assign({ failed: asked.filter(({ failed }) => failed).length }, of('all', asked), ...kinds)
}

const memoryFigures = ([start = 0, half = 0, end = 0]: readonly number[]): Record<string, number> => ({
  rss_start_mb: start / 1e6,
  rss_half_mb: half / 1e6,
  rss_end_mb: end / 1e6,
})
