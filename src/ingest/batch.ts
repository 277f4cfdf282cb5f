/**
 * One batch: objects of one form and shape become one commit. The records stream through the engine into files of no table;
 * then repeats are taken out, rejects are given their place, and all of it is committed at once.
 */
import { randomUUID } from 'node:crypto'
import type { Ledger, Manifest, Taking } from '../collect/ledger.ts'
import { isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { enrichment, learn } from '../enrich/memo.ts'
import type { DataFile, DeltaTable } from '../lake/table.ts'
import { publishFile } from '../lake/write.ts'
import { type StagedDays, stageDays } from '../lake/write-days.ts'
import { type EventContext, eventsSql, ipSql } from '../normalise/event.ts'
import { formNamed } from '../normalise/registry.ts'
import { findDuplicates, withoutDuplicates } from './duplicates.ts'
import { type Reject, spoolSplit, type Work } from './plan.ts'
import { rawSql } from './raw.ts'
import { locateRefused, type Refused, writeRejects } from './rejects.ts'

/** Application name of the `txn` actions: what makes a batch happen once. */
export const TXN_APP = 'bricktrail-ingest'

/** The rooms a batch works in. */
export interface BatchContext {
  readonly home: Home
  readonly engine: Engine
  readonly events: DeltaTable
  readonly rejects: DeltaTable
  readonly ledger: Ledger
  readonly tmp: string
  readonly source: string
  readonly generator: string
  readonly now: () => Date
}

/** What a batch came to. */
export interface BatchResult {
  readonly records: number
  readonly events: number
  readonly duplicates: number
  readonly rejects: number
  readonly redactions: number
}

/** Whole key lists that the quick reading accepts; the rest goes through the tolerant one. */
const MAX_SIGNATURES = 64

/** Runs a batch to its end. On an error nothing of it is visible, except rejects, which a repetition will not double. */
export async function runBatch(works: readonly Work[], context: BatchContext): Promise<BatchResult> {
  const seq = await nextSeq(context)
  const ingestTime = context.now()
  const batchId = `b${String(seq).padStart(9, '0')}-${randomUUID().slice(0, 8)}`
  const batch = new Batch(works, batchId, ingestTime, context)
  try {
    await batch.stage()
    return await batch.commit(seq)
  } finally {
    await batch.discard()
  }
}

/** Numbers never repeat: each is above all that either table or the ledger has seen. */
async function nextSeq({ events, rejects, ledger }: BatchContext): Promise<number> {
  const seen = await Promise.all(
    [events, rejects].map(async (table) => (await table.snapshot()).txnVersion(TXN_APP) ?? 0),
  )
  return Math.max(ledger.lastSeq(), ...seen) + 1
}

class Batch {
  #works: readonly Work[]
  readonly #batchId: string
  readonly #ingestTime: Date
  readonly #context: BatchContext
  #staged: StagedDays[] = []
  /** Rows that are no events, by object. */
  #refused = new Map<string, Refused[]>()

  constructor(works: readonly Work[], batchId: string, ingestTime: Date, context: BatchContext) {
    this.#works = works
    this.#batchId = batchId
    this.#ingestTime = ingestTime
    this.#context = context
  }

  /** Reads the objects; what the engine cannot read is read by hand into spools, once, and tried again. */
  async stage(): Promise<void> {
    try {
      await this.#stageAll()
    } catch (cause) {
      if (!isAppError(cause) || cause.code !== 'ENGINE' || this.#works.every(({ spooled }) => spooled)) throw cause
      await this.discard()
      this.#refused = new Map()
      const salvaged: Work[] = []
      for (const work of this.#works) {
        salvaged.push(
          work.readPath === '' || work.shape !== 'lines' ? work : await spoolSplit(work, 'lines', this.#context),
        )
      }
      this.#works = salvaged
      await this.#stageAll()
    }
  }

  async #stageAll(): Promise<void> {
    const readable = this.#works.filter(({ readPath }) => readPath !== '')
    if (readable.length === 0) return
    const { engine } = this.#context
    const { form: formName = '' } = readable[0] as Work
    const form = formNamed(formName)
    await this.#objectsTable(readable)
    const raw = rawSql(readable)
    await learnHeads(engine, readable)
    const context: EventContext = {
      source: this.#context.source,
      batchId: this.#batchId,
      ingestTime: this.#ingestTime,
      objects: 'batch_objects',
      enrichment: enrichment(),
    }
    const quick = await this.#stageDays(
      eventsSql(form, raw, context, { signatures: signaturesOf(readable, form.knownKeys) }),
    )
    const aside = asideSql(quick)
    if (aside === undefined) return
    await this.#refuse(
      `SELECT source_object, 'malformed_json' AS reason, NULL AS text FROM ${aside} WHERE extra IS NULL`,
    )
    await learn(engine, (input) => `SELECT ${input} FROM ${aside}`)
    const again = `(SELECT a.extra::JSON AS json, o.file AS file FROM ${aside} a JOIN batch_objects o USING (source_object) WHERE a.extra IS NOT NULL)`
    const tolerant = await this.#stageDays(eventsSql(form, again, context, { signatures: null }))
    const left = asideSql(tolerant)
    if (left !== undefined)
      await this.#refuse(`SELECT source_object, status_reason AS reason, extra AS text FROM ${left}`)
    await engine.run('DROP TABLE batch_objects')
  }

  async #stageDays(select: string): Promise<StagedDays> {
    const staged = await stageDays(this.#context.engine, this.#context.events.spec, select, this.#context.tmp)
    this.#staged.push(staged)
    return staged
  }

  async #objectsTable(works: readonly Work[]): Promise<void> {
    const rows = works.map(({ readPath, inspected: { object } }) => ({
      file: readPath,
      source_object: object.key,
      path_workspace: /workspaceId=([^/\\]+)/.exec(object.key)?.[1] ?? null,
      object_time: new Date(object.modifiedMs).toISOString(),
    }))
    const { engine } = this.#context
    await engine.tableOf('batch_objects_text', rows, ['file', 'source_object', 'path_workspace', 'object_time'])
    await engine.run(`CREATE OR REPLACE TEMP TABLE batch_objects AS
      SELECT file, source_object, path_workspace, object_time::TIMESTAMPTZ AS object_time FROM batch_objects_text`)
  }

  async #refuse(select: string): Promise<void> {
    type Found = { source_object: string; reason: string; text: string | null }
    for (const { source_object, reason, text } of await this.#context.engine.rows<Found>(select)) {
      const list = this.#refused.get(source_object) ?? []
      list.push({ reason, text })
      this.#refused.set(source_object, list)
    }
  }

  /** Takes out repeats, writes rejects, and commits everything. */
  async commit(seq: number): Promise<BatchResult> {
    const { engine, events, rejects: rejectTable, ledger, tmp, source, generator } = this.#context
    const files = this.#staged.flatMap((days) => days.files.filter(({ partition }) => partition !== null))
    const found = await findDuplicates(engine, events, files)
    const rejects = await this.#rejects()
    const rejectFiles = await writeRejects(engine, rejectTable, rejects, {
      batchId: this.#batchId,
      ingestTime: this.#ingestTime,
      tmp,
    })
    const adds: DataFile[] = []
    for (const file of files) {
      const day = { partition: file.partition as string, stem: this.#batchId }
      const drops = found.byFile.get(file.path) ?? 0
      if (drops === file.rows) continue
      if (drops === 0) adds.push(await publishFile(events, file.path, file.stats, day))
      else adds.push(...(await withoutDuplicates(engine, events, file, day)))
    }
    const takings = this.#takings(
      seq,
      found.eventsByObject,
      found.duplicatesByObject,
      Map.groupBy(rejects, (reject) => reject.sourceObject),
    )
    const manifest: Manifest = {
      version: 1,
      batchId: this.#batchId,
      seq,
      ingestTime: this.#ingestTime.toISOString(),
      source,
      generator,
      objects: takings,
      dataFiles: adds.map(({ path, sizeBytes, rows }) => ({ path, sizeBytes, rows })),
    }
    const txn = { appId: TXN_APP, version: seq }
    const nowMs = this.#ingestTime.getTime()
    if (rejectFiles.length > 0) await rejectTable.commit({ adds: rejectFiles, operation: 'WRITE', txn, nowMs })
    await ledger.prepare(manifest)
    const sum = (of: (taking: Taking) => number) => takings.reduce((total, taking) => total + of(taking), 0)
    const counts = {
      records: sum((taking) => taking.records),
      events: sum((taking) => taking.events),
      duplicates: sum((taking) => taking.duplicates),
      rejects: sum((taking) => taking.rejects),
    }
    await events.commit({ adds, operation: 'WRITE', txn, nowMs, info: { batchId: this.#batchId, ...counts } })
    ledger.record(manifest)
    return { ...counts, redactions: found.redactions }
  }

  async #rejects(): Promise<Reject[]> {
    const rejects = this.#works.flatMap((work) => work.rejects)
    for (const work of this.#works) {
      const refused = this.#refused.get(work.inspected.object.key)
      if (refused === undefined) continue
      if (work.shape === 'lines') rejects.push(...(await locateRefused(this.#context.engine, work, refused)))
      else rejects.push(...refused.map((one, at) => rowReject(work, one, at)))
    }
    return rejects
  }

  #takings(
    seq: number,
    events: ReadonlyMap<string, number>,
    duplicates: ReadonlyMap<string, number>,
    rejects: ReadonlyMap<string, readonly Reject[]>,
  ): Taking[] {
    return this.#works.map(({ inspected, form, firstByte }) => {
      const { object, shape, compression } = inspected
      const counts = {
        events: events.get(object.key) ?? 0,
        duplicates: duplicates.get(object.key) ?? 0,
        rejects: rejects.get(object.key)?.length ?? 0,
      }
      const resumable = shape === 'lines' && compression === 'none' && inspected.lastBreak > 0
      return {
        object_key: object.key,
        sha256: inspected.sha256,
        size_bytes: inspected.sizeBytes,
        modified_ms: object.modifiedMs,
        form,
        shape,
        compression,
        batch_id: this.#batchId,
        batch_seq: seq,
        ingested_at: this.#ingestTime.toISOString(),
        first_byte: firstByte,
        last_byte: inspected.sizeBytes,
        records: counts.events + counts.duplicates + counts.rejects,
        ...counts,
        resume_byte: resumable ? inspected.lastBreak : null,
        resume_sha256: resumable ? inspected.breakSha256 : null,
        resume_lines: resumable ? inspected.lineBreaks : null,
      }
    })
  }

  /** Removes what was staged and not published. */
  async discard(): Promise<void> {
    await Promise.all(this.#staged.map((days) => days.discard()))
    this.#staged = []
  }
}

/** Rows of tables have no line to look up: their place is where they were met, their bytes are the row as JSON. */
function rowReject(work: Work, { reason, text }: Refused, at: number): Reject {
  const content = Buffer.from(text ?? '')
  return {
    sourceObject: work.inspected.object.key,
    form: work.form,
    reason,
    detail: 'The row lacks what an event needs.',
    line: at + 1,
    sizeBytes: content.length,
    content,
  }
}

/** Raw bytes an object probably holds: audit JSON shrinks about tenfold. */
export const estimatedBytes = ({ inspected, shape }: Work): number =>
  inspected.sizeBytes * (inspected.compression === 'none' && shape !== 'parquet' ? 1 : 10)

function asideSql(days: StagedDays): string | undefined {
  const paths = days.files.filter(({ partition }) => partition === null).map(({ path }) => lit(path))
  return paths.length === 0 ? undefined : `read_parquet([${paths.join(', ')}], hive_partitioning = false)`
}

/** Key lists of the first records that hold known keys only. */
function signaturesOf(works: readonly Work[], knownKeys: readonly string[]): string[][] {
  const known = new Set(knownKeys)
  const seen = new Map<string, string[]>()
  for (const { inspected } of works) {
    for (const record of inspected.head) {
      const keys = Object.keys(record)
      if (seen.size < MAX_SIGNATURES && keys.every((key) => known.has(key))) seen.set(keys.join('\n'), keys)
    }
  }
  return [...seen.values()]
}

/** Names under which the forms carry address and user agent. */
const LEARNT = {
  source_ip: ['sourceipaddress', 'source_ip_address', 'actorip'],
  user_agent: ['useragent', 'user_agent'],
} as const

/** Learns the values of the first records, so that few events of the batch meet an unknown one. */
async function learnHeads(engine: Engine, works: readonly Work[]): Promise<void> {
  const values = { source_ip: new Set<string>(), user_agent: new Set<string>() }
  for (const { inspected } of works) {
    for (const record of inspected.head) {
      for (const [key, value] of [...Object.entries(record), ...Object.entries(record.properties ?? {})]) {
        if (typeof value !== 'string') continue
        const name = key.toLowerCase()
        for (const input of ['source_ip', 'user_agent'] as const) {
          if ((LEARNT[input] as readonly string[]).includes(name)) values[input].add(value)
        }
      }
    }
  }
  for (const input of ['source_ip', 'user_agent'] as const) {
    await engine.tableOf(
      `head_${input}`,
      [...values[input]].map((value) => ({ value })),
      ['value'],
    )
  }
  await learn(engine, (input) => `SELECT ${input === 'source_ip' ? ipSql('value') : 'value'} FROM head_${input}`)
}
