/**
 * Files digested, down to their rows, before a commit adds them: while a writer still looks for repeats, publishes and commits, which
 * leaves processors idle. A file stays the same when it gets its final name; what is written again is another file.
 */
import { link, stat } from 'node:fs/promises'
import type { Engine } from '../engine/duckdb.ts'
import { type FileDigest, fileDigests } from './file-digest.ts'
import type { RowForm } from './row-form.ts'
import { AT_ONCE_BYTES, type DigestOptions, digestFiles, type FileRows } from './rows.ts'

/** What was digested of a file. */
export interface DigestedFile {
  readonly rows: FileRows
  readonly whole: FileDigest
}

interface Ahead {
  readonly form: RowForm
  /** Undefined where it did not come to an end; the file is digested in its turn then, which tells why. */
  readonly digested: Promise<DigestedFile | undefined>
}

/** Digests files that are finished and not yet committed, on connections of its own. */
export class RowsAhead {
  readonly #byFile = new Map<string, Ahead>()
  #bytes = 0
  #underWay: Promise<unknown> = Promise.resolve()
  #stop = new AbortController()

  /**
   * Begins with those of the files that were not begun with, as far as memory is for them, beside what was begun with before. Their
   * bytes must not change any more. Each gets a further name in its folder, which is for the caller to remove. Returns once all is
   * planned, so that the caller may change settings of the database then.
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
    const { promise: planned, resolve: onPlanned } = Promise.withResolvers<void>()
    const { signal } = this.#stop
    const all = bothOf(digestBeside(engine, names, form, { signal, onPlanned }), fileDigests(names, signal))
    this.#underWay = Promise.all([this.#underWay, all]).then(() => undefined)
    for (const [at, file] of files.entries()) {
      const digested = all.then(
        (both) => both && { rows: both.rows[at] as FileRows, whole: both.wholes[at] as FileDigest },
      )
      this.#byFile.set(file, { form, digested })
    }
    await Promise.race([planned, all])
  }

  /** What was digested of a file, by any of its names, if it was in this form. */
  async of(path: string, form: RowForm): Promise<DigestedFile | undefined> {
    if (this.#byFile.size === 0) return undefined
    const ahead = this.#byFile.get((await fileAt(path))?.file ?? '')
    return ahead?.form.bytes === form.bytes ? ahead.digested : undefined
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    await this.#underWay
  }

  /** Ends what is under way and forgets all of it; to be called before a file is removed. */
  async end(): Promise<void> {
    this.#stop.abort()
    await this.#underWay
    this.#byFile.clear()
    this.#bytes = 0
    this.#stop = new AbortController()
  }
}

/** Undefined if either failed; both have ended then. */
async function bothOf(byRows: Promise<FileRows[]>, byWhole: Promise<FileDigest[]>) {
  const [rows, wholes] = await Promise.allSettled([byRows, byWhole])
  if (rows.status === 'rejected' || wholes.status === 'rejected') return undefined
  return { rows: rows.value, wholes: wholes.value }
}

async function digestBeside(
  engine: Engine,
  paths: readonly string[],
  form: RowForm,
  options: DigestOptions,
): Promise<FileRows[]> {
  const beside = await engine.beside()
  try {
    return await digestFiles(beside, paths, form, options)
  } finally {
    beside.close()
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
