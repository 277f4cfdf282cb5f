/** What was set aside: counts, lists and single rejects. */
import { AppError } from '../core/errors.ts'
import { lit } from '../engine/sql.ts'
import { textFilterSql } from './filter.ts'
import { rowObject } from './formats.ts'
import type { LakeQuery } from './lake-sql.ts'

/** Which rejects; comma lists and wildcards as in an event filter. */
export interface RejectFilter {
  readonly reason?: string
  readonly object?: string
}

/** Rejects of one reason. */
export interface RejectCount {
  readonly reason: string
  readonly rejects: number
  readonly objects: number
}

/** One reject with the beginning of what it held. */
export interface RejectLine {
  readonly id: string
  readonly reason: string
  readonly object: string
  readonly line: number
  readonly sizeBytes: number
  /** The first characters, as received: not safe for a terminal. */
  readonly content: string
  /** True where the bytes are text in UTF-16, which no log is: a tool in between made it so. */
  readonly utf16: boolean
}

/** A reject with everything that was kept of it. */
export interface WholeReject extends RejectLine {
  readonly detail: string
  readonly form: string
  readonly batchId: string
  readonly time: string
  /** Bytes kept; fewer than `sizeBytes` where the record was longer than what is kept. */
  readonly keptBytes: number
  readonly contentBase64: string
}

/** Characters of a reject that a list shows. */
const SHOWN_CHARS = 200
/** A character is at most four bytes, and base64 takes four characters for three bytes. */
const SHOWN_BASE64 = Math.ceil((SHOWN_CHARS * 4) / 3) * 4

const LINE_COLUMNS =
  'reject_id AS id, reason, source_object AS object, coalesce(line, 0) AS line, coalesce(size_bytes, 0) AS "sizeBytes"'

/** A condition over `rejects`. */
export function rejectFilterSql(filter: RejectFilter): string {
  const conditions = [
    ...(filter.reason === undefined ? [] : [textFilterSql('reason', 'reason', filter.reason)]),
    ...(filter.object === undefined ? [] : [textFilterSql('object', 'source_object', filter.object)]),
  ]
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ')
}

/** Counts per reason, most first. */
export async function countRejects(lake: LakeQuery, filter: RejectFilter): Promise<RejectCount[]> {
  return objectsOf<RejectCount>(
    lake,
    `SELECT coalesce(reason, 'unknown') AS reason, count(*) AS rejects, count(DISTINCT source_object) AS objects
     FROM rejects WHERE ${rejectFilterSql(filter)} GROUP BY ALL ORDER BY rejects DESC, reason`,
  )
}

/** The newest rejects, in the order of their places within an object. */
export async function listRejects(lake: LakeQuery, filter: RejectFilter, limit: number): Promise<RejectLine[]> {
  const rows = await objectsOf<Omit<RejectLine, 'content' | 'utf16'> & { content: string | null }>(
    lake,
    `SELECT ${LINE_COLUMNS}, left(content_base64, ${SHOWN_BASE64}) AS content
     FROM rejects WHERE ${rejectFilterSql(filter)}
     ORDER BY ingest_time DESC, source_object, line, reject_id LIMIT ${limit}`,
  )
  return rows.map((row) => {
    const bytes = Buffer.from(row.content ?? '', 'base64')
    return { ...row, content: textOf(bytes).slice(0, SHOWN_CHARS), utf16: isUtf16(bytes) }
  })
}

/** The reject whose id begins with `id`. Throws BAD_ARGUMENT where none or several do. */
export async function wholeReject(lake: LakeQuery, id: string): Promise<WholeReject> {
  const found = await objectsOf<Omit<WholeReject, 'content' | 'keptBytes' | 'utf16'>>(
    lake,
    `SELECT ${LINE_COLUMNS}, detail, form, batch_id AS "batchId", ingest_time AS "time",
       coalesce(content_base64, '') AS "contentBase64"
     FROM rejects WHERE starts_with(reject_id, ${lit(id.trim().toLowerCase())}) ORDER BY reject_id LIMIT 2`,
  )
  const [reject, another] = found
  if (reject === undefined || id.trim() === '') throw new AppError('BAD_ARGUMENT', `There is no reject "${id}".`)
  if (another !== undefined) {
    throw new AppError('BAD_ARGUMENT', `Several rejects begin with "${id}".`, {
      hint: `Write more of the id, for example ${reject.id}.`,
    })
  }
  const bytes = Buffer.from(reject.contentBase64, 'base64')
  return { ...reject, keptBytes: bytes.length, content: textOf(bytes), utf16: isUtf16(bytes) }
}

/** Bytes as text where they are; what is no UTF-8 becomes U+FFFD. */
const textOf = (bytes: Buffer): string => new TextDecoder().decode(bytes)

/** A byte order mark, or the first characters of JSON or CSV with a NUL beside each. */
const UTF16 = /^(?:\xff\xfe|\xfe\xff|(?:[\x20-\x7e]\0){2}|(?:\0[\x20-\x7e]){2})/

const isUtf16 = (bytes: Buffer): boolean => bytes.length >= 4 && UTF16.test(bytes.subarray(0, 4).toString('latin1'))

async function objectsOf<T>(lake: LakeQuery, sql: string): Promise<T[]> {
  const { columns, rows } = await lake.query(sql)
  return rows.map((row) => rowObject(columns, row) as T)
}
