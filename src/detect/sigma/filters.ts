/** Filters: conditions that a site adds to rules without editing them. */

import { isYamlList, type YamlDocument, type YamlMap } from '../../core/yaml/documents.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { type DetectionOptions, readDetection } from './detection.ts'
import { logsourceOf, metaOf, placesOf } from './meta.ts'
import { type DetectionRule, type FilterRule, type LogSource, namesOf } from './rule.ts'
import { joined, type RuleNode } from './tree.ts'

/** Reads a filter whose schema holds; undefined if an error was reported. */
export function readFilter(document: YamlDocument, options: DetectionOptions): FilterRule | undefined {
  const section = document.value.filter as YamlMap
  const read = readDetection(section, ['filter'], ['rules'], document, options)
  const rules = section.rules ?? 'any'
  const named = isYamlList(rules) ? rules.map(String) : []
  if (typeof rules === 'string' ? rules !== 'any' : !isYamlList(rules)) {
    document.error(['filter', 'rules'], 'rules names no rules.', 'Write a list of ids or names, or any.')
    return undefined
  }
  if (read === undefined) return undefined
  return {
    kind: 'filter',
    meta: metaOf(document),
    logsource: logsourceOf(document),
    places: placesOf(rules, ['filter', 'rules'], document),
    rules: rules === 'any' || named.length === 0 ? 'any' : named,
    tree: read.tree,
  }
}

/**
 * The rules with every filter that is meant for them. A filter's condition has to hold as well as the rule's, so one that takes
 * events out reads `condition: not selection`. Filters that name a rule nobody has are warned of.
 */
export function withFilters(
  rules: readonly DetectionRule[],
  filters: readonly FilterRule[],
): { readonly rules: readonly DetectionRule[]; readonly problems: readonly Problem[] } {
  const known = new Set(rules.flatMap(namesOf))
  const problems = filters.flatMap((filter) =>
    (filter.rules === 'any' ? [] : filter.rules)
      .filter((name) => !known.has(name))
      .map(
        (name): Problem => ({
          severity: 'warning',
          message: `The filter names the rule ${name}, which is not here.`,
          hint: 'Give the id or name of a rule.',
          place: filter.places.get(name) ?? filter.meta.place,
        }),
      ),
  )
  const filtered = rules.map((rule): DetectionRule => {
    const own = filters.filter((filter) => isMeant(filter, rule))
    return own.length === 0 ? rule : { ...rule, tree: joined('and', [rule.tree, ...own.map(asSelection)]) }
  })
  return { rules: filtered, problems }
}

const asSelection = ({ meta, tree }: FilterRule): RuleNode => ({
  kind: 'selection',
  name: `filter ${meta.name ?? meta.id ?? meta.title}`,
  node: tree,
})

function isMeant(filter: FilterRule, rule: DetectionRule): boolean {
  if (filter.rules !== 'any' && !namesOf(rule).some((name) => filter.rules.includes(name))) return false
  return covers(filter.logsource, rule.logsource)
}

/** True if the rule's log source is that of the filter or a part of it. */
const covers = (wide: LogSource, narrow: LogSource): boolean =>
  (['category', 'product', 'service'] as const).every((key) => wide[key] === undefined || wide[key] === narrow[key])
