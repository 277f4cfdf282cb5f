/** A rule's detection as a tree: what a condition is made of once names, lists and modifiers are resolved. */

import type { Place } from '../../core/yaml/place.ts'
import type { Network } from './network.ts'
import type { Pattern } from './pattern.ts'

/** What a part of a date is compared by. */
export const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const

/** One of {@link TIME_PARTS}; weeks are those of ISO 8601. */
export type TimePart = (typeof TIME_PARTS)[number]

/** Comparisons of numbers. */
export type Comparison = 'lt' | 'lte' | 'gt' | 'gte'

/** Where one text stands in another. */
export type Position = 'whole' | 'start' | 'end' | 'inside'

/** What is asked of one value. Each is true or false of any value; of an absent one only `null` and `exists` can be true. */
export type Test =
  | { readonly kind: 'text'; readonly pattern: Pattern; readonly cased: boolean }
  | { readonly kind: 'number'; readonly value: number | bigint }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'exists'; readonly value: boolean }
  /** Syntax of RE2; `flags` are letters of i, m and s. Found anywhere unless anchored. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly flags: string }
  | { readonly kind: 'compare'; readonly op: Comparison; readonly value: number | bigint }
  | { readonly kind: 'time'; readonly part: TimePart; readonly op: Comparison | 'eq'; readonly value: number }
  | { readonly kind: 'network'; readonly network: Network }
  | { readonly kind: 'field'; readonly field: string; readonly position: Position; readonly cased: boolean }

/** A field and what is asked of it: one line of a selection. */
export interface Item {
  readonly kind: 'item'
  /** Null for keywords, which are looked for in the whole record. */
  readonly field: string | null
  /** The line's key as written, such as `actor.email|endswith`. */
  readonly key: string
  /** For each value of the line its alternatives, of which one has to hold. */
  readonly values: readonly (readonly Test[])[]
  /** Whether one value has to hold or all. */
  readonly link: 'any' | 'all'
  /** True for `neq`: the item holds where its values do not. */
  readonly negated: boolean
  readonly place: Place
}

/** A named part of the detection, where a condition uses it. */
export interface Selection {
  readonly kind: 'selection'
  readonly name: string
  readonly node: RuleNode
}

/** A condition. An empty `and` is true, an empty `or` false. */
export type RuleNode =
  | Item
  | Selection
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly RuleNode[] }
  | { readonly kind: 'not'; readonly node: RuleNode }

/** One node for several; a lone one stays itself. */
export function joined(kind: 'and' | 'or', nodes: readonly RuleNode[]): RuleNode {
  const [first] = nodes
  return nodes.length === 1 && first !== undefined ? first : { kind, nodes }
}

/** Every item of a tree, in the order written; items used twice come twice. */
export function itemsOf(node: RuleNode): Item[] {
  if (node.kind === 'item') return [node]
  return 'nodes' in node ? node.nodes.flatMap(itemsOf) : itemsOf(node.node)
}

/** Fields a tree asks about, each once, those it compares with included. */
export function fieldsOf(node: RuleNode): string[] {
  const fields = itemsOf(node).flatMap(({ field, values }) => [
    ...(field === null ? [] : [field]),
    ...values.flat().flatMap((test) => (test.kind === 'field' ? [test.field] : [])),
  ])
  return [...new Set(fields)]
}
