/** Events of a server as a file. */
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Transform, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { TimeRange } from '../ask/times.ts'
import { AppError, isAppError, messageOf } from '../core/errors.ts'
import type { ApiClient } from './client.ts'
import { spanOf } from './span.ts'

/** Kinds of files that a server makes. */
export const SERVER_FORMATS = ['csv', 'parquet', 'ndjson'] as const
/** One of {@link SERVER_FORMATS}. */
export type ServerFormat = (typeof SERVER_FORMATS)[number]

/** What is downloaded, and in what container. */
export interface DownloadWish {
  readonly format: ServerFormat
  readonly range: TimeRange
  readonly gzip: boolean
  readonly signal: AbortSignal
}

/** What came. */
export interface Downloaded {
  readonly events: number
  /** How many there are; more than came where the server gives no more at once. */
  readonly found: number
  /** As written. */
  readonly bytes: number
}

/** A server writes pieces; between two of them it may be silent for so long. */
const SILENT_MS = 300_000
const TYPES = /^(?:application\/x-ndjson|text\/csv|application\/vnd\.apache\.parquet)/

/**
 * Downloads events, the oldest first, to a stream that is opened where there are any.
 * @throws AppError NO_SERVER where the answer breaks off, DISK_FULL, UNREADABLE; what the server refuses
 */
export async function downloadTo(api: ApiClient, wish: DownloadWish, open: () => Writable): Promise<Downloaded> {
  const { format, range, gzip, signal } = wish
  const query = { format, ...spanOf(range) }
  const { headers, body } = await api.file('/api/v1/events/download', TYPES, { query, signal, silentMs: SILENT_MS })
  const [events = 0, found = 0] = [headers['x-events'], headers['x-events-found']].map((text) => Number(text ?? 0))
  if (events === 0) {
    body.destroy()
    return { events, found, bytes: 0 }
  }
  const out = open()
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(null, chunk)
    },
  })
  try {
    const steps = gzip ? [body, createGzip(), counted] : [body, counted]
    await pipeline([...steps, out], { signal })
  } catch (cause) {
    throw failureOf(cause, signal, api.address)
  }
  return { events, found, bytes }
}

function failureOf(cause: unknown, signal: AbortSignal, address: string): unknown {
  if (signal.aborted || isAppError(cause)) return cause
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOSPC') return new AppError('DISK_FULL', 'The disk is full.', { cause })
  if (code === 'ENOENT')
    return new AppError('BAD_ARGUMENT', 'The folder of the file does not exist.', { hint: 'Make it first.', cause })
  if (code === 'EACCES' || code === 'EISDIR' || code === 'EPERM')
    return new AppError('UNREADABLE', `The file cannot be written: ${messageOf(cause)}`, { cause })
  return new AppError('NO_SERVER', `${address} broke off in the midst of the file.`, { cause })
}

/** As {@link downloadTo}, to a file: under another name until all of it is there. */
export async function downloadFile(api: ApiClient, wish: DownloadWish, path: string): Promise<Downloaded> {
  const partial = `${path}.${process.pid}.partial`
  try {
    const downloaded = await downloadTo(api, wish, () => createWriteStream(partial, { mode: 0o600 }))
    if (downloaded.events > 0) await rename(partial, path)
    return downloaded
  } finally {
    await rm(partial, { force: true })
  }
}
