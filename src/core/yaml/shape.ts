/** Maps of known keys, as settings and the `bricktrail` block are: what is wrong is reported at its place. */
import { nearest } from '../nearest.ts'
import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from './documents.ts'
import type { Reporter, ValuePath } from './place.ts'

/** Reads the values of one map; what cannot be used is reported as an error and read as absent. */
export class Shape {
  readonly #map: YamlMap
  readonly #path: ValuePath
  readonly #report: Reporter

  constructor(map: YamlMap, path: ValuePath, report: Reporter) {
    this.#map = map
    this.#path = path
    this.#report = report
  }

  /** The map at a key; undefined if there is none. */
  static of(value: YamlValue | undefined, path: ValuePath, report: Reporter): Shape | undefined {
    if (value === undefined) return undefined
    if (isYamlMap(value)) return new Shape(value, path, report)
    report.error(path, `${nameOf(path)} is ${kindOf(value)}, not a map.`, 'Write keys with values below it.')
    return undefined
  }

  /** Reports keys that are none of these. */
  only(known: readonly string[]): this {
    for (const key of Object.keys(this.#map)) {
      if (known.includes(key)) continue
      const [near] = nearest(key, known)
      const hint = near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${near}?`
      this.#report.error([...this.#path, key], `${key} is no key of ${nameOf(this.#path)}.`, hint)
    }
    return this
  }

  /** Keys in the order written. */
  get keys(): readonly string[] {
    return Object.keys(this.#map)
  }

  /** Whatever stands at a key. */
  raw(key: string): YamlValue | undefined {
    return Object.hasOwn(this.#map, key) ? this.#map[key] : undefined
  }

  /** Where the value of a key is. */
  pathOf = (key: string): ValuePath => [...this.#path, key]

  /** Reports something of a key. */
  error(key: string, message: string, hint: string): undefined {
    this.#report.error(this.pathOf(key), message, hint)
  }

  /** A text; numbers and the like are texts as written. */
  text(key: string): string | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value === 'string' && value.trim() !== '') return value
    if (typeof value === 'number' || typeof value === 'bigint') return String(value)
    return this.error(key, `${key} is ${kindOf(value)}, not a text.`, 'Write a text.')
  }

  /** A text that has to be there. */
  needed(key: string): string | undefined {
    if (this.raw(key) !== undefined) return this.text(key)
    this.#report.error(this.#path, `${nameOf(this.#path)} has no ${key}.`, `Add \`${key}:\`.`)
    return undefined
  }

  /** True or false. */
  truth(key: string): boolean | undefined {
    const value = this.raw(key)
    if (value === undefined || typeof value === 'boolean') return value
    return this.error(key, `${key} is ${kindOf(value)}.`, 'Write true or false, without quotes.')
  }

  /** One of some words. */
  choice<T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    const found = words.find((word) => word === value)
    return found ?? this.error(key, `${key} is ${shown(value)}.`, `Use one of ${words.join(', ')}.`)
  }

  /** A list of texts; one text alone is a list of one. */
  texts(key: string): readonly string[] {
    const value = this.raw(key)
    if (value === undefined) return []
    const list = isYamlList(value) ? value : [value]
    return list.flatMap((entry, at) => {
      if (isPlain(entry)) return [String(entry)]
      const path = isYamlList(value) ? [...this.pathOf(key), at] : this.pathOf(key)
      this.#report.error(path, `An entry of ${key} is ${kindOf(entry)}, not a text.`, 'Write a text.')
      return []
    })
  }

  /** The map at a key. */
  map = (key: string): Shape | undefined => Shape.of(this.raw(key), this.pathOf(key), this.#report)

  /** The maps of the list at a key. */
  maps(key: string): readonly Shape[] {
    const value = this.raw(key)
    if (value === undefined) return []
    if (!isYamlList(value)) {
      this.error(key, `${key} is ${kindOf(value)}, not a list.`, 'Write entries that begin with a dash.')
      return []
    }
    return value.flatMap((entry, at) => Shape.of(entry, [...this.pathOf(key), at], this.#report) ?? [])
  }
}

/** True for what a text can be made of without loss. */
export const isPlain = (value: YamlValue): value is string | number | bigint | boolean =>
  value !== null && typeof value !== 'object'

const nameOf = (path: ValuePath): string => (path.length === 0 ? 'the file' : path.join('.'))

/** What kind of value something is, in words. */
export function kindOf(value: YamlValue): string {
  if (value === null) return 'empty'
  if (isYamlList(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? (value.trim() === '' ? 'an empty text' : 'a text') : 'a number'
}

const shown = (value: YamlValue): string => (isPlain(value) ? String(value).slice(0, 60) : kindOf(value))
