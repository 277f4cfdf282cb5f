/**
 * Ingestion and compaction killed at random instants: nothing is lost, nothing is doubled, and the seal explains all of it.
 * `BRICKTRAIL_KILLS` says how often; a few by default, so that `npm test` stays quick.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Ledger } from '../src/collect/ledger.ts'
import { homeAt } from '../src/core/home.ts'
import { Engine } from '../src/engine/duckdb.ts'
import { scanSql } from '../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../src/lake/table.ts'
import { type GivenNote, verifyHome } from '../src/seal/verify.ts'
import { SIMULATE_DEFAULTS, simulate } from '../src/simulate/simulate.ts'

const KILLS = Number(process.env.BRICKTRAIL_KILLS ?? 6)
/** Two processes keep two cores busy. */
const LANES = 2
/** Enough commits for a checkpoint of the table. */
const FOLDERS = 9
const CHILD = fileURLToPath(new URL('crash.fixture.ts', import.meta.url))

let work: string
let logs: string
let expected: Contents
let spanMs: number

/** What a home holds, as far as it must not depend on how it came there. */
interface Contents {
  readonly events: string
  readonly rejects: string
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'crash-'))
  logs = join(work, 'logs')
  await makeLogs()
  const calm = join(work, 'calm')
  await run(calm)
  const started = performance.now()
  const again = await run(newHome('measured'))
  spanMs = performance.now() - started
  expect(again.done).toBe(true)
  expected = await contentsOf(calm)
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Simulated logs in a few folders, with lines that are no records, and one folder that repeats another. */
async function makeLogs(): Promise<void> {
  const out = join(work, 'simulated')
  await simulate({ ...SIMULATE_DEFAULTS, out, events: 1500, days: 1, form: 'delivery', gzip: false, scenarios: 'all' })
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /auditlogs.*\.json$/.test(name),
  )
  for (const [place, name] of files.sort().entries()) {
    const folder = join(logs, String(place % FOLDERS).padStart(2, '0'))
    mkdirSync(folder, { recursive: true })
    renameSync(join(out, name), join(folder, name.replaceAll(/[/\\]/g, '-')))
  }
  for (const folder of readdirSync(logs))
    writeFileSync(join(logs, folder, 'broken.json'), `{"half": \n{"timestamp":1}\n${folder}\n`)
  cpSync(join(logs, '00'), join(logs, `${FOLDERS}-again`), { recursive: true })
}

/** A home with the compiled network table, which takes seconds to make. */
function newHome(name: string): string {
  const home = join(work, name)
  const cache = homeAt(join(work, 'calm')).cache
  if (existsSync(cache)) cpSync(cache, homeAt(home).cache, { recursive: true })
  return home
}

/** Lets a child work on the home; kills it after `killAfterMs`, if it lives so long. */
async function run(home: string, killAfterMs?: number): Promise<{ done: boolean }> {
  const child = spawn(process.execPath, [CHILD, home, logs], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaint = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  child.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  await once(child, 'close')
  clearTimeout(timer)
  if (child.signalCode !== 'SIGKILL') expect({ code: child.exitCode, complaint }).toEqual({ code: 0, complaint: '' })
  return { done: said.includes('done') }
}

async function contentsOf(root: string): Promise<Contents> {
  const home = homeAt(root)
  const engine = await Engine.open({ threads: 1 })
  try {
    const digest = async (path: string, spec: typeof EVENTS_TABLE, id: string, also: string) => {
      const table = DeltaTable.at(path, spec)
      const rows = scanSql(table, (await table.snapshot()).files)
      const { n, ids, all } = await engine.row(`SELECT count(*) AS n, count(DISTINCT ${id}) AS ids,
        md5(string_agg(concat_ws('|', ${id}, ${also}), ',' ORDER BY ${id}, ${also})) AS all FROM ${rows}`)
      return `${n} rows, ${ids} ids, ${all}`
    }
    const events = await digest(
      home.events,
      EVENTS_TABLE,
      'event_id',
      'request_id, request_params::VARCHAR, actor::VARCHAR, geo::VARCHAR',
    )
    const rejects = await digest(
      home.rejects,
      REJECTS_TABLE,
      'reject_id',
      'reason, source_object, line, content_base64',
    )
    await expectLedger(root, Number.parseInt(events, 10))
    return { events, rejects }
  } finally {
    engine.close()
  }
}

/** In every taking records = events + duplicates + rejects, and all events of the lake were taken by someone. */
async function expectLedger(root: string, stored: number): Promise<void> {
  const ledger = await Ledger.open(homeAt(root))
  try {
    const takings = [...ledger.pages()].flat()
    for (const { records, events, duplicates, rejects } of takings) expect(records).toBe(events + duplicates + rejects)
    expect(takings.reduce((sum, { events }) => sum + events, 0)).toBe(stored)
  } finally {
    ledger.close()
  }
}

/** The checkpoint that anybody could have taken away now. */
function checkpointOf(root: string, name: string): GivenNote[] {
  const path = join(homeAt(root).seal, 'log', 'checkpoint')
  return existsSync(path) ? [{ name, bytes: readFileSync(path) }] : []
}

/** The log explains every file that is or was, and goes on from every checkpoint that was ever seen. */
async function expectSealed(root: string, checkpoints: readonly GivenNote[]): Promise<void> {
  const key = readFileSync(join(homeAt(root).seal, 'keys', 'log.vkey'), 'utf8').trim()
  const { findings, checked } = await verifyHome(root, { key, checkpoints })
  expect(findings).toEqual([])
  expect(checked.events).toBe(Number.parseInt(expected.events, 10))
}

/** Kills until the lane's share is done; a home that came through is compared, and another one begun. */
async function lane(number: number, kills: number): Promise<number> {
  let killed = 0
  for (let round = 0; killed < kills; round++) {
    const home = newHome(`lane-${number}-${round}`)
    const seen: GivenNote[] = []
    for (let done = false; !done; ) {
      const patience = killed < kills ? Math.random() * spanMs * 1.2 : undefined
      ;({ done } = await run(home, patience))
      if (!done) killed++
      seen.push(...checkpointOf(home, `after kill ${killed}`))
    }
    expect(await contentsOf(home)).toEqual(expected)
    await expectSealed(home, seen)
    expect(readdirSync(homeAt(home).tmp).filter((name) => name.startsWith('ingest-'))).toEqual([])
    rmSync(home, { recursive: true, force: true })
  }
  return killed
}

test(
  'a kill at any instant loses nothing and doubles nothing, and the seal explains all that is there',
  async () => {
    const killed = await Promise.all(
      Array.from({ length: LANES }, (_, number) => lane(number, Math.ceil(KILLS / LANES))),
    )
    expect(killed.reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(KILLS)
  },
  40 * 60_000,
)
