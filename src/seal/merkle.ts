/**
 * Merkle trees after RFC 6962 §2.1 and RFC 9162 §2.1: roots, proofs and their checks. Sizes and indexes are 64-bit, so
 * `bigint`. Pure: nothing is read or written here.
 */
import { hash } from 'node:crypto'

/** A SHA-256: 32 bytes. */
export type Hash = Uint8Array

/** Gives the root of the complete subtree of 2^`level` leaves which is the `index`-th of its kind; level 0 are the leaves. */
export type ReadHash = (level: number, index: bigint) => Promise<Hash>

/** Length of every hash of a tree. */
export const HASH_BYTES = 32

const LIMIT = 1n << 64n
const nodeBytes = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** SHA-256 of the bytes. Asked for as text, it costs half of what it does as a buffer of its own. */
export const sha256 = (bytes: Uint8Array | string): Hash => Buffer.from(hash('sha256', bytes, 'binary'), 'latin1')

/** Root of the tree without leaves. */
export const EMPTY_ROOT: Hash = sha256('')

/** Hash of a leaf with this data. */
export function leafHash(data: Uint8Array): Hash {
  const bytes = Buffer.allocUnsafe(1 + data.length)
  bytes[0] = 0
  bytes.set(data, 1)
  return sha256(bytes)
}

/** Hash of the node over two hashes of 32 bytes. */
export function nodeHash(left: Hash, right: Hash): Hash {
  nodeBytes.set(left, 1)
  nodeBytes.set(right, 1 + HASH_BYTES)
  return sha256(nodeBytes)
}

/** The bytes as small hexadecimal digits. */
export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')

/** True for the same bytes. */
export const sameHash = (a: Hash, b: Hash): boolean => Buffer.compare(a, b) === 0

/** The hashes one level up; a last one without a neighbour goes up as it is. */
function parents(hashes: readonly Hash[]): Hash[] {
  const above: Hash[] = []
  for (let at = 0; at < hashes.length; at += 2) {
    const [left, right] = [hashes[at] as Hash, hashes[at + 1]]
    above.push(right === undefined ? left : nodeHash(left, right))
  }
  return above
}

/** Root of the tree over leaf hashes. */
export function rootOfHashes(leafHashes: readonly Hash[]): Hash {
  let hashes = leafHashes
  while (hashes.length > 1) hashes = parents(hashes)
  return hashes[0] ?? EMPTY_ROOT
}

/** Root of the tree over leaves. */
export const rootOfData = (leaves: readonly Uint8Array[]): Hash => rootOfHashes(leaves.map(leafHash))

/** Proof that the leaf at `index` is in the tree over all the leaf hashes: nearest neighbour first. */
export function inclusionProof(leafHashes: readonly Hash[], index: number): Hash[] {
  if (!Number.isInteger(index) || index < 0 || index >= leafHashes.length) {
    throw new RangeError(`There is no leaf ${index} among ${leafHashes.length}.`)
  }
  const proof: Hash[] = []
  for (let [hashes, at] = [leafHashes, index]; hashes.length > 1; at >>= 1) {
    const neighbour = hashes[at ^ 1]
    if (neighbour !== undefined) proof.push(neighbour)
    hashes = parents(hashes)
  }
  return proof
}

/** Root of a tree that grows leaf by leaf, in memory for one hash a level. */
export class Frontier {
  #size = 0n
  /** Roots of the complete subtrees the leaves fall into, largest first. */
  readonly #peaks: Hash[] = []

  /** A frontier that stands behind the first `size` leaves of a stored tree. */
  static async of(readHash: ReadHash, size: bigint): Promise<Frontier> {
    const frontier = new Frontier()
    frontier.#peaks.push(...(await peaksOf(readHash, 0n, size)))
    frontier.#size = size
    return frontier
  }

  get size(): bigint {
    return this.#size
  }

  append(leaf: Hash): void {
    let carried = leaf
    for (let bits = this.#size; bits & 1n; bits >>= 1n) carried = nodeHash(this.#peaks.pop() as Hash, carried)
    this.#peaks.push(carried)
    this.#size += 1n
  }

  root(): Hash {
    return joined(this.#peaks)
  }
}

/** Root over complete subtrees of falling size. */
const joined = (peaks: readonly Hash[]): Hash =>
  peaks.length === 0 ? EMPTY_ROOT : peaks.reduceRight((right, left) => nodeHash(left, right))

/** Roots of the complete subtrees that make up the leaves from `start` (a multiple of any of them) up to `end`. */
async function peaksOf(readHash: ReadHash, start: bigint, end: bigint): Promise<Hash[]> {
  const peaks: Promise<Hash>[] = []
  for (let [at, left] = [start, end - start]; left > 0n; ) {
    const level = bitLength(left) - 1
    peaks.push(readHash(level, at >> BigInt(level)))
    at += 1n << BigInt(level)
    left -= 1n << BigInt(level)
  }
  return Promise.all(peaks)
}

const rangeRoot = async (readHash: ReadHash, start: bigint, end: bigint): Promise<Hash> =>
  joined(await peaksOf(readHash, start, end))

/** Root of the first `size` leaves of a stored tree. */
export const rootFrom = (readHash: ReadHash, size: bigint): Promise<Hash> => rangeRoot(readHash, 0n, size)

/** As {@link inclusionProof}, from stored hashes, for the tree of the first `size` leaves. */
export async function inclusionProofFrom(readHash: ReadHash, index: bigint, size: bigint): Promise<Hash[]> {
  if (index < 0n || index >= size) throw new RangeError(`There is no leaf ${index} among ${size}.`)
  const proof: Promise<Hash>[] = []
  let [start, end] = [0n, size]
  while (end - start > 1n) {
    const middle = start + splitOf(end - start)
    proof.push(index < middle ? rangeRoot(readHash, middle, end) : rangeRoot(readHash, start, middle))
    if (index < middle) end = middle
    else start = middle
  }
  return (await Promise.all(proof)).reverse()
}

/** Proof that the tree of `size2` leaves begins with that of `size1` (RFC 9162 §2.1.4.1); empty where they are the same. */
export async function consistencyProofFrom(readHash: ReadHash, size1: bigint, size2: bigint): Promise<Hash[]> {
  if (size1 < 1n || size1 > size2) throw new RangeError(`There is no consistency proof from ${size1} to ${size2}.`)
  const proof: Promise<Hash>[] = []
  let [start, end] = [0n, size2]
  while (end !== size1) {
    const middle = start + splitOf(end - start)
    proof.push(size1 <= middle ? rangeRoot(readHash, middle, end) : rangeRoot(readHash, start, middle))
    if (size1 <= middle) end = middle
    else start = middle
  }
  // Where the old tree is a complete subtree on the left, its root is known to whoever asks.
  if (start > 0n) proof.push(rangeRoot(readHash, start, end))
  return (await Promise.all(proof)).reverse()
}

/** What an inclusion proof is checked against. */
export interface InclusionClaim {
  readonly leafHash: Hash
  readonly index: bigint
  readonly size: bigint
  readonly proof: readonly Hash[]
  readonly root: Hash
}

/** Why the proof does not show the leaf at `index` of the tree; undefined if it does. */
export const verifyInclusion = ({ size, ...claim }: InclusionClaim): string | undefined =>
  verifySubtreeInclusion({ ...claim, start: 0n, end: size })

/** As {@link InclusionClaim}, in the subtree over the leaves from `start` up to `end`; `index` counts from the first leaf of all. */
export interface SubtreeInclusionClaim extends Omit<InclusionClaim, 'size'> {
  readonly start: bigint
  readonly end: bigint
}

/** As {@link verifyInclusion}, for a subtree (draft-ietf-plants-merkle-tree-certs, "Subtree Inclusion Proofs"). */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim): string | undefined {
  const { index, start, end, proof, root } = claim
  const bad = badSubtree(start, end, end) ?? badLengths([claim.leafHash, root, ...proof])
  if (bad !== undefined) return bad
  if (index < start || index >= end) return `leaf ${index} is not among the leaves from ${start} up to ${end}`
  let [fn, sn, found] = [index - start, end - start - 1n, claim.leafHash]
  for (const hash of proof) {
    if (sn === 0n) return 'the proof is too long'
    if (odd(fn) || fn === sn) {
      found = nodeHash(hash, found)
      const shift = zerosBelow(fn)
      fn >>= shift
      sn >>= shift
    } else {
      found = nodeHash(found, hash)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) return 'the proof is too short'
  return sameHash(found, root) ? undefined : 'the proof leads to another root'
}

/** What a consistency proof is checked against. */
export interface ConsistencyClaim {
  readonly size1: bigint
  readonly size2: bigint
  readonly root1: Hash
  readonly root2: Hash
  readonly proof: readonly Hash[]
}

/**
 * Why the proof does not show that the tree of `size2` begins with that of `size1`; undefined if it does. Nothing
 * follows from an empty tree, so `size1` 0 is refused even where both are empty.
 */
export function verifyConsistency({ size1, size2, ...claim }: ConsistencyClaim): string | undefined {
  if (size1 === 0n) return 'an empty tree proves nothing'
  return verifySubtreeConsistency({ ...claim, start: 0n, end: size1, size: size2 })
}

/** What a proof is checked against which says that a tree has a subtree over the leaves from `start` up to `end`. */
export interface SubtreeConsistencyClaim {
  readonly start: bigint
  readonly end: bigint
  readonly size: bigint
  /** Root of the subtree. */
  readonly root1: Hash
  /** Root of the tree. */
  readonly root2: Hash
  readonly proof: readonly Hash[]
}

/** As {@link verifyConsistency}, for a subtree (the same draft, "Subtree Consistency Proofs"); an empty one is in any tree. */
export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim): string | undefined {
  const { start, end, size, root1, root2 } = claim
  // Without a proof nothing is hashed, and the vectors compare roots of any length then.
  const hashed = claim.proof.length === 0 ? [] : [root1, root2, ...claim.proof]
  const bad = badSubtree(start, end, size) ?? badLengths(hashed)
  if (bad !== undefined) return bad
  if (start === end) {
    if (claim.proof.length > 0) return 'the proof is too long'
    return sameHash(root1, EMPTY_ROOT) ? undefined : 'the root is not that of an empty tree'
  }
  let [fn, sn, tn] = [start, end - 1n, size - 1n]
  // The subtree is one node of the tree or ends with it; up to there nothing has to be proved.
  while (sn === tn ? fn !== sn : fn !== sn && odd(sn)) [fn, sn, tn] = [fn >> 1n, sn >> 1n, tn >> 1n]
  const [first, ...rest] = fn === sn ? [root1, ...claim.proof] : claim.proof
  if (first === undefined) return 'the proof is too short'
  let [found1, found2] = [first, first]
  for (const hash of rest) {
    if (tn === 0n) return 'the proof is too long'
    if (odd(sn) || sn === tn) {
      if (fn < sn) found1 = nodeHash(hash, found1)
      found2 = nodeHash(hash, found2)
      const shift = zerosBelow(sn)
      fn >>= shift
      sn >>= shift
      tn >>= shift
    } else {
      found2 = nodeHash(found2, hash)
    }
    fn >>= 1n
    sn >>= 1n
    tn >>= 1n
  }
  if (tn !== 0n) return 'the proof is too short'
  if (!sameHash(found1, root1)) return 'the proof leads to another first root'
  return sameHash(found2, root2) ? undefined : 'the proof leads to another second root'
}

/** Why `start` up to `end` is no subtree of a tree of `size` leaves: it begins at a multiple of its size, rounded up to 2^n. */
function badSubtree(start: bigint, end: bigint, size: bigint): string | undefined {
  if (start < 0n || end < start || size < end || size >= LIMIT) return 'the sizes do not fit each other'
  const width = end - start
  const span = width === 0n ? 1n : 1n << BigInt(bitLength(width - 1n))
  return start % span === 0n ? undefined : `${start} up to ${end} is no subtree`
}

const badLengths = (hashes: readonly Hash[]): string | undefined =>
  hashes.every(({ length }) => length === HASH_BYTES) ? undefined : 'a hash does not have 32 bytes'

const odd = (value: bigint): boolean => (value & 1n) === 1n
const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length)
/** The largest power of two below `size`: where RFC 6962 splits a tree. */
const splitOf = (size: bigint): bigint => 1n << BigInt(bitLength(size - 1n) - 1)
/** How many of the last bits are 0; 0 for 0. */
const zerosBelow = (value: bigint): bigint => (value === 0n ? 0n : BigInt(bitLength(value & -value) - 1))
