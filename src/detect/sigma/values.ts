/** A value of a rule, through its line's modifiers, as tests. */
import type { YamlValue } from '../../core/yaml/documents.ts'
import { base64, base64Offsets, textOfBytes, UTF16 } from './encodings.ts'
import { Fault } from './fault.ts'
import { readNetwork } from './network.ts'
import {
  ANY,
  expansions,
  hasWildcard,
  type Pattern,
  type Piece,
  plainPattern,
  readPattern,
  tidied,
  withAnyDash,
} from './pattern.ts'
import { type PassOver, type Placeholders, placeholdersIn, withPlaceholders } from './placeholders.ts'
import { regexFault } from './regex.ts'
import { type Comparison, type Position, type Test, TIME_PARTS, type TimePart } from './tree.ts'

/** More texts than this for one value are refused rather than searched for. */
const MOST_EXPANSIONS = 125

/** Bounds of {@link TIME_PARTS}; ISO years have 53 weeks at most. */
const PART_RANGES: Readonly<Record<TimePart, readonly [number, number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: [0, 9999],
}

/** The alternatives a value stands for; throws {@link Fault}. Modifiers are known to go together. */
export function testsOf(
  value: YamlValue,
  modifiers: readonly string[],
  keyword: boolean,
  placeholders: Placeholders,
  passOver: PassOver = () => false,
): Test[] {
  const has = (name: string): boolean => modifiers.includes(name)
  if (has('exists')) return [existsTest(value)]
  if (has('re')) return [regexTest(value, modifiers)]
  if (modifiers.some((name) => isTimePart(name) || isComparison(name))) return [numberTest(value, modifiers)]
  if (has('fieldref')) return [fieldTest(value, modifiers)]
  const texts = has('expand') ? withPlaceholders(textFor(value, 'expand'), placeholders) : [value]
  if (has('cidr')) return networkTests(value, texts, passOver)
  return texts.flatMap((text) => plainTests(text, modifiers, keyword))
}

const isTimePart = (name: string): name is TimePart => (TIME_PARTS as readonly string[]).includes(name)
const isComparison = (name: string): name is Comparison => ['lt', 'lte', 'gt', 'gte'].includes(name)

function plainTests(value: YamlValue, modifiers: readonly string[], keyword: boolean): Test[] {
  const cased = modifiers.includes('cased')
  const onText = modifiers.filter((name) => name !== 'all' && name !== 'neq' && name !== 'cased')
  if (!keyword && onText.length === 0 && !cased) {
    if (value === null) return [{ kind: 'null' }]
    if (typeof value === 'boolean') return [{ kind: 'boolean', value }]
    if (typeof value === 'number' || typeof value === 'bigint') return [{ kind: 'number', value: finite(value) }]
  }
  const text = textFor(value, onText.at(-1) ?? (keyword ? 'a keyword' : 'cased'))
  const written = typeof value === 'string' ? readPattern(text) : plainPattern(text)
  const pattern = modifiers.includes('windash') ? withAnyDash(written) : written
  if (keyword && pattern.every(({ kind }) => kind === 'any')) {
    throw new Fault('This keyword is in every record.', 'Write a text to look for.')
  }
  return encoded([pattern], modifiers).map((each) => ({
    kind: 'text',
    pattern: placed(each, modifiers, keyword),
    cased,
  }))
}

/** The pattern with what is free before and behind it. */
function placed(pattern: Pattern, modifiers: readonly string[], keyword: boolean): Pattern {
  const free = (name: string): readonly Piece[] =>
    keyword || modifiers.includes('contains') || modifiers.includes(name) ? [ANY] : []
  return tidied([...free('endswith'), ...pattern, ...free('startswith')])
}

/** The patterns in the encodings that the modifiers name; UTF-16 comes before Base64. */
function encoded(patterns: readonly Pattern[], modifiers: readonly string[]): readonly Pattern[] {
  const wide = modifiers.find((name): name is keyof typeof UTF16 => Object.hasOwn(UTF16, name))
  const base = modifiers.find((name) => name === 'base64' || name === 'base64offset')
  if (wide === undefined && base === undefined) return patterns
  const texts = patterns.flatMap((pattern) => plainTexts(pattern, base ?? wide ?? ''))
  const values = texts.map((text) => (wide === undefined ? Buffer.from(text, 'utf8') : UTF16[wide](text)))
  if (base === 'base64') return values.map((bytes) => plainPattern(base64(bytes)))
  if (base === 'base64offset') return values.flatMap((bytes) => offsetsOf(bytes).map(plainPattern))
  return values.map((bytes) => {
    const text = textOfBytes(bytes)
    if (text !== undefined) return plainPattern(text)
    throw new Fault(`No text holds these bytes of ${wide}.`, 'Put base64 or base64offset behind it.')
  })
}

function plainTexts(pattern: Pattern, modifier: string): string[] {
  if (hasWildcard(pattern)) {
    throw new Fault(`${modifier} cannot encode a wildcard.`, 'Write \\* or \\? for the characters themselves.')
  }
  const texts = expansions(pattern, MOST_EXPANSIONS)
  if (texts !== undefined) return texts
  throw new Fault('There are too many dashes here.', 'Split the value, or leave out windash.')
}

function offsetsOf(bytes: Buffer): string[] {
  const ways = base64Offsets(bytes)
  if (bytes.length < 3) throw new Fault('Too short: little of it shows in Base64.', 'Use at least three characters.')
  return ways
}

function textFor(value: YamlValue, modifier: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean' && modifier === 'a keyword') return String(value)
  const what = value === null ? 'null' : typeof value === 'boolean' ? String(value) : 'a list or map'
  throw new Fault(`${what} cannot be used with ${modifier}, which is about text.`, 'Write a text in quotes.')
}

function finite(value: number | bigint): number | bigint {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new Fault('No field is equal to infinity or to what is no number.', 'Write a number, or a text in quotes.')
  }
  return value
}

function existsTest(value: YamlValue): Test {
  if (typeof value === 'boolean') return { kind: 'exists', value }
  throw new Fault('exists is either true or false.', 'Write true or false, without quotes.')
}

function regexTest(value: YamlValue, modifiers: readonly string[]): Test {
  const pattern = textFor(value, 're')
  const fault = regexFault(pattern)
  if (fault !== undefined) {
    throw new Fault(`This regular expression cannot be used. ${fault.message}`, 'Write it without.', fault.offset)
  }
  return {
    kind: 'regex',
    pattern,
    flags: modifiers.filter((name) => 'ims'.includes(name) && name.length === 1).join(''),
  }
}

function numberTest(value: YamlValue, modifiers: readonly string[]): Test {
  const part = modifiers.find(isTimePart)
  const op = modifiers.find(isComparison)
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw new Fault(`${part ?? op} takes a number.`, 'Write a number, without quotes.')
  }
  if (part === undefined) return { kind: 'compare', op: op ?? 'gte', value: finite(value) }
  const [least, most] = PART_RANGES[part]
  const whole = Number(value)
  if (!Number.isInteger(whole) || (op === undefined && (whole < least || whole > most))) {
    throw new Fault(`No ${part} is ${value}.`, `A ${part} is a whole number from ${least} to ${most}.`)
  }
  return { kind: 'time', part, op: op ?? 'eq', value: whole }
}

const POSITIONS: Readonly<Record<string, Position>> = { startswith: 'start', endswith: 'end', contains: 'inside' }

function fieldTest(value: YamlValue, modifiers: readonly string[]): Test {
  if (typeof value !== 'string' || value === '') {
    throw new Fault('fieldref takes the name of a field.', 'Write the name of the other field.')
  }
  const position = modifiers.map((name) => POSITIONS[name]).find((known) => known !== undefined) ?? 'whole'
  return { kind: 'field', field: value, position, cased: modifiers.includes('cased') }
}

/** Entries of a site's list that are no networks are left out, so that one wrong line does not turn off the rule. */
function networkTests(value: YamlValue, texts: readonly YamlValue[], passOver: PassOver): Test[] {
  const [list, ...more] = typeof value === 'string' ? placeholdersIn(value) : []
  return texts.flatMap((text) => {
    try {
      return [networkTest(text)]
    } catch (cause) {
      const isTold =
        cause instanceof Fault && list !== undefined && more.length === 0 && passOver(list, String(text), cause)
      if (isTold) return []
      throw cause
    }
  })
}

function networkTest(value: YamlValue): Test {
  const network = typeof value === 'string' ? readNetwork(value.trim()) : undefined
  if (network !== undefined) return { kind: 'network', network }
  throw new Fault(`${String(value)} is no network.`, 'Write it as 10.0.0.0/8 or 2001:db8::/32.')
}
