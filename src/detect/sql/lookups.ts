/**
 * Long lists of texts and networks, such as watchlists, as look-ups: what a value is looked up by costs the same for ten entries
 * and a hundred thousand.
 */
import type { Network } from '../sigma/network.ts'
import { textOfPattern } from '../sigma/pattern.ts'
import type { Test } from '../sigma/tree.ts'
import type { Dialect } from './dialect.ts'
import type { ValueSql } from './fields.ts'
import { compared, textValue, valueBy, type Way } from './render-text.ts'

/** Fewer texts are compared one by one, which needs no look-up. */
const MANY_TEXTS = 100

/** Addresses are taken apart for each network, so few of them are many. */
const MANY_NETWORKS = 12

/** A value is among these if its key is. */
export interface Lookup {
  readonly keyOf: (value: ValueSql, dialect: Dialect) => string
  readonly texts: readonly string[]
}

/** Tests of one value as look-ups, where there are many of a kind, and those that are left. */
export function lookupsIn(tests: readonly Test[]): {
  readonly lookups: readonly Lookup[]
  readonly rest: readonly Test[]
} {
  if (tests.length < Math.min(MANY_TEXTS, MANY_NETWORKS)) return { lookups: [], rest: tests }
  const texts = textLookups(tests)
  const networks = networkLookups(texts.rest)
  return { lookups: [...texts.lookups, ...networks.lookups], rest: networks.rest }
}

function textLookups(tests: readonly Test[]): { lookups: Lookup[]; rest: readonly Test[] } {
  const byWay = new Map<Way, { readonly texts: string[]; readonly tests: Test[] }>()
  const rest: Test[] = []
  for (const test of tests) {
    const how = test.kind === 'text' ? compared(test.pattern, test.cased) : undefined
    const text = how === undefined ? undefined : textOfPattern(how.pattern)
    if (how === undefined || text === undefined) {
      rest.push(test)
      continue
    }
    const group = byWay.get(how.way) ?? { texts: [], tests: [] }
    byWay.set(how.way, group)
    group.texts.push(text)
    group.tests.push(test)
  }
  const groups = [...byWay]
  const few = groups.filter(([, { texts }]) => texts.length < MANY_TEXTS)
  return {
    lookups: groups
      .filter(([, { texts }]) => texts.length >= MANY_TEXTS)
      .map(([way, { texts }]) => ({ keyOf: (value, dialect) => valueBy(way, value, dialect), texts })),
    rest: [...few.flatMap(([, group]) => group.tests), ...rest],
  }
}

/** By how many hexadecimal digits of an address its network is known by. */
function networkLookups(tests: readonly Test[]): { lookups: Lookup[]; rest: readonly Test[] } {
  const isNarrow = (test: Test): test is Extract<Test, { kind: 'network' }> =>
    test.kind === 'network' && test.network.prefix > 0
  const networks = tests.filter(isNarrow)
  if (networks.length < MANY_NETWORKS) return { lookups: [], rest: tests }
  const groups = new Map<string, { readonly version: 4 | 6; readonly digits: number; readonly texts: Set<string> }>()
  for (const { network } of networks) {
    const { version } = network
    const digits = Math.ceil(network.prefix / 4)
    const key = `${version}/${digits}`
    const group = groups.get(key) ?? { version, digits, texts: new Set() }
    groups.set(key, group)
    for (const start of startsOf(network, digits)) group.texts.add(start)
  }
  const lookups = [...groups.values()].map(({ version, digits, texts }): Lookup => {
    const keyOf = (value: ValueSql, dialect: Dialect): string => {
      const text = textValue(value, dialect)
      return dialect.left(version === 4 ? dialect.ipv4(text) : dialect.ipv6(text), digits)
    }
    return { keyOf, texts: [...texts] }
  })
  return { lookups, rest: tests.filter((test) => !isNarrow(test)) }
}

/** What the addresses of a network start with: one text, or up to eight where it ends within a digit. */
function startsOf({ first, last }: Network, digits: number): string[] {
  const known = first.slice(0, digits - 1)
  const [low, high] = [first, last].map((address) => Number.parseInt(address.charAt(digits - 1), 16)) as [
    number,
    number,
  ]
  return Array.from({ length: high - low + 1 }, (_, at) => known + (low + at).toString(16))
}
