/** The search box's language, as far as the page needs it: where its parts are. What it means is the server's to say. */
import { FACET_NAMES, type FacetName } from './facet-names.ts'

/** A part of a search. Places are in the text of the whole. */
export interface SearchPart {
  readonly start: number
  readonly end: number
  readonly negated: boolean
  /** As it was written; null for words. */
  readonly field: string | null
  /** Place of the value: behind the colon, or the word itself. */
  readonly valueStart: number
  /** The value without its quotes. */
  readonly value: string
  /** What is wrong with it, in words. */
  readonly wrong: string | null
}

/** Fields that can be searched but not counted. */
const MORE_FIELDS = ['session', 'request', 'id', 'user_agent', 'status_code', 'error', 'params.', 'text'] as const

/** Every field that can stand before a colon; behind one that ends in a dot, a name comes first. */
export const SEARCH_FIELDS: readonly string[] = [...FACET_NAMES, ...MORE_FIELDS]

const PART =
  /(-(?=\S))?(?:((?:request_)?params?\.[\w.-]+|[A-Za-z][A-Za-z_.]*):(?!\/\/))?((?:"(?:[^"\\]|\\[\s\S])*"?|[^\s"])*)/iy

/** The parts of a search, in order. */
export function partsOf(text: string): SearchPart[] {
  const parts: SearchPart[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++
      continue
    }
    PART.lastIndex = at
    const match = PART.exec(text)
    const whole = match?.[0] ?? ''
    if (whole === '') {
      at++
      continue
    }
    const [, minus, field, written = ''] = match ?? []
    const valueStart = at + whole.length - written.length
    parts.push({
      start: at,
      end: at + whole.length,
      negated: minus !== undefined,
      field: field ?? null,
      valueStart,
      value: written.replaceAll(/^"|"$/g, ''),
      wrong: wrongOf(written),
    })
    at += whole.length
  }
  return parts
}

/** What is plain before the server was asked; the rest is its to say. */
const wrongOf = (written: string): string | null =>
  written.replaceAll(/"(?:[^"\\]|\\[\s\S])*"/g, '').includes('"') ? 'A quote is not closed.' : null

/** The part a place in the text is in, or at the end of. */
export const partAt = (text: string, place: number): SearchPart | undefined =>
  partsOf(text).find(({ start, end }) => place > start && place <= end)

/** The search with a part more; one that holds the opposite is taken out, one that is there already stays single. */
export function withPart(q: string, part: string): string {
  const opposite = part.startsWith('-') ? part.slice(1) : `-${part}`
  const rest = partsOf(q)
    .map(({ start, end }) => q.slice(start, end))
    .filter((each) => each !== part && each !== opposite)
  return [...rest, part].join(' ')
}

/** The search without a part. */
export const withoutPart = (q: string, part: string): string =>
  partsOf(q)
    .map(({ start, end }) => q.slice(start, end))
    .filter((each) => each !== part)
    .join(' ')

/** Whether a search has a part. */
export const hasPart = (q: string, part: string): boolean =>
  partsOf(q).some(({ start, end }) => q.slice(start, end) === part)

/** True for fields whose values can be counted and completed. */
export const isFacet = (field: string): field is FacetName => FACET_NAMES.some((name) => name === field)
