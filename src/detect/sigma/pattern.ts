/**
 * Texts with wildcards, by the standard's rules of escaping: `*` is any text, `?` one character, and a backslash makes the
 * next `*`, `?` or backslash plain. Before anything else a backslash is itself.
 */

/** A piece of a pattern: plain text, any text, one character, or any of the dashes that start a flag. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'one' }
  | { readonly kind: 'dash' }

/** Pieces in order. Texts are not empty and do not follow one another, nor do two `any`. */
export type Pattern = readonly Piece[]

/** The dashes that `windash` takes for one another. */
export const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'] as const

/** Matches any text, the empty one too. */
export const ANY: Piece = { kind: 'any' }

/** A pattern from a value as written. */
export function readPattern(value: string): Pattern {
  const pieces: Piece[] = []
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at)
    const next = value.charAt(at + 1)
    if (char === '\\' && next !== '' && '\\*?'.includes(next)) {
      pieces.push({ kind: 'text', text: next })
      at++
    } else if (char === '*') pieces.push(ANY)
    else if (char === '?') pieces.push({ kind: 'one' })
    else pieces.push({ kind: 'text', text: char })
  }
  return tidied(pieces)
}

/** A pattern that stands for one text, wildcards and all. */
export const plainPattern = (text: string): Pattern => (text === '' ? [] : [{ kind: 'text', text }])

/** Puts texts that meet together, and makes one `any` of several. */
export function tidied(pieces: readonly Piece[]): Pattern {
  const out: Piece[] = []
  for (const piece of pieces) {
    const last = out.at(-1)
    if (piece.kind === 'text' && last?.kind === 'text')
      out[out.length - 1] = { kind: 'text', text: last.text + piece.text }
    else if (piece.kind === 'any' && last?.kind === 'any') continue
    else if (piece.kind !== 'text' || piece.text !== '') out.push(piece)
  }
  return out
}

/** The text of a pattern; undefined if it has wildcards. */
export function textOfPattern(pattern: Pattern): string | undefined {
  const [only] = pattern
  if (only === undefined) return ''
  return pattern.length === 1 && only.kind === 'text' ? only.text : undefined
}

/** True for pieces that stand for more than themselves. */
export const hasWildcard = (pattern: Pattern): boolean => pattern.some(({ kind }) => kind === 'any' || kind === 'one')

/**
 * A pattern whose flag dashes match every other dash: those at the start of a word, as in `-param-name`, of which the second is
 * part of the name.
 */
export function withAnyDash(pattern: Pattern): Pattern {
  const pieces = pattern.flatMap((piece): Piece[] => {
    if (piece.kind !== 'text') return [piece]
    const chars = [...piece.text]
    return chars.map((char, at): Piece => {
      const startsWord = !isWord(chars[at - 1]) && isWord(chars[at + 1])
      return isDash(char) && startsWord ? { kind: 'dash' } : { kind: 'text', text: char }
    })
  })
  return tidied(pieces)
}

const isDash = (char: string): boolean => (DASHES as readonly string[]).includes(char)

const isWord = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}_]/u.test(char)

/** Every plain text a pattern with dashes stands for; undefined if it has wildcards or there are more than `most`. */
export function expansions(pattern: Pattern, most: number): string[] | undefined {
  let texts = ['']
  for (const piece of pattern) {
    if (piece.kind === 'text') texts = texts.map((text) => text + piece.text)
    else if (piece.kind === 'dash') texts = texts.flatMap((text) => DASHES.map((dash) => text + dash))
    else return undefined
    if (texts.length > most) return undefined
  }
  return texts
}

/** The pattern as a value that reads back as the same. */
export const patternText = (pattern: Pattern): string =>
  pattern
    .map((piece) => {
      if (piece.kind === 'any') return '*'
      if (piece.kind === 'one') return '?'
      return piece.kind === 'dash' ? '-' : piece.text.replaceAll(/[\\*?]/g, '\\$&')
    })
    .join('')
