/**
 * Checks of a value against the shape it should have. A message names the file and the key, and never the value: what stands in
 * a wrong place may be a secret.
 */
import { AppError } from '../core/errors.ts'

/** Where a value stands. */
export interface Place {
  readonly file: string
  /** Such as `copies[0].path`; empty for the whole. */
  readonly key: string
}

/** Reads a value of some type. */
export type Read<T> = (value: unknown, place: Place) => T

/** A reader for each key of an object. */
export type Keys<T> = { readonly [K in keyof T]-?: Read<Exclude<T[K], undefined>> }

/** What is wrong with a text, and what to do; undefined where nothing is. */
type Fault = readonly [what: string, hint: string] | undefined

/** Throws for a value. */
function refuse({ file, key }: Place, what: string, hint: string): never {
  throw new AppError('BAD_HOME', `${file}: ${key === '' ? 'the whole' : key} ${what}.`, { where: file, hint })
}

/** A text in which `faultOf` finds nothing wrong. */
export function text(faultOf: (value: string) => Fault): Read<string> {
  return (value, place) => {
    if (typeof value !== 'string') refuse(place, `is ${kindOf(value)}`, 'Write a text in double quotes.')
    const fault = faultOf(value)
    if (fault !== undefined) refuse(place, ...fault)
    return value
  }
}

/** One of some texts. */
export function choice<T extends string>(...values: readonly T[]): Read<T> {
  return (value, place) => {
    const found = values.find((each) => each === value)
    return found ?? refuse(place, 'has a value that is not known', `Write ${quoted(values, ' or ')}.`)
  }
}

/** A whole number in a range. */
export function whole(least: number, most: number): Read<number> {
  return (value, place) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : refuse(place, 'is no whole number in its range', `Write a number from ${least} to ${most}, without quotes.`)
}

/** Null, or what `read` reads. */
export function nothing<T>(read: Read<T>): Read<T | null> {
  return (value, place) => (value === null ? null : read(value, place))
}

/** A list, each item read by `read`. */
export function list<T>(read: Read<T>): Read<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) refuse(place, `is ${kindOf(value)}`, 'Write a list: [ … ].')
    return value.map((item, at) => read(item, { ...place, key: `${place.key}[${at}]` }))
  }
}

/**
 * An object with these keys and no other.
 *
 * @param required keys that must be there
 * @param defaults values of keys that are not
 */
export function fields<T extends object>(
  keys: Keys<T>,
  required: { readonly [K in keyof T]?: true },
  defaults: Partial<T> = {},
): Read<T> {
  return (value, place) => {
    const given = objectAt(value, place)
    const known = Object.keys(keys)
    const at = (key: string): Place => ({ ...place, key: place.key === '' ? key : `${place.key}.${key}` })
    const read: Record<string, unknown> = { ...defaults }
    for (const key of Object.keys(given)) {
      if (!known.includes(key)) refuse(at(nameable(key)), 'is no setting', `Known here: ${known.join(', ')}.`)
      read[key] = keys[key as keyof T](given[key], at(key))
    }
    for (const key of Object.keys(required))
      if (!(key in given)) refuse(at(key), 'is missing', `Needed here: ${Object.keys(required).join(', ')}.`)
    return read as T
  }
}

/** An object whose key `tag` says which of the shapes it has. */
export function variant<T>(tag: string, shapes: Readonly<Record<string, Read<T>>>): Read<T> {
  return (value, place) => {
    const which = objectAt(value, place)[tag]
    const read = typeof which === 'string' && Object.hasOwn(shapes, which) ? shapes[which] : undefined
    const hint = `Write ${quoted(Object.keys(shapes), ' or ')}.`
    if (read === undefined) refuse({ ...place, key: `${place.key}.${tag}` }, 'is missing or not known', hint)
    return read(value, place)
  }
}

function objectAt(value: unknown, place: Place): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(place, `is ${kindOf(value)}`, 'Write an object: { … }.')
  return value as Record<string, unknown>
}

/** A key as a message may show it; what is no plain word may be anything. */
const nameable = (key: string): string => (/^[A-Za-z][A-Za-z_-]{0,30}$/.test(key) ? key : 'a key')

const quoted = (values: readonly string[], or: string): string => values.map((value) => `"${value}"`).join(or)

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
