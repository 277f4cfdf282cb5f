/** Alternatives of target fields, and their SQL; the grammar is told at `TargetSpec`. */
import { lit } from '../../engine/sql.ts'
import { type TargetType, typeMaps } from './catalogue.ts'

/** SQL expressions of one record. */
export interface RecordSql {
  /** MAP(VARCHAR, VARCHAR) of the request parameters. */
  readonly params: string
  /** VARCHAR text of the response body. */
  readonly result: string
}

/** An alternative taken apart. A JSON alternative with `key` null reads the response body. */
export type Alternative =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'keys'; readonly keys: readonly string[] }
  | { readonly kind: 'part'; readonly key: string; readonly part: 'first' | 'last' }
  | { readonly kind: 'json'; readonly key: string | null; readonly path: string }

/** Reads one alternative; throws on text outside the grammar, which the test of the data would meet first. */
export function parseAlternative(text: string): Alternative {
  const match = /^"(.*)"$|^param:(.+)$|^([^:]+):(\$.*)$|^([^~]+)~(first|last)$|^([^:~"]+)$/.exec(text)
  if (match === null) throw new Error(`Not an alternative: ${text}`)
  const [, literal, key, jsonKey, path, partKey, part, keys] = match
  if (literal !== undefined) return { kind: 'literal', text: literal }
  if (key !== undefined) return { kind: 'keys', keys: [key] }
  if (jsonKey !== undefined && path !== undefined) {
    return { kind: 'json', key: jsonKey === 'result' ? null : jsonKey, path }
  }
  if (partKey !== undefined) return { kind: 'part', key: partKey, part: part === 'first' ? 'first' : 'last' }
  return { kind: 'keys', keys: (keys ?? '').split('.') }
}

/** The parameter keys an alternative reads; none for literals and the response body. */
export function keysOf(alternative: Alternative): readonly string[] {
  if (alternative.kind === 'keys') return alternative.keys
  if (alternative.kind === 'literal' || alternative.key === null) return []
  return [alternative.key]
}

/** A typed NULL: the field of a spec that does not give it. */
export const NO_TEXT = 'NULL::VARCHAR'

/** Text at a JSON path. Parameters and bodies are cut at a size limit and may be plain text: then NULL, no error. */
export const jsonSql = (text: string, path: string): string => `TRY(json_extract_string(${text}, ${path}))`

const paramSql = (record: RecordSql, key: string): string => `${record.params}[${lit(key)}]`

function alternativeSql(alternative: Alternative, record: RecordSql): string {
  switch (alternative.kind) {
    case 'literal':
      return lit(alternative.text)
    case 'json': {
      const found = jsonSql(
        alternative.key === null ? record.result : paramSql(record, alternative.key),
        lit(alternative.path),
      )
      return alternative.path.includes('[*]') ? `nullif(array_to_string(${found}, ','), '')` : found
    }
    case 'part':
      return `split_part(${paramSql(record, alternative.key)}, '/', ${alternative.part === 'last' ? -1 : 1})`
    case 'keys': {
      const parts = alternative.keys.map((key) => paramSql(record, key))
      if (parts.length === 1) return parts.join()
      const [last, before] = [parts.at(-1), parts.slice(0, -1).map((part) => `nullif(${part}, '')`)]
      return `CASE WHEN ${last} <> '' THEN concat_ws('.', ${before.join(', ')}, ${last}) END`
    }
  }
}

/** The first alternative that is there and not empty, or else the last, which may be empty: a right taken away is logged so. */
export function fieldSql(alternatives: readonly string[] | undefined, record: RecordSql): string {
  const parts = (alternatives ?? []).map((text) => alternativeSql(parseAlternative(text), record))
  if (parts.length === 0) return NO_TEXT
  if (parts.length === 1) return parts.join()
  const filled = parts.slice(0, -1).map((part) => `nullif(${part}, '')`)
  return `coalesce(${filled.join(', ')}, ${parts.at(-1)})`
}

/** A target's type: fixed, or the record's own word in lower case, through a map where there is one. */
export function typeSql(type: TargetType, record: RecordSql): string {
  if (typeof type === 'string') return lit(type)
  const word = `lower(${alternativeSql(parseAlternative(type.from), record)})`
  if (type.map === undefined) return `coalesce(${word}, ${lit(type.else)})`
  const cases = Object.entries(typeMaps()[type.map] ?? {}).map(([from, to]) => `WHEN ${lit(from)} THEN ${lit(to)}`)
  return `CASE ${word} ${cases.join(' ')} ELSE ${lit(type.else)} END`
}
