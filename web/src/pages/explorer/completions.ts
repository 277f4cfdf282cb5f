/** What could come next in the search box: fields, then values as the lake has them. */
import { useDebouncedValue } from '@mantine/hooks'
import type { Facet } from '../../../../src/serve/shapes/events.ts'
import { type Search, useValues } from '../../queries/events.ts'
import { quoted, term } from '../../url-state.ts'
import { facetTitle } from './facet-names.ts'
import { isFacet, partAt, SEARCH_FIELDS } from './search-language.ts'

/** One way to go on. */
export interface Completion {
  /** What it takes the place of. */
  readonly start: number
  readonly end: number
  readonly insert: string
  readonly label: string
  readonly note: string
  readonly count: number | null
}

/** More than these nobody looks through. */
const MOST = 10

/** A question for each letter would be too many. */
const PAUSE_MS = 120

const MORE_NOTES: Readonly<Record<string, string>> = {
  session: 'Session as logged',
  request: 'Request as logged',
  id: 'Id of an event',
  user_agent: 'User agent as logged; stars find a part',
  status_code: 'Code of the response, such as 403 or 4*',
  error: 'Text of the failure; stars find a part',
  'params.': 'One parameter: params.NAME:value',
  text: 'Anywhere in parameters, query, user agent, error, result',
}

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['status:unauthorized ', 'What was refused'],
  ['category:permission ', 'Changes of permissions'],
  ['verb:grant,revoke ', 'Commas mean or'],
  ['-service:notebook ', 'A minus leaves out'],
]

/** Completions at a place of the text; none for a text of null. */
export function useCompletions(text: string | null, caret: number, search: Search): Completion[] {
  const part = text === null ? undefined : partAt(text, caret)
  const field = part?.field?.toLowerCase() ?? null
  const asked: Facet | null = field !== null && isFacet(field) ? field : null
  // Of `a,b` the last is completed; the ones before stay.
  const typed =
    part === undefined || asked === null ? '' : (text ?? '').slice(part.valueStart, caret).replaceAll('"', '')
  const begun = typed.slice(typed.lastIndexOf(',') + 1).trim()
  const [prefix] = useDebouncedValue(begun, PAUSE_MS)
  const values = useValues(asked, prefix, search)
  if (text === null) return []
  if (part === undefined || (part.field === null && part.value === '')) {
    return [...examplesAt(text, caret), ...fieldsFor('', caret, caret, false)]
  }
  if (part.field === null) return fieldsFor(part.value, part.start, part.end, part.negated)
  if (asked === null) return []
  const before = typed.slice(0, typed.lastIndexOf(',') + 1)
  // Until the answer to this letter is there, the one before is shown, as far as it still fits.
  const fits = (value: string) => value.toLowerCase().includes(begun.toLowerCase())
  return (values.data?.values ?? []).slice(0, MOST).flatMap(({ value, count }) => {
    if (value === null || !fits(value)) return []
    const whole =
      before === '' ? term(asked, value, part.negated) : `${part.negated ? '-' : ''}${asked}:${before}${quoted(value)}`
    return [{ start: part.start, end: part.end, insert: `${whole} `, label: value, note: '', count }]
  })
}

/** An empty box shows what can be written into it. */
const examplesAt = (text: string, caret: number): Completion[] =>
  text.trim() === ''
    ? EXAMPLES.map(([insert, note]) => ({ start: caret, end: caret, insert, label: insert.trim(), note, count: null }))
    : []

const begun = (name: string): string => (name.endsWith('.') ? name : `${name}:`)

function fieldsFor(prefix: string, start: number, end: number, negated: boolean): Completion[] {
  const begin = prefix.toLowerCase()
  return SEARCH_FIELDS.filter((name) => name.startsWith(begin))
    .slice(0, MOST)
    .map((name) => ({
      start,
      end,
      insert: `${negated ? '-' : ''}${begun(name)}`,
      label: begun(name),
      note: isFacet(name) ? facetTitle(name) : (MORE_NOTES[name] ?? ''),
      count: null,
    }))
}
