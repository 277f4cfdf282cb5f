/** Digests many files on all cores, with little of the list in memory. */
import { Worker } from 'node:worker_threads'
import { type DigestJob, type DigestResult, digestFile } from './digest.ts'

/** Work below this is done before a thread would have started. */
const ALONE_BYTES = 256 * 1024 * 1024
const ALONE_FILES = 5000
/** Files and bytes handed to a thread at once: enough to hide the hand-over, few enough to share out evenly. */
const HANDED_FILES = 64
const HANDED_BYTES = 16 << 20
/** Jobs that may wait for each thread before `add` waits too. */
const QUEUED_PER_THREAD = 4 * HANDED_FILES
/** More threads than this wait for the disk. */
const MAX_THREADS = 16

type Done = (result: DigestResult) => void

interface Queued {
  readonly job: DigestJob
  readonly done: Done
}

/** A queue of files to digest. Close it when done. */
export class Hasher {
  readonly #threads: number
  readonly #idle: Worker[] = []
  readonly #all: Worker[] = []
  readonly #queue: Queued[] = []
  #busy = 0
  #aloneBytes = 0
  #aloneFiles = 0
  #failure: Error | undefined
  #waiting: (() => void)[] = []

  /** @param threads how many; the machine's cores where absent */
  constructor(threads = navigator.hardwareConcurrency) {
    this.#threads = Math.max(1, Math.min(MAX_THREADS, threads))
  }

  /** Queues a job; `done` is called with its result. Waits while many others are queued, so call it in a loop. */
  async add(job: DigestJob, done: Done): Promise<void> {
    if (this.#all.length === 0 && this.#isLittle(job)) return done(await digestFile(job))
    this.#start()
    this.#queue.push({ job, done })
    this.#hand()
    while (this.#queue.length >= this.#threads * QUEUED_PER_THREAD) await this.#change()
    if (this.#failure) throw this.#failure
  }

  /** Waits until every job is done. */
  async settled(): Promise<void> {
    while (this.#failure === undefined && (this.#queue.length > 0 || this.#busy > 0)) await this.#change()
    if (this.#failure) throw this.#failure
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }

  #isLittle({ bytes }: DigestJob): boolean {
    this.#aloneBytes += bytes
    this.#aloneFiles += 1
    return this.#aloneBytes <= ALONE_BYTES && this.#aloneFiles <= ALONE_FILES
  }

  #start(): void {
    while (this.#all.length < this.#threads) {
      const worker = new Worker(new URL('./hash-worker.ts', import.meta.url))
      worker.on('error', (cause) => this.#fail(cause))
      this.#all.push(worker)
      this.#idle.push(worker)
    }
  }

  #hand(): void {
    // A thread gets what is there: a full list where many wait, a single file where none do.
    for (let worker = this.#idle.pop(); worker !== undefined; worker = this.#idle.pop()) {
      const taken = this.#take()
      if (taken.length === 0) return void this.#idle.push(worker)
      this.#send(worker, taken)
    }
  }

  #take(): Queued[] {
    const taken: Queued[] = []
    for (let bytes = 0; taken.length < HANDED_FILES && bytes < HANDED_BYTES; ) {
      const next = this.#queue.shift()
      if (next === undefined) break
      taken.push(next)
      bytes += next.job.bytes
    }
    return taken
  }

  #send(worker: Worker, taken: readonly Queued[]): void {
    this.#busy += 1
    worker.once('message', (results: readonly DigestResult[]) => {
      this.#busy -= 1
      try {
        for (const [at, { done }] of taken.entries()) done(results[at] as DigestResult)
      } catch (cause) {
        this.#fail(cause)
      }
      this.#idle.push(worker)
      this.#hand()
      this.#wake()
    })
    worker.postMessage(taken.map(({ job }) => job))
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause instanceof Error ? cause : new Error(String(cause))
    this.#queue.length = 0
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
