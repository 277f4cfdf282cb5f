import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  consistencyProofFrom,
  EMPTY_ROOT,
  Frontier,
  type Hash,
  inclusionProof,
  inclusionProofFrom,
  leafHash,
  nodeHash,
  type ReadHash,
  rootFrom,
  rootOfData,
  rootOfHashes,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './merkle.ts'

interface Vector {
  readonly file: string
  readonly wantErr: boolean
  readonly proof: readonly Hash[]
  readonly [field: string]: unknown
}

/** Whole numbers as bigint, from their text: some exceed what a number holds. */
const exact = ((_key: string, value: unknown, context: { source: string }) =>
  typeof value === 'number' ? BigInt(context.source) : value) as (key: string, value: unknown) => unknown

const bytesOf = (value: unknown): unknown => (typeof value === 'string' ? Buffer.from(value, 'base64') : value)

function vectors(kind: string): Vector[] {
  const text = readFileSync(new URL(`../../fixtures/seal/${kind}.jsonl`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { file, desc, wantErr, proof, ...claim } = JSON.parse(line, exact)
      const hashes = Object.fromEntries(
        Object.entries(claim).map(([key, value]) => [RENAMED[key] ?? key, bytesOf(value)]),
      )
      return { file, wantErr, proof: (proof ?? []).map(bytesOf), ...hashes }
    })
}

/** Our words for two fields of theirs. */
const RENAMED: Readonly<Record<string, string>> = { leafIdx: 'index', treeSize: 'size' }

const KINDS: readonly [string, number, (claim: never) => string | undefined][] = [
  ['inclusion', 98, verifyInclusion],
  ['consistency', 98, verifyConsistency],
  ['subtreeinclusion', 204, verifySubtreeInclusion],
  ['subtreeconsistency', 118, verifySubtreeConsistency],
]

describe('the vectors of transparency-dev/merkle', () => {
  it.each(KINDS)('%s: all %i are judged as they say', (kind, count, verify) => {
    const found = vectors(kind)
    expect(found).toHaveLength(count)
    const wrong = found.filter((vector) => (verify(vector as never) !== undefined) !== vector.wantErr)
    expect(wrong.map(({ file }) => file)).toEqual([])
  })
})

const leavesOf = (size: number): Hash[] => Array.from({ length: size }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)))

/** RFC 6962 §2.1, word for word. */
function plainRoot(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT
  if (hashes.length === 1) return hashes[0] as Hash
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(plainRoot(hashes.slice(0, k)), plainRoot(hashes.slice(k)))
}

const readerOf =
  (hashes: readonly Hash[]): ReadHash =>
  async (level, index) => {
    const [start, width] = [Number(index) << level, 1 << level]
    if (start + width > hashes.length) throw new Error(`There is no subtree ${level}/${index}.`)
    return plainRoot(hashes.slice(start, start + width))
  }

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  const at = Math.floor(bit / 8) % copy.length
  copy[at] = (copy[at] as number) ^ (1 << (bit % 8))
  return copy
}

const size = fc.integer({ min: 1, max: 300 })

describe('a tree', () => {
  it('has the roots of RFC 6962, however they are computed', async () => {
    expect(rootOfData([])).toEqual(EMPTY_ROOT)
    expect(Buffer.from(EMPTY_ROOT).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
    const frontier = new Frontier()
    const leaves = leavesOf(130)
    for (let n = 0; n <= leaves.length; n++) {
      const expected = plainRoot(leaves.slice(0, n))
      expect(rootOfHashes(leaves.slice(0, n))).toEqual(expected)
      expect(frontier.root()).toEqual(expected)
      expect(frontier.size).toBe(BigInt(n))
      expect(await rootFrom(readerOf(leaves), BigInt(n))).toEqual(expected)
      if (n < leaves.length) frontier.append(leaves[n] as Hash)
    }
  })

  it('goes on from any size that is stored', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, async (first, more) => {
        const leaves = leavesOf(first + more)
        const frontier = await Frontier.of(readerOf(leaves.slice(0, first)), BigInt(first))
        for (const leaf of leaves.slice(first)) frontier.append(leaf)
        expect(frontier.root()).toEqual(rootOfHashes(leaves))
        expect(frontier.size).toBe(BigInt(first + more))
      }),
      { numRuns: 40 },
    )
  })

  it('has a proof for every leaf, and none of its changes holds', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (leaves, pick, bit) => {
        const hashes = leavesOf(leaves)
        const at = pick % leaves
        const proof = inclusionProof(hashes, at)
        expect(await inclusionProofFrom(readerOf(hashes), BigInt(at), BigInt(leaves))).toEqual(proof)
        const claim = {
          leafHash: hashes[at] as Hash,
          index: BigInt(at),
          size: BigInt(leaves),
          proof,
          root: rootOfHashes(hashes),
        }
        expect(verifyInclusion(claim)).toBeUndefined()
        expect(verifyInclusion({ ...claim, leafHash: flipped(claim.leafHash, bit) })).toBeDefined()
        expect(verifyInclusion({ ...claim, root: flipped(claim.root, bit) })).toBeDefined()
        expect(verifyInclusion({ ...claim, proof: [...proof, claim.root] })).toBe('the proof is too long')
        expect(verifyInclusion({ ...claim, index: claim.index + claim.size })).toBeDefined()
        if (leaves > 1) {
          expect(verifyInclusion({ ...claim, index: BigInt((at + 1 + (bit % (leaves - 1))) % leaves) })).toBeDefined()
          expect(verifyInclusion({ ...claim, proof: proof.slice(0, -1) })).toBeDefined()
          const changed = proof.with(pick % proof.length, flipped(proof[pick % proof.length] as Hash, bit))
          expect(verifyInclusion({ ...claim, proof: changed })).toBeDefined()
        }
      }),
      { numRuns: 150 },
    )
  })

  it('has a proof that it grew out of each of its beginnings, and none of its changes holds', async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(), async (leaves, pick, bit) => {
        const hashes = leavesOf(leaves)
        const first = 1 + (pick % leaves)
        const proof = await consistencyProofFrom(readerOf(hashes), BigInt(first), BigInt(leaves))
        const claim = {
          size1: BigInt(first),
          size2: BigInt(leaves),
          root1: rootOfHashes(hashes.slice(0, first)),
          root2: rootOfHashes(hashes),
          proof,
        }
        expect(verifyConsistency(claim)).toBeUndefined()
        expect(verifyConsistency({ ...claim, root1: flipped(claim.root1, bit) })).toBeDefined()
        expect(verifyConsistency({ ...claim, root2: flipped(claim.root2, bit) })).toBeDefined()
        expect(verifyConsistency({ ...claim, proof: [...proof, claim.root1] })).toBeDefined()
        expect(verifyConsistency({ ...claim, size1: 0n })).toBe('an empty tree proves nothing')
        expect(verifyConsistency({ ...claim, size1: claim.size2 + 1n })).toBeDefined()
        if (proof.length > 0) {
          const changed = proof.with(bit % proof.length, flipped(proof[bit % proof.length] as Hash, pick))
          expect(verifyConsistency({ ...claim, proof: changed })).toBeDefined()
          expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBeDefined()
        }
      }),
      { numRuns: 150 },
    )
  })

  it('refuses to prove what it does not have', async () => {
    const hashes = leavesOf(3)
    expect(() => inclusionProof(hashes, 3)).toThrow(RangeError)
    expect(() => inclusionProof(hashes, -1)).toThrow(RangeError)
    await expect(inclusionProofFrom(readerOf(hashes), 3n, 3n)).rejects.toThrow(RangeError)
    await expect(consistencyProofFrom(readerOf(hashes), 0n, 3n)).rejects.toThrow(RangeError)
    await expect(consistencyProofFrom(readerOf(hashes), 4n, 3n)).rejects.toThrow(RangeError)
  })

  it('takes indexes as far as 64 bits go', () => {
    const [leaf, other] = leavesOf(2) as [Hash, Hash]
    const index = (1n << 64n) - 2n
    const proof = Array.from({ length: 64 }, () => other)
    let root = leaf
    for (const bit of index.toString(2).split('').reverse()) {
      root = bit === '1' ? nodeHash(other, root) : nodeHash(root, other)
    }
    // The last leaf but one of a tree that lacks one leaf of 2^64.
    const claim = { leafHash: leaf, index, size: (1n << 64n) - 1n, root: EMPTY_ROOT }
    expect(verifyInclusion({ ...claim, proof })).toBe('the proof is too long')
    const short = proof.slice(1)
    const expected = short.reduce((found, hash) => nodeHash(hash, found), leaf)
    expect(verifyInclusion({ ...claim, proof: short, root: expected })).toBeUndefined()
    expect(verifyInclusion({ ...claim, size: 1n << 64n, proof, root })).toBe('the sizes do not fit each other')
  })
})
