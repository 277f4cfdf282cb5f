/** Cuts simulated logs into many small objects, in the layout they are delivered in. */
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Measured, stopwatch } from '../outcome.ts'
import { work as simulate } from './simulate.ts'

/** How many objects, and how large. */
export interface SmallObjectsParams {
  readonly out: string
  readonly objects: number
  readonly eventsEach: number
  readonly seed: number
}

/** Writes about `objects` plain files: the last one of each workspace and day is shorter. */
export async function work({ out, objects, eventsEach, seed }: SmallObjectsParams): Promise<Measured> {
  const lap = stopwatch()
  const whole = `${out}.whole`
  const { events } = await simulate({ out: whole, events: objects * eventsEach, days: 7, seed, gzip: false })
  const names = (await readdir(whole, { recursive: true })).filter((name) => /auditlogs.*\.json$/.test(name)).sort()
  let files = 0
  for (const [folder, ofFolder] of Map.groupBy(names, (name) => dirname(name))) {
    await mkdir(join(out, folder), { recursive: true })
    let lines: string[] = []
    const flush = async () => {
      if (lines.length > 0) await writeFile(join(out, folder, `auditlogs_${files++}.json`), `${lines.join('\n')}\n`)
      lines = []
    }
    for (const name of ofFolder) {
      for await (const line of createInterface({ input: createReadStream(join(whole, name)) })) {
        lines.push(line)
        if (lines.length === eventsEach) await flush()
      }
    }
    await flush()
  }
  await rm(whole, { recursive: true })
  return { events, ...lap(), details: { files } }
}
