/** Sets of rules as bits in 64-bit columns: `gate_mask0` holds the first 62 rules, and so on. */
import type { Dialect } from './dialect.ts'

/** Bits used of a column; the sign and the one before stay out of it. */
const BITS = 62

/** Columns that so many rules take. */
export const wordsFor = (rules: number): number => Math.max(1, Math.ceil(rules / BITS))

/** Rules by their number in a statement. */
export class Mask {
  readonly #words: ReadonlyMap<number, bigint>

  private constructor(words: ReadonlyMap<number, bigint>) {
    this.#words = words
  }

  /** These rules. */
  static of(rules: Iterable<number>): Mask {
    const words = new Map<number, bigint>()
    for (const rule of rules) {
      const word = Math.floor(rule / BITS)
      words.set(word, (words.get(word) ?? 0n) | (1n << BigInt(rule % BITS)))
    }
    return new Mask(words)
  }

  /** These and those. */
  with(other: Mask): Mask {
    const words = new Map(this.#words)
    for (const [word, bits] of other.#words) words.set(word, (words.get(word) ?? 0n) | bits)
    return new Mask(words)
  }

  /** How many there are. */
  get size(): number {
    return [...this.#words.values()].reduce((sum, bits) => sum + bits.toString(2).replaceAll('0', '').length, 0)
  }

  /** The bits of one column. */
  word = (at: number): bigint => this.#words.get(at) ?? 0n

  /** Whether a rule is among them. */
  has = (rule: number): boolean => {
    const { word, bit } = bitOf(rule)
    return (this.word(word) & bit) !== 0n
  }

  /** SQL: a record's columns of this name have any of these rules. */
  meets(dialect: Dialect, column = 'gate_mask'): string {
    return [...this.#words].map(([word, bits]) => dialect.bitsMeet(`${column}${word}`, bits)).join(' OR ')
  }
}

/** The column and bit of one rule. */
export const bitOf = (rule: number): { readonly word: number; readonly bit: bigint } => ({
  word: Math.floor(rule / BITS),
  bit: 1n << BigInt(rule % BITS),
})

/** A row's columns of such words. */
export const wordsOf = (row: Readonly<Record<string, unknown>>, name: string, rules: number): bigint[] =>
  Array.from({ length: wordsFor(rules) }, (_, at) => BigInt(String(row[`${name}${at}`] ?? '0')))

/** Whether words have the bit of a rule. */
export const hasBit = (words: readonly bigint[], position: number): boolean => {
  const { word, bit } = bitOf(position)
  return ((words[word] ?? 0n) & bit) !== 0n
}
