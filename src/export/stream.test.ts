import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { FORMATS, formatNamed } from './registry.ts'
import { event, tableOfEvents } from './rows.fixture.ts'
import { exportStream } from './stream.ts'
import { exportTarget } from './target.ts'

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-stream-test-'))
  vi.stubEnv('TMPDIR', folder)
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', [event({}), event({ event_date: '2026-03-05' }), event({})])
})
afterAll(async () => {
  engine.close()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

const DAYS = ['2026-03-04', '2026-03-05', '2026-03-06'].map((date) => ({
  date,
  relation: `(SELECT * FROM events WHERE event_date = DATE '${date}')`,
}))

async function streamed(name: string, gzip = false, days = DAYS) {
  const pieces: Uint8Array[] = []
  const format = formatNamed(name)
  const report = await exportStream(engine, format, days, exportTarget(format, '-', gzip), async (piece) => {
    pieces.push(piece)
  })
  return { report, bytes: Buffer.concat(pieces) }
}

it('writes all days as one piece in every format but Parquet, and leaves no file', async () => {
  for (const { name } of FORMATS.filter((format) => format.name !== 'parquet')) {
    const { report, bytes } = await streamed(name)
    expect(report, name).toEqual({ events: 3, bytes: bytes.length })
    const lines = bytes.toString('utf8').trimEnd().split('\n')
    expect(lines, name).toHaveLength(name === 'csv' ? 4 : 3)
  }
  expect(await readdir(folder)).toEqual([])
})

it('writes the header of CSV once, before the first day that has events', async () => {
  const { bytes } = await streamed('csv', false, [...DAYS].reverse())
  const heads = bytes
    .toString('utf8')
    .split('\r\n')
    .map((line) => line.split(',')[0])
  expect(heads.filter((head) => head === 'event_id')).toEqual(['event_id'])
  expect(heads[0]).toBe('event_id')
})

it('compresses so that the days unpack as one', async () => {
  const { bytes } = await streamed('cef', true)
  expect(gunzipSync(bytes).toString('utf8').trimEnd().split('\n')).toHaveLength(3)
})

it('leaves no file where writing fails', async () => {
  const format = formatNamed('cef')
  const failing = exportStream(engine, format, DAYS, exportTarget(format, '-'), async () => {
    throw new Error('gone')
  })
  await expect(failing).rejects.toThrow('gone')
  expect(await readdir(folder)).toEqual([])
})
