/** Digests many files on all cores, with little of the list in memory. */
import { Worker } from 'node:worker_threads'
// Threads load it when they need it; the caller's own has it from the start.
import './digest-raw.ts'
import { digestFile } from './digest.ts'
import type { DigestJob, DigestResult } from './digest-job.ts'
import type { JobList, ResultList } from './hash-worker.ts'

/** What the caller's own thread does, before and beside the others: they take a while to start. */
export interface OwnShare {
  readonly bytes: number
  readonly files: number
}

const OWN_SHARE: OwnShare = { bytes: 256 * 1024 * 1024, files: 5000 }
/** Files and bytes handed to a thread at once: enough to hide the hand-over, few enough to share out evenly. */
const HANDED_FILES = 64
const HANDED_BYTES = 2 << 20
/** A thread that has less to do than this is handed more, so that it need not wait for it. */
const AHEAD_BYTES = 4 << 20
/** Lists that a thread has at most. */
const AHEAD_LISTS = 32
/** Jobs that may wait for each thread before `add` waits too. */
const QUEUED_PER_THREAD = 4 * HANDED_FILES
/** More threads than this wait for the disk. */
const MAX_THREADS = 16

type Done = (result: DigestResult) => void

interface Queued {
  readonly job: DigestJob
  readonly done: Done
  /** Which of all jobs it is. */
  readonly number: number
}

/** A thread and the lists it has not answered, by their numbers. */
interface Thread {
  readonly worker: Worker
  readonly sent: Map<number, readonly Queued[]>
  /** Of all files on those lists. */
  bytes: number
}

const bytesOf = (list: readonly Queued[]): number => list.reduce((sum, { job }) => sum + job.bytes, 0)

/** Bytes to be digested: what is unpacked or decrypted is digested twice. */
const workOf = ({ bytes, raw }: DigestJob): number => (raw === undefined ? bytes : 2 * bytes)

/** A queue of files to digest, whose results are told in its order. Close it when done. */
export class Hasher {
  readonly #limit: number
  readonly #own: OwnShare
  readonly #threads: Thread[] = []
  /** What is more than a file as it is: the caller begins with it, and threads end with it. */
  readonly #packed: Queued[] = []
  readonly #plain: Queued[] = []
  /** Results whose turn has not come: no more than jobs may wait. */
  readonly #early = new Map<number, () => void>()
  #added = 0
  #told = 0
  #ownBytes = 0
  #ownFiles = 0
  #lists = 0
  #closed: Promise<unknown> | undefined
  #failure: Error | undefined
  #waiting: (() => void)[] = []

  /** @param threads how many; the machine's cores where absent */
  constructor(threads = navigator.hardwareConcurrency, own: OwnShare = OWN_SHARE) {
    this.#limit = Math.max(1, Math.min(MAX_THREADS, threads))
    this.#own = own
  }

  /** Starts the first thread beside the caller's own, where there is a core for it, so that it is there once files are added. */
  startAhead(): void {
    if (this.#limit > 1) this.#start(1)
  }

  /** Queues a job; `done` is called with its result. Waits while many others are queued, so call it in a loop. */
  async add(job: DigestJob, done: Done): Promise<void> {
    const queue = job.raw === undefined ? this.#plain : this.#packed
    queue.push({ job, done, number: this.#added++ })
    while (this.#failure === undefined && this.#waitingJobs >= this.#limit * QUEUED_PER_THREAD) await this.#step()
    if (this.#failure) throw this.#failure
  }

  /** Waits until every job is done, and does what no thread has taken. */
  async settled(): Promise<void> {
    const isBusy = (): boolean => this.#waitingJobs > 0 || this.#threads.some(({ sent }) => sent.size > 0)
    while (this.#failure === undefined && isBusy()) await this.#step()
    if (this.#failure) throw this.#failure
  }

  /** Ends the threads. */
  close(): Promise<unknown> {
    this.#closed ??= Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
    return this.#closed
  }

  /** Does the next job, if it is the caller's share; otherwise waits until a thread has answered. */
  async #step(): Promise<void> {
    const queue = this.#packed.length > 0 ? this.#packed : this.#plain
    const [next] = queue
    if (next === undefined || !this.#isOwn(next.job)) {
      if (next !== undefined) this.#start(this.#limit)
      return this.#change()
    }
    queue.shift()
    // While this thread is busy nobody gives the others more to do.
    this.#hand(Math.max(AHEAD_BYTES, workOf(next.job)))
    this.#tell(next, await digestFile(next.job))
    // The threads' answers come in between.
    if (this.#threads.length > 0) await new Promise((resolve) => setImmediate(resolve))
  }

  get #waitingJobs(): number {
    return this.#packed.length + this.#plain.length
  }

  #isOwn({ bytes }: DigestJob): boolean {
    this.#ownBytes += bytes
    this.#ownFiles += 1
    return this.#hasShare
  }

  get #hasShare(): boolean {
    return this.#ownBytes <= this.#own.bytes && this.#ownFiles <= this.#own.files
  }

  #start(count: number): void {
    while (this.#threads.length < count) {
      const worker = new Worker(new URL('./hash-worker.ts', import.meta.url))
      const thread: Thread = { worker, sent: new Map(), bytes: 0 }
      worker.on('error', (cause) => this.#fail(cause))
      worker.on('exit', (code) => this.#ended(code))
      worker.on('message', (list: ResultList) => this.#answered(thread, list))
      this.#threads.push(thread)
    }
    this.#hand()
  }

  #hand(aheadBytes = AHEAD_BYTES): void {
    // A thread gets what is there: a full list where many wait, a single file where none do.
    for (const thread of this.#threads) {
      while (thread.bytes < aheadBytes && thread.sent.size < AHEAD_LISTS && this.#waitingJobs > 0) {
        const taken = this.#take()
        const number = this.#lists++
        thread.sent.set(number, taken)
        thread.bytes += bytesOf(taken)
        thread.worker.postMessage({ number, jobs: taken.map(({ job }) => job) } satisfies JobList)
      }
    }
  }

  /** What a thread does next: plain files while the caller has the others to do, then all in their order. */
  #next(): Queued | undefined {
    const [[plain], [packed]] = [this.#plain, this.#packed]
    const isPacked = plain === undefined || (!this.#hasShare && packed !== undefined && packed.number < plain.number)
    return (isPacked ? this.#packed : this.#plain).shift()
  }

  #take(): Queued[] {
    const taken: Queued[] = []
    for (let bytes = 0; taken.length < HANDED_FILES && bytes < HANDED_BYTES; ) {
      const next = this.#next()
      if (next === undefined) break
      taken.push(next)
      bytes += next.job.bytes
    }
    return taken
  }

  #answered(thread: Thread, { number, results }: ResultList): void {
    const taken = thread.sent.get(number) ?? []
    thread.sent.delete(number)
    thread.bytes -= bytesOf(taken)
    try {
      for (const [at, queued] of taken.entries()) this.#tell(queued, results[at] as DigestResult)
    } catch (cause) {
      this.#fail(cause)
    }
    this.#hand()
    this.#wake()
  }

  /** In the order of the jobs, so that what is said of them does not depend on who was quicker. */
  #tell({ number, done }: Queued, result: DigestResult): void {
    this.#early.set(number, () => done(result))
    for (let next = this.#early.get(this.#told); next !== undefined; next = this.#early.get(this.#told)) {
      this.#early.delete(this.#told++)
      next()
    }
  }

  #ended(code: number): void {
    if (this.#closed === undefined) this.#fail(new Error(`A thread that digests files ended with ${code}.`))
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause instanceof Error ? cause : new Error(String(cause))
    this.#packed.length = 0
    this.#plain.length = 0
    this.#wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
