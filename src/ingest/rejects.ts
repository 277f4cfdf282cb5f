/** Rejects on their way to the table that keeps them: written to a file as they are found, never all in memory. */
import { createWriteStream, type WriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, lit } from '../engine/sql.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import type { DataFile, DeltaTable } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import { scrubText } from '../normalise/scrub.ts'
import type { Reject } from './plan.ts'

/** Bytes of a record kept with its reject. */
export const KEPT_BYTES = 64 * 1024

const DETAILS: Readonly<Record<string, string>> = {
  malformed_json: 'The line is no valid JSON.',
  truncated: 'The object ends in the middle of this record.',
  not_a_record: 'The line is JSON, but no object.',
  missing_time: 'The record has no time that can be read.',
  missing_action: 'The record names no service or no action.',
}

/** A reason in words. */
export const detailOf = (reason: string): string => DETAILS[reason] ?? reason

/** A file of rejects, and how many there are of each object. */
export class RejectSpool {
  readonly path: string
  readonly counts = new Map<string, number>()
  #out: WriteStream | undefined
  #failed: Promise<never> | undefined

  /** Makes no file until there is a reject. */
  constructor(path: string) {
    this.path = path
  }

  /** How many there are of an object. */
  countOf(objectKey: string): number {
    return this.counts.get(objectKey) ?? 0
  }

  /** Adds a reject. */
  async add(reject: Reject): Promise<void> {
    const { sourceObject, form, reason, detail, line, sizeBytes, content } = reject
    this.counts.set(sourceObject, this.countOf(sourceObject) + 1)
    // Byte for byte a character and back: bytes that are no text stay as they are.
    const safe = Buffer.from(scrubText(content.toString('latin1')), 'latin1')
    const row = { sourceObject, form, reason, detail, line, sizeBytes, content: safe.toString('base64') }
    const out = this.#opened()
    if (!out.write(`${JSON.stringify(row)}\n`)) {
      await this.#settled((resolve) => out.once('drain', resolve))
    }
  }

  /** Waits until all is written. */
  async end(): Promise<void> {
    const out = this.#out
    if (out !== undefined) await this.#settled((resolve) => out.end(resolve))
  }

  /** Removes the file. */
  async discard(): Promise<void> {
    this.#out?.destroy()
    await rm(this.path, { force: true })
  }

  #opened(): WriteStream {
    if (this.#out === undefined) {
      const out = createWriteStream(this.path)
      this.#failed = new Promise((_, reject) => out.once('error', reject))
      this.#failed.catch(() => undefined)
      this.#out = out
    }
    return this.#out
  }

  #settled(begin: (resolve: () => void) => void): Promise<unknown> {
    return Promise.race([new Promise<void>(begin), this.#failed])
  }
}

/**
 * Writes the rejects that the table does not hold yet; returns the files to commit. The id is made of object, place
 * and bytes, so that reading the same again, or after a crash, adds nothing.
 */
export async function writeRejects(
  engine: Engine,
  table: DeltaTable,
  spool: RejectSpool,
  { batchId, ingestTime }: { readonly batchId: string; readonly ingestTime: Date },
): Promise<DataFile[]> {
  if (spool.counts.size === 0) return []
  await spool.end()
  const day = ingestTime.toISOString().slice(0, 10)
  const held = scanSql(table, filesBetween(await table.snapshot()))
  const objects = [...spool.counts.keys()].map(lit).join(', ')
  const select = `SELECT * FROM (
      SELECT substr(sha256(concat_ws(chr(29), sourceObject, reason, coalesce(line::VARCHAR, ''), sizeBytes, content)), 1, 32) AS reject_id,
        DATE ${lit(day)} AS reject_date, ${lit(ingestTime.toISOString())}::TIMESTAMPTZ AS ingest_time, ${lit(batchId)} AS batch_id,
        sourceObject AS source_object, form, reason, detail, line, sizeBytes AS size_bytes, content AS content_base64
      FROM read_json(${fileSql(spool.path)}, format = 'newline_delimited', maximum_object_size = 1048576, columns = {sourceObject: 'VARCHAR', form: 'VARCHAR',
        reason: 'VARCHAR', detail: 'VARCHAR', line: 'BIGINT', sizeBytes: 'BIGINT', content: 'VARCHAR'}))
    WHERE reject_id NOT IN (SELECT reject_id FROM ${held} WHERE source_object IN (${objects}))`
  const file = await writePartition(engine, table, { select, partition: day, stem: batchId })
  return file === undefined ? [] : [file]
}
