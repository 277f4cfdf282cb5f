/** The compiled OCSF schema as the validator reads it. Only what is asked for is typed here. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { AppError } from '../core/errors.ts'

/** An enum value of an attribute. */
export interface OcsfEnumValue {
  readonly caption: string
}

/** An attribute of a class or object. */
export interface OcsfAttribute {
  readonly type: string
  readonly object_type?: string
  readonly is_array?: boolean
  readonly requirement?: 'required' | 'recommended' | 'optional'
  readonly enum?: Readonly<Record<string, OcsfEnumValue>>
  /** Name of the text attribute that says in words what this number means. */
  readonly sibling?: string
  /** The attribute exists only if the event lists one of these; null where a class frees it of its profile. */
  readonly profiles?: readonly string[] | null
  readonly '@deprecated'?: unknown
}

/** Rules over several attributes at once. */
export interface OcsfConstraints {
  readonly at_least_one?: readonly string[]
  readonly just_one?: readonly string[]
}

/** An event class or an object. */
export interface OcsfShape {
  readonly name: string
  readonly caption: string
  readonly uid?: number
  readonly attributes: Readonly<Record<string, OcsfAttribute>>
  readonly constraints?: OcsfConstraints
}

/** A type of the dictionary: what values of `string_t` and its kin may be. */
export interface OcsfType {
  /** The type it narrows; absent for base types. */
  readonly type?: string
  readonly regex?: string
  readonly max_len?: number
  readonly range?: readonly [number, number]
}

/** The schema, with classes found by `class_uid`. */
export interface OcsfSchema {
  readonly version: string
  readonly classByUid: ReadonlyMap<number, OcsfShape>
  readonly objects: Readonly<Record<string, OcsfShape>>
  readonly types: Readonly<Record<string, OcsfType>>
  /** Compiled patterns of the types that have one. */
  readonly patterns: ReadonlyMap<string, RegExp>
  readonly profiles: ReadonlySet<string>
}

interface CompiledSchema {
  readonly version: string
  readonly classes: Readonly<Record<string, OcsfShape>>
  readonly objects: Readonly<Record<string, OcsfShape>>
  readonly profiles: Readonly<Record<string, unknown>>
  readonly dictionary: { readonly types: { readonly attributes: Readonly<Record<string, OcsfType>> } }
}

/** Reads a compiled schema (JSON, gzipped or not), as made by `ocsf-schema-compiler`. */
export function readOcsfSchema(path: string): OcsfSchema {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new AppError('UNREADABLE', 'The compiled OCSF schema cannot be read.', { where: path, cause })
  }
  const compiled: CompiledSchema = JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'))
  const types = compiled.dictionary.types.attributes
  const patterns = Object.entries(types).flatMap(([name, type]) =>
    type.regex === undefined ? [] : [[name, new RegExp(type.regex)] as const],
  )
  return {
    version: compiled.version,
    classByUid: new Map(Object.values(compiled.classes).map((shape) => [shape.uid ?? 0, shape])),
    objects: compiled.objects,
    types,
    patterns: new Map(patterns),
    profiles: new Set(Object.keys(compiled.profiles)),
  }
}
