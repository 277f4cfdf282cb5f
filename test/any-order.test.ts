/** Whatever the order, the split, the compression and the repetition of the input: the same lake. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EVENT_COLUMNS } from '../src/core/event.ts'
import { homeAt } from '../src/core/home.ts'
import { Engine } from '../src/engine/duckdb.ts'
import { Ingester, type IngestReport } from '../src/ingest/ingest.ts'
import { SMALL_BATCH_BYTES } from '../src/ingest/small-batch.ts'
import { scanSql } from '../src/lake/read.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../src/lake/table.ts'

let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'any-order-'))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** A good record, an odd one, or a line that is none. */
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('good'),
      n: fc.nat(400),
      name: fc.string({ unit: 'grapheme', maxLength: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('unknown field', 'nested text', 'secret', 'ISO time'),
      n: fc.nat(50),
      name: fc.constant('x'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('no time', 'no action', 'broken', 'list'),
      n: fc.nat(50),
      name: fc.constant('x'),
    }),
  },
)
type Line = { kind: string; n: number; name: string }

function textOf({ kind, n, name }: Line): string {
  const timestamp =
    kind === 'ISO time' ? new Date(1_778_000_000_000 + n * 1000).toISOString() : 1_778_000_000_000 + n * 37_003
  const params = { full_name_arg: `main.a.${n}`, name, ...(kind === 'secret' ? { password: `pw-${n}` } : {}) }
  const record = {
    version: '2.0',
    timestamp,
    orgId: '1234567890',
    sourceIPAddress: `203.0.113.${n % 7}`,
    userAgent: `agent/${n % 5}`,
    userIdentity: { email: `p${n % 9}@example.com` },
    serviceName: 'unityCatalog',
    actionName: 'getTable',
    requestId: `r-${n % 150}`,
    requestParams: kind === 'nested text' ? JSON.stringify(params) : params,
    response: { statusCode: n % 11 === 0 ? 403 : 200 },
    ...(kind === 'unknown field' ? { newThing: { n } } : {}),
  }
  if (kind === 'broken') return `{"n": ${n}, `
  if (kind === 'list') return `[${n}]`
  if (kind === 'no time') return JSON.stringify({ ...record, timestamp: undefined })
  if (kind === 'no action') return JSON.stringify({ ...record, actionName: '' })
  return JSON.stringify(record)
}

const COMPRESS = [
  (text: string) => Buffer.from(text),
  (text: string) => gzipSync(text),
  (text: string) => zstdCompressSync(text),
]
const PROVENANCE = ['source_object', 'batch_id', 'ingest_time', 'received_time', 'source', 'record_bytes']

interface Plan {
  /** File of each line, the file's compression, and the ingestion the file is part of. */
  readonly fileOf: readonly number[]
  readonly compression: readonly number[]
  readonly callOf: readonly number[]
}

/** Ingests the lines as planned, checking the counts of every call against the lines in its files. */
async function lakeOf(
  name: string,
  lines: readonly Line[],
  plan: Plan,
  smallBatchBytes = SMALL_BATCH_BYTES,
): Promise<{ events: string; rejects: string }> {
  const home = homeAt(join(work, name))
  const cache = join(work, 'cache')
  if (existsSync(cache)) cpSync(cache, home.cache, { recursive: true })
  const ingester = new Ingester({ home, now: () => new Date('2026-11-20T00:00:00Z'), smallBatchBytes })
  for (const call of [0, 1]) {
    const folder = join(work, `${name}-logs-${call}`)
    mkdirSync(folder)
    const here = lines.filter((_, at) => plan.callOf[plan.fileOf[at] ?? 0] === call)
    for (const [file, compression] of plan.compression.entries()) {
      const texts = lines.filter((_, at) => plan.fileOf[at] === file && plan.callOf[file] === call).map(textOf)
      if (texts.length > 0)
        writeFileSync(join(folder, `f${file}.json`), COMPRESS[compression]?.(`${texts.join('\n')}\n`) ?? '')
    }
    if (here.length === 0) continue
    const report = await ingester
      .ingest({ specs: [folder], form: 'delivery', stdin: Readable.from([]) })
      .catch(onlyRejects)
    if (report === undefined) continue
    expect(report.records).toBe(here.length)
    expect(report.events + report.duplicates + report.rejects).toBe(here.length)
  }
  await ingester.close()
  if (!existsSync(cache) && existsSync(home.cache)) cpSync(home.cache, cache, { recursive: true })
  return { events: await rowsOf(home.events, EVENTS_TABLE), rejects: await rowsOf(home.rejects, REJECTS_TABLE) }
}

/** An ingestion in which nothing could be used says so; its rejects are kept all the same. */
function onlyRejects(cause: { code?: string }): IngestReport | undefined {
  if (cause.code === 'NO_RECORDS') return undefined
  throw cause
}

/**
 * Which rejects there are. A broken line alone in its file may as well be a record printed over several lines and cut short; so of
 * broken JSON the bytes count, but for blanks at their end, and not which of the two it was taken for.
 */
const REJECTED = `replace(reason, 'truncated', 'malformed_json') AS reason, rtrim(decode(from_base64(content_base64)), ' ') AS content`

async function rowsOf(path: string, spec: typeof EVENTS_TABLE): Promise<string> {
  const engine = await Engine.open({ threads: 1 })
  try {
    const table = DeltaTable.at(path, spec)
    const columns =
      spec === REJECTS_TABLE
        ? `DISTINCT ${REJECTED}`
        : EVENT_COLUMNS.filter(({ name }) => !PROVENANCE.includes(name))
            .map(({ name }) => name)
            .join(', ')
    const rows = await engine.rows(`SELECT ${columns} FROM ${scanSql(table, (await table.snapshot()).files)}`)
    return rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join('\n')
  } finally {
    engine.close()
  }
}

const FILES = 4
const plan = (lines: number) =>
  fc.record({
    fileOf: fc.array(fc.nat(FILES - 1), { minLength: lines, maxLength: lines }),
    compression: fc.array(fc.nat(COMPRESS.length - 1), { minLength: FILES, maxLength: FILES }),
    callOf: fc.array(fc.nat(1), { minLength: FILES, maxLength: FILES }),
  })

let run = 0
test('any order, split, compression and repetition of the input gives the same lake', async () => {
  const cases = fc
    .array(line, { minLength: 1, maxLength: 60 })
    .chain((lines) =>
      fc.tuple(fc.constant(lines), fc.shuffledSubarray([...lines, ...lines], { minLength: lines.length * 2 })),
    )
    .chain(([lines, twice]) => fc.tuple(fc.constant(lines), plan(lines.length), fc.constant(twice), plan(twice.length)))
  await fc.assert(
    fc.asyncProperty(cases, async ([lines, first, twice, second]) => {
      run++
      const once = await lakeOf(`once-${run}`, lines, first)
      const again = await lakeOf(`twice-${run}`, twice, second, -1)
      expect(again).toEqual(once)
    }),
    { numRuns: 5, endOnFailure: true },
  )
}, 180_000)
