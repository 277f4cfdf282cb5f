/** Which keys may sign a log, and when: the first leaf names the first key, `key` leaves hand over to the next. */
import { isAppError } from '../../core/errors.ts'
import { KEY_TYPES, parseVkey, type Verifier } from '../note.ts'
import { type CheckedNote, keyName } from './note-check.ts'
import type { Findings } from './report.ts'

interface Link {
  readonly key: Verifier
  /** The leaf that names it. */
  readonly leaf: number
  /** True once a checkpoint that covers that leaf was found with the signature of the key before. */
  handedOver: boolean
}

/** The keys of a log in their order. */
export class KeyChain {
  readonly #findings: Findings
  readonly #links: Link[] = []

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Every key the log names, so far. */
  get keys(): readonly Verifier[] {
    return this.#links.map(({ key }) => key)
  }

  /** The key that signs now. */
  get newest(): Verifier | undefined {
    return this.#links.at(-1)?.key
  }

  /** Takes the key of the first leaf. */
  open(vkey: unknown, leaf: number, where: string): void {
    const key = this.#parsed(vkey, leaf, where)
    if (key !== undefined) this.#links.push({ key, leaf, handedOver: true })
  }

  /** Takes a key that was in force before the first leaf that is looked at. */
  seed(key: Verifier): void {
    this.#links.push({ key, leaf: -1, handedOver: true })
  }

  /** Takes a handover. */
  change(vkey: unknown, previous: unknown, leaf: number, where: string): void {
    const key = this.#parsed(vkey, leaf, where)
    if (key === undefined) return
    if (previous !== this.newest?.vkey) {
      this.#findings.add('unverifiable', where, 'The leaf hands over from a key that did not sign the log.', leaf)
    }
    this.#findings.state(`Leaf ${leaf}: the key ${keyName(key)} took over.`)
    this.#links.push({ key, leaf, handedOver: false })
  }

  /** Keys that sign a checkpoint of `size`: the one in force, and at a handover the one before. */
  inForce(size: number): Verifier | undefined {
    return this.#links.findLast(({ leaf }) => leaf < size)?.key
  }

  /** The key that must sign a checkpoint of `size` too, for its last leaf hands over from it. */
  handingOver(size: number): Verifier | undefined {
    const at = this.#links.findIndex(({ leaf }) => leaf === size - 1)
    return at > 0 ? this.#links[at - 1]?.key : undefined
  }

  /** Learns from a checkpoint which handovers the key before has signed. */
  learn({ signedBy, checkpoint }: CheckedNote): void {
    for (const [at, link] of this.#links.entries()) {
      const before = this.#links[at - 1]?.key
      if (before && BigInt(link.leaf) < checkpoint.size && signedBy.some(({ vkey }) => vkey === before.vkey)) {
        link.handedOver = true
      }
    }
  }

  /**
   * Whether one who trusts the `given` keys may trust a head that these keys signed: one of them is given, or signed
   * handovers lead from a given one to the newest.
   * @returns why not
   */
  distrust(given: readonly Verifier[], signedBy: readonly Verifier[]): string | undefined {
    const { newest } = this
    if (signedBy.some(({ vkey }) => given.some((key) => key.vkey === vkey))) return undefined
    if (newest === undefined) return 'The log names no key.'
    const from = this.#links.findLastIndex(({ key }) => given.some(({ vkey }) => vkey === key.vkey))
    if (from < 0) {
      return `The log is signed by ${keyName(newest)}, which is not the key given (${given.map(keyName).join(', ')}).`
    }
    const broken = this.#links.slice(from + 1).find(({ handedOver }) => !handedOver)
    return (
      broken &&
      `The key ${keyName(broken.key)} took over at leaf ${broken.leaf}, but no checkpoint signed by the key before says so.`
    )
  }

  #parsed(vkey: unknown, leaf: number, where: string): Verifier | undefined {
    try {
      const key = parseVkey(String(vkey))
      if (key.type === KEY_TYPES.ed25519) return key
    } catch (cause) {
      if (!isAppError(cause)) throw cause
    }
    this.#findings.add('unverifiable', where, `Leaf ${leaf} names no public key that can be read.`, leaf)
    return undefined
  }
}
