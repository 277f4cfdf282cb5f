/** Verification of the home in a process of its own: one at a time, with how far it is, and with the last result kept. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from '@hono/zod-openapi'
import { isAppError, messageOf } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { failureOverHttp } from './hints.ts'
import { SealView } from './shapes/operations.ts'
import { runTask } from './tasks/task.ts'
import type { VerifyAnswer, VerifyProgress } from './verify-child.ts'

/** A verification that runs, or the last that ended. */
export type Verification = NonNullable<SealView['verification']>

/** A home of many terabytes takes hours. */
const LONGEST_MS = 24 * 3_600_000

const CHILD = new URL('./verify-child.ts', import.meta.url)
/** Homes may share a cache. */
const fileOf = ({ cache, root }: Home): string =>
  join(cache, `verification-${createHash('sha256').update(root).digest('hex').slice(0, 12)}.json`)

const Kept = SealView.shape.verification.unwrap().and(z.object({ v: z.literal(1) }))

/** The verifications of a home. */
export class VerifyJob {
  readonly #home: Home
  readonly #now: () => Date
  #running: Verification | undefined
  #last: Verification | null | undefined

  constructor(home: Home, now: () => Date) {
    this.#home = home
    this.#now = now
  }

  /** The one that runs, or the last one; null where there was none. */
  get state(): Verification | null {
    this.#last ??= this.#kept()
    return this.#running ?? this.#last
  }

  /** Starts one. While one runs, that is it. */
  start(): Verification {
    if (this.#running !== undefined) return this.#running
    const begun: Verification = {
      state: 'running',
      started: this.#now().toISOString(),
      ended: null,
      done: 0,
      findings: [],
      checked: {},
    }
    this.#running = begun
    void this.#run(begun).then((ended) => {
      this.#running = undefined
      this.#last = ended
      this.#keep(ended)
    })
    return begun
  }

  async #run(begun: Verification): Promise<Verification> {
    const ended = () => this.#now().toISOString()
    try {
      const { ok, findings, checked } = await runTask<VerifyAnswer, VerifyProgress>(
        CHILD,
        { home: this.#home.root },
        {
          timeoutMs: LONGEST_MS,
          keepsAlive: false,
          onProgress: ({ done }) => {
            this.#running = { ...begun, done }
          },
        },
      )
      const shown = findings.map(({ kind, where, what }) => ({ kind, message: `${where}: ${what}` }))
      return { ...begun, state: ok ? 'clean' : 'findings', ended: ended(), done: 1, findings: shown, checked }
    } catch (cause) {
      const message = isAppError(cause) ? failureOverHttp(cause) : messageOf(cause)
      return { ...begun, state: 'failed', ended: ended(), findings: [{ kind: 'failed', message }] }
    }
  }

  #kept(): Verification | null {
    try {
      const { v: _, ...kept } = Kept.parse(JSON.parse(readFileSync(fileOf(this.#home), 'utf8')))
      return kept
    } catch {
      // What cannot be read is as good as none: the next verification replaces it.
      return null
    }
  }

  #keep(ended: Verification): void {
    try {
      mkdirSync(this.#home.cache, { recursive: true })
      const file = fileOf(this.#home)
      writeFileSync(`${file}.${process.pid}.draft`, JSON.stringify({ v: 1, ...ended }))
      renameSync(`${file}.${process.pid}.draft`, file)
    } catch {
      // It is in memory; after the next start there is none.
    }
  }
}
