/** Typed questions to the lake: one engine, a few connections, the newest snapshot, and what each principal may see of it. */
import { mkdir } from 'node:fs/promises'
import { AppError, isAppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { removeScratch, scratchFolder } from '../../ingest/scratch.ts'
import { filesBetween, scanSql } from '../../lake/read.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { Answer, AskOptions, LakeQuestions, Relations } from '../contract.ts'
import { Answers } from './answers.ts'
import { BoundedCache } from './bounded-cache.ts'
import { columnsNamedIn } from './columns-named.ts'
import { Connections, type Lane, type PlainRow } from './connections.ts'
import { maskKey } from './mask-key.ts'
import { Slots } from './slots.ts'
import { type LakeSnapshot, Snapshots } from './snapshots.ts'
import { maskedText, type Sight, visibleEvents, visibleFindings, visibleRejects } from './visible.ts'

/** How a {@link LakeReader} is opened. */
export interface LakeReaderOptions {
  readonly memoryLimitMb?: number
  readonly threads?: number
  /** Bytes of answers that are kept. */
  readonly answerBytes?: number
  /** Questions that wait for a lane; one more is refused. */
  readonly waiting?: number
}

/** Limits of a question to a {@link LakeReader}. */
export interface ReadOptions extends AskOptions {
  /** `quick` where the asker knows that little is read; told from the files' rows where absent. */
  readonly lane?: Lane
  /** Only files that can hold events in one of these spans are read: [from, to] in milliseconds. */
  readonly spans?: readonly (readonly [number, number])[]
  /** See `StatementLimits.by`; told from the sight where absent. */
  readonly by?: string | undefined
  /** See `VisibleOptions.before`; for events. */
  readonly before?: string
}

type FileSpan = Pick<ReadOptions, 'fromMs' | 'toMs' | 'spans' | 'before'>

/** Enough for the explorer's questions over tens of millions of events, with room for what is kept counted. */
export const DEFAULT_READER_MEMORY_MB = 1000
/**
 * Each statement runs in the thread that waits for it. More threads beside these keep asking whether there is work, which costs a short
 * statement half as much again, and a long one would take every core from the others.
 */
const THREADS = 1
const DEFAULT_ANSWER_BYTES = 64_000_000
/** Some 50,000 rows of pages. */
const ROW_BYTES = 40_000_000
/** What a text takes beside its characters, about. */
const TEXT_OVERHEAD = 150
/** 100,000 events: some hours of pages of a busy team. */
const [SEEN_BYTES, SEEN_EACH] = [10_000_000, 100]
const DEFAULT_WAITING = 200
/** A page asks some ten things at once, and people have more than one open. */
const WAITING_OF_ONE = 24
/** Longer than any question of the page should take. */
export const DEFAULT_QUESTION_MS = 20_000
/** More rows than these are read on the lane for long questions. */
const QUICK_ROWS = 3_000_000
/** Two quick statements keep two cores busy; each more would only slow them down, and take a thread from Node's own work. */
const CONNECTIONS = { quick: 2, long: 1 } as const
/** What starts beside the reader comes first; then the lake is counted. */
const COUNT_AFTER_MS = 2000
/** Rows of a page whose other columns are read only once the page is known. */
const LATE_ROWS = 1001

/** Opens the reader of a home. The home may have no lake yet. */
export async function openLakeReader(home: Home, options: LakeReaderOptions = {}): Promise<LakeReader> {
  await mkdir(home.tmp, { recursive: true })
  // Its own: what lies in `tmp` itself is removed by whoever ingests next.
  const spill = scratchFolder(home, 'reader')
  const engine = await Engine.open({
    memoryLimitMb: options.memoryLimitMb ?? DEFAULT_READER_MEMORY_MB,
    tempDir: spill,
    threads: options.threads ?? THREADS,
  })
  await engine.run('SET parquet_metadata_cache = true')
  // The system keeps files in its own cache; a second copy would fill this process up to its limit, and be no faster.
  await engine.run('SET enable_external_file_cache = false')
  await engine.run(`SET late_materialization_max_rows = ${LATE_ROWS}`)
  const limits = { ...CONNECTIONS, waiting: options.waiting ?? DEFAULT_WAITING, waitingOfOne: WAITING_OF_ONE }
  const connections = await Connections.open(engine, limits)
  const key = await maskKey(home)
  const snapshots = new Snapshots(home)
  const slots = await Slots.open(await engine.beside(), snapshots.events, key)
  const reader = new LakeReader({ home, engine, connections, key, snapshots, slots }, options)
  reader.closed(() => removeScratch(spill))
  reader.countSoon()
  return reader
}

/** What a reader is put together from. */
export interface ReaderParts {
  readonly home: Home
  readonly engine: Engine
  readonly connections: Connections
  readonly key: string
  readonly snapshots: Snapshots
  readonly slots: Slots
}

/** See {@link openLakeReader}. */
export class LakeReader implements LakeQuestions {
  readonly home: Home
  readonly snapshots: Snapshots
  readonly connections: Connections
  /** Secret of the pseudonyms. */
  readonly key: string
  /** What is kept counted. */
  readonly slots: Slots
  /**
   * Rows that pages were made of, as they are, as JSON, by file and number: files never change, and people look at the same few rare
   * events again. Whoever takes rows out sees to it who may see them.
   */
  readonly rowCache = new BoundedCache<string>(ROW_BYTES, (row, key) => row.length + key.length + TEXT_OVERHEAD)
  /**
   * When events happened that somebody has seen lately, by id, in whole milliseconds, so that one of them is found without reading a
   * whole lake. It narrows where to look and says nothing of who may see.
   */
  readonly seen = new BoundedCache<number>(SEEN_BYTES, () => SEEN_EACH)
  readonly #engine: Engine
  readonly #answers: Answers
  readonly #others = new Set<{ close(): Promise<void> }>()
  #after: () => Promise<void> = async () => {}

  /** Use {@link openLakeReader}. */
  constructor(parts: ReaderParts, options: LakeReaderOptions) {
    this.home = parts.home
    this.snapshots = parts.snapshots
    this.connections = parts.connections
    this.key = parts.key
    this.slots = parts.slots
    this.#engine = parts.engine
    this.#answers = new Answers(options.answerBytes ?? DEFAULT_ANSWER_BYTES)
  }

  /** See {@link LakeQuestions.rows}. */
  async rows<T extends Record<string, unknown>>(
    sight: Sight,
    sql: (relations: Relations) => string,
    options: ReadOptions,
  ): Promise<Answer<T>> {
    const snapshot = await this.snapshots.asOf(options.version)
    try {
      return await this.#rows<T>(sight, sql, options, snapshot)
    } catch (cause) {
      if (!isVanished(cause)) throw cause
      // The files of the snapshot were replaced and deleted meanwhile; those of the newest are there.
      this.snapshots.expire()
      return this.#rows<T>(sight, sql, options, await this.snapshots.newest())
    }
  }

  /** The relations of a sight at a snapshot. `sql` is asked which columns it names. */
  relations(
    sight: Sight,
    snapshot: LakeSnapshot,
    sql: (relations: Relations) => string,
    span: FileSpan = {},
  ): Relations {
    const masked: Relations['masked'] = (text, what = 'text') => maskedText(text, what, sight, this.key)
    const named = sql({ events: '(events)', rejects: '(rejects)', findings: '(findings)', masked })
    const columns = columnsNamedIn(named)
    const options = { key: this.key, columns }
    const { events, rejects, findings } = this.snapshots
    const files = this.#files(snapshot, span)
    const lazy = (mentions: string, relation: () => string) => (named.includes(mentions) ? relation() : mentions)
    return {
      masked,
      events: lazy('(events)', () => {
        const { before } = span
        return visibleEvents(scanSql(events, files), sight, before === undefined ? options : { ...options, before })
      }),
      rejects: lazy('(rejects)', () => visibleRejects(scanSql(rejects, snapshot.rejects.files), sight, options)),
      findings: lazy('(findings)', () => {
        const newest = newestSql(scanSql(findings, snapshot.findings.files))
        return visibleFindings(newest, scanSql(events, snapshot.events.files), sight, options)
      }),
    }
  }

  /** The relations of a sight for somebody else's statement, and the files that they read. */
  sandboxed(
    sight: Sight,
    snapshot: LakeSnapshot,
  ): { relations: Record<'events' | 'rejects' | 'findings', string>; paths: string[] } {
    const { events, rejects, findings } = this.snapshots
    const options = { key: this.key, guarded: true }
    const allEvents = scanSql(events, snapshot.events.files)
    const newest = newestSql(scanSql(findings, snapshot.findings.files))
    return {
      relations: {
        events: visibleEvents(allEvents, sight, options),
        rejects: visibleRejects(scanSql(rejects, snapshot.rejects.files), sight, options),
        findings: visibleFindings(newest, allEvents, sight, options),
      },
      paths: [
        ...events.absolutePaths(snapshot.events.files),
        ...rejects.absolutePaths(snapshot.rejects.files),
        ...findings.absolutePaths(snapshot.findings.files),
      ],
    }
  }

  /**
   * Runs a statement that stands as it is, kept by its text and what it depends on.
   *
   * @param state what else than the text the answer depends on
   */
  statement(sql: string, state: string, lane: Lane, options: ReadOptions): Promise<readonly PlainRow[]> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_QUESTION_MS
    return this.#answers.answer(`${state}\n${sql}`, options.signal, (signal) =>
      this.connections.rows(sql, { lane, timeoutMs, signal, by: options.by }),
    )
  }

  /** True where a statement failed because files of its snapshot were deleted meanwhile; the next question looks for newer ones. */
  isVanished(cause: unknown): boolean {
    if (!isVanished(cause)) return false
    this.snapshots.expire()
    return true
  }

  /** Another connection, such as for building what is kept counted; whoever asks closes it. */
  beside(): Promise<Engine> {
    return this.#engine.beside()
  }

  /** Counts the lake a moment from now, before anybody asks. */
  countSoon(): void {
    const timer = setTimeout(() => {
      this.snapshots.newest().then(
        ({ events }) => this.slots.follow(events),
        // A home without a lake has nothing to count; whoever asks is told of anything else.
        () => undefined,
      )
    }, COUNT_AFTER_MS)
    timer.unref()
    this.closing({ close: async () => clearTimeout(timer) })
  }

  /** Has something closed with the reader; the same thing only once. */
  closing(other: { close(): Promise<void> }): void {
    this.#others.add(other)
  }

  /** Has something done once the reader is closed. */
  closed(after: () => Promise<void>): void {
    this.#after = after
  }

  /** Stops what runs and lets go of everything. */
  async close(): Promise<void> {
    await Promise.all([...this.#others].map((other) => other.close()))
    await this.slots.close()
    await this.connections.close()
    this.#engine.close()
    await this.#after()
  }

  async #rows<T>(
    sight: Sight,
    sql: (relations: Relations) => string,
    options: ReadOptions,
    snapshot: LakeSnapshot,
  ): Promise<Answer<T>> {
    const relations = this.relations(sight, snapshot, sql, options)
    const lane = options.lane ?? laneOf(this.#files(snapshot, options))
    const { version } = snapshot.events
    const state = `${version} ${snapshot.rejects.version} ${snapshot.findings.version}`
    const rows = await this.statement(sql(relations), state, lane, { by: askerOf(sight), ...options })
    return { rows: rows as readonly T[], version }
  }

  #files(snapshot: LakeSnapshot, { fromMs, toMs, spans }: FileSpan): DataFile[] {
    const files = filesBetween(snapshot.events, fromMs, toMs)
    if (spans === undefined) return files
    const within = new Set(spans.flatMap(([from, to]) => filesBetween(snapshot.events, from, to)))
    return files.filter((file) => within.has(file))
  }
}

/** A finding that grew was told again: the last that was told of it is the finding. */
const newestSql = (rows: string): string =>
  `(SELECT * FROM ${rows} QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC, detected_time DESC) = 1)`

/** Whose sight it is, where it is that of a principal. */
export const askerOf = (sight: Sight & { readonly id?: string }): string | undefined => sight.id

/** The lane of a statement over some files. */
export const laneOf = (files: readonly DataFile[]): Lane =>
  files.reduce((sum, { rows }) => sum + rows, 0) > QUICK_ROWS ? 'long' : 'quick'

const isVanished = (cause: unknown): boolean =>
  isAppError(cause) && cause.code === 'ENGINE' && /No files found|Cannot open file|No such file/i.test(cause.message)

/** What a route says where something is not there, or not to be seen. */
export const notFound = (what: string, id: string): AppError => new AppError('NOT_FOUND', `There is no ${what} ${id}.`)
