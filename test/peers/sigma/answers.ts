/** Asks a program of a peer which rules match which records. */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Found, LogRecord } from './ground.ts'

/** How to call it; the paths of rules and records come last. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** What it matches, and the rules it refuses with its reason, by position. */
export interface Answer {
  readonly found: Found
  readonly refused: Readonly<Record<string, string>>
}

/** Ample for thousands of rules. */
const TIMEOUT_MS = 5 * 60_000

/** Asks. The first line says what is refused, each further one the records of a rule. */
export async function ask(program: Program, texts: readonly string[], records: readonly LogRecord[]): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), 'bricktrail-sigma-'))
  try {
    const [rules, events] = [join(folder, 'rules.json'), join(folder, 'events.ndjson')]
    await writeFile(rules, JSON.stringify(texts))
    await writeFile(events, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const { stdout, stderr, status } = spawnSync(program.command, [...program.args, rules, events], {
      encoding: 'utf8',
      env: program.env ?? process.env,
      maxBuffer: 1 << 28,
      timeout: TIMEOUT_MS,
    })
    if (status !== 0) throw new Error(`${program.command} ended with ${status}: ${stderr}`)
    const [first = '{}', ...lines] = stdout.trim().split('\n')
    const { refused } = JSON.parse(first) as { refused: Record<string, string> }
    const pairs = lines.map((line) => JSON.parse(line) as { rule: number; events: number[] })
    return { refused, found: new Set(pairs.flatMap(({ rule, events: at }) => at.map((each) => `${rule}/${each}`))) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
