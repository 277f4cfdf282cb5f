/** Rules and records made by chance, from few words so that they often meet. */

/** Numbers by chance from a seed, the same each time. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  below = (count: number): number => Math.floor(this.next() * count)
  one = <T>(list: readonly T[]): T => list[this.below(list.length)] as T
  often = (share: number): boolean => this.next() < share
  some = <T>(least: number, most: number, make: () => T): T[] =>
    Array.from({ length: least + this.below(most - least + 1) }, make)
}

const PIECES = [
  'a',
  'B',
  'ab',
  'Ab',
  'aB',
  '-',
  '/',
  ' ',
  '\\',
  '\\\\',
  '%',
  '_',
  '*',
  '?',
  '.',
  '1',
  '20',
  'é',
  'É',
  'Σ',
  'ς',
  'ß',
  '–',
  "'",
  '"',
  '😀',
  '\n',
]

const NETWORKS = [
  '10.0.0.0/8',
  '10.1.0.0/15',
  '10.1.2.3',
  '0.0.0.0/0',
  '192.168.1.128/25',
  '2001:db8::/32',
  'fe80::/10',
  '::1/128',
  '::/0',
]
const ADDRESSES = [
  '10.0.0.1',
  '10.1.2.3',
  '11.1.2.3',
  '192.168.1.200',
  '192.168.1.5',
  '2001:db8::1',
  '2001:DB8:1::',
  '2001:db9::1',
  'fe80::1',
  '::1',
  '::',
  '10.0.0.256',
  '10.0.0.01',
  'host',
  '1:2:3:4:5:6:7:8',
  '1::2::3',
]
const NUMBERS = [0, 1, -1, 2, 20, 1.5, 100, 200, 404, 1000]
const NUMBER_TEXTS = ['0', '1', '1.0', '20', ' 20 ', '2e1', '1.5', 'x1', '', '-1', '+1', '200']
const TIMES = [
  1767225600,
  '1767312000123',
  20260101,
  '2026-01-01T00:00:00Z',
  '2026-11-14T13:45:10.250Z',
  '2024-12-30T23:59:59Z',
  '2024-02-29T08:05:00+02:00',
  '2026-13-01T00:00:00Z',
  'soon',
]
const REGEXES = [
  '^a',
  'b$',
  'a.b',
  '[0-9]+',
  '(ab|20)',
  '^$',
  'a{2,3}',
  '\\d\\.',
  '(?:a|b)+c?',
  '\\\\',
  'B',
  '^.{3}$',
  '\\s',
]

/** A text by chance. */
export const textByChance = (chance: Chance, most = 5): string =>
  chance.some(0, most, () => chance.one(PIECES)).join('')

/** A text as a record has it: like those of rules, with what they stand for in it. */
function recordText(chance: Chance): string {
  const roll = chance.below(20)
  if (roll === 0) return Buffer.from(textByChance(chance)).toString('base64')
  if (roll === 1) return Buffer.from(`x${textByChance(chance)}y`).toString('base64')
  if (roll === 2) return Buffer.from(textByChance(chance), 'utf16le').toString('base64')
  return textByChance(chance)
}

/** A value a record may have, `depth` levels of lists and objects deep at most. */
export function valueByChance(chance: Chance, fields: readonly string[], depth: number): unknown {
  const roll = chance.below(depth > 0 ? 16 : 12)
  if (roll < 5) return recordText(chance)
  if (roll < 7) return chance.one(NUMBERS)
  if (roll === 7) return chance.one(NUMBER_TEXTS)
  if (roll === 8) return chance.one(ADDRESSES)
  if (roll === 9) return chance.one([true, false, 'true', 'FALSE'])
  if (roll === 10) return chance.one(TIMES)
  if (roll === 11) return chance.one([null, ''])
  if (roll < 14) return chance.some(0, 3, () => valueByChance(chance, fields, 0))
  return Object.fromEntries(chance.some(1, 3, () => [chance.one(fields), valueByChance(chance, fields, depth - 1)]))
}

const TEXT_MODIFIERS = ['contains', 'startswith', 'endswith']

/** One line of a selection, its key and its value or values. */
export function lineByChance(chance: Chance, fields: readonly string[]): [string, unknown] {
  const field = chance.one(fields)
  const list = <T>(make: () => T): T | T[] => (chance.often(0.6) ? make() : chance.some(2, 4, make))
  const neq = chance.often(0.12) ? '|neq' : ''
  const keyed = <T>(modifiers: string, value: T | T[]): [string, T | T[]] => {
    const all = neq === '' && Array.isArray(value) && chance.often(0.4) ? '|all' : ''
    return [`${field}${modifiers}${neq}${all}`, value]
  }
  const roll = chance.below(24)
  if (roll < 5)
    return keyed(
      '',
      list(() => textByChance(chance)),
    )
  if (roll < 10)
    return keyed(
      `|${chance.one(TEXT_MODIFIERS)}${chance.one(['', '', '|cased', '|windash'])}`,
      list(() => textByChance(chance, 3)),
    )
  if (roll === 10)
    return keyed(
      '|cased',
      list(() => textByChance(chance, 2)),
    )
  if (roll === 11)
    return keyed(
      '|windash',
      list(() => textByChance(chance, 3)),
    )
  if (roll < 14)
    return keyed(
      '',
      list(() => chance.one(NUMBERS)),
    )
  if (roll === 14) return keyed('', chance.one([true, false, null]))
  if (roll === 15) return [`${field}|exists`, chance.often(0.5)]
  if (roll === 16)
    return keyed(
      `|re${chance.one(['', '|i', '|s', '|i|m'])}`,
      list(() => chance.one(REGEXES)),
    )
  if (roll === 17)
    return keyed(
      `|${chance.one(['lt', 'lte', 'gt', 'gte'])}`,
      list(() => chance.one(NUMBERS)),
    )
  if (roll === 18)
    return keyed(
      '|cidr',
      list(() => chance.one(NETWORKS)),
    )
  if (roll === 19)
    return keyed(
      `|${chance.one(['minute', 'hour', 'day', 'month'])}${chance.one(['', '|gte', '|lt'])}`,
      list(() => 1 + chance.below(12)),
    )
  if (roll === 20) return keyed(`|${chance.one(['week|lte', 'year', 'week'])}`, chance.one([1, 8, 46]))
  if (roll === 21)
    return keyed(`|fieldref${chance.one(['', '|cased', '|contains', '|startswith'])}`, chance.one(fields))
  if (roll === 22)
    return keyed(
      '|base64offset|contains',
      list(() => chance.one(['abab', 'Aba', 'ab-é'])),
    )
  return keyed(
    `|${chance.one(['wide|', 'utf16be|', 'utf16|', ''])}base64${chance.one(['', '|contains', '|startswith'])}`,
    chance.one(['ab', 'aB', 'é']),
  )
}

function selectionByChance(chance: Chance, fields: readonly string[]): unknown {
  const map = () => Object.fromEntries(chance.some(1, 3, () => lineByChance(chance, fields)))
  const keyword = () => chance.one(['ab', 'B*a', 'a?b', '20', 'É', 20, 'a\\*'])
  const roll = chance.below(12)
  if (roll === 0) return chance.some(1, 3, keyword)
  if (roll === 1) return { '|all': chance.some(2, 3, keyword) }
  if (roll < 4) return chance.some(1, 3, () => (chance.often(0.2) ? keyword() : map()))
  return map()
}

function conditionByChance(chance: Chance, names: readonly string[], depth: number): string {
  const roll = chance.below(depth > 0 ? 10 : 4)
  if (roll < 3) return chance.one(names)
  if (roll === 3) return chance.one(['1 of them', 'all of them', '1 of s*', 'all of s*', '1 of _*'])
  if (roll === 4) return `not ${conditionByChance(chance, names, depth - 1)}`
  const parts = chance.some(2, 3, () => conditionByChance(chance, names, depth - 1))
  const joined = parts.join(chance.one([' and ', ' or ', ' and not ', ' AND ']))
  return chance.often(0.5) ? `(${joined})` : joined
}

/** The detection of a rule by chance. */
export function detectionByChance(chance: Chance, fields: readonly string[]): Record<string, unknown> {
  const names = ['s1', 's2', 'flt', '_hidden'].slice(0, 1 + chance.below(4))
  const selections = Object.fromEntries([...names, '_x', 's'].map((name) => [name, selectionByChance(chance, fields)]))
  const all = Object.keys(selections)
  const condition = () => conditionByChance(chance, all, 3)
  return { ...selections, condition: chance.often(0.9) ? condition() : chance.some(2, 2, condition) }
}
