/**
 * Seeded randomness. Every part of the simulation draws from a stream of its own, named by words, so that a new part
 * never shifts what the others draw.
 */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const UINT32 = 2 ** 32

/** Folds text into one 32-bit state word (FNV-1a with a final mix). */
function fold(text: string, start: number): number {
  let hash = start >>> 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A stream of pseudo-random numbers (sfc32): the same name gives the same numbers on every machine. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1
  readonly #name: string

  constructor(name: string) {
    this.#name = name
    this.#a = fold(name, 0x811c9dc5)
    this.#b = fold(name, 0x9e3779b9)
    this.#c = fold(name, 0x7f4a7c15)
    for (let i = 0; i < 12; i++) this.next()
  }

  /** A stream that shares nothing with this one but the beginning of its name. */
  fork(label: string | number): Random {
    return new Random(`${this.#name}/${label}`)
  }

  /** The next unsigned 32-bit number. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** A number in [0, 1). */
  float(): number {
    return this.next() / UINT32
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1))
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.float() < p
  }

  /** One element; the list must not be empty. */
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.float() * list.length)] as T
  }

  /** One element, the early ones far more often: a few tables and jobs get most of the traffic. */
  pickEarly<T>(list: readonly T[]): T {
    const x = this.float()
    return list[Math.floor(x * x * list.length)] as T
  }

  /** One element, as often as its weight says; undefined when no weight is above 0. */
  weighted<T>(list: readonly T[], weightOf: (element: T) => number): T | undefined {
    let x = this.float() * list.reduce((sum, element) => sum + weightOf(element), 0)
    for (const element of list) {
      x -= weightOf(element)
      if (x < 0) return element
    }
    return undefined
  }

  /** Up to `count` different elements, in the order of the list. */
  sample<T>(list: readonly T[], count: number): T[] {
    const chosen: T[] = []
    let left = Math.min(count, list.length)
    for (let i = 0; i < list.length && left > 0; i++) {
      if (this.float() * (list.length - i) < left) {
        chosen.push(list[i] as T)
        left--
      }
    }
    return chosen
  }

  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string {
    let text = ''
    for (let i = 0; i < bytes; i += 4) {
      const word = this.next()
      text += (HEX[word & 255] as string) + HEX[(word >>> 8) & 255] + HEX[(word >>> 16) & 255] + HEX[word >>> 24]
    }
    return text.slice(0, bytes * 2)
  }

  /** A version 4 UUID. */
  uuid(): string {
    const a = this.next()
    const b = this.next()
    const c = this.next()
    const d = this.next()
    return `${HEX[a & 255]}${HEX[(a >>> 8) & 255]}${HEX[(a >>> 16) & 255]}${HEX[a >>> 24]}-${HEX[b & 255]}${
      HEX[(b >>> 8) & 255]
    }-4${(HEX[(b >>> 16) & 255] as string)[1]}${HEX[b >>> 24]}-${HEX[(c & 0x3f) | 0x80]}${HEX[(c >>> 8) & 255]}-${
      HEX[(c >>> 16) & 255]
    }${HEX[c >>> 24]}${HEX[d & 255]}${HEX[(d >>> 8) & 255]}${HEX[(d >>> 16) & 255]}${HEX[d >>> 24]}`
  }

  /** A number of exactly `count` digits (at most 18), as text. */
  digits(count: number): string {
    let text = String(this.int(1, 9))
    while (text.length < count) text += String(this.next() % 1_000_000_000).padStart(9, '0')
    return text.slice(0, count)
  }
}
