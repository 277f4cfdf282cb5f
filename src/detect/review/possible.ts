/**
 * Whether a condition can hold at all, as far as that can be told without records. What is told impossible is so; of some
 * impossible conditions it is not told.
 */
import { textOfPattern } from '../sigma/pattern.ts'
import type { Item, RuleNode, Test } from '../sigma/tree.ts'
import { fieldKey, operandOf, patternTest } from './known-names.ts'

/** More ways to fulfil a condition than this are not gone through; then nothing is told. */
const MOST_WAYS = 2000

/** A line of a selection that has to hold, or has to fail; one of its tests is enough for it to hold. */
export interface Literal {
  readonly item: Item
  readonly tests: readonly Test[]
  readonly holds: boolean
}

/** Lines that, if all are as they say, fulfil a condition. */
export type Way = readonly Literal[]

/** True if no record can fulfil the condition. */
export function isImpossible(node: RuleNode): boolean {
  const ways = waysOf(node, true)
  return ways?.every((way) => isContradiction(way)) ?? false
}

/** True if every record that fulfils `narrow` fulfils `wide`. */
export const implies = (narrow: RuleNode, wide: RuleNode): boolean =>
  isImpossible({ kind: 'and', nodes: [narrow, { kind: 'not', node: wide }] })

/** Every way to fulfil a condition, or its opposite; undefined if there are too many. */
export function waysOf(node: RuleNode, holds: boolean): readonly Way[] | undefined {
  if (node.kind === 'selection') return waysOf(node.node, holds)
  if (node.kind === 'not') return waysOf(node.node, !holds)
  if (node.kind === 'item') return waysOfItem(node, holds)
  const parts = node.nodes.map((each) => waysOf(each, holds))
  return (node.kind === 'and') === holds ? product(parts) : union(parts)
}

function waysOfItem(item: Item, wanted: boolean): readonly Way[] {
  const holds = item.negated ? !wanted : wanted
  if (item.link === 'any') return [[{ item, tests: item.values.flat(), holds }]]
  const each = item.values.map((tests): Literal => ({ item, tests, holds }))
  return holds ? [each] : each.map((literal) => [literal])
}

function product(parts: readonly (readonly Way[] | undefined)[]): readonly Way[] | undefined {
  let ways: readonly Way[] = [[]]
  for (const part of parts) {
    if (part === undefined || ways.length * part.length > MOST_WAYS) return undefined
    ways = ways.flatMap((way) => part.map((more) => [...way, ...more]))
  }
  return ways
}

function union(parts: readonly (readonly Way[] | undefined)[]): readonly Way[] | undefined {
  const found = parts.flatMap((part) => part ?? [])
  return parts.includes(undefined) || found.length > MOST_WAYS ? undefined : found
}

const isContradiction = (way: Way): boolean =>
  [...Map.groupBy(way, ({ item }) => (item.field === null ? '\0' : fieldKey(item.field))).values()].some(
    isImpossibleField,
  )

/** What is asked of one field contradicts itself. */
function isImpossibleField(literals: readonly Literal[]): boolean {
  const positive = literals.filter(({ holds }) => holds)
  const negative = literals.filter(({ holds }) => !holds)
  if (positive.some(({ tests }) => tests.length === 0)) return true
  if (positive.some(({ tests }) => tests.every((test) => negative.some((other) => isMetBy(test, other.tests)))))
    return true
  if (isAbsentAndPresent(positive)) return true
  return isSingle(literals) && hasNoValue(positive, negative)
}

/** One value has to meet all; of a list each element may meet another. */
const isSingle = ([first]: readonly Literal[]): boolean => {
  const field = first?.item.field
  const operand = field === null || field === undefined ? undefined : operandOf(field)
  return operand !== undefined && operand.type !== 'texts'
}

const isAbsence = (test: Test): boolean => test.kind === 'null' || (test.kind === 'exists' && !test.value)

const isOfValue = (test: Test): boolean => test.kind !== 'null' && test.kind !== 'exists'

const isAbsentAndPresent = (positive: readonly Literal[]): boolean =>
  positive.some(({ tests }) => tests.every(isAbsence)) && positive.some(({ tests }) => tests.every(isOfValue))

/** True if whatever meets the test meets one of the others. */
function isMetBy(test: Test, others: readonly Test[]): boolean {
  if (others.some((other) => sameTest(test, other))) return true
  const value = onlyValue(test)
  if (value !== undefined) return others.some((other) => meets(value, other) === true)
  return isOfValue(test) && others.some((other) => (other.kind === 'exists' && other.value) || isWider(other, test))
}

const sameTest = (a: Test, b: Test): boolean => JSON.stringify(a, bigints) === JSON.stringify(b, bigints)

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

/** A pattern whose text, of a fixed length, is met by every text of the narrow one. */
function isWider(wide: Test, narrow: Test): boolean {
  if (wide.kind !== 'text' || narrow.kind !== 'text' || (wide.cased && !narrow.cased)) return false
  // Wildcards put in the place of wildcards: what then fits the wide pattern fits it whatever stands there.
  const sample = narrow.pattern
    .map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'dash' ? '-' : '\u{F0000}'))
    .join('')
  const spread = narrow.pattern
    .map((piece) =>
      piece.kind === 'text' ? piece.text : piece.kind === 'dash' ? '/' : piece.kind === 'any' ? '' : '\u{F0001}',
    )
    .join('')
  const test = patternTest(wide.pattern, wide.cased)
  return test(sample) && test(spread)
}

/** The one value that meets a test, as text; undefined if there are others. */
function onlyValue(test: Test): string | undefined {
  if (test.kind === 'number' || test.kind === 'boolean') return String(test.value)
  return test.kind === 'text' ? textOfPattern(test.pattern) : undefined
}

/** No value that one of the lines allows is allowed by all of them. */
function hasNoValue(positive: readonly Literal[], negative: readonly Literal[]): boolean {
  const finite = positive.map(({ tests }) => tests.map(onlyValue)).find((values) => !values.includes(undefined))
  if (finite === undefined) return hasNoNumber(positive)
  return finite.every(
    (value) =>
      value === undefined ||
      positive.some(({ tests }) => tests.every((test) => meets(value, test) === false)) ||
      negative.some(({ tests }) => tests.some((test) => meets(value, test) === true)),
  )
}

/** Whether a value meets a test; undefined if that cannot be told here. */
function meets(value: string, test: Test): boolean | undefined {
  switch (test.kind) {
    case 'text':
      return patternTest(test.pattern, test.cased)(value)
    case 'number':
    case 'boolean':
      return value.toLowerCase() === String(test.value)
    case 'null':
      return false
    case 'exists':
      return test.value
    case 'compare':
      return value.trim() === '' || Number.isNaN(Number(value)) ? false : compares(Number(value), test)
    default:
      return undefined
  }
}

type Compare = Extract<Test, { kind: 'compare' }>

function compares(value: number, { op, value: bound }: Compare): boolean {
  const limit = Number(bound)
  if (op === 'lt') return value < limit
  if (op === 'lte') return value <= limit
  return op === 'gt' ? value > limit : value >= limit
}

/** Bounds that leave no number between them. */
function hasNoNumber(positive: readonly Literal[]): boolean {
  const bounds = positive.flatMap(({ tests: [only, ...more] }) =>
    more.length === 0 && only?.kind === 'compare' ? [only] : [],
  )
  return bounds.some(
    (low) =>
      low.op.startsWith('g') &&
      bounds.some((high) => {
        const [from, to] = [Number(low.value), Number(high.value)]
        return high.op.startsWith('l') && (from > to || (from === to && (low.op === 'gt' || high.op === 'lt')))
      }),
  )
}
