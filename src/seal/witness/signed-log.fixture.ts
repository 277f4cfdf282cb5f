/** A log in memory for tests: any leaves, any size, signed. */
import { createPrivateKey } from 'node:crypto'
import { formatCheckpoint } from '../checkpoint.ts'
import { consistencyProofFrom, type Hash, leafHash, type ReadHash, rootOfHashes } from '../merkle.ts'
import { type KeyType, type Signer, signerOf, signNote } from '../note.ts'
import { formatAddCheckpoint } from './request.ts'

/** PKCS #8 of an Ed25519 key is this and the seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A key that is the same in every run. */
export function keyOf(name: string, seed: number, type?: KeyType): Signer {
  const der = Buffer.concat([PKCS8_HEAD, Buffer.alloc(32, seed)])
  return signerOf(name, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), type)
}

/** A log whose leaf at each index is a text; `fork` gives another history from some index on. */
export class SignedLog {
  readonly signer: Signer
  readonly #leaves: Hash[]

  constructor(signer: Signer, leaves: number, fork: { from: number; word: string } = { from: leaves, word: '' }) {
    this.signer = signer
    this.#leaves = Array.from({ length: leaves }, (_, at) =>
      leafHash(Buffer.from(`leaf ${at}${at >= fork.from ? fork.word : ''}`)),
    )
  }

  root(size: number): Hash {
    return rootOfHashes(this.#leaves.slice(0, size))
  }

  readonly readHash: ReadHash = async (level, index) => {
    const span = 2 ** level
    const from = Number(index) * span
    if (from + span > this.#leaves.length) throw new RangeError(`no subtree ${index} of level ${level}`)
    return rootOfHashes(this.#leaves.slice(from, from + span))
  }

  text(size: number): string {
    return formatCheckpoint({ origin: this.signer.name, size: BigInt(size), root: this.root(size) })
  }

  note(size: number, signer = this.signer): Buffer {
    return Buffer.from(signNote(this.text(size), [signer]))
  }

  async proof(from: number, to: number): Promise<Hash[]> {
    return from === 0 || from === to ? [] : consistencyProofFrom(this.readHash, BigInt(from), BigInt(to))
  }

  /** A request as an honest log makes it. */
  async request(from: number, to: number): Promise<Buffer> {
    return formatAddCheckpoint({ oldSize: BigInt(from), proof: await this.proof(from, to), note: this.note(to) })
  }
}
