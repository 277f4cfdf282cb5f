/** What stands around a rule's condition: tags, examples, parameters, names used on purpose, and what findings are about. */

import { nearest } from '../../core/nearest.ts'
import { isYamlList, isYamlMap, type YamlDocument, type YamlMap, type YamlValue } from '../../core/yaml/documents.ts'
import type { Problem, ValuePath } from '../../core/yaml/place.ts'
import { delivery } from '../../normalise/forms/delivery.ts'
import { FORMS } from '../../normalise/registry.ts'
import type { PackRule } from '../pack/pack.ts'
import { placeholdersIn } from '../sigma/placeholders.ts'
import { tagFaults } from './attack.ts'
import { namedActions, paramNames, serviceNames, squeezed } from './known-names.ts'
import { isField, lintField, meantHint, type NameLint } from './lint-names.ts'

const mapOf = (value: YamlValue | undefined): YamlMap => (isYamlMap(value) ? value : {})
const listOf = (value: YamlValue | undefined): readonly YamlValue[] => (isYamlList(value) ? value : [])

/** The block of ours of a document. */
export const blockOf = (document: YamlDocument): YamlMap => mapOf(document.value.bricktrail)

/** Tags of ATT&CK that it does not have. */
export function lintTags(document: YamlDocument): void {
  const tags = listOf(document.value.tags).map(String)
  for (const { severity, tag, message, hint } of tagFaults(tags))
    document[severity](['tags', tags.indexOf(tag)], message, hint)
}

/** Whether there are examples of both kinds, and whether their records could have been delivered. */
export function lintExamples(document: YamlDocument, lint: NameLint): void {
  const block = document.value.bricktrail
  const path = ['bricktrail', 'examples']
  if (!isYamlMap(block)) {
    document.warning(
      [],
      'The rule has no examples.',
      'Add `bricktrail: examples:` with records that make it fire and that do not.',
    )
    return
  }
  const examples = mapOf(block.examples)
  for (const side of ['fires', 'silent']) {
    const own = listOf(examples[side])
    if (own.length === 0) {
      const when = side === 'fires' ? 'that makes it fire' : 'of the near miss, which must not fire'
      document.error(
        'examples' in block ? path : ['bricktrail'],
        `There is no example ${when}.`,
        `Add one below examples: ${side}:.`,
      )
    }
    own.forEach((example, at) => {
      lintExample(mapOf(example), [...path, side, at], document, lint)
    })
    lintTwins(own, [...path, side], document)
  }
}

function lintTwins(examples: readonly YamlValue[], path: ValuePath, document: YamlDocument): void {
  const names = examples.map((example) => String(mapOf(example).name))
  names.forEach((name, at) => {
    if (names.indexOf(name) < at)
      document.error([...path, at], `Two examples are called ${name}.`, 'Give each a name of its own.')
  })
}

function lintExample(example: YamlMap, path: ValuePath, document: YamlDocument, lint: NameLint): void {
  if (example.as_of !== undefined && Number.isNaN(Date.parse(String(example.as_of)))) {
    document.error([...path, 'as_of'], `${String(example.as_of)} is no time.`, 'Write it as 2026-11-02T09:00:00Z.')
  }
  listOf(example.records).forEach((record, at) => {
    if (isYamlMap(record) && !isOfOtherForm(record)) lintRecord(record, [...path, 'records', at], document, lint)
  })
}

const isOfOtherForm = (record: YamlMap): boolean => {
  const form = FORMS.find((each) => each.recognises(record))
  return form !== undefined && form !== delivery
}

const PAIRS = new Set<string>()
const pairs = (): ReadonlySet<string> => {
  if (PAIRS.size === 0) for (const { service, action } of namedActions()) PAIRS.add(`${service}.${action}`)
  return PAIRS
}

function lintRecord(record: YamlMap, path: ValuePath, document: YamlDocument, lint: NameLint): void {
  const { timestamp, serviceName, actionName } = record
  if (timestamp === undefined || (typeof timestamp === 'string' && Number.isNaN(Date.parse(timestamp)))) {
    document.error(
      [...path, 'timestamp'],
      `${String(timestamp ?? 'Nothing')} is no time.`,
      'Write it as 2026-11-02T09:00:00Z.',
    )
  }
  for (const key of Object.keys(record)) {
    if (delivery.knownKeys.includes(key)) continue
    const meant = nearest(key, delivery.knownKeys)
    document.error(
      [...path, key],
      `Delivered records have no ${key}.`,
      meantHint(meant, `They have ${delivery.knownKeys.join(', ')}.`),
    )
  }
  for (const key of Object.keys(mapOf(record.requestParams))) {
    if (paramNames().has(squeezed(key))) continue
    const listed = `requestparams.${key.toLowerCase()}`
    if (lint.unlisted.has(listed)) lint.met(listed)
    else {
      const meant = nearest(key, paramNames().values())
      const hint = meantHint(meant, 'If it is right, list it under bricktrail.unlisted.')
      document.warning([...path, 'requestParams', key], `The catalogue has no parameter ${key}.`, hint)
    }
  }
  const name = `${String(serviceName)}.${String(actionName)}`
  const known = name.toLowerCase()
  if (pairs().has(known)) return
  const service = String(serviceName).toLowerCase()
  const onPurpose = [known, service, String(actionName).toLowerCase()].find((each) => lint.unlisted.has(each))
  if (onPurpose !== undefined) {
    lint.met(onPurpose)
    return
  }
  const actions = namedActions().filter((each) => each.service === service)
  const hint = serviceNames().has(service)
    ? meantHint(
        nearest(
          String(actionName),
          actions.map(({ entry }) => entry.action),
        ),
        'If it is right, list it under bricktrail.unlisted.',
      )
    : meantHint(
        nearest(String(serviceName), serviceNames().values()),
        'If it is right, list it under bricktrail.unlisted.',
      )
  document.error([...path, 'actionName'], `The catalogue has no action ${name}.`, hint)
}

/** Parameters that no document of the file uses, and lists without a reason. */
export function lintParameters(documents: readonly YamlDocument[]): void {
  const used = new Set(
    documents.flatMap(({ value }) => namesIn([value.detection, value.correlation, value.baseline, value.filter])),
  )
  for (const document of documents) {
    listOf(blockOf(document).parameters).forEach((parameter, at) => {
      const { name, reason } = mapOf(parameter)
      const path = ['bricktrail', 'parameters', at]
      if (!used.has(String(name))) {
        document.error(
          [...path, 'name'],
          `Nothing uses the parameter ${String(name)}.`,
          `Write '%${String(name)}%' where its value belongs, or remove it.`,
        )
      }
      if (typeof reason !== 'string' || reason.trim() === '') {
        document.error(path, `The parameter ${String(name)} has no reason.`, 'Say why its value is what it is.')
      }
    })
  }
}

const namesIn = (value: YamlValue | undefined | readonly (YamlValue | undefined)[]): string[] => {
  if (typeof value === 'string') return [...placeholdersIn(value)]
  if (Array.isArray(value)) return value.flatMap(namesIn)
  return Object.values(mapOf(value as YamlValue | undefined)).flatMap(namesIn)
}

/** Names that are listed as on purpose and are not needed: the catalogue has them, or nothing uses them. */
export function lintUnlisted(document: YamlDocument, met: ReadonlySet<string>): void {
  listOf(blockOf(document).unlisted).forEach((entry, at) => {
    const name = String(mapOf(entry).name)
    const path = ['bricktrail', 'unlisted', at]
    if (pairs().has(name.toLowerCase()))
      document.warning(path, `The catalogue has ${name} by now.`, 'Remove the entry.')
    else if (!met.has(name.toLowerCase()))
      document.warning(path, `Nothing in the file needs ${name}.`, 'Remove the entry.')
  })
}

/** The field that findings are about. */
export function lintEntity(document: YamlDocument, lint: NameLint): void {
  const { entity } = blockOf(document)
  if (typeof entity === 'string') lintField(entity, document.placeOf(['bricktrail', 'entity']), lint)
}

/** Fields that a correlation groups and counts by, and those of baselines. */
export function lintCompared(document: YamlDocument, { rule }: PackRule, lint: NameLint): void {
  if (rule.kind === 'detection') return
  if (rule.kind === 'baseline') {
    for (const key of ['by', 'value'] as const) {
      rule[key].forEach((field, at) => {
        lintField(field, document.placeOf(['baseline', key, at]), lint)
      })
    }
    return
  }
  const aliases = Object.entries(rule.aliases)
  const direct = (names: readonly string[]) => names.filter((name) => rule.aliases[name] === undefined)
  for (const name of direct(rule.groupBy)) lintField(name, document.placeOf(['correlation', 'group-by']), lint)
  for (const name of direct(rule.fields)) lintField(name, document.placeOf(['correlation', 'condition', 'field']), lint)
  for (const [alias, fields] of aliases) {
    const isUsed = rule.groupBy.includes(alias) || rule.fields.includes(alias)
    const path = ['correlation', 'aliases', alias]
    if (!isUsed)
      document.warning(path, `Nothing is grouped by the alias ${alias}.`, 'Name it in group-by, or remove it.')
    for (const [name, field] of Object.entries(fields)) lintField(field, document.placeOf([...path, name]), lint)
    for (const name of rule.rules) {
      if (fields[name] === undefined && !isField(alias)) {
        document.error(path, `The alias ${alias} names no field of ${name}.`, `Add \`${name}: FIELD\` below it.`)
      }
    }
  }
}

/** Problems by place, each once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const text = ({ place, message }: Problem): string => `${place.file}\n${place.line}\n${place.column}\n${message}`
  const once = [...new Map(problems.map((each) => [text(each), each])).values()]
  return once.sort((a, b) => {
    if (a.place.file !== b.place.file) return a.place.file < b.place.file ? -1 : 1
    return a.place.line - b.place.line || a.place.column - b.place.column
  })
}
