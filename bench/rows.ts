/** The rows: what is measured, on which data, in which order. */
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { homeAt } from '../src/core/home.ts'
import { rsigma } from '../test/peers/sigma/rsigma.ts'
import { account, batches, bytesIn, DATA, day, freshHome, lake, smallObjects } from './data.ts'
import type { BenchOptions, RowName } from './options.ts'
import type { Outcome } from './outcome.ts'
import { run } from './processes.ts'
import type { BareParams } from './works/bare.ts'
import { ALL_HOURS, IN_ORDER } from './works/batches.ts'

/** One measured thing and what each round of it came to. */
export interface Row {
  readonly name: string
  /** What it is, in words. */
  readonly title: string
  readonly rounds: readonly Outcome[]
}

/** Objects ingested one by one into the busy day; the first two are not counted. */
const STEADY_OBJECTS = 27

/** Findings of the row `alert`, one after another. */
const ALERTED_FINDINGS = 100

/** Times each question is asked. */
const QUERY_TIMES = 5

/** Records that rsigma goes over; it holds them parsed. */
const RSIGMA_EVENTS = 200_000

/** Matches of the row `correlate` for each event of the others. */
const CORRELATED_TIMES = 10

const THOUSANDS = new Intl.NumberFormat('en-US')

/** Measures all rows asked for; `folder` is for homes and files that are made on the way. */
export async function measure(options: BenchOptions, folder: string): Promise<Row[]> {
  const wants = (...names: RowName[]) => names.some((name) => options.rows.includes(name))
  const rows: Row[] = []
  if (wants('bare', 'floor', 'chdb', 'ours', 'unsealed', 'unchanged', 'query', 'verify', 'detect')) {
    const { compared, home, source } = await compare(options, folder)
    rows.push(...compared)
    if (wants('unchanged')) rows.push(await unchanged(options, home, source))
    if (wants('query')) rows.push(await query(home))
    if (wants('verify')) rows.push(...(await verify(options, home)))
    if (wants('detect')) rows.push(...(await detect(options, home, source)))
  }
  if (wants('correlate')) rows.push(...(await correlate(options)))
  if (wants('deliver')) rows.push(await deliver(options, folder))
  if (wants('alert')) rows.push(await alert(options))
  if (wants('serve')) rows.push(await serve(options, folder))
  if (wants('small')) rows.push(await small(options, folder))
  if (wants('steady')) for (const events of options.days) rows.push(...(await steady(events, folder)))
  if (wants('large')) rows.push(...(await large(options, folder)))
  return rows
}

interface Contender {
  readonly name: string
  readonly title: string
  readonly once: (round: number) => Promise<Outcome>
}

/** The same files, the same number of times, in turns, so that whatever else the machine does meets all alike. */
async function compare(options: BenchOptions, folder: string) {
  const source = await account(options.events)
  const glob = join(source, '**', '*.json.gz')
  const home = join(folder, 'ours')
  const ingesting = (name: string, title: string, seal: boolean): Contender => ({
    name,
    title,
    once: async () => {
      const into = join(folder, name)
      await rm(into, { recursive: true, force: true })
      const outcome = await run('ingest', { home: await freshHome(folder, name), source, seal })
      const bytes = await bytesIn(homeAt(into).events)
      return { ...outcome, details: { ...outcome.details, out_bytes: bytes } }
    },
  })
  const ours = ingesting('ours', 'Bricktrail: ingest to committed, enriched, de-duplicated, sealed events', true)
  const contenders = [...yardsticks(options, folder, glob), ours]
  if (options.rows.includes('unsealed'))
    contenders.push(ingesting('unsealed', 'the same, nothing sealed and what was received not kept', false))
  // Once without counting, so that the files are in the system's cache for all.
  await ours.once(0)
  const outcomes = new Map<string, Outcome[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, once } of contenders) {
      note(`round ${round + 1} of ${options.rounds}: ${name}`)
      outcomes.get(name)?.push(await once(round))
    }
  }
  const compared: Row[] = contenders.map(({ name, title }) => ({ name, title, rounds: outcomes.get(name) ?? [] }))
  return { compared, home, source }
}

function yardsticks(options: BenchOptions, folder: string, glob: string): Contender[] {
  const out = join(folder, 'out.parquet')
  const writing = (once: () => Promise<Outcome>) => async () => {
    const outcome = await once()
    const bytes = (await stat(out)).size
    await rm(out)
    return { ...outcome, details: { out_bytes: bytes } }
  }
  const bare = (name: string, title: string, params: Pick<BareParams, 'codec' | 'keepOrder'>): Contender => ({
    name,
    title,
    once: writing(() => run('bare', { glob, out, ...params })),
  })
  const { rows, peers } = options
  const chosen = [bare('bare', 'DuckDB: typed read to one Parquet file (zstd)', { codec: 'zstd', keepOrder: true })]
  if (rows.includes('bare')) {
    chosen.push(
      bare('bare-snappy', 'the same, with its default codec (snappy)', { codec: 'snappy', keepOrder: true }),
      bare('bare-any-order', 'the same, zstd, rows in any order', { codec: 'zstd', keepOrder: false }),
    )
  }
  if (rows.includes('floor')) {
    const title = 'DuckDB: the same read to the columns and files of our events, fields copied as they are'
    chosen.push({ name: 'floor', title, once: () => run('floor', { glob, folder: join(folder, 'floor') }) })
  }
  if (rows.includes('chdb')) {
    if (peers === undefined) note('chdb is not installed: npm ci --prefix test/peers')
    else {
      const title = 'ClickHouse (chdb): the same read and write (zstd)'
      chosen.push({ name: 'chdb', title, once: writing(() => run('chdb', { glob, out, peers })) })
    }
  }
  return chosen
}

async function unchanged(options: BenchOptions, home: string, source: string): Promise<Row> {
  note('unchanged')
  const rounds: Outcome[] = []
  for (let round = 0; round < options.rounds; round++) rounds.push(await run('ingest', { home, source }))
  return { name: 'unchanged', title: 'Bricktrail: the same files again, nothing new in them', rounds }
}

async function query(home: string): Promise<Row> {
  note('query')
  const outcome = await run('query', { home, times: QUERY_TIMES })
  return { name: 'query', title: 'Bricktrail: the questions of the overview, one after another', rounds: [outcome] }
}

/** Neither takes a second, and what else the machine does shows the more in them. */
const ROUNDS_OF_SHORT = 5

/** Verifying and reading again take turns, like the rows above, but more often. */
async function verify(options: BenchOptions, home: string): Promise<Row[]> {
  const rounds: Record<'verify' | 'reread', Outcome[]> = { verify: [], reread: [] }
  // Once without counting: both then find the files in the system's cache.
  await run('reread', { home })
  const count = ROUNDS_OF_SHORT * options.rounds
  for (let round = 0; round < count; round++) {
    note(`round ${round + 1} of ${count}: verify`)
    rounds.reread.push(await run('reread', { home }))
    rounds.verify.push(await run('verify', { home }))
  }
  return [
    { name: 'verify', title: 'Bricktrail: verification of the whole home', rounds: rounds.verify },
    { name: 'reread', title: 'the same files read twice, nothing done with them', rounds: rounds.reread },
  ]
}

/** The pack; and rules that rsigma can run too, in turns with it. */
async function detect(options: BenchOptions, home: string, source: string): Promise<Row[]> {
  const peer = options.rows.includes('rsigma') ? rsigma() : undefined
  if (peer !== undefined && 'missing' in peer) note(`rsigma is left out: ${peer.missing}`)
  const program = peer !== undefined && 'command' in peer ? peer.command : undefined
  const rounds: Record<'detect' | 'detect-raw' | 'rsigma', Outcome[]> = { detect: [], 'detect-raw': [], rsigma: [] }
  for (let round = 0; round < options.rounds; round++) {
    note(`round ${round + 1} of ${options.rounds}: detect`)
    rounds.detect.push(await run('detect', { home, rules: 'pack' }))
    if (program === undefined) continue
    rounds['detect-raw'].push(await run('detect', { home, rules: 'raw' }))
    rounds.rsigma.push(await run('rsigma', { program, source, events: RSIGMA_EVENTS }))
  }
  const titles = {
    detect: 'Bricktrail: every rule of the pack over every event',
    'detect-raw': 'Bricktrail: the rules that ask for delivered names alone',
    rsigma: 'rsigma: the same rules over delivered records already parsed, one thread',
  }
  return (['detect', 'detect-raw', 'rsigma'] as const)
    .filter((name) => rounds[name].length > 0)
    .map((name) => ({ name, title: titles[name], rounds: rounds[name] }))
}

/** As many matches as a bad day has; then the same with few and with many different values. */
async function correlate(options: BenchOptions): Promise<Row[]> {
  const matches = options.events * CORRELATED_TIMES
  const groups = 100_000
  const kinds = [
    { name: 'correlate', type: 'event_count', values: 10, words: 'event_count' },
    { name: 'correlate-few', type: 'value_count', values: 10, words: 'value_count of 10 values' },
    { name: 'correlate-many', type: 'value_count', values: 1_000_000, words: 'value_count of a million values' },
  ] as const
  const rows: Row[] = []
  for (const { name, type, values, words } of kinds) {
    note(name)
    const outcome = await run('correlate', { matches, groups, values, type })
    rows.push({
      name,
      title: `Bricktrail: ${words} over matches of ${THOUSANDS.format(groups)} groups`,
      rounds: [outcome],
    })
  }
  return rows
}

async function small(options: BenchOptions, folder: string): Promise<Row> {
  const source = await smallObjects(options.smallObjects)
  const rounds: Outcome[] = []
  for (let round = 0; round < options.rounds; round++) {
    note(`round ${round + 1} of ${options.rounds}: small`)
    rounds.push(await run('ingest', { home: await freshHome(folder, 'small'), source }))
    await rm(join(folder, 'small'), { recursive: true })
  }
  const title = `Bricktrail: ${THOUSANDS.format(options.smallObjects)} plain objects of 25 events (20 KB) each`
  return { name: 'small', title, rounds }
}

async function steady(events: number, folder: string): Promise<Row[]> {
  const objects = await batches(STEADY_OBJECTS)
  const like = await day(events)
  const kinds = [
    { kind: IN_ORDER, words: 'a few minutes of the day' },
    { kind: ALL_HOURS, words: 'events from all hours of the day' },
  ]
  const rows: Row[] = []
  for (const { kind, words } of kinds) {
    const name = `steady-${events / 1_000_000}m-${kind}`
    note(name)
    const home = await freshHome(folder, name, like)
    const outcome = await run('steady', { home, objects: join(objects, kind) })
    await rm(home, { recursive: true })
    const title = `Bricktrail: a batch of 1,000 (${words}) into a day of ${THOUSANDS.format(events)}`
    rows.push({ name, title, rounds: [outcome] })
  }
  return rows
}

/** Each round has a home of its own, in which nothing was delivered yet. */
async function deliver(options: BenchOptions, folder: string): Promise<Row> {
  const source = await account(options.events)
  const like = await freshHome(folder, 'delivered')
  await run('ingest', { home: like, source, seal: false })
  const rounds: Outcome[] = []
  for (let round = 0; round < options.rounds; round++) {
    note(`round ${round + 1} of ${options.rounds}: deliver`)
    const name = `deliver-${round}`
    rounds.push(await run('deliver', { home: await freshHome(folder, name, like) }))
    await rm(join(folder, name), { recursive: true })
  }
  return { name: 'deliver', title: 'Bricktrail: delivery of all events to a Splunk collector on loopback', rounds }
}

/** Findings that come one by one. */
async function alert({ rounds: times }: BenchOptions): Promise<Row> {
  const rounds: Outcome[] = []
  for (let round = 0; round < times; round++) {
    note(`round ${round + 1} of ${times}: alert`)
    rounds.push(await run('alert', { findings: ALERTED_FINDINGS }))
  }
  return { name: 'alert', title: 'Bricktrail: from a committed finding to a webhook that has its alert', rounds }
}

/** So many people, each of whom asks something every few seconds. */
const USERS = 50
const THINK_SECONDS = 8

async function serve(options: BenchOptions, folder: string): Promise<Row> {
  const like = await lake(options.largeEvents)
  note('serve')
  const home = await freshHome(folder, 'serve', like)
  const outcome = await run('serve', { home, users: USERS, seconds: options.serveSeconds, thinkSeconds: THINK_SECONDS })
  await rm(home, { recursive: true })
  const title = `Bricktrail: ${USERS} people with the explorer over ${THOUSANDS.format(options.largeEvents)} events`
  return { name: 'serve', title, rounds: [outcome] }
}

async function large(options: BenchOptions, folder: string): Promise<Row[]> {
  const source = await account(options.largeEvents)
  note('large')
  const home = await freshHome(folder, 'large')
  const outcome = await run('ingest', { home, source })
  const bytes = await bytesIn(homeAt(home).events)
  const verified = await run('verify', { home })
  await rm(home, { recursive: true })
  return [
    {
      name: 'large',
      title: 'Bricktrail: ingest of many events',
      rounds: [{ ...outcome, details: { ...outcome.details, out_bytes: bytes } }],
    },
    { name: 'large-verify', title: 'Bricktrail: verification of the whole home of many events', rounds: [verified] },
  ]
}

/** A folder for one run of the benchmark. */
export async function runFolder(): Promise<string> {
  const folder = join(DATA, `run-${process.pid}`)
  await mkdir(folder, { recursive: true })
  return folder
}

const note = (words: string): void => void process.stderr.write(`${words}\n`)
