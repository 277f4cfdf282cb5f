/** Lists of a manifest as small Merkle trees, so that one record can be shown without the others. */
import { canonical, type ListSummary } from './entry.ts'
import { type Hash, hexOf, inclusionProof, leafHash, rootOfHashes, verifyInclusion } from './merkle.ts'

const textHash = (text: string): Hash => leafHash(Buffer.from(text))

/** Hash of a record as a leaf of its list: its data is the record's canonical JSON. */
export const recordHash = (record: unknown): Hash => textHash(canonical(record))

/** Root over the records in their order. */
export const listRoot = (records: readonly unknown[]): Hash => rootOfHashes(records.map(recordHash))

/** What an entry says of a list. */
export const listSummary = (records: readonly unknown[]): ListSummary => textsSummary(records.map(canonical))

/** The same, of the canonical JSON of each record. */
export const textsSummary = (texts: readonly string[]): ListSummary => ({
  count: texts.length,
  root: hexOf(rootOfHashes(texts.map(textHash))),
})

/** Proof that the record at `index` stands in the list. */
export const listProof = (records: readonly unknown[], index: number): Hash[] =>
  inclusionProof(records.map(recordHash), index)

/** Why the proof does not show the record at `index` of the list; undefined if it does. */
export const verifyRecord = (
  record: unknown,
  index: number,
  { count, root }: ListSummary,
  proof: readonly Hash[],
): string | undefined =>
  verifyInclusion({
    leafHash: recordHash(record),
    index: BigInt(index),
    size: BigInt(count),
    proof,
    root: Buffer.from(root, 'hex'),
  })
