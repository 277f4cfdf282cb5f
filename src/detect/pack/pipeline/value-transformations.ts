/** Transformations of lines and their values. */
import type { YamlValue } from '../../../core/yaml/documents.ts'
import { isPlain, type Shape } from '../../../core/yaml/shape.ts'
import { type Pattern, readPattern } from '../../sigma/pattern.ts'
import { regexOf, replacementOf } from './python-regex.ts'
import type { Transformation, TransformationKind } from './transformation.ts'
import { isText, type Line } from './worked-rule.ts'

/** Each value of lines about text by itself; several in the place of one are alternatives. */
const onTexts = (change: (text: string) => readonly YamlValue[], concerns = isText): Transformation => ({
  onLine: (line) => {
    if (!concerns(line)) return [line]
    const values = line.values.flatMap((value) => (typeof value === 'string' ? change(value) : [value]))
    return [changed(line, values)]
  },
})

function changed(line: Line, values: readonly YamlValue[]): Line {
  const isSame = values.length === line.values.length && values.every((value, at) => value === line.values[at])
  return isSame ? line : { ...line, values, isList: line.isList || values.length !== 1 }
}

const ESCAPED = /[\\*?]/g

/** A pattern as it is written in rules. */
const written = (pattern: Pattern): string =>
  pattern
    .map((piece) => (piece.kind === 'text' ? piece.text.replaceAll(ESCAPED, '\\$&') : piece.kind === 'any' ? '*' : '?'))
    .join('')

function readReplace(shape: Shape): Transformation {
  const regex = regexOf(shape.needed('regex') ?? '', shape, 'regex')
  const text = shape.raw('replacement')
  if (!isPlain(text ?? null)) shape.error('replacement', 'replacement is no text.', 'Write a text, or "" for nothing.')
  const replacement = replacementOf(String(text ?? ''))
  const isSpared = shape.truth('skip_special') ?? false
  const isRead = shape.truth('interpret_special') ?? false
  const put = (value: string): string => (regex === undefined ? value : value.replace(regex, replacement))
  if (!isSpared) return onTexts((value) => [put(value)])
  const piece = (value: string): string => (isRead ? put(value) : put(value).replaceAll(ESCAPED, '\\$&'))
  return onTexts((value) => {
    const parts = readPattern(value).map((each) => (each.kind === 'text' ? piece(each.text) : written([each])))
    return put(value) === value ? [value] : [parts.join('')]
  })
}

const PLACEHOLDER = /(?<!\\)%([\w.-]+)%/g

const named = (shape: Shape): ((name: string) => boolean) => {
  const [include, exclude] = [shape.texts('include'), shape.texts('exclude')]
  return (name) => (include.length === 0 || include.includes(name)) && !exclude.includes(name)
}

const expands = ({ modifiers }: Line): boolean => modifiers.includes('expand')

/** The texts in which the first known placeholder is filled in, and so on. */
function filled(text: string, entries: (name: string) => readonly string[] | undefined): string[] {
  for (const match of text.matchAll(PLACEHOLDER)) {
    const known = entries(match[1] ?? '')
    if (known === undefined) continue
    const [before, after] = [text.slice(0, match.index), text.slice(match.index + match[0].length)]
    return filled(after, entries).flatMap((rest) => known.map((entry) => before + entry + rest))
  }
  return [text]
}

function readType(shape: Shape): Transformation {
  const type = shape.needed('target_type') === undefined ? undefined : shape.choice('target_type', ['str', 'num'])
  const convert = (value: YamlValue): YamlValue => {
    if (type === 'str') return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
    return type === 'num' && Number.isFinite(number) ? number : value
  }
  return { onLine: (line) => [changed(line, line.values.map(convert))] }
}

const snake = (text: string): string =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()

const CASES = {
  lower: (text: string) => text.toLowerCase(),
  upper: (text: string) => text.toUpperCase(),
  snake_case: snake,
}

/** By type. */
export const VALUE_TRANSFORMATIONS: Readonly<Record<string, TransformationKind>> = {
  drop_detection_item: { keys: [], read: () => ({ onLine: () => [] }) },
  replace_string: { keys: ['regex', 'replacement', 'skip_special', 'interpret_special'], read: readReplace },
  map_string: {
    keys: ['mapping'],
    read: (shape) => {
      const mapping = shape.map('mapping')
      const targets = new Map((mapping?.keys ?? []).map((name) => [name, mapping?.texts(name) ?? []]))
      if (mapping === undefined) shape.error('mapping', 'The transformation has no mapping.', 'Add `mapping:`.')
      return onTexts((value) => targets.get(value) ?? [value])
    },
  },
  set_value: {
    keys: ['value', 'force_type'],
    read: (shape) => {
      const type = shape.choice('force_type', ['str', 'num'])
      const value = shape.raw('value') ?? null
      const forced = type === 'str' ? String(value) : type === 'num' ? Number(value) : value
      return { onLine: (line) => [changed({ ...line, isList: false }, [forced])] }
    },
  },
  convert_type: { keys: ['target_type'], read: readType },
  case: {
    keys: ['method'],
    read: (shape) => {
      const change = CASES[shape.choice('method', ['lower', 'upper', 'snake_case']) ?? 'lower']
      return onTexts((value) => [change(value)])
    },
  },
  value_placeholders: {
    keys: ['include', 'exclude'],
    read: (shape, { vars }) => {
      const isMeant = named(shape)
      const entries = (name: string) => (isMeant(name) && Object.hasOwn(vars, name) ? vars[name] : undefined)
      return onTexts((value) => filled(value, entries), expands)
    },
  },
  wildcard_placeholders: {
    keys: ['include', 'exclude'],
    read: (shape) => {
      const isMeant = named(shape)
      return onTexts((value) => filled(value, (name) => (isMeant(name) ? ['*'] : undefined)), expands)
    },
  },
}
