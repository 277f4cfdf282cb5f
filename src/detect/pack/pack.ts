/** A rule pack: every rule that applies to a home's events, with parameters, watchlists and overrides put in. */
import type { YamlValue } from '../../core/yaml/documents.ts'
import type { Problem } from '../../core/yaml/place.ts'
import type { CorrelationRule, DetectionRule, Level, LogSource, RuleMeta } from '../sigma/rule.ts'
import type { DetectSettings } from './settings.ts'

/** What kinds of habit a baseline compares with. */
export const BASELINE_TYPES = [
  'first_seen',
  'rare',
  'spike',
  'off_hours',
  'impossible_travel',
  'dormant',
  'silent_source',
  'drop',
] as const

/** One of {@link BASELINE_TYPES}. */
export type BaselineType = (typeof BASELINE_TYPES)[number]

/** A rule that compares events with what was usual before them. Format: docs/design/006-rule-files.md. */
export interface BaselineRule {
  readonly kind: 'baseline'
  readonly meta: RuleMeta
  readonly logsource: LogSource
  readonly type: BaselineType
  /** Which events it is about: a rule of its own, never reported by itself. */
  readonly select: DetectionRule
  /** Fields that say whose habit it is. */
  readonly by: readonly string[]
  /** Fields whose values are compared; empty for types that count. */
  readonly value: readonly string[]
  /** Seconds of history needed before it says anything; for `dormant` the length of the silence. */
  readonly learnSecs: number
  /** Seconds; for types that count. */
  readonly windowSecs?: number
  readonly measure: 'count' | 'distinct' | 'sum'
  /** Numbers by name: `z`, `floor`, `share`, `peers`, `kmh`, and what else the type knows. */
  readonly threshold: Readonly<Record<string, number>>
  /** Working hours of `off_hours`, as given; absent: the actor's own hours of the week. */
  readonly hours?: YamlValue
  /** Name of the time zone of hours: the baseline's own, or else the site's; absent: UTC. */
  readonly timeZone?: string
}

/** A rule of the pack, of any kind that makes matches or findings. */
export type AnyRule = DetectionRule | CorrelationRule | BaselineRule

/** A threshold or list that a site may change. */
export interface Parameter {
  readonly name: string
  /** In force: the site's, or else the rule's. */
  readonly value: YamlValue
  readonly fallback: YamlValue
  readonly reason: string
}

/** A query for who looks into a finding; `:from`, `:to` and `:entity` are filled in. */
export interface RunbookQuery {
  readonly title: string
  readonly sql: string
}

/** Records, as delivered, that do or do not make a rule fire. */
export interface Example {
  readonly name: string
  readonly records: readonly YamlValue[]
  /** ISO time that counts as now, for rules about silence. */
  readonly asOf?: string
}

/** The `bricktrail` block of a rule. All of it may be missing from other people's rules. */
export interface RuleContent {
  readonly threat?: string
  /** Rows of published ideas that it replaces. */
  readonly covers: readonly string[]
  /** Controls it is evidence for, by framework. */
  readonly controls: Readonly<Record<string, readonly string[]>>
  /** The field that its findings are about. */
  readonly entity?: string
  readonly parameters: readonly Parameter[]
  readonly runbook: readonly RunbookQuery[]
  readonly fires: readonly Example[]
  readonly silent: readonly Example[]
  /** Names used on purpose that the catalogue does not list, with the reason. */
  readonly unlisted: readonly { readonly name: string; readonly reason: string }[]
}

/** A rule with all that is known of it. */
export interface PackRule {
  /** Its id; where there is none its name, else its title. The same for as long as the rule exists. */
  readonly key: string
  /** 16 hexadecimal digits over all documents of its file as they are in force: other if anything that bears on findings is. */
  readonly version: string
  readonly rule: AnyRule
  /** In force: the site's, or else the rule's, or else `medium`. */
  readonly level: Level
  /** True if it only feeds correlations and makes no findings. */
  readonly feeds: boolean
  readonly content: RuleContent
  /** Path as given or found. */
  readonly file: string
  readonly isShipped: boolean
}

/** What was loaded. A broken document is a problem and stops no other. */
export interface RulePack {
  /** In the order of their files; a correlation's base rules are in its file. Disabled rules are not here. */
  readonly rules: readonly PackRule[]
  readonly disabled: readonly PackRule[]
  /** Rules about logs of another product than asked for. */
  readonly elsewhere: readonly PackRule[]
  readonly problems: readonly Problem[]
  /** What the site decided, for parts of the program that read settings of their own. */
  readonly settings: DetectSettings
}
