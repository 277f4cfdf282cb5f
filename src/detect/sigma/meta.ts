/** What a document says of itself, once its schema is known to hold. */
import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Place, ValuePath } from '../../core/yaml/place.ts'
import { LEVELS, type Level, type LogSource, type RuleMeta } from './rule.ts'

/** Keys that have a meaning in the standard; the others of a document are its author's. */
const STANDARD_KEYS = new Set(
  'title id related name taxonomy status description license author references date modified logsource detection fields falsepositives level tags scope correlation generate filter'.split(
    ' ',
  ),
)

const texts = (value: YamlValue | undefined): string[] => {
  if (isYamlList(value)) return value.filter((entry) => entry !== null && typeof entry !== 'object').map(String)
  return typeof value === 'string' ? [value] : []
}

const isLevel = (value: YamlValue | undefined): value is Level => (LEVELS as readonly unknown[]).includes(value)

const TEXT_KEYS = ['id', 'name', 'status', 'description', 'author', 'date', 'modified', 'license', 'taxonomy'] as const

/** The meta data of a document; entries of the wrong kind are left out, the schema has told of them. */
export function metaOf(document: YamlDocument): RuleMeta {
  const { value } = document
  const given = TEXT_KEYS.flatMap((key) => (typeof value[key] === 'string' ? [[key, value[key]] as const] : []))
  const level = value.level
  const custom = Object.entries(value).filter(([key]) => !STANDARD_KEYS.has(key))
  return {
    title: String(value.title),
    ...(Object.fromEntries(given) as Partial<Record<(typeof TEXT_KEYS)[number], string>>),
    ...(isLevel(level) ? { level } : {}),
    tags: texts(value.tags),
    references: texts(value.references),
    falsePositives: texts(value.falsepositives),
    fields: texts(value.fields),
    scope: texts(value.scope),
    related: relatedOf(value.related),
    custom: Object.fromEntries(custom),
    place: document.placeOf(['title']),
  }
}

const relatedOf = (value: YamlValue | undefined): { id: string; type: string }[] =>
  isYamlList(value) ? value.filter(isYamlMap).map((entry) => ({ id: String(entry.id), type: String(entry.type) })) : []

/** Where a list names what; the first place of what is named again. */
export function placesOf(
  value: YamlValue | undefined,
  path: ValuePath,
  document: YamlDocument,
): ReadonlyMap<string, Place> {
  const names = isYamlList(value) ? value : []
  return new Map(names.map((entry, at) => [String(entry), document.placeOf([...path, at], 0)] as const).reverse())
}

/** Which logs a document is about. */
export function logsourceOf({ value }: YamlDocument): LogSource {
  const source: YamlMap = isYamlMap(value.logsource) ? value.logsource : {}
  const given = (['category', 'product', 'service'] as const).flatMap((key) =>
    typeof source[key] === 'string' ? [[key, source[key]] as const] : [],
  )
  return Object.fromEntries(given)
}
