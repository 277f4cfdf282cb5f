/**
 * Rows of files digested before a commit adds them: while a writer still looks for repeats, publishes and commits, which leaves
 * processors idle. A file stays the same when it gets its final name; what is written again is another file.
 */
import { link, stat } from 'node:fs/promises'
import type { Engine } from '../engine/duckdb.ts'
import { AT_ONCE_BYTES, digestFiles, type FileRows, type RowForm } from './rows.ts'

interface Ahead {
  readonly form: RowForm
  /** Undefined where it did not come to an end; the rows are digested in their turn then, which tells why. */
  readonly rows: Promise<FileRows | undefined>
}

/** Digests files that are finished and not yet committed, on an engine that nothing else uses until all is {@link settled}. */
export class RowsAhead {
  readonly #byFile = new Map<string, Ahead>()
  #bytes = 0
  #last: Promise<unknown> = Promise.resolve()
  #stop = new AbortController()

  /**
   * Begins with those of the files that were not begun with, as far as memory is for them. Their bytes must not change any more. Each
   * gets a further name in its folder, which is for the caller to remove. The first call after {@link end} returns once its statement
   * is planned, so that the caller may change settings of the database then.
   */
  async begin(engine: Engine, paths: readonly string[], form: RowForm): Promise<void> {
    const names: string[] = []
    const files: string[] = []
    for (const path of paths) {
      const { file, bytes } = (await fileAt(path)) ?? {}
      if (file === undefined || bytes === undefined || this.#byFile.has(file)) continue
      if (this.#bytes + bytes > AT_ONCE_BYTES || !(await linked(path))) continue
      this.#bytes += bytes
      names.push(nameAhead(path))
      files.push(file)
    }
    if (files.length === 0) return
    const isFirst = this.#byFile.size === 0
    const { signal } = this.#stop
    const { promise: planned, resolve: onPlanned } = Promise.withResolvers<void>()
    const all = this.#last.then(() => digestFiles(engine, names, form, { signal, onPlanned })).catch(() => undefined)
    this.#last = all.finally(onPlanned)
    for (const [at, file] of files.entries()) this.#byFile.set(file, { form, rows: all.then((rows) => rows?.[at]) })
    if (isFirst) await planned
  }

  /** The rows of a file by any of its names, if they were digested in this form. */
  async of(path: string, form: RowForm): Promise<FileRows | undefined> {
    if (this.#byFile.size === 0) return undefined
    const ahead = this.#byFile.get((await fileAt(path))?.file ?? '')
    return ahead?.form.text === form.text ? ahead.rows : undefined
  }

  /** Waits until the engine is free. */
  async settled(): Promise<void> {
    await this.#last
  }

  /** Ends what is under way and forgets all of it; to be called before a file is removed. */
  async end(): Promise<void> {
    this.#stop.abort()
    await this.#last
    this.#byFile.clear()
    this.#bytes = 0
    this.#stop = new AbortController()
  }
}

const nameAhead = (path: string): string => `${path}.ahead`

/** Gives a file another name beside its own, which goes when it is published. */
const linked = (path: string): Promise<boolean> =>
  link(path, nameAhead(path)).then(
    () => true,
    () => false,
  )

/** Says which file a name stands for, and that it is as it was; undefined if there is none. */
async function fileAt(path: string): Promise<{ readonly file: string; readonly bytes: number } | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  if (found === undefined) return undefined
  const { dev, ino, size, mtimeNs } = found
  return { file: `${dev} ${ino} ${size} ${mtimeNs}`, bytes: Number(size) }
}
