/** Texts with wildcards as conditions of SQL, with the cheapest function that says the same. */
import { type Pattern, type Piece, textOfPattern } from '../sigma/pattern.ts'
import type { Test } from '../sigma/tree.ts'
import { type Dialect, foldedText } from './dialect.ts'
import type { ValueSql } from './fields.ts'

/** Greek has two small letters for one capital, and lower case does not make them one. */
const FINAL_SIGMA = 'ς'
const SIGMA = 'σ'

/** What of a value a text is compared with: itself, its lower case, or that with one Greek sigma. */
export type Way = 'plain' | 'folded' | 'one sigma'

/** A text as it is compared. */
export interface Compared {
  readonly way: Way
  readonly pattern: Pattern
}

/** A text test on one value. */
export function renderText(pattern: Pattern, cased: boolean, value: ValueSql, dialect: Dialect): string {
  const how = compared(pattern, cased)
  return shaped(valueBy(how.way, value, dialect), how.pattern, dialect)
}

/** How a text is compared. */
export function compared(pattern: Pattern, cased: boolean): Compared {
  const text = pattern.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('')
  if (cased || !hasCase(text)) return { way: 'plain', pattern }
  const folded = foldedText(text)
  const fold = (part: string): string => foldedText(part).replaceAll(FINAL_SIGMA, SIGMA)
  return {
    way: folded.includes(SIGMA) || folded.includes(FINAL_SIGMA) ? 'one sigma' : 'folded',
    pattern: pattern.map((piece) => (piece.kind === 'text' ? { kind: 'text', text: fold(piece.text) } : piece)),
  }
}

/** What of a value is compared. */
export function valueBy(way: Way, value: ValueSql, dialect: Dialect): string {
  if (way === 'plain') return textValue(value, dialect)
  const folded = foldedValue(value, dialect)
  return way === 'folded' ? folded : dialect.replace(folded, dialect.text(FINAL_SIGMA), dialect.text(SIGMA))
}

/** The value as text. */
export const textValue = ({ type, value }: ValueSql, dialect: Dialect): string =>
  type === 'text' ? value : dialect.asText(value)

/** The value as text in lower case. */
export const foldedValue = (value: ValueSql, dialect: Dialect): string =>
  value.type === 'text' ? value.folded() : dialect.lower(dialect.asText(value.value))

/** Some letters outside ASCII, such as the Kelvin sign, have a lower case inside it; digits and signs have none to begin with. */
const hasCase = (text: string): boolean => [...text].some((char) => char.toLowerCase() !== char.toUpperCase())

function shaped(value: string, pattern: Pattern, dialect: Dialect): string {
  const [first, second, third] = pattern
  const whole = textOfPattern(pattern)
  if (whole !== undefined) return `${value} = ${dialect.text(whole)}`
  if (isAny(first) && second === undefined) return `${value} IS NOT NULL`
  if (isText(first) && isAny(second) && third === undefined) return dialect.startsWith(value, dialect.text(first.text))
  if (isAny(first) && isText(second) && third === undefined) return dialect.endsWith(value, dialect.text(second.text))
  if (isAny(first) && isText(second) && isAny(third) && pattern.length === 3) {
    return dialect.contains(value, dialect.text(second.text))
  }
  const parts = partsOf(pattern)
  return parts === undefined ? dialect.regex(value, asRegex(pattern)) : dialect.inOrder(value, parts)
}

type TextPiece = Extract<Piece, { kind: 'text' }>
const isText = (piece: Piece | undefined): piece is TextPiece => piece?.kind === 'text'
const isAny = (piece: Piece | undefined): boolean => piece?.kind === 'any'

/** The texts between wildcards, empty ones at free ends; undefined where there is more than text and `*`. */
function partsOf(pattern: Pattern): string[] | undefined {
  const parts = ['']
  for (const piece of pattern) {
    if (piece.kind === 'any') parts.push('')
    else if (piece.kind !== 'text' || /[%_]/.test(piece.text)) return undefined
    else parts[parts.length - 1] += piece.text
  }
  return parts
}

const REGEX_PIECES = { any: '.*', one: '.', dash: '[-/\u2013\u2014\u2015]' } as const

/** The whole text; free ends need no anchor. */
function asRegex(pattern: Pattern): string {
  const inner = isAny(pattern[0]) ? pattern.slice(1) : pattern
  const pieces = isAny(inner.at(-1)) ? inner.slice(0, -1) : inner
  const body = pieces
    .map((piece) =>
      piece.kind === 'text' ? piece.text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&') : REGEX_PIECES[piece.kind],
    )
    .join('')
  return `(?s)${isAny(pattern[0]) ? '' : '\\A'}${body}${isAny(pattern.at(-1)) ? '' : '\\z'}`
}

/** Exact texts among tests, as one IN for each way of comparing; one alone is left to the others. */
export function exactTexts(
  tests: readonly Test[],
  value: ValueSql,
  dialect: Dialect,
): { readonly lookups: readonly string[]; readonly rest: readonly Test[] } {
  const byWay = new Map<Way, string[]>()
  const rest: Test[] = []
  for (const test of tests) {
    const how = test.kind === 'text' ? compared(test.pattern, test.cased) : undefined
    const text = how === undefined ? undefined : textOfPattern(how.pattern)
    if (how === undefined || text === undefined) {
      rest.push(test)
      continue
    }
    const known = byWay.get(how.way)
    if (known === undefined) byWay.set(how.way, [dialect.text(text)])
    else known.push(dialect.text(text))
  }
  const lookups = [...byWay].map(([way, [first = '', ...more]]) => {
    const sql = valueBy(way, value, dialect)
    return more.length === 0 ? `${sql} = ${first}` : `${sql} IN (${[first, ...more].join(', ')})`
  })
  return { lookups, rest }
}

/**
 * A text, in lower case, that every value has in it for which a test holds; undefined if there is none to be had. Longer ones
 * are found in fewer.
 */
export function needle(test: Test): string | undefined {
  if (test.kind !== 'text') return undefined
  const texts = test.pattern.filter(isText).map(({ text }) => foldedText(text))
  const [longest] = texts.sort((a, b) => b.length - a.length)
  const isPlain = longest !== undefined && !longest.includes(SIGMA) && !longest.includes(FINAL_SIGMA)
  return isPlain ? longest : undefined
}

/** Digits and signs beside each other in a text; the same whatever the case of what it is looked for in, which need not be folded then. */
const SIGNS = /[ -@[-`{-~]{4,}/

/** The first few of {@link SIGNS} in a text; undefined if there are none. */
export const signsIn = (text: string): string | undefined => SIGNS.exec(text)?.[0]
