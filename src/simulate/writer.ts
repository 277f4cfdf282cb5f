/** Writes files behind the generator's back: compression and disk run while the next events are made. */
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { AppError, messageOf } from '../core/errors.ts'

const gzipped = promisify(gzip)

/** A tenth smaller than level 3, and compression on a second thread still keeps ahead of the making of the events. */
const GZIP_LEVEL = 4

/** Bytes waiting for compression and disk; beyond it the generator waits. */
const MAX_PENDING_BYTES = 48 * 1024 * 1024

function writeError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError('DISK_FULL', `The disk is full at ${path}.`, { cause })
  if (code === undefined) return cause
  return new AppError('BAD_ARGUMENT', `${path} cannot be written: ${messageOf(cause)}.`, {
    hint: 'Name a folder you may write with --out.',
    cause,
  })
}

/** Writes files below one folder, several at a time, the pieces of one file in order. */
export class LogWriter {
  /** Files made so far. */
  files = 0
  /** Bytes on disk so far. */
  bytes = 0
  readonly #out: string
  readonly #gzip: boolean
  readonly #tails = new Map<string, Promise<void>>()
  readonly #seen = new Set<string>()
  readonly #folders = new Set<string>()
  #pendingBytes = 0
  #failure: unknown

  constructor(out: string, gzip: boolean) {
    this.#out = out
    this.#gzip = gzip
  }

  /** Adds bytes to the end of a file; returns at once. */
  add(path: string, content: Buffer): void {
    const size = content.length
    this.#pendingBytes += size
    const first = !this.#seen.has(path)
    if (first) {
      this.#seen.add(path)
      this.files++
    }
    const before = this.#tails.get(path) ?? Promise.resolve()
    const done = this.#write(path, content, first, before).then(
      () => {},
      (cause: unknown) => {
        this.#failure ??= writeError(path, cause)
      },
    )
    const tail = done.finally(() => {
      this.#pendingBytes -= size
      if (this.#tails.get(path) === tail) this.#tails.delete(path)
    })
    this.#tails.set(path, tail)
  }

  /** Waits until the backlog is small enough to go on; throws the first failure. */
  async breathe(): Promise<void> {
    await new Promise(setImmediate)
    while (this.#pendingBytes > MAX_PENDING_BYTES) await Promise.race(this.#tails.values())
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Waits for everything added; throws the first failure. */
  async finish(): Promise<void> {
    await Promise.all(this.#tails.values())
    if (this.#failure !== undefined) throw this.#failure
  }

  async #write(path: string, content: Buffer, first: boolean, before: Promise<void>): Promise<void> {
    const data = this.#gzip ? await gzipped(content, { level: GZIP_LEVEL }) : content
    await before
    const at = join(this.#out, this.#gzip ? `${path}.gz` : path)
    const folder = dirname(at)
    if (!this.#folders.has(folder)) {
      await mkdir(folder, { recursive: true })
      this.#folders.add(folder)
    }
    await (first ? writeFile(at, data) : appendFile(at, data))
    this.bytes += data.length
  }
}
