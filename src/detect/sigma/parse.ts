/** Rule files to rules. */

import { isYamlMap, readDocuments, type YamlDocument, type YamlMap } from '../../core/yaml/documents.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { readCorrelation } from './correlation.ts'
import { type DetectionOptions, readDetection } from './detection.ts'
import { readFilter } from './filters.ts'
import { logsourceOf, metaOf } from './meta.ts'
import type { DetectionRule, SigmaRule } from './rule.ts'
import { type SigmaKind, validateDocument } from './schema.ts'
import { timespanSecs } from './timespan.ts'

/** What came of rule files: the rules that can be used, and everything that is wrong. */
export interface ParsedRules {
  readonly rules: readonly SigmaRule[]
  readonly problems: readonly Problem[]
}

/** Reads the documents of one file. One that is broken stops no other. */
export function parseRules(text: string, file: string, options: DetectionOptions = {}): ParsedRules {
  const { documents, problems } = readDocuments(text, file)
  const rules = documents.map((document) => readRule(document, options))
  return {
    rules: rules.filter((rule) => rule !== undefined),
    problems: [...problems, ...documents.flatMap((document) => document.problems)],
  }
}

/** Reads one document; undefined if it reported an error. */
export function readRule(document: YamlDocument, options: DetectionOptions): SigmaRule | undefined {
  const kind = kindOf(document)
  if (kind === undefined || !validateDocument(kind, document)) return undefined
  if (kind === 'correlation') return readCorrelation(document)
  if (kind === 'filter') return readFilter(document, options)
  return readDetectionRule(document, options)
}

function kindOf(document: YamlDocument): SigmaKind | undefined {
  const kinds = (['detection', 'correlation', 'filter'] as const).filter((key) => document.value[key] !== undefined)
  const [kind, second] = kinds
  if (typeof document.value.action === 'string' && second === undefined) {
    document.error(
      ['action'],
      'action: was part of Sigma 1.',
      'Write each rule in full, or join them by a correlation.',
    )
    return undefined
  }
  if (second !== undefined) {
    document.error([second], `One document cannot be both a ${kind} and a ${second}.`, 'Put --- between them.')
    return undefined
  }
  if (kind === undefined) {
    document.error([], 'This is no rule.', 'A rule has detection:, correlation: or filter: at the left margin.')
  }
  return kind
}

function readDetectionRule(document: YamlDocument, options: DetectionOptions): DetectionRule | undefined {
  const section: YamlMap = isYamlMap(document.value.detection) ? document.value.detection : {}
  const read = readDetection(section, ['detection'], ['timeframe'], document, options)
  const timeframe = section.timeframe
  if (timeframe !== undefined) {
    document.warning(
      ['detection', 'timeframe'],
      'timeframe was part of Sigma 1 and says nothing here.',
      'Write a correlation rule with a timespan.',
    )
  }
  if (read === undefined) return undefined
  const timeframeSecs = typeof timeframe === 'string' ? timespanSecs(timeframe) : undefined
  return {
    kind: 'detection',
    meta: metaOf(document),
    logsource: logsourceOf(document),
    tree: read.tree,
    unused: read.unused,
    ...(timeframeSecs === undefined ? {} : { timeframeSecs }),
  }
}
