/** A batch of records that rules are run over. */
import { CONTEXT_KEY, type CompiledRule } from './compile.ts'
import type { Contexts } from './contexts.ts'
import { isTrue } from './gate.ts'

/** By rules: ids of rows of the gate's values whose records they may match, and how many records that are. */
export type Gates = ReadonlyMap<number, { readonly ids: readonly string[]; readonly records: number }>

/** A batch: its records, and, where they have a gate, their contexts and what the gate says of them. */
export interface Batch {
  readonly relation: string
  readonly gated?: { readonly contexts: Contexts; readonly gates: Gates }
}

/** Records of a batch that have the key of their context in a column. */
export const inContexts = (relation: string, { gated }: Batch): Batch =>
  gated === undefined
    ? { relation }
    : { relation, gated: { ...gated, contexts: { ...gated.contexts, key: CONTEXT_KEY } } }

/** Rules that anything may match: first those that more is asked of than the context, those for the same records beside each other. */
export function inOrderOfGates(rules: readonly CompiledRule[], gates: Gates): CompiledRule[] {
  const key = ({ number, rest }: CompiledRule): string => `${isTrue(rest) ? 1 : 0} ${gates.get(number)?.ids.join()}`
  const keyed = rules.filter(({ number }) => gates.has(number)).map((rule) => ({ rule, key: key(rule) }))
  return keyed
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.rule.number - b.rule.number))
    .map(({ rule }) => rule)
}
