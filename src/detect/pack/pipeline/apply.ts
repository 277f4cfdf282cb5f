/** Runs pipelines over a document. */

import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../../core/yaml/documents.ts'
import type { ValuePath } from '../../../core/yaml/place.ts'
import type { DetectionOptions } from '../../sigma/detection.ts'
import type { Pipeline, PipelineItem } from './pipeline.ts'
import { type Line, type WorkedRule, workOn } from './worked-rule.ts'

/** A document as pipelines left it, and how its detection is to be read. */
export interface WorkedDocument {
  readonly document: YamlDocument
  readonly options: Pick<DetectionOptions, 'rewrite' | 'also'>
}

/** Runs pipelines over the documents of a file; one that a pipeline refuses has an error. */
export function applyPipelines(pipelines: readonly Pipeline[], documents: readonly YamlDocument[]): WorkedDocument[] {
  const rules = documents.map(workOn)
  const items = pipelines.flatMap((pipeline) => pipeline.items)
  for (const item of items) for (const rule of rules) applyItem(item, rule, rules)
  return rules.map(finished)
}

function applyItem(item: PipelineItem, rule: WorkedRule, rules: readonly WorkedRule[]): void {
  if (!holds(item, rule, rules)) return
  for (const nested of item.nested ?? []) applyItem(nested, rule, rules)
  item.onRule?.(rule)
  const { onField, onLine } = item
  if (onField !== undefined) renameFields(rule, (field, line) => renamed(item, rule, field, line))
  if (onField !== undefined || onLine !== undefined) {
    for (const slot of rule.slots) slot.lines = slot.lines.flatMap((line) => lineAfter(item, line, rule))
  }
  if (item.id !== undefined) rule.applied.add(item.id)
}

/** A correlation has no log source of its own; a condition about it is about the rules it counts. */
function holds({ ofRule }: PipelineItem, rule: WorkedRule, rules: readonly WorkedRule[]): boolean {
  if (rule.kind !== 'correlation' || ofRule({ rule })) return ofRule({ rule })
  const counted = rule.fieldsOf.rules
  const names = isYamlList(counted) ? counted : [counted ?? null]
  return rules.some(
    (other) =>
      other.kind === 'detection' &&
      [other.document.value.id, other.document.value.name].some((name) => name !== undefined && names.includes(name)) &&
      ofRule({ rule: { ...rule, logsource: other.logsource, slots: other.slots } }),
  )
}

function lineAfter(item: PipelineItem, line: Line, rule: WorkedRule): readonly Line[] {
  const asked = { rule, line, ...(line.field === null ? {} : { field: line.field }) }
  if (!item.ofLine(asked)) return [line]
  const names = line.field === null ? undefined : renamed(item, rule, line.field, line)
  const mapped = names?.map((field) => ({ ...line, field, isMapped: true })) ?? [line]
  const changes = item.ofField(asked) ? item.onLine : undefined
  const after = mapped
    .flatMap((each) => fieldReferences(item, each, rule))
    .flatMap((each) => changes?.(each, rule) ?? [each])
  const { id } = item
  if (id === undefined) return after
  return after.map((each) => (each === line ? each : { ...each, applied: new Set([...line.applied, id]) }))
}

/** Fields that `fieldref` compares with are renamed like those compared. */
function fieldReferences(item: PipelineItem, line: Line, rule: WorkedRule): readonly Line[] {
  if (!line.modifiers.includes('fieldref') || item.onField === undefined) return [line]
  const values = line.values.flatMap((value): readonly YamlValue[] =>
    typeof value === 'string' ? (renamed(item, rule, value, line) ?? [value]) : [value],
  )
  return [{ ...line, values, isList: values.length > 1 }]
}

function renamed(item: PipelineItem, rule: WorkedRule, field: string, line?: Line): readonly string[] | undefined {
  const asked = { rule, field, ...(line === undefined ? {} : { line }) }
  return item.ofField(asked) ? item.onField?.(field) : undefined
}

type Rename = (field: string, line?: Line) => readonly string[] | undefined

/** Names of fields that correlations group by and count, and baselines compare. */
function renameFields(rule: WorkedRule, rename: Rename): void {
  const { value } = rule.document
  const one = (field: YamlValue): YamlValue => {
    const names = typeof field === 'string' ? rename(field) : undefined
    if (names === undefined) return field
    if (names.length > 1) rule.failure ??= `The field ${String(field)} is mapped to several, and here it has to be one.`
    return names[0] ?? field
  }
  const all = (fields: YamlValue | undefined): YamlValue | undefined =>
    isYamlList(fields) ? fields.map(one) : fields === undefined ? undefined : one(fields)
  if (rule.kind === 'correlation') rule.fieldsOf = renamedCorrelation(rule.fieldsOf, one, all)
  else if (value.baseline !== undefined) {
    const { by, value: values } = rule.fieldsOf
    rule.fieldsOf = { ...rule.fieldsOf, ...given({ by: all(by), value: all(values) }) }
  }
}

function renamedCorrelation(
  correlation: YamlMap,
  one: (field: YamlValue) => YamlValue,
  all: (fields: YamlValue | undefined) => YamlValue | undefined,
): YamlMap {
  const { aliases, condition } = correlation
  const known = isYamlMap(aliases) ? Object.keys(aliases) : []
  const notAlias = (field: YamlValue): YamlValue => (known.includes(String(field)) ? field : one(field))
  const groupBy = correlation['group-by']
  return {
    ...correlation,
    ...given({
      'group-by': isYamlList(groupBy) ? groupBy.map(notAlias) : groupBy === undefined ? undefined : notAlias(groupBy),
      condition: isYamlMap(condition) ? { ...condition, ...given({ field: all(condition.field) }) } : condition,
      aliases: isYamlMap(aliases)
        ? Object.fromEntries(
            Object.entries(aliases).map(([alias, fields]) => [
              alias,
              isYamlMap(fields)
                ? Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, one(field)]))
                : fields,
            ]),
          )
        : aliases,
    }),
  }
}

const given = (values: Readonly<Record<string, YamlValue | undefined>>): YamlMap =>
  Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))

function finished(rule: WorkedRule): WorkedDocument {
  const { document, logsource, slots, added, fieldsOf } = rule
  const { value } = document
  if (rule.failure !== undefined)
    document.error([], `A pipeline refuses the rule. ${rule.failure}`, 'See the pipeline.')
  const lines = new Map(slots.map((slot) => [pathKey(slot.path), slot.lines]))
  return {
    document: {
      ...document,
      value: {
        ...value,
        ...(value.logsource === undefined ? {} : { logsource }),
        ...(value.correlation === undefined ? {} : { correlation: fieldsOf }),
        ...(value.baseline === undefined ? {} : { baseline: fieldsOf }),
      },
    },
    options: { rewrite: (path) => lines.get(pathKey(path)), also: added },
  }
}

const pathKey = (path: ValuePath): string => JSON.stringify(path)
