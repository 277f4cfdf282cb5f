/** The rules in force, kept until a file that they were made of changes. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { runTask } from '../tasks/task.ts'
import type { BookRule, RuleBook } from './book.ts'
import type { RuleAnswers, RuleWork } from './work.ts'

/** Files are looked at again at most so often. */
const LOOK_EVERY_MS = 2000

/** Reading the pack takes a second or two; on a very busy machine more. */
const LOAD_TIMEOUT_MS = 60_000

const CHILD = new URL('./child.ts', import.meta.url)

interface Kept {
  readonly book: RuleBook
  readonly stamp: string
}

/** Asks the process behind the rules. */
export const askRules = <W extends RuleWork>(
  work: W,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<RuleAnswers[W['what']]> => runTask(CHILD, work, options)

/** The rule book of a home. */
export class RuleDesk {
  readonly #home: Home
  #kept: Kept | undefined
  #loading: { readonly stamp: string; readonly book: Promise<RuleBook> } | undefined
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(home: Home) {
    this.#home = home
  }

  /** The rules as they are now. Those who ask at once wait for the same reading. @throws AppError BAD_HOME for settings that cannot be read */
  async book(): Promise<RuleBook> {
    const kept = this.#kept
    if (kept !== undefined && performance.now() - this.#lookedMs < LOOK_EVERY_MS) return kept.book
    const stamp = await stampOf(kept?.book.sources ?? [this.#home.detectSettings])
    const book = kept !== undefined && stamp === kept.stamp ? kept.book : await this.#load(stamp)
    if (this.#kept?.book === book) this.#lookedMs = performance.now()
    return book
  }

  /** The rule that is called so: by id, name or name of its file. @throws AppError NOT_FOUND */
  async rule(called: string): Promise<BookRule> {
    const { rules } = await this.book()
    const found =
      rules.find(({ id }) => id === called) ??
      rules.find(({ settingsName }) => settingsName === called) ??
      rules.find(({ names }) => names.includes(called))
    if (found === undefined)
      throw new AppError('NOT_FOUND', 'There is no such rule.', { hint: 'GET /api/v1/rules lists all.' })
    return found
  }

  /** The text of a rule's file. */
  async yaml({ path }: BookRule): Promise<string> {
    return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new AppError('NOT_FOUND', `The file of the rule cannot be read: ${cause.code ?? 'it is gone'}.`, { cause })
    })
  }

  /** Queries of a rule's runbook; none where there is no such rule, or none can be read. */
  readonly runbookOf = async (id: string): Promise<BookRule['runbook']> => {
    const { rules } = await this.book().catch(() => ({ rules: [] as readonly BookRule[] }))
    return rules.find((rule) => rule.id === id)?.runbook ?? []
  }

  /** Begins to read the rules, since somebody is about to ask for them. */
  warm(): void {
    if (this.#kept === undefined) this.book().catch(() => undefined)
  }

  /** Looks at the files again with the next question. */
  forget(): void {
    this.#lookedMs = Number.NEGATIVE_INFINITY
  }

  /** Reads the pack as it is at a stamp; a reading that began before a change is not shared by who asks after it. */
  #load(stamp: string): Promise<RuleBook> {
    if (this.#loading?.stamp === stamp) return this.#loading.book
    const loading = { stamp, book: this.#read(stamp) }
    this.#loading = loading
    const end = () => {
      if (this.#loading === loading) this.#loading = undefined
    }
    loading.book.then(end, end)
    return loading.book
  }

  async #read(stamp: string): Promise<RuleBook> {
    const settingsFile = this.#home.detectSettings
    const before = this.#kept?.book.sources ?? [settingsFile]
    const book = await askRules({ what: 'book', settingsFile }, { timeoutMs: LOAD_TIMEOUT_MS })
    const isSame = before.join('\n') === book.sources.join('\n')
    // Stamped before it was read: what changed meanwhile is seen with the next look.
    const kept = { book, stamp: isSame ? stamp : await stampOf(book.sources) }
    if (this.#loading === undefined || this.#loading.stamp === stamp) this.#kept = kept
    return book
  }
}

const desks = new WeakMap<Home, RuleDesk>()

/** The rule book of a home: one for all groups of routes. */
export function ruleDeskOf(home: Home): RuleDesk {
  const desk = desks.get(home) ?? new RuleDesk(home)
  desks.set(home, desk)
  return desk
}

/** Sizes and times of files and of all below folders; other if any of it changed. */
async function stampOf(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(paths.map(stampOfOne))
  return parts.flat().join('\n')
}

async function stampOfOne(path: string): Promise<string[]> {
  try {
    const info = await stat(path, { bigint: true })
    if (!info.isDirectory()) return [`${path} ${info.size} ${info.mtimeNs} ${info.ino}`]
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    return (await Promise.all(files.map(stampOfOne))).flat()
  } catch {
    return [`${path} is not there`]
  }
}
