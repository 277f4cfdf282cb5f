/** YAML text as documents: plain values, and for each value the place it stands at. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  type ScalarTag,
  type Tags,
} from 'yaml'
import type { Place, Problem, Reporter, ValuePath } from './place.ts'

/** A YAML value. Whole numbers beyond 2^53 are bigints, so that no digit is lost. */
export type YamlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue }

/** A YAML map. */
export type YamlMap = { readonly [key: string]: YamlValue }

/** One document of a file. */
export interface YamlDocument extends Reporter {
  readonly file: string
  readonly value: YamlMap
  readonly problems: readonly Problem[]
}

/** A file taken apart. Documents that are no YAML maps are problems only. */
export interface YamlDocuments {
  readonly documents: readonly YamlDocument[]
  readonly problems: readonly Problem[]
}

/** More repeats by alias than this are an attack on the reader, not a rule. */
const MOST_ALIASES = 100

/** Values nested deeper than this are no rule; what reads them goes down by calls. */
const DEEPEST = 64

/** True for a YAML map. */
export const isYamlMap = (value: YamlValue | undefined): value is YamlMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** True for a YAML list. */
export const isYamlList = (value: YamlValue | undefined): value is readonly YamlValue[] => Array.isArray(value)

/** The documents of a text. One that is broken stops no other. */
export function readDocuments(text: string, file: string): YamlDocuments {
  const documents: YamlDocument[] = []
  const problems: Problem[] = []
  for (const part of parts(text)) {
    const read = readPart(part, file)
    if (read === undefined) continue
    problems.push(...read.problems)
    if (read.document !== undefined) documents.push(read.document)
  }
  return { documents, problems }
}

interface Part {
  readonly text: string
  /** Lines of the file before it. */
  readonly before: number
}

/**
 * The text cut at its document markers. A marker at the start of a line ends every kind of scalar (YAML 1.2.2, 9.1.4), so a
 * quote left open in one document does not swallow the next.
 */
function parts(text: string): Part[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  const found: { lines: string[]; before: number }[] = [{ lines: [], before: 0 }]
  lines.forEach((line, at) => {
    const marker = /^(---|\.\.\.)(\s|$)/.exec(line)
    if (marker !== null) found.push({ lines: [line.replace(/^(---|\.\.\.)/, '   ')], before: at })
    else found.at(-1)?.lines.push(line)
  })
  return found.map(({ lines: own, before }) => ({ text: own.join('\n'), before }))
}

const isScalarTag = (tag: Tags[number]): tag is ScalarTag => typeof tag === 'object' && tag.collection === undefined

/** A number that begins with a nought is an id written in digits: the readers that rules are written for take it as a text. */
const withNoughts = (tags: Tags): Tags =>
  tags.map((tag) =>
    isScalarTag(tag) && tag.tag === 'tag:yaml.org,2002:int' && tag.format === undefined
      ? { ...tag, test: /^[-+]?(?:0|[1-9][0-9]*)$/ }
      : tag,
  )

function readPart(part: Part, file: string): { document?: YamlDocument; problems: Problem[] } | undefined {
  const lineCounter = new LineCounter()
  const yaml = parseDocument(part.text, {
    lineCounter,
    intAsBigInt: true,
    prettyErrors: false,
    version: '1.2',
    customTags: withNoughts,
  })
  const at = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, line: line + part.before, column: col }
  }
  const failed = (message: string, hint: string, offset: number) => ({
    problems: [{ severity: 'error' as const, message, hint, place: at(offset) }],
  })
  if (yaml.errors.length > 0) {
    const [first] = yaml.errors
    return failed(`This is no YAML: ${sentence(first?.message ?? '')}`, 'Mend the text here.', first?.pos[0] ?? 0)
  }
  if (yaml.contents === null) return undefined
  const start = yaml.contents.range?.[0] ?? 0
  let value: YamlValue
  try {
    value = plain(yaml.toJS({ maxAliasCount: MOST_ALIASES }), DEEPEST)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return failed(`The document cannot be read: ${sentence(why)}`, 'Write it out with less nesting or repeats.', start)
  }
  if (value === null) return undefined
  if (!isYamlMap(value)) {
    return failed('The document is no map of keys.', 'Start with a key and a colon at the left margin.', start)
  }
  return { document: documentOf(value, yaml, at, file), problems: [] }
}

function documentOf(value: YamlMap, yaml: Document, at: (offset: number) => Place, file: string): YamlDocument {
  const problems: Problem[] = []
  const placeOf = (path: ValuePath, offset?: number): Place => {
    const place = at(offsetOf(yaml, path, offset !== undefined))
    return { ...place, column: place.column + (offset ?? 0) }
  }
  const report =
    (severity: Problem['severity']) =>
    (path: ValuePath, message: string, hint: string, offset?: number): void => {
      problems.push({ severity, message, hint, place: placeOf(path, offset) })
    }
  return { file, value, problems, placeOf, error: report('error'), warning: report('warning') }
}

/** Where a value's key stands (its own place for items of lists), or that of the nearest value around it. */
function offsetOf(yaml: Document, path: ValuePath, insideText: boolean): number {
  let node: unknown = yaml.contents
  let offset = startOf(node) ?? 0
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(yaml)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step))
      if (pair === undefined) return offset
      node = pair.value
      const last = depth === path.length - 1
      offset = (last && insideText ? textStart(node) : startOf(pair.key)) ?? startOf(node) ?? offset
    } else if (isNode(node) && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(step)]
      offset = (insideText ? textStart(node) : startOf(node)) ?? offset
    } else return offset
  }
  return offset
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

/** Where the text of a scalar starts: after its quote. */
function textStart(node: unknown): number | undefined {
  const start = startOf(node)
  const quoted = isScalar(node) && (node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE')
  return start !== undefined && quoted ? start + 1 : start
}

/** Values as the reader of rules takes them; keys become text, dates and the like too. */
function plain(value: unknown, deeper: number): YamlValue {
  if (deeper === 0) throw new Error(`It is nested more than ${DEEPEST} levels deep`)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return value.map((item) => plain(item, deeper - 1))
  if (typeof value !== 'object') return value as string | number | boolean
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Object.fromEntries(entries.map(([key, item]) => [String(key), plain(item, deeper - 1)]))
}

const sentence = (message: string): string => {
  const line = message.split('\n', 1)[0] ?? message
  return line.endsWith('.') ? line : `${line}.`
}
