/** Makes small objects for one day: some of a few minutes each, as they arrive, and some with events of the whole day. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Measured, stopwatch } from '../outcome.ts'
import { work as simulate } from './simulate.ts'

/** How many objects of each kind, and how large. */
export interface BatchesParams {
  readonly out: string
  readonly objects: number
  readonly eventsEach: number
  readonly seed: number
}

/** Folder of the objects that hold neighbours in time. */
export const IN_ORDER = 'in-order'
/** Folder of the objects that hold events of all hours. */
export const ALL_HOURS = 'all-hours'

/** A day of this many events, of which the objects take their share: 1,000 neighbours are then some minutes. */
const DAY_EVENTS = 200_000

/** Writes the objects. */
export async function work({ out, objects, eventsEach, seed }: BatchesParams): Promise<Measured> {
  const lap = stopwatch()
  const whole = `${out}.whole`
  const wanted = objects * eventsEach
  await simulate({ out: whole, events: Math.max(DAY_EVENTS, 2 * wanted), days: 1, seed, gzip: false })
  const lines = await linesByTime(whole)
  await rm(whole, { recursive: true })
  const midday = Math.floor((lines.length - wanted) / 2)
  const stride = Math.floor(lines.length / eventsEach)
  for (let n = 0; n < objects; n++) {
    const first = midday + n * eventsEach
    await write(out, IN_ORDER, n, lines.slice(first, first + eventsEach))
    await write(
      out,
      ALL_HOURS,
      n,
      Array.from({ length: eventsEach }, (_, at) => lines[at * stride + n] ?? ''),
    )
  }
  return { events: wanted, ...lap(), details: { files: 2 * objects } }
}

async function linesByTime(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /auditlogs.*\.json$/.test(name)).sort()
  const timed: { readonly time: number; readonly line: string }[] = []
  for (const name of names) {
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n')) {
      if (line !== '') timed.push({ time: JSON.parse(line).timestamp, line })
    }
  }
  return timed.sort((a, b) => a.time - b.time).map(({ line }) => line)
}

async function write(out: string, kind: string, n: number, lines: readonly string[]): Promise<void> {
  await mkdir(join(out, kind), { recursive: true })
  await writeFile(join(out, kind, `auditlogs_${String(n).padStart(3, '0')}.json`), `${lines.join('\n')}\n`)
}
