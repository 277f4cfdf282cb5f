/** What of few rows masks would leave as it is, told from the values, so that no mask need be made ready for it. */
import type { Mask } from '../contract.ts'
import { MAIL_MARKS, MAY_HAVE_ADDRESS } from './mask-text.ts'
import { isQueryName, mayHoldQuery } from './query-text.ts'
import { MAY_QUOTE, OF_OURS } from './visible.ts'

/** A row as it is: columns by name. */
export type RawRow = Readonly<Record<string, unknown>>

const ADDRESS = new RegExp(MAY_HAVE_ADDRESS)

/**
 * A test of columns, and of fields of actors as `actor.email`: true where no value of the rows holds what masks would change. It may say
 * no too often, and never yes wrongly.
 */
export function unchangedIn(rows: readonly RawRow[], masks: readonly Mask[]): (path: string) => boolean {
  const [mail, address, quiet] = [masks.includes('email'), masks.includes('ip'), masks.includes('query')]
  const isHidden = (text: string): boolean =>
    (mail && MAIL_MARKS.some((mark) => text.includes(mark))) || (address && ADDRESS.test(text))
  const isClean = (value: unknown): boolean => textsOf(value).every((text) => !isHidden(text))
  const hasQuery = rows.some((row) => isQueried(row))
  return (path) => {
    const [name = '', field] = path.split('.')
    if (OF_OURS.has(name)) return true
    if (field !== undefined) {
      const values = rows.map((row) => fieldOf(row[name], field))
      // A name is a person's whatever it looks like.
      return field === 'name' ? values.every(isNothing) : values.every(isClean)
    }
    if (name === 'actor' || name === 'query') return rows.every((row) => isNothing(row[name]))
    if (quiet && MAY_QUOTE.has(name) && (hasQuery || rows.some((row) => textsOf(row[name]).some(mayHoldQuery))))
      return rows.every((row) => isNothing(row[name]))
    return rows.every((row) => isClean(row[name]))
  }
}

const isNothing = (value: unknown): boolean => value === null || value === undefined

const fieldOf = (value: unknown, field: string): unknown =>
  isNothing(value) ? undefined : (value as Readonly<Record<string, unknown>>)[field]

/** True where a row has the text of a query, or a parameter that may be one. */
function isQueried({ query, request_params: params }: RawRow): boolean {
  if (!isNothing(fieldOf(query, 'text'))) return true
  const keys = isNothing(params) ? [] : Object.keys(params as object)
  return keys.some((key) => /[^ -~]/.test(key) || isQueryName(key))
}

/** All texts of a value, keys among them. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => [key, ...textsOf(each)])
}
