/** Words of filters that nothing is called: a typing error must not look like an empty answer. */
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { QueryLimits } from '../engine/sandbox.ts'
import { catalogue } from '../normalise/catalogue/catalogue.ts'
import { spellings } from '../normalise/catalogue/spellings.ts'
import { CATEGORIES, KEY_EVENTS, type Term, VERBS } from '../normalise/catalogue/vocabulary.ts'
import { type EventFilter, type Pattern, parsePatterns, patternTest } from './filter.ts'
import type { LakeQuery } from './lake-sql.ts'

/** What the model says of how an event ended. */
export const STATUSES = ['SUCCESS', 'UNAUTHORIZED', 'FAILURE'] as const

/** Filters whose words are all known, by option name. */
type ClosedFilter = Pick<EventFilter, 'category' | 'verb' | 'keyEvent' | 'status'>

const namesOf = (terms: readonly Term[]): string[] => terms.map(({ name }) => name)

/** Throws BAD_ARGUMENT for a category, verb, key event or status that does not exist. */
export function checkClosedFilters(filter: ClosedFilter): void {
  checkClosed('category', filter.category, namesOf(CATEGORIES))
  checkClosed('verb', filter.verb, namesOf(VERBS))
  checkClosed('key-event', filter.keyEvent, namesOf(KEY_EVENTS))
  checkClosed('status', filter.status, STATUSES)
}

/** Throws BAD_ARGUMENT where a word of a comma list, or a pattern, matches none of `known`. */
export function checkClosed(option: string, list: string | undefined, known: readonly string[]): void {
  const stray = parsePatterns(list ?? '').find((pattern) => !known.some(patternTest(pattern)))
  if (stray === undefined) return
  throw new AppError('BAD_ARGUMENT', `There is no ${option} "${stray.typed}".`, {
    hint: `${didYouMean(nearest(stray.typed, known))}There are ${known.join(', ')}.`,
  })
}

const didYouMean = (words: readonly string[]): string => (words.length === 0 ? '' : `Did you mean ${anyOf(words)}? `)

const anyOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** Names of services and actions, as the catalogue or a lake has them. */
interface Named {
  readonly service: string
  readonly action: string
}

/** A word of `--service` or `--action`. */
export interface OpenWord {
  readonly option: 'service' | 'action'
  readonly pattern: Pattern
}

/** The words of `--service` and `--action` that the catalogue does not list. Both lists are open: a lake may know better. */
export function wordsNotInCatalogue({ service, action }: Pick<EventFilter, 'service' | 'action'>): OpenWord[] {
  if (service === undefined && action === undefined) return []
  const word = (option: OpenWord['option'], list: string | undefined): OpenWord[] =>
    parsePatterns(list ?? '').map((pattern) => ({ option, pattern }))
  const named = catalogue().flatMap(spellings)
  return [...word('service', service), ...word('action', action)].filter((each) => !isKnown(each, named))
}

/** What is to be said of such words: a sentence for each that no event of the lake has either. */
export async function saidOfStrangeWords(
  words: readonly OpenWord[],
  lake: LakeQuery,
  limits: QueryLimits,
): Promise<string[]> {
  const { rows } = await lake.query('SELECT DISTINCT service, action FROM events', limits)
  const inLake = rows.map(([service, action]) => ({ service: String(service ?? ''), action: String(action ?? '') }))
  const all = [...inLake, ...catalogue().flatMap(spellings)]
  return words.filter((word) => !isKnown(word, inLake)).map((word) => sentence(word, all))
}

const isKnown = ({ option, pattern }: OpenWord, named: readonly Named[]): boolean => {
  const test = patternTest(pattern)
  return named.some(({ service, action }) =>
    option === 'service' ? test(service) : test(action) || test(`${service}.${action}`),
  )
}

function sentence({ option, pattern: { typed, exact } }: OpenWord, known: readonly Named[]): string {
  const article = option === 'service' ? 'a service' : 'an action'
  if (!exact) return `Neither the catalogue nor the lake has ${article} like "${typed}".`
  const nameOf = ({ service, action }: Named): string =>
    option === 'service' ? service : typed.includes('.') ? `${service}.${action}` : action
  const meant = didYouMean(nearest(typed, known.map(nameOf)))
  return `Neither the catalogue nor the lake has ${article} "${typed}". ${meant}`.trimEnd()
}
