/** Baseline documents: rules that compare with what was usual. Format: docs/design/006-rule-files.md. */

import { isYamlMap, type YamlDocument, type YamlMap } from '../../core/yaml/documents.ts'
import type { Place } from '../../core/yaml/place.ts'
import { Shape } from '../../core/yaml/shape.ts'
import { isHoursFault, isTimeZone, readHours } from '../baseline/hours.ts'
import { LONGEST_TIMESPAN_SECS } from '../sigma/correlation.ts'
import { type DetectionOptions, readDetection } from '../sigma/detection.ts'
import { logsourceOf, metaOf } from '../sigma/meta.ts'
import type { DetectionRule } from '../sigma/rule.ts'
import { validateDocument } from '../sigma/schema.ts'
import { timespanSecs } from '../sigma/timespan.ts'
import { BASELINE_TYPES, type BaselineRule, type BaselineType } from './pack.ts'

/** A baseline whose events may still be those of another rule, by id or name. */
export type ReadBaseline = Omit<BaselineRule, 'select'> & {
  readonly select: DetectionRule | string
  readonly selectPlace: Place
}

const KEYS = ['type', 'select', 'by', 'value', 'learn', 'window', 'measure', 'threshold', 'hours', 'time_zone']

/** Names of numbers that types compare with. */
export const THRESHOLDS = ['z', 'floor', 'share', 'peers', 'kmh', 'km', 'times', 'windows'] as const

/** Keys that a type cannot do without, besides `select`, `by` and `learn`. */
const NEEDED: Readonly<Record<BaselineType, readonly string[]>> = {
  first_seen: ['value'],
  rare: ['value', 'threshold'],
  spike: ['window', 'threshold'],
  off_hours: [],
  impossible_travel: ['threshold'],
  dormant: [],
  silent_source: ['window'],
  drop: ['window', 'threshold'],
}

/** True for documents of this kind. */
export const isBaseline = ({ value }: YamlDocument): boolean => value.baseline !== undefined

/** Reads a baseline; undefined if an error was reported. */
export function readBaseline(document: YamlDocument, options: DetectionOptions): ReadBaseline | undefined {
  const before = document.problems.length
  const shape = Shape.of(document.value.baseline, ['baseline'], document)?.only(KEYS)
  if (!validateDocument('detection', asDetection(document)) || shape === undefined) return undefined
  const type = shape.needed('type') === undefined ? undefined : shape.choice('type', BASELINE_TYPES)
  for (const key of ['select', 'by', 'learn', ...(type === undefined ? [] : NEEDED[type])])
    if (shape.raw(key) === undefined) document.error(['baseline'], `A baseline has no ${key}.`, `Add \`${key}:\`.`)
  const learnSecs = spanAt(shape, 'learn')
  const windowSecs = spanAt(shape, 'window')
  const value = shape.texts('value')
  const measure = shape.choice('measure', ['count', 'distinct', 'sum']) ?? 'count'
  if (measure !== 'count' && value.length === 0)
    shape.error('measure', `${measure} is about values of a field, and none is named.`, 'Add `value:`.')
  const timeZone = shape.text('time_zone')
  if (timeZone !== undefined && !isTimeZone(timeZone))
    shape.error('time_zone', `${timeZone} is no time zone.`, 'Write a name such as Europe/Berlin or UTC.')
  const hours = shape.raw('hours')
  const read = hours === undefined ? undefined : readHours(hours)
  if (read !== undefined && isHoursFault(read)) shape.error('hours', read.message, read.hint)
  const threshold = thresholdOf(shape.map('threshold'))
  const by = shape.texts('by')
  const select = selectOf(document, shape, options)
  const isFaulty = document.problems.slice(before).some(({ severity }) => severity === 'error')
  if (isFaulty || type === undefined || select === undefined || learnSecs === undefined) return undefined
  return {
    kind: 'baseline',
    meta: metaOf(document),
    logsource: logsourceOf(document),
    type,
    select,
    selectPlace: document.placeOf(['baseline', 'select'], 0),
    by,
    value,
    learnSecs,
    ...(windowSecs === undefined ? {} : { windowSecs }),
    measure,
    threshold,
    ...(hours === undefined ? {} : { hours }),
    ...(timeZone === undefined ? {} : { timeZone }),
  }
}

/** The document as its selection alone would be, for the standard's schema. */
function asDetection(document: YamlDocument): YamlDocument {
  const { baseline, ...rest } = document.value
  const select = isYamlMap(baseline) ? baseline.select : undefined
  const standIn: YamlMap = { selection: { any: 1 }, condition: 'selection' }
  return { ...document, value: { ...rest, detection: isYamlMap(select) ? select : standIn } }
}

function spanAt(shape: Shape, key: string): number | undefined {
  const text = shape.text(key)
  // Travel needs no history: the place before is enough.
  const none = key === 'learn' && /^0[smhdw]?$/.test(text ?? '')
  const seconds = none ? 0 : timespanSecs(text ?? '')
  if (seconds !== undefined && seconds > LONGEST_TIMESPAN_SECS)
    return shape.error(key, `${text} is longer than any log goes back.`, 'Write 3660d at most.')
  if (text === undefined || seconds !== undefined) return seconds
  return shape.error(key, `${text} is no span of time.`, 'Write 90s, 15m, 24h or 7d.')
}

function thresholdOf(shape: Shape | undefined): Record<string, number> {
  const entries = shape?.only(THRESHOLDS).keys.flatMap((key) => {
    const value = shape.raw(key)
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return [[key, value] as const]
    shape.error(key, `${key} takes a number, not below zero.`, 'Write a number, without quotes.')
    return []
  })
  return Object.fromEntries(entries ?? [])
}

function selectOf(document: YamlDocument, shape: Shape, options: DetectionOptions): DetectionRule | string | undefined {
  const select = shape.raw('select')
  if (typeof select === 'string') return select
  if (!isYamlMap(select)) return shape.error('select', 'select is no selection.', 'Write one, or the name of a rule.')
  const read = readDetection(select, ['baseline', 'select'], [], document, options)
  if (read === undefined) return undefined
  return {
    kind: 'detection',
    meta: metaOf(document),
    logsource: logsourceOf(document),
    tree: read.tree,
    unused: read.unused,
  }
}
