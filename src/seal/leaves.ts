/** Looking for leaves from the newest backwards: what is asked for stands near the end, nearly always. */
import { type CommitEntry, type Entry, parseEntry, type SealedVersions } from './entry.ts'

/** The leaves of a log: their number, and the data of each. */
export interface Leaves {
  readonly size: bigint
  entry(index: bigint): Promise<Uint8Array>
}

/** The newest leaf, and up to which version of each table the log goes. */
export async function lastSealed(leaves: Leaves): Promise<{ last: Entry | undefined; sealed: SealedVersions }> {
  let last: Entry | undefined
  for (let index = leaves.size - 1n; index >= 0n; index--) {
    const entry = parseEntry(await leaves.entry(index))
    last ??= entry
    if ('sealed' in entry) return { last, sealed: entry.sealed }
  }
  return { last, sealed: {} }
}

/** A leaf about a commit, and its place. */
export interface CommitLeaf {
  readonly leaf: bigint
  readonly entry: CommitEntry
}

/**
 * Leaves about commits that hold a text, newest first. The text is looked for before an entry is taken apart, which costs a hundred
 * times as much.
 *
 * @param text as the canonical JSON of the entry has it, such as `"table":"events"`
 */
export async function* commitLeaves(leaves: Leaves, text: string): AsyncGenerator<CommitLeaf> {
  for (let leaf = leaves.size - 1n; leaf >= 0n; leaf--) {
    const bytes = await leaves.entry(leaf)
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(text)) continue
    const entry = parseEntry(bytes)
    if (entry.kind === 'commit') yield { leaf, entry }
  }
}
