/** rsigma over delivered records, on one thread in a process of its own; see test/peers/sigma. */
import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import type { Measured } from '../outcome.ts'
import { rulesForAll } from './raw-rules.ts'

/** Which records, and how many of them: parsed they take a few kilobytes each. */
export interface RsigmaParams {
  readonly program: string
  readonly source: string
  readonly events: number
}

/** Seconds are those of matching alone, with the records parsed before; reading them too is in the details. */
export async function work({ program, source, events }: RsigmaParams): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-rsigma-'))
  try {
    const [rules, records] = [join(folder, 'rules.json'), join(folder, 'events.ndjson')]
    await writeFile(rules, JSON.stringify((await rulesForAll()).map(({ text }) => text)))
    await writeFile(records, (await linesOf(source, events)).join('\n'))
    const { stdout, stderr, status } = spawnSync(program, ['time', rules, records], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`rsigma-peer ended with ${status}: ${stderr}`)
    const [first = '{}', second = '{}'] = stdout.trim().split('\n')
    const { refused } = JSON.parse(first) as { refused: Record<string, string> }
    const told = JSON.parse(second) as Record<'events' | 'matches' | 'rules' | 'seconds' | 'matchingSeconds', number>
    return {
      events: told.events,
      seconds: told.matchingSeconds,
      cpuSeconds: told.matchingSeconds,
      details: {
        rules: told.rules,
        refused: Object.keys(refused).length,
        matches: told.matches,
        with_parsing_ms: told.seconds * 1000,
      },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Lines from files spread over the whole. */
async function linesOf(source: string, most: number): Promise<string[]> {
  const names = (await readdir(source, { recursive: true }))
    .filter((name) => /auditlogs.*\.json\.gz$/.test(name))
    .sort()
  const lines: string[] = []
  for (const name of names) {
    if (lines.length >= most) break
    for await (const line of createInterface({ input: createReadStream(join(source, name)).pipe(createGunzip()) }))
      if (line !== '' && lines.length < most) lines.push(line)
  }
  return lines
}
