/**
 * Runs SQL that a person or another program wrote, over given relations and nothing else: no files, no network, no
 * writes, no settings, bounded time, rows and memory. Each sandbox owns a process, so that whatever a query does, the
 * caller goes on; a process that had to be ended is replaced at the next query. One query at a time: keep several
 * sandboxes for several at once.
 */
import { rmSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'
import type { AnswerColumn, SandboxSetup } from './sandbox-messages.ts'
import { type Budget, SandboxProcess } from './sandbox-process.ts'
import { litList, patternOf } from './sql.ts'

/** Room for a grouped query over tens of millions of events; what exceeds it spills, then fails. */
export const DEFAULT_SANDBOX_MEMORY_MB = 512
/** Longer than the explorer's questions take by far, short enough that a mistake does not hold a core for minutes. */
export const DEFAULT_TIMEOUT_MS = 30_000
/** More rows than a person reads and fewer than a process chokes on. */
export const DEFAULT_MAX_ROWS = 100_000
/** What {@link Sandbox.query} holds at most; {@link Sandbox.stream} holds only a batch. */
export const MAX_ANSWER_BYTES = 64_000_000
/** A query may spill this much to disk and no more. */
const MAX_SPILL_MB = 4096

/** How a sandbox is opened. */
export interface SandboxOptions {
  /** Relation name → SQL that can stand after FROM. This text is trusted: it is ours, never a user's. */
  readonly relations: Readonly<Record<string, string>>
  /** Absolute paths of the files the relations read. */
  readonly allowedPaths: readonly string[]
  /** Relations held elsewhere than in files: each is asked once to write itself as Parquet to a path given to it. */
  readonly copies?: Readonly<Record<string, (path: string) => Promise<void>>>
  readonly memoryLimitMb?: number
  /** Where a folder for spilling is made (and removed on close); the system's own if absent. */
  readonly tempDir?: string
}

/** Limits of one query. */
export interface QueryLimits {
  /** Counts while the engine works, not while a reader of a stream pauses. */
  readonly timeoutMs?: number
  readonly maxRows?: number
  /** Stops the query when aborted. */
  readonly signal?: AbortSignal
}

/** An answer held in memory, values as plain JSON. */
export interface Answer {
  readonly columns: readonly AnswerColumn[]
  readonly rows: readonly unknown[][]
  /** True when there were more rows than `maxRows`, or more bytes than an answer may hold. */
  readonly truncated: boolean
  readonly elapsedMs: number
}

/** An answer to be read batch by batch; `batches` must be read to its end or left with `break`. */
export interface AnswerStream {
  readonly columns: readonly AnswerColumn[]
  readonly batches: AsyncIterable<readonly unknown[][]>
  /** True, after the last batch, when there were more rows than `maxRows`. */
  truncated(): boolean
  /** Time the engine has worked so far. */
  elapsedMs(): number
}

/** Opens a sandbox; throws the engine's error where a relation cannot be bound. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const parent = options.tempDir ?? tmpdir()
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'sandbox-'))
  removeAtExit(folder)
  try {
    const copies = await writeCopies(options.copies ?? {}, folder)
    const sandbox = new Sandbox(
      {
        relations: { ...options.relations, ...copies.relations },
        allowedPaths: [...options.allowedPaths, ...copies.paths],
        memoryLimitMb: options.memoryLimitMb ?? DEFAULT_SANDBOX_MEMORY_MB,
        maxSpillMb: MAX_SPILL_MB,
        spillDir: folder,
      },
      folder,
    )
    await sandbox.ready()
    return sandbox
  } catch (cause) {
    await removeFolder(folder)
    throw cause
  }
}

async function writeCopies(copies: Required<SandboxOptions>['copies'], folder: string) {
  const relations: Record<string, string> = {}
  const paths: string[] = []
  for (const [name, write] of Object.entries(copies)) {
    const path = join(folder, `${name}.parquet`)
    await write(path)
    paths.push(path)
    relations[name] = `read_parquet(${litList([patternOf(path)])})`
  }
  return { relations, paths }
}

/** Folders of sandboxes still open; a process that leaves without closing them (`| head`) removes them at its end. */
const folders = new Set<string>()

function removeAtExit(folder: string): void {
  if (folders.size === 0) process.once('exit', removeFolders)
  folders.add(folder)
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  folders.delete(folder)
  if (folders.size === 0) process.off('exit', removeFolders)
}

/** See {@link openSandbox}. */
export class Sandbox {
  readonly #setup: SandboxSetup
  readonly #folder: string
  #process: SandboxProcess | undefined
  #started = 0
  #busy = false
  #closed = false

  /** Use {@link openSandbox}; `folder` is removed on close. */
  constructor(setup: SandboxSetup, folder: string) {
    this.#setup = setup
    this.#folder = folder
  }

  /** Starts the process if none runs. */
  async ready(): Promise<void> {
    await this.#running()
  }

  /** Runs one SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN and holds its answer. */
  async query(sql: string, limits: QueryLimits = {}): Promise<Answer> {
    const budget = budgetOf(limits)
    const rows: unknown[][] = []
    return this.#exclusively(async (running) => {
      const columns = await start(running, sql, limits, budget)
      let bytes = 0
      for (;;) {
        const batch = await nextBatch(running, budget)
        for (const row of batch.rows) rows.push(row)
        bytes += batch.bytes
        if (batch.end !== null) {
          return { columns, rows, truncated: batch.end.truncated, elapsedMs: Math.round(budget.usedMs) }
        }
        if (bytes > MAX_ANSWER_BYTES) {
          await running.ask({ op: 'leave' }, budget)
          return { columns, rows, truncated: true, elapsedMs: Math.round(budget.usedMs) }
        }
      }
    })
  }

  /** As {@link query}, for answers of any size: the engine waits for the reader. */
  async stream(sql: string, limits: QueryLimits = {}): Promise<AnswerStream> {
    const budget = budgetOf(limits)
    this.#enter()
    try {
      const running = await this.#running()
      const columns = await start(running, sql, limits, budget)
      const ending = { truncated: false }
      return {
        columns,
        batches: this.#read(running, budget, ending),
        truncated: () => ending.truncated,
        elapsedMs: () => Math.round(budget.usedMs),
      }
    } catch (cause) {
      this.#busy = false
      throw cause
    }
  }

  /** Writes an answer to a Parquet file at `path`, which the query itself has no way to reach. */
  async toParquet(
    sql: string,
    path: string,
    limits: QueryLimits = {},
  ): Promise<{ rowCount: number; truncated: boolean; elapsedMs: number }> {
    const budget = budgetOf(limits)
    return this.#exclusively(async (running) => {
      const maxRows = limits.maxRows ?? DEFAULT_MAX_ROWS
      const reply = await running.ask({ op: 'parquet', sql, maxRows }, budget)
      if (reply.kind !== 'written') throw new Error(`Unexpected reply ${reply.kind}.`)
      await moveFile(reply.path, path)
      return { rowCount: reply.rowCount, truncated: reply.truncated, elapsedMs: Math.round(budget.usedMs) }
    })
  }

  /** Ends the process and removes the spill folder. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#process?.kill()
    await removeFolder(this.#folder)
  }

  async *#read(running: SandboxProcess, budget: Budget, ending: { truncated: boolean }) {
    let finished = false
    try {
      while (!finished) {
        const batch = await nextBatch(running, budget).catch((cause: unknown) => {
          finished = true
          throw cause
        })
        finished = batch.end !== null
        ending.truncated = batch.end?.truncated ?? false
        if (batch.rows.length > 0) yield batch.rows
      }
    } finally {
      if (!finished && !running.gone) await running.ask({ op: 'leave' }, { ...budget, signal: undefined, usedMs: 0 })
      this.#busy = false
    }
  }

  async #exclusively<T>(work: (running: SandboxProcess) => Promise<T>): Promise<T> {
    this.#enter()
    try {
      return await work(await this.#running())
    } finally {
      this.#busy = false
    }
  }

  #enter(): void {
    if (this.#closed) throw new Error('The sandbox is closed.')
    if (this.#busy) throw new Error('A sandbox runs one query at a time.')
    this.#busy = true
  }

  async #running(): Promise<SandboxProcess> {
    if (this.#process?.worn) await this.#process.kill()
    if (this.#process === undefined || this.#process.gone) {
      this.#started += 1
      // A process that was killed may have left spill files behind.
      const spillDir = join(this.#setup.spillDir, String(this.#started))
      this.#process = await SandboxProcess.start({ op: 'open', setup: { ...this.#setup, spillDir } })
    }
    return this.#process
  }
}

/** Also to another disk. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to).catch(() => copyFile(from, to))
  } catch (cause) {
    throw new AppError('UNREADABLE', `Cannot write ${to}: ${messageOf(cause)}`, { cause })
  } finally {
    await rm(from, { force: true })
  }
}

function budgetOf(limits: QueryLimits): Budget {
  return { limitMs: limits.timeoutMs ?? DEFAULT_TIMEOUT_MS, usedMs: 0, signal: limits.signal }
}

async function start(running: SandboxProcess, sql: string, limits: QueryLimits, budget: Budget) {
  const maxRows = limits.maxRows ?? DEFAULT_MAX_ROWS
  const reply = await running.ask({ op: 'start', sql, maxRows }, budget)
  if (reply.kind !== 'columns') throw new Error(`Unexpected reply ${reply.kind}.`)
  return reply.columns
}

async function nextBatch(running: SandboxProcess, budget: Budget) {
  const reply = await running.ask({ op: 'next' }, budget)
  if (reply.kind !== 'rows') throw new Error(`Unexpected reply ${reply.kind}.`)
  return reply
}
