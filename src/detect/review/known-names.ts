/** Names that records and events have: services, actions and parameters of the catalogue, and columns of events. */
import { type ActionEntry, catalogue, once } from '../../normalise/catalogue/catalogue.ts'
import { spellings } from '../../normalise/catalogue/spellings.ts'
import type { Pattern } from '../sigma/pattern.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import type { Operand } from '../sql/fields.ts'

/** A spelling of an action, with its entry. */
export interface NamedAction {
  /** In lower case. */
  readonly service: string
  readonly action: string
  readonly entry: ActionEntry
}

/** Every spelling of every action. */
export const namedActions = once((): readonly NamedAction[] =>
  catalogue().flatMap((entry) =>
    spellings(entry).map(({ service, action }) => ({
      service: service.toLowerCase(),
      action: action.toLowerCase(),
      entry,
    })),
  ),
)

/** Services as usually written, by their name in lower case. */
export const serviceNames = once(() => namesBy(({ service }) => service))

/** Actions as usually written, by their name in lower case. */
export const actionNames = once(() => namesBy(({ action }) => action))

function namesBy(pick: (spelling: { service: string; action: string }) => string): ReadonlyMap<string, string> {
  const names = catalogue().flatMap(spellings).map(pick)
  return new Map(names.map((name) => [name.toLowerCase(), name]))
}

/** A key without case and underscores: two spellings of one key are the same then. */
export const squeezed = (name: string): string => name.toLowerCase().replaceAll('_', '')

/** Parameters of all actions as the catalogue spells them, by {@link squeezed} name. */
export const paramNames = once(
  (): ReadonlyMap<string, string> =>
    new Map(catalogue().flatMap(({ params }) => params.map((key) => [squeezed(key), key]))),
)

/** What a field's name leads to. */
export type FieldPlace =
  | { readonly kind: 'column'; readonly column: string }
  /** `path` is what follows `requestParams.`; empty for the parameters as a whole. */
  | { readonly kind: 'parameter'; readonly path: readonly string[] }
  /** A member of a JSON column, which may be anything. */
  | { readonly kind: 'open'; readonly column: string }
  | { readonly kind: 'unknown' }

/** Fields remembered; rules of a pack name a few hundred. */
const MOST_KNOWN = 5000

const shape = once(() => eventShape(duckdb))

const PARAMETERS = /^request_?params(?:\.(.+))?$/i

/** Where the values of a field of events come from. */
export function placeOfField(name: string): FieldPlace {
  const parameter = PARAMETERS.exec(name)
  if (parameter !== null) return { kind: 'parameter', path: parameter[1]?.split('.') ?? [] }
  const operand = shape().field(name)
  if (operand === undefined) return { kind: 'unknown' }
  const [column = ''] = operand.columns
  if (column === 'extra' && !/^extra\b/i.test(name)) return { kind: 'unknown' }
  return operand.isColumn || operand.columns.length > 1 || isListed(name)
    ? { kind: 'column', column: operand.sql }
    : { kind: 'open', column }
}

/** Columns that are worked out, and members of lists, have a name that is known too. */
const isListed = (name: string): boolean => !/^(response\.result|response_?result|extra)\./i.test(name)

const operands = new Map<string, Operand | undefined>()

/** What the field is in SQL, the same for all its spellings; undefined for one that events do not have. */
export function operandOf(name: string): Operand | undefined {
  if (!operands.has(name)) {
    if (operands.size >= MOST_KNOWN) operands.clear()
    operands.set(name, placeOfField(name).kind === 'unknown' ? undefined : shape().field(name))
  }
  return operands.get(name)
}

/** The events' own way to tell one field's spellings from another field. */
export const fieldKey = (name: string): string => operandOf(name)?.sql ?? name.toLowerCase()

const tests = { cased: new WeakMap<Pattern, TextTest>(), folded: new WeakMap<Pattern, TextTest>() }

type TextTest = (text: string) => boolean

/** A pattern as a condition on texts here, without case unless said. */
export function patternTest(pattern: Pattern, cased = false): TextTest {
  const known = cased ? tests.cased : tests.folded
  const test = known.get(pattern) ?? madeTest(pattern, cased)
  known.set(pattern, test)
  return test
}

function madeTest(pattern: Pattern, cased: boolean): TextTest {
  const source = pattern.map((piece) => {
    if (piece.kind === 'any') return '.*'
    if (piece.kind === 'one') return '.'
    return piece.kind === 'dash' ? '[-/\u2013-\u2015]' : piece.text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  })
  const whole = new RegExp(`^${source.join('')}$`, cased ? 'su' : 'sui')
  return (text) => whole.test(text)
}
