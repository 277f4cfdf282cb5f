/** Which record of a path stands, where a restore has undone some of the leaves that name it. */
import { statOf } from './log-files.ts'

/** What a leaf says of a file. */
export interface ToldFile {
  readonly sha256: string
  readonly bytes: number
  readonly leaf: number
}

/** What may lie under a path. */
export interface Standing<T extends ToldFile> {
  /** False where every leaf that names the path was undone. */
  readonly isNeeded: boolean
  /** By the newest leaf that stands, if one does; then by those undone since, for what they wrote may have stayed. */
  readonly candidates: readonly T[]
}

/** Sorts out the records of a path, which come in the order of their leaves. */
export function standing<T extends ToldFile>(records: readonly T[], undone: ReadonlySet<number>): Standing<T> {
  const at = records.findLastIndex(({ leaf }) => !undone.has(leaf))
  return { isNeeded: at >= 0, candidates: records.slice(Math.max(0, at)) }
}

/** The candidate that has the length of the file; the first where none has. */
export function likeliest<T extends ToldFile>(path: string, candidates: readonly T[]): T | undefined {
  if (candidates.length === 1) return candidates[0]
  const bytes = statOf(path)?.size
  return candidates.find((one) => one.bytes === bytes) ?? candidates[0]
}

/** Adds a record to those of its path, unless the leaf has told of the file already: of a pack, each of its members does. */
export function tell<T extends ToldFile>(all: Map<string, T[]>, path: string, record: T): void {
  const known = all.get(path)
  if (known === undefined) all.set(path, [record])
  else if (!isSame(known.at(-1), record)) known.push(record)
}

const isSame = (a: ToldFile | undefined, b: ToldFile): boolean =>
  a?.leaf === b.leaf && a.sha256 === b.sha256 && a.bytes === b.bytes
