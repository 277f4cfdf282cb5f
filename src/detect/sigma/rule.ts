/** What a rule file holds, after reading: detection rules, correlations and filters. */
import type { YamlMap } from '../../core/yaml/documents.ts'
import type { Place } from '../../core/yaml/place.ts'
import type { RuleNode } from './tree.ts'

/** The standard's severities, least first. */
export const LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const

/** One of {@link LEVELS}. */
export type Level = (typeof LEVELS)[number]

/** Which logs a rule is about. */
export interface LogSource {
  readonly category?: string
  readonly product?: string
  readonly service?: string
}

/** What every document says of itself. */
export interface RuleMeta {
  readonly title: string
  readonly id?: string
  readonly name?: string
  readonly status?: string
  readonly level?: Level
  readonly description?: string
  readonly author?: string
  readonly date?: string
  readonly modified?: string
  readonly license?: string
  readonly taxonomy?: string
  readonly tags: readonly string[]
  readonly references: readonly string[]
  readonly falsePositives: readonly string[]
  readonly fields: readonly string[]
  readonly scope: readonly string[]
  readonly related: readonly { readonly id: string; readonly type: string }[]
  /** Keys that the standard has no meaning for, such as examples and runbooks. */
  readonly custom: YamlMap
  readonly place: Place
}

/** A rule about single events. */
export interface DetectionRule {
  readonly kind: 'detection'
  readonly meta: RuleMeta
  readonly logsource: LogSource
  readonly tree: RuleNode
  /** Names of selections that no condition uses. */
  readonly unused: readonly string[]
  /** Seconds of the `timeframe` of Sigma 1; says nothing without a correlation. */
  readonly timeframeSecs?: number
}

/** What a filter adds to rules. */
export interface FilterRule {
  readonly kind: 'filter'
  readonly meta: RuleMeta
  readonly logsource: LogSource
  /** Ids or names of rules, or every rule of the log source. */
  readonly rules: readonly string[] | 'any'
  /** Where each of them is named. */
  readonly places: ReadonlyMap<string, Place>
  readonly tree: RuleNode
}

/** The standard's correlation types, and the median. */
export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
] as const

/** One of {@link CORRELATION_TYPES}. */
export type CorrelationType = (typeof CORRELATION_TYPES)[number]

/** Comparisons of a correlation's condition. */
export const CONDITION_OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const

/** One of {@link CONDITION_OPERATORS}. */
export type ConditionOperator = (typeof CONDITION_OPERATORS)[number]

/** `gte: 10`; several are a range and all have to hold. */
export interface Bound {
  readonly op: ConditionOperator
  readonly value: number
}

/** Rules in an expression, for temporal types: `a and (b or not c)`. */
export type RuleExpression =
  | { readonly kind: 'rule'; readonly rule: string }
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly RuleExpression[] }
  | { readonly kind: 'not'; readonly node: RuleExpression }

/** A rule about several events. */
export interface CorrelationRule {
  readonly kind: 'correlation'
  readonly meta: RuleMeta
  readonly type: CorrelationType
  /** Ids or names, in the order given. */
  readonly rules: readonly string[]
  /** Where each of them is named. */
  readonly places: ReadonlyMap<string, Place>
  readonly groupBy: readonly string[]
  readonly timespanSecs: number
  readonly bounds: readonly Bound[]
  /** Fields of value types; several count as one value together. */
  readonly fields: readonly string[]
  /** For value_percentile: which one, 0 to 100. */
  readonly percentile?: number
  /** For temporal types: which rules have to match. */
  readonly expression?: RuleExpression
  /** Alias → rule → field. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** True to report the rules it refers to as well. */
  readonly generate: boolean
}

/** Any document of the standard. */
export type SigmaRule = DetectionRule | CorrelationRule | FilterRule

/** How other documents may call a rule. */
export const namesOf = ({ meta }: { readonly meta: RuleMeta }): string[] =>
  [meta.id, meta.name].filter((name) => name !== undefined)
