/** Which actions of the catalogue rules are about. */
import { type ActionEntry, catalogue } from '../../normalise/catalogue/catalogue.ts'
import { spellings } from '../../normalise/catalogue/spellings.ts'
import { textOfPattern } from '../sigma/pattern.ts'
import { itemsOf, type RuleNode, type Test } from '../sigma/tree.ts'
import { fieldKey, patternTest } from './known-names.ts'
import { type Literal, waysOf } from './possible.ts'

/** How a rule reaches an action: by its name, or by a part of it, its service, category, verb or key event. */
export type Reach = 'name' | 'kind'

/** What the catalogue says of an event before anything of it is read. */
interface Known {
  readonly values: ReadonlyMap<string, readonly string[]>
}

const ACTION = fieldKey('action')
const SERVICE = fieldKey('service')
const KINDS = ['category', 'verb', 'key_event'].map(fieldKey)

/** Columns that an entry answers for all events of its action. */
const known = (entry: ActionEntry): Known => {
  const names = spellings(entry)
  return {
    values: new Map<string, readonly string[]>([
      [SERVICE, [...new Set(names.map(({ service }) => service))]],
      [ACTION, [...new Set(names.map(({ action }) => action))]],
      [fieldKey('category'), [entry.category]],
      [fieldKey('verb'), [entry.verb]],
      [fieldKey('key_event'), entry.keyEvent === null ? [] : [entry.keyEvent]],
    ]),
  }
}

const entries = (): readonly { readonly entry: ActionEntry; readonly known: Known }[] =>
  catalogue().map((entry) => ({ entry, known: known(entry) }))

/** The actions that a rule can match and names, or whose kind it names. A rule about any action whatever reaches none. */
export function actionsOf(tree: RuleNode): ReadonlyMap<ActionEntry, Reach> {
  const fields = itemsOf(tree).map(({ field }) => (field === null ? '' : fieldKey(field)))
  if (![ACTION, SERVICE, ...KINDS].some((key) => fields.includes(key))) return new Map()
  const ways = waysOf(tree, true) ?? [
    itemsOf(tree).map(
      ({ values, ...item }): Literal => ({ item: { ...item, values }, tests: values.flat(), holds: !item.negated }),
    ),
  ]
  const found = new Map<ActionEntry, Reach>()
  for (const { entry, known: facts } of entries()) {
    const reached = ways.flatMap((way) => reachOf(way, facts) ?? [])
    if (reached.length > 0) found.set(entry, reached.includes('name') ? 'name' : 'kind')
  }
  return found
}

/** How one way of fulfilling a condition reaches an action; undefined if it does not. */
function reachOf(way: readonly Literal[], { values }: Known): Reach | undefined {
  let reach: Reach | undefined
  for (const { item, tests, holds } of way) {
    const key = item.field === null ? '' : fieldKey(item.field)
    const facts = values.get(key)
    if (facts === undefined) continue
    const met = meetsAny(facts, tests)
    if (met !== undefined && met !== holds) return undefined
    if (!holds || !tests.some(isOfText)) continue
    if (key === ACTION && tests.some((test) => isWholeName(test) && meetsAny(facts, [test]) === true)) reach = 'name'
    else reach ??= 'kind'
  }
  return reach
}

/** That an event has a name at all says nothing of which. */
const isOfText = ({ kind }: Test): boolean => kind === 'text' || kind === 'regex'

const isWholeName = (test: Test): boolean => test.kind === 'text' && textOfPattern(test.pattern) !== undefined

/** Whether one of the values meets one of the tests; undefined if that cannot be told. */
function meetsAny(values: readonly string[], tests: readonly Test[]): boolean | undefined {
  const answers = tests.map((test) => {
    if (test.kind === 'text') return values.some(patternTest(test.pattern))
    if (test.kind === 'null') return values.length === 0
    if (test.kind === 'exists') return values.length > 0 === test.value
    if (test.kind === 'number' || test.kind === 'boolean') return false
    return undefined
  })
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}
