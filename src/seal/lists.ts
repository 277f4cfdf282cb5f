/** Lists of a manifest as small Merkle trees, so that one record can be shown without the others. */
import { canonical, type ListSummary } from './entry.ts'
import { type Hash, hexOf, inclusionProof, leafHash, rootOfHashes, verifyInclusion } from './merkle.ts'

/** Hash of a record as a leaf of its list: its data is the record's canonical JSON. */
export const recordHash = (record: unknown): Hash => leafHash(Buffer.from(canonical(record)))

/** Root over the records in their order. */
export const listRoot = (records: readonly unknown[]): Hash => rootOfHashes(records.map(recordHash))

/** What an entry says of a list. */
export const listSummary = (records: readonly unknown[]): ListSummary => ({
  count: records.length,
  root: hexOf(listRoot(records)),
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
