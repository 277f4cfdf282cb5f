import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from './checkpoint.ts'
import {
  consistencyProofFrom,
  inclusionProofFrom,
  leafHash,
  rootFrom,
  rootOfData,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { parseVkey } from './note.ts'
import { pathOf, tileWidths } from './tiles.ts'
import { growTree, TreeReader } from './tree.ts'

interface TestLog {
  readonly vkey: string
  readonly leaves: readonly string[]
  readonly checkpoints: readonly string[]
  readonly files: Readonly<Record<string, string>>
}

const tessera: TestLog = JSON.parse(
  readFileSync(new URL('../../fixtures/seal/tlog-tiles-log.json', import.meta.url), 'utf8'),
)

/** A log in memory. */
class Files extends Map<string, Uint8Array> {
  entryCount = 0n

  reader(size = this.entryCount): TreeReader {
    return new TreeReader(async (path) => this.get(path), size)
  }

  async append(entries: readonly Uint8Array[]) {
    const growth = await growTree(this.reader(), entries)
    for (const [path, bytes] of growth.files) this.set(path, bytes)
    this.entryCount = growth.size
    return growth
  }
}

const leaf = (n: number): Uint8Array => Buffer.from(`entry ${n}`)
const leaves = (count: number, from = 0): Uint8Array[] => Array.from({ length: count }, (_, at) => leaf(from + at))

describe('the log of tessera', () => {
  it('is rebuilt from its leaves, file for file and root for root', async () => {
    const files = new Files()
    for (const [at, text] of tessera.leaves.entries()) {
      const { root } = await files.append([Buffer.from(text)])
      const theirs = openCheckpoint(tessera.checkpoints[at + 1] ?? '', [parseVkey(tessera.vkey)])
      expect([theirs.origin, theirs.size]).toEqual(['example.com/log/testdata', BigInt(at + 1)])
      expect(Buffer.from(root)).toEqual(Buffer.from(theirs.root))
    }
    const ours = Object.fromEntries([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('base64')]))
    expect(ours).toEqual(tessera.files)
  })

  it('has checkpoints that its key signed, that of the empty log among them', () => {
    const key = parseVkey(tessera.vkey)
    const sizes = tessera.checkpoints.map((note) => openCheckpoint(note, [key]).size)
    expect(sizes).toEqual(Array.from({ length: 16 }, (_, n) => BigInt(n)))
    for (const note of tessera.checkpoints) {
      expect(() => openCheckpoint(note.replace('testdata\n', 'testdatA\n'), [key])).toThrow(/does not fit the note/)
    }
  })
})

describe('a growing log', () => {
  it('has the same root and the same last files however its entries come', async () => {
    const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(steps, async (counts) => {
        const [stepwise, atOnce] = [new Files(), new Files()]
        let total = 0
        for (const count of counts) {
          await stepwise.append(leaves(count, total))
          total += count
        }
        const { root, size } = await atOnce.append(leaves(total))
        expect(size).toBe(BigInt(total))
        expect(root).toEqual(rootOfData(leaves(total)))
        for (const [path, bytes] of atOnce) expect(stepwise.get(path)).toEqual(bytes)
        const tiles = [...tileWidths(size)].map(pathOf)
        expect([...atOnce.keys()].filter((path) => !path.includes('entries')).sort()).toEqual(tiles.sort())
        expect(await rootFrom(stepwise.reader().readHash, size)).toEqual(root)
      }),
      { numRuns: 15 },
    )
  })

  it('proves its entries and its own growth from its tiles alone', async () => {
    const files = new Files()
    const { root: root1 } = await files.append(leaves(300))
    const { root: root2 } = await files.append(leaves(70_000 - 300, 300))
    const { readHash } = files.reader()
    const size = 70_000n
    for (const index of [0n, 255n, 256n, 299n, 300n, 65_535n, 65_536n, 69_999n]) {
      const proof = await inclusionProofFrom(readHash, index, size)
      const claim = { leafHash: leafHash(leaf(Number(index))), index, size, proof, root: root2 }
      expect(verifyInclusion(claim)).toBeUndefined()
      expect(verifyInclusion({ ...claim, index: index ^ 1n })).toBeDefined()
    }
    const proof = await consistencyProofFrom(readHash, 300n, size)
    expect(verifyConsistency({ size1: 300n, size2: size, root1, root2, proof })).toBeUndefined()
    expect(Buffer.from(await files.reader().entry(65_537n)).toString()).toBe('entry 65537')
  })

  it('reads entries from any place on', async () => {
    const files = new Files()
    await files.append(leaves(600))
    for (const from of [0, 1, 255, 256, 511, 599, 600]) {
      const found: string[] = []
      for await (const entry of files.reader().entries(BigInt(from))) found.push(Buffer.from(entry).toString())
      expect(found).toEqual(leaves(600 - from, from).map(String))
    }
    await expect(files.reader().entry(600n)).rejects.toThrow(RangeError)
  })

  it('can be read at an older size when the partial files of that size are gone', async () => {
    const files = new Files()
    const { root } = await files.append(leaves(100))
    await files.append(leaves(200, 100))
    for (const path of [...files.keys()]) if (path.includes('/000.p/')) files.delete(path)
    const old = files.reader(100n)
    expect(await rootFrom(old.readHash, 100n)).toEqual(root)
    expect(Buffer.from(await old.entry(99n)).toString()).toBe('entry 99')
  })

  it('names the file that is missing, cut, or holds another entry', async () => {
    const files = new Files()
    await files.append(leaves(300))
    const bundle = files.get('tile/entries/001.p/44') as Uint8Array
    const other = Buffer.from(bundle)
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
    files.set('tile/entries/001.p/44', other)
    await expect(files.reader().entry(280n)).rejects.toThrow('Entry 299 is not the one the log has hashed.')
    await expect(growTree(files.reader(), [leaf(300)])).rejects.toThrow('Entry 299')
    files.set('tile/entries/001.p/44', bundle.subarray(0, bundle.length - 20))
    await expect(files.reader().entry(280n)).rejects.toMatchObject({ code: 'BAD_SEAL' })
    files.set('tile/0/001.p/44', Buffer.alloc(43 * 32))
    await expect(files.reader().tile(0, 1n)).rejects.toThrow('A tile of 44 hashes has 1376 bytes.')
    files.delete('tile/0/001.p/44')
    await expect(files.reader().tile(0, 1n)).rejects.toMatchObject({ code: 'BAD_SEAL', where: 'tile/0/001.p/44' })
    await expect(files.reader().entry(280n)).rejects.toMatchObject({ code: 'BAD_SEAL' })
  })
})

describe('entries asked for one by one', () => {
  it('cost one reading of their bundle, forwards and backwards', async () => {
    const files = new Files()
    await files.append(leaves(700))
    const read: string[] = []
    const reader = new TreeReader(async (path) => {
      read.push(path)
      return files.get(path)
    }, 700n)
    for (let at = 699n; at >= 0n; at--) expect(await reader.entry(at)).toEqual(leaf(Number(at)))
    expect(read.filter((path) => path.includes('/entries/'))).toHaveLength(3)
  })

  it('are read again after a reading that failed', async () => {
    const files = new Files()
    await files.append(leaves(3))
    let isDown = true
    const reader = new TreeReader(async (path) => (isDown ? undefined : files.get(path)), 3n)
    await expect(reader.entry(1n)).rejects.toMatchObject({ code: 'BAD_SEAL' })
    isDown = false
    expect(await reader.entry(1n)).toEqual(leaf(1))
  })
})
