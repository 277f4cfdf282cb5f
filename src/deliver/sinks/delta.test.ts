import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Engine, type Row } from '../../engine/duckdb.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import { DeltaTable } from '../../lake/table.ts'
import { vacuum } from '../../lake/vacuum.ts'
import type { Batch, Sink } from '../contract.ts'
import { fitted, MARK } from '../fit.ts'
import { NASTY } from '../sink.suite.ts'
import { auditItem, BATCH_ITEMS, batchOf, numberedBatch } from './delta.fixture.ts'
import { AUDIT_TABLE, delta } from './delta.ts'

const CHILD = fileURLToPath(new URL('./delta-crash.fixture.ts', import.meta.url))
const KILLS = 6

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

let home: string
let sink: Sink
const open = (folder = 'out') =>
  delta.open({ folder }, { name: 'table', secret: () => '', timeoutMs: 5000, folder: home })
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-delta-'))
  sink = await open()
})
afterEach(async () => {
  await sink.close?.()
  await rm(home, { recursive: true, force: true })
})

const send = (batch: Batch) => sink.send(batch, AbortSignal.timeout(20_000))
/** The table as a reader sees it, from nothing but the folder. */
const table = () => DeltaTable.at(join(home, 'out'), AUDIT_TABLE)

async function rows<T extends Row>(select: string): Promise<T[]> {
  const { files } = await table().snapshot()
  return engine.rows(`SELECT ${select} FROM ${scanSql(table(), files)} ORDER BY event_time, event_id`)
}

const ids = async () => (await rows<{ event_id: string }>('event_id')).map(({ event_id }) => event_id)

/** Runs a process that sends from a batch on until it is killed; returns the last batch that it says was delivered. */
async function killedAfter(ms: number, first: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, home, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), ms)
  await once(child, 'close')
  clearTimeout(timer)
  expect(child.signalCode).toBe('SIGKILL')
  return Number(said.trimEnd().split('\n').at(-1) || first - 1)
}

describe('a Delta table', () => {
  it('gets a file and a commit a batch, with columns, types, statistics and times of system.access.audit', async () => {
    expect(await send(batchOf(auditItem(4), auditItem(1)))).toEqual({ kind: 'delivered' })
    const [row] = await rows(
      'event_time::VARCHAR AS time, event_date::VARCHAR AS day, user_identity, request_params, response, event_id',
    )
    expect(row).toEqual({
      time: '2026-11-12 09:00:00.000123+00',
      day: '2026-11-12',
      user_identity: { email: 'ana@example.com', subject_name: null },
      request_params: [
        { key: 'text', value: 'words 1' },
        { key: 'n', value: '1' },
      ],
      response: { status_code: 200, error_message: null, result: '{}' },
      event_id: 'e-1',
    })
    const snapshot = await table().snapshot()
    expect(snapshot).toMatchObject({ version: 0, files: [{ rows: 2, partition: '2026-11-12' }] })
    expect(JSON.parse(snapshot.files[0]?.stats ?? '')).toMatchObject({
      numRecords: 2,
      minValues: { service_name: 'unityCatalog', workspace_id: '42' },
      nullCount: { account_id: 2 },
    })
    expect(filesBetween(snapshot, Date.UTC(2026, 10, 12, 9, 0, 2))).toEqual([])
    const log = await readFile(join(home, 'out', '_delta_log', `${'0'.repeat(20)}.json`), 'utf8')
    const [schema] = log.split('\n').flatMap((line) => JSON.parse(line || '{}').metaData ?? [])
    expect(JSON.parse(schema.schemaString).fields[0]).toMatchObject({ metadata: { comment: 'Databricks account.' } })
  })

  it('gets a batch that is sent again no second time, whoever sends it and however often', async () => {
    for (let time = 0; time < 3; time++) expect(await send(numberedBatch(0))).toEqual({ kind: 'delivered' })
    await sink.close?.()
    sink = await open()
    expect(await send({ ...numberedBatch(0), attempt: 2 })).toEqual({ kind: 'delivered' })
    expect((await ids()).length).toBe(BATCH_ITEMS)
    expect((await readdir(join(home, 'out', 'event_date=2026-11-12'))).length).toBe(1)
  })

  it('knows what it has from its checkpoint, once the commits are gone', async () => {
    for (let number = 0; number < 12; number++) await send(numberedBatch(number))
    const log = join(home, 'out', '_delta_log')
    for (let version = 0; version < 10; version++) await rm(join(log, `${String(version).padStart(20, '0')}.json`))
    await sink.close?.()
    sink = await open()
    for (let number = 0; number < 12; number++) expect((await send(numberedBatch(number))).kind).toBe('delivered')
    expect((await ids()).length).toBe(12 * BATCH_ITEMS)
  })

  it('gets several batches at once', async () => {
    const outcomes = await Promise.all([0, 1, 2].map((number) => send(numberedBatch(number))))
    expect(outcomes.every(({ kind }) => kind === 'delivered')).toBe(true)
    expect((await ids()).length).toBe(3 * BATCH_ITEMS)
  })

  it('gets letters of all kinds', async () => {
    expect(await send(batchOf(auditItem(1, NASTY)))).toEqual({ kind: 'delivered' })
    expect(await rows("request_params['text'] AS text")).toEqual([{ text: NASTY }])
  })

  it('gets what is far too long shortened, and marked', async () => {
    const huge = auditItem(1, 'long 東京 '.repeat(2_000_000))
    expect(await send(batchOf(fitted(huge, sink.limits)))).toEqual({ kind: 'delivered' })
    const [row] = await rows<{ text: string; mark: string }>(`request_params['text'] AS text, ${MARK} AS mark`)
    expect(row?.text.startsWith('long 東京 long')).toBe(true)
    expect(Number(row?.mark)).toBe(Buffer.byteLength(huge.text))
  })

  it('has every row once, after kills at any moment and every batch that was under way sent again', async () => {
    let next = 0
    for (let kill = 0; kill < KILLS; kill++) {
      // The batch whose acknowledgement was cut off is the first one sent again, as the dispatcher does.
      next = (await killedAfter(700 + Math.random() * 900, next)) + 1
    }
    expect(next).toBeGreaterThan(0)
    expect(await send(numberedBatch(next))).toEqual({ kind: 'delivered' })
    const all = await ids()
    expect(all.length).toBe((next + 1) * BATCH_ITEMS)
    expect(new Set(all).size).toBe(all.length)
  }, 60_000)

  it('does not show a file that a crash left uncommitted, and vacuum takes it', async () => {
    await send(numberedBatch(0))
    const folder = join(home, 'out', 'event_date=2026-11-12')
    const [name = ''] = await readdir(folder)
    const { id } = numberedBatch(1)
    await writeFile(join(folder, `${id}-0.parquet`), await readFile(join(folder, name)))
    expect(await send(numberedBatch(1))).toEqual({ kind: 'delivered' })
    expect(new Set(await ids()).size).toBe(2 * BATCH_ITEMS)
    expect((await readdir(folder)).length).toBe(3)
    await vacuum(table(), { graceMs: 0, nowMs: Date.now() + 1000 })
    expect((await readdir(folder)).sort()).toEqual([name, `${id}-1.parquet`].sort())
  })

  it('is rid of what a crash left half written', async () => {
    const staged = join(home, 'out', '_staging')
    await mkdir(staged, { recursive: true })
    for (const name of ['old.parquet', 'new.parquet']) await writeFile(join(staged, name), 'PAR1')
    await utimes(join(staged, 'old.parquet'), 0, 0)
    await (await open()).close?.()
    expect(await readdir(staged)).toEqual(['new.parquet'])
  })

  it('that cannot be made is told as a matter of the settings, and gets all of it once it can', async () => {
    await writeFile(join(home, 'out'), 'a file stands there')
    expect(await send(numberedBatch(0))).toMatchObject({ kind: 'misconfigured' })
    await rm(join(home, 'out'))
    expect(await send(numberedBatch(0))).toEqual({ kind: 'delivered' })
  })

  it('of another maker, with other columns or a higher protocol, is left alone', async () => {
    const log = join(home, 'out', '_delta_log', `${'0'.repeat(20)}.json`)
    await mkdir(join(home, 'out', '_delta_log'), { recursive: true })
    const protocol = { protocol: { minReaderVersion: 3, minWriterVersion: 7 } }
    const field = { name: 'event_id', type: 'long', nullable: true, metadata: {} }
    const metaData = {
      id: 'x',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({ type: 'struct', fields: [field] }),
      partitionColumns: ['event_date'],
      configuration: {},
    }
    for (const action of [protocol, { metaData }, { metaData: { ...metaData, partitionColumns: [] } }]) {
      await writeFile(log, `${JSON.stringify(action)}\n`)
      await sink.close?.()
      sink = await open()
      expect(await send(numberedBatch(0))).toMatchObject({ kind: 'misconfigured' })
      expect(await readdir(join(home, 'out', '_delta_log'))).toEqual([`${'0'.repeat(20)}.json`])
    }
  })

  it('refuses for good what is no record, and leaves nothing behind', async () => {
    for (const text of ['{"event_id": ', '', '{}\n{}']) {
      expect(await send(batchOf({ ...auditItem(1), text }))).toMatchObject({ kind: 'dead' })
      expect((await table().snapshot()).version).toBe(-1)
      expect(await readdir(join(home, 'out', '_staging'))).toEqual([])
      expect(await readdir(join(home, 'out', 'event_date=2026-11-12')).catch(() => [])).toEqual([])
    }
  })

  it('is none of the home itself', async () => {
    for (const folder of ['lake/events', 'lake', 'x/../lake/audit'])
      await expect(open(folder)).rejects.toMatchObject({
        code: 'BAD_HOME',
        message: expect.stringContaining('belongs to the lake'),
      })
    await (await open('lakehouse')).close?.()
  })
})
