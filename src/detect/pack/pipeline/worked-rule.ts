/** A document while pipelines work on it: its lines, its log source, and what was done to it. */

import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../../core/yaml/documents.ts'
import type { ValuePath } from '../../../core/yaml/place.ts'
import type { RewrittenLine } from '../../sigma/detection.ts'
import { readKey } from '../../sigma/modifiers.ts'

/** A line of a selection. */
export interface Line extends RewrittenLine {
  /** Ids of the pipeline items that changed it. */
  readonly applied: ReadonlySet<string>
  /** True once its field was mapped. */
  readonly isMapped: boolean
}

/** Where a line was written, and what stands there now: an or of lines, or nothing. */
export interface Slot {
  readonly path: ValuePath
  lines: readonly Line[]
}

/** A selection that a pipeline adds. */
export interface AddedSelection {
  readonly name: string
  readonly section: YamlMap
  readonly negated: boolean
}

/** What kinds of documents pipelines tell apart. */
export type WorkedKind = 'detection' | 'correlation' | 'filter'

/** A document that is worked on. */
export interface WorkedRule {
  readonly document: YamlDocument
  readonly kind: WorkedKind
  logsource: YamlMap
  readonly slots: Slot[]
  readonly added: AddedSelection[]
  /** The correlation, or the part of a baseline that names fields. */
  fieldsOf: YamlMap
  readonly applied: Set<string>
  readonly state: Map<string, string>
  /** Why it cannot be used. */
  failure: string | undefined
}

/** Where the selections of a document are, and which keys beside them are none. */
function sectionOf({
  value,
}: YamlDocument): { path: ValuePath; section: YamlMap; others: readonly string[] } | undefined {
  const { detection, filter, baseline } = value
  if (isYamlMap(detection)) return { path: ['detection'], section: detection, others: ['condition', 'timeframe'] }
  if (isYamlMap(filter)) return { path: ['filter'], section: filter, others: ['condition', 'rules'] }
  if (!isYamlMap(baseline) || !isYamlMap(baseline.select)) return undefined
  return { path: ['baseline', 'select'], section: baseline.select, others: ['condition'] }
}

/** Takes a document apart. */
export function workOn(document: YamlDocument): WorkedRule {
  const { value } = document
  const section = sectionOf(document)
  const slots = Object.entries(section?.section ?? {})
    .filter(([name]) => !section?.others.includes(name))
    .flatMap(([name, selection]) => slotsOf(selection, [...(section?.path ?? []), name]))
  return {
    document,
    kind: value.correlation !== undefined ? 'correlation' : value.filter !== undefined ? 'filter' : 'detection',
    logsource: isYamlMap(value.logsource) ? value.logsource : {},
    slots,
    added: [],
    fieldsOf: isYamlMap(value.correlation) ? value.correlation : isYamlMap(value.baseline) ? value.baseline : {},
    applied: new Set(),
    state: new Map(),
    failure: undefined,
  }
}

/** The lines of a selection: of a map, of maps in a list, and keywords. */
export function slotsOf(selection: YamlValue, path: ValuePath): Slot[] {
  if (isYamlMap(selection)) return Object.entries(selection).map(([key, value]) => slot(key, value, [...path, key]))
  if (!isYamlList(selection)) return [slot('', selection, path)]
  return selection.flatMap((entry, at) =>
    isYamlMap(entry) ? slotsOf(entry, [...path, at]) : [slot('', entry, [...path, at])],
  )
}

function slot(key: string, value: YamlValue, path: ValuePath): Slot {
  const isList = isYamlList(value)
  const line: Line = {
    ...readKey(key),
    values: isYamlList(value) ? value : [value],
    isList,
    applied: new Set(),
    isMapped: false,
  }
  return { path, lines: [line] }
}

/** True for lines whose values are texts to compare with. */
export const isText = ({ modifiers }: Line): boolean =>
  !modifiers.some((modifier) => ['re', 'fieldref', 'exists', 'cidr'].includes(modifier))
