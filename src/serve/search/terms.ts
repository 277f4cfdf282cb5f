/**
 * The language of the search box, taken apart: words and `field:value`, joined by AND. Nothing of it is SQL; `to-sql.ts` makes that of it.
 *
 * ```
 * search = { term }
 * term   = [ "-" ] ( field ":" value | value )
 * field  = one of SEARCH_FIELDS | "params." name of a parameter
 * value  = { text without blanks | '"' text '"' }      comma lists and * in what is not quoted
 * ```
 */
import { nearest } from '../../core/nearest.ts'
import { RequestProblem } from '../problems.ts'
import { FACETS } from '../shapes/events.ts'

/** What can be asked for by name beside the facets. */
const OTHER_FIELDS = ['session', 'request', 'id', 'user_agent', 'status_code', 'error', 'text'] as const

/** Every field of the search box. */
export const SEARCH_FIELDS = [...FACETS, ...OTHER_FIELDS] as const

/** One of {@link SEARCH_FIELDS}, or one parameter. */
export type SearchField = (typeof SEARCH_FIELDS)[number] | 'params'

/** One condition. */
export interface Term {
  /** `text` for words. */
  readonly field: SearchField
  /** Name of the parameter, as it was typed, of `params.NAME`. */
  readonly param?: string
  readonly negated: boolean
  /** A comma list with `\` before commas and stars that stand for themselves; empty where the field must hold nothing. */
  readonly list: string
  /** True for a word or quoted text without a field. */
  readonly bare: boolean
  /** Where it stands: the first character, and the one after its last. */
  readonly from: number
  readonly to: number
}

/** More conditions than a person types; each may read a column more. */
const MOST_TERMS = 50

/** Each star doubles the ways in which a text may fail to match. */
const MOST_STARS = 8

/** Old names and the names of columns, for what people type from memory. */
const ALSO: Readonly<Record<string, SearchField>> = {
  user: 'actor',
  who: 'actor',
  table: 'target',
  workspace_id: 'workspace',
  session_id: 'session',
  request_id: 'request',
  event_id: 'id',
  source_ip: 'ip',
  'geo.country': 'country',
  'actor.email': 'actor',
  keyevent: 'key_event',
  useragent: 'user_agent',
  agent: 'user_agent',
  code: 'status_code',
  error_message: 'error',
}

/** The terms of a search. Throws BAD_ARGUMENT that says where and how to go on. */
export function parseSearch(text: string): Term[] {
  const terms: Term[] = []
  const reader = new Reader(text)
  for (reader.blanks(); !reader.atEnd(); reader.blanks()) {
    const term = readTerm(reader)
    if (term !== undefined) terms.push(term)
    if (terms.length > MOST_TERMS) {
      throw wrong(
        `A search has at most ${MOST_TERMS} conditions.`,
        'Put several values of a field into one list: a,b.',
        term,
      )
    }
  }
  return terms
}

/** A failure of `q`, at a place of it. */
export function wrong(
  message: string,
  hint: string,
  at?: { readonly from: number; readonly to: number },
): RequestProblem {
  const place = at === undefined ? {} : { from: at.from, to: at.to }
  return new RequestProblem('BAD_ARGUMENT', message, { hint, errors: [{ in: 'query', name: 'q', message, ...place }] })
}

class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  atEnd(): boolean {
    return this.at >= this.text.length
  }

  blanks(): void {
    while (!this.atEnd() && isBlank(this.text[this.at])) this.at += 1
  }

  /** Takes what a pattern (sticky) matches here; undefined where it does not. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    this.at += found?.length ?? 0
    return found
  }
}

const isBlank = (char: string | undefined): boolean => char !== undefined && /\s/.test(char)

function readTerm(reader: Reader): Term | undefined {
  const from = reader.at
  const joined = reader.take(/(?:AND|OR|NOT)(?=\s|$)/y)
  if (joined === 'AND') return undefined
  if (joined !== undefined) throw joinedWrongly(joined, from)
  const negated = reader.take(/-(?=\S)/y) !== undefined
  const name = reader.take(/(?:(?:request_)?params?\.[\w.-]+|[A-Za-z][A-Za-z_.]*):(?!\/\/)/iy)?.slice(0, -1)
  const param = name === undefined ? undefined : /^(?:request_)?params?\.(.+)$/i.exec(name)?.[1]
  const field =
    name === undefined ? undefined : param === undefined ? fieldOf(name, { from, to: reader.at }) : ('params' as const)
  const list = readValue(reader)
  const place = { from, to: reader.at }
  const of = { field: field ?? ('text' as const), ...(param === undefined ? {} : { param }) }
  const term = { ...of, negated, list: list.text, bare: field === undefined, ...place }
  if (field !== undefined && list.text === '' && !list.quoted) {
    const hint = `Write ${name}:value, or ${name}:"" for events that have none.`
    throw wrong(`After ${name}: a value is missing.`, hint, term)
  }
  if (term.list.trim() === '' && (term.bare || field === 'text' || field === 'id')) {
    throw wrong('There is nothing between the quotes.', 'Put the words to look for between them.', term)
  }
  if (starsOf(term.list) > MOST_STARS)
    throw wrong(`A value has at most ${MOST_STARS} stars.`, 'Search for a longer part of the text instead.', term)
  return term
}

/** Most stars of one value of a list; those behind a backslash stand for themselves. */
const starsOf = (list: string): number =>
  Math.max(
    ...list
      .replaceAll(/\\[\s\S]/g, '')
      .split(',')
      .map((value) => value.split('*').length - 1),
  )

function joinedWrongly(word: string, from: number): RequestProblem {
  const hint =
    word === 'OR'
      ? 'Values of one field are alternatives as a list: actor:ana@x.com,bob@x.com. Put "OR" in quotes to look for the word.'
      : 'Put a minus before what must not be: -status:success. Put "NOT" in quotes to look for the word.'
  return wrong(`${word} is not known here.`, hint, { from, to: from + word.length })
}

function fieldOf(name: string, at: { readonly from: number; readonly to: number }): SearchField {
  const wanted = name.toLowerCase()
  const field =
    SEARCH_FIELDS.find((each) => each === wanted) ?? (Object.hasOwn(ALSO, wanted) ? ALSO[wanted] : undefined)
  if (field !== undefined) return field
  const meant = nearest(wanted, SEARCH_FIELDS)
  const guess = meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `
  const hint = `${guess}Fields are ${SEARCH_FIELDS.join(', ')}, and params.NAME. To look for the text, put it in quotes.`
  throw wrong(`There is no field ${name}.`, hint, at)
}

/** Up to the next blank outside quotes. What is quoted stands for itself; `\"` is a quote. */
function readValue(reader: Reader): { text: string; quoted: boolean } {
  let text = ''
  let quoted = false
  for (;;) {
    const from = reader.at
    if (reader.take(/"/y) !== undefined) {
      quoted = true
      text += literally((reader.take(/(?:[^"\\]|\\[\s\S])*/y) ?? '').replaceAll(/\\(["\\])/g, '$1'))
      if (reader.take(/"/y) !== undefined) continue
      throw wrong('A quote is not closed.', 'Close it with ".', { from, to: reader.text.length })
    }
    const plain = reader.take(/[^\s"]+/y)
    if (plain === undefined) return { text, quoted }
    text += plain
  }
}

/** As `parsePatterns` takes it for itself. */
const literally = (text: string): string => text.replaceAll(/[,*]/g, '\\$&')
