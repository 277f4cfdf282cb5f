/** The record behind an event, as it was received: out of the raw archive, found in its object by what the event kept of it. */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compressionOf } from '../../collect/decompress.ts'
import type { Manifest } from '../../collect/ledger.ts'
import { split } from '../../collect/split.ts'
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { removeScratch, scratchFolder } from '../../ingest/scratch.ts'
import type { RawRecord } from '../../seal/entry.ts'
import { rawOf } from '../../seal/raw/archive.ts'
import { readRawKey } from '../../seal/raw/key.ts'
import { sealSettings } from '../../seal/settings.ts'
import type { EventColumns } from './explain.ts'

/** Larger objects are not searched for one record. */
const MOST_BYTES = 1_000_000_000
/** An event has one record, and a slow action is logged twice under one id. */
const MOST_RECORDS = 10

/**
 * The records an event came from, as text, one a line.
 *
 * @throws AppError NOT_FOUND where the bytes are not kept or the record is not a text of its own in them
 */
export async function rawRecord(home: Home, event: EventColumns, signal: AbortSignal): Promise<string> {
  const { sha256, stored } = await recordOfObject(home, event)
  const { rawKey } = await sealSettings(home)
  const key = rawKey === null ? undefined : await readRawKey(rawKey)
  const folder = scratchFolder(home, 'raw')
  try {
    await mkdir(folder, { recursive: true })
    const path = join(folder, 'object')
    await copied(rawOf(home, sha256, key, stored.path), path, signal)
    const lines = join(folder, 'lines')
    await split({ path, compression: compressionOf(await headOf(path)) }, 'documents', lines)
    return await matching(lines, event, signal)
  } finally {
    await removeScratch(folder)
  }
}

/** The batch's manifest says what was kept of its objects. */
async function recordOfObject(home: Home, { batch_id, source_object }: EventColumns): Promise<Required<RawRecord>> {
  const [, digits = ''] = /^b(\d+)-/.exec(String(batch_id)) ?? []
  const names = await readdir(home.manifests).catch(() => [])
  const name = names.find((each) => Number.parseInt(each, 10) === Number(digits) && each.endsWith('.json'))
  if (name === undefined) throw notKept('The batch of this event has no manifest.')
  const manifest = JSON.parse(await readFile(join(home.manifests, name), 'utf8')) as Manifest
  const known = manifest.raw ?? {}
  const record = Object.hasOwn(known, String(source_object)) ? known[String(source_object)] : undefined
  if (record?.stored === undefined) throw notKept('What was received of this object was not kept.')
  return { ...record, stored: record.stored }
}

const notKept = (message: string): AppError =>
  new AppError('NOT_FOUND', message, {
    hint: 'The event itself stands in the lake; `raw: keep` in the seal settings keeps bytes from then on.',
  })

async function copied(bytes: AsyncIterable<Buffer>, path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    let size = 0
    for await (const chunk of bytes) {
      if (signal.aborted) throw new AppError('SQL_TIMEOUT', 'Nobody waits for the answer any more.')
      size += chunk.length
      if (size > MOST_BYTES) throw notKept('The object is too large to look for one record in it.')
      await file.write(chunk)
    }
  } finally {
    await file.close()
  }
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function matching(path: string, event: EventColumns, signal: AbortSignal): Promise<string> {
  const marks = marksOf(event)
  const stream = createReadStream(path, { encoding: 'utf8' })
  const found: string[] = []
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (signal.aborted) throw new AppError('SQL_TIMEOUT', 'Nobody waits for the answer any more.')
      if (marks.every((some) => some.some((mark) => line.includes(mark)))) found.push(line)
      if (found.length > MOST_RECORDS) break
    }
  } finally {
    stream.destroy()
  }
  if (found.length === 0 || found.length > MOST_RECORDS) {
    throw notKept('The record cannot be told from the others of its object.')
  }
  return `${found.join('\n')}\n`
}

/** Texts that the record must hold, each in one of its spellings: its id, what was done, and when. */
function marksOf(event: EventColumns): string[][] {
  const json = (value: unknown): string[] =>
    typeof value === 'string' && value !== '' ? [JSON.stringify(value).slice(1, -1)] : []
  const ids = [json(event.request_id), json(event.native_id)].filter((some) => some.length > 0)
  const timeMs = Date.parse(String(event.event_time))
  const iso = Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : ''
  const time = iso === '' ? [] : [[String(timeMs), iso.slice(0, 19), iso.slice(0, 19).replace('T', ' ')]]
  return [...ids, json(event.action), ...time].filter((some) => some.length > 0)
}
