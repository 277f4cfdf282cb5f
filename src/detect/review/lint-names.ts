/** Do the names a rule uses exist? Services, actions, parameters, columns, and words of closed lists. */
import { nearest } from '../../core/nearest.ts'
import type { Place, Problem } from '../../core/yaml/place.ts'
import type { ActionEntry } from '../../normalise/catalogue/catalogue.ts'
import { CATEGORIES, KEY_EVENTS, VERBS } from '../../normalise/catalogue/vocabulary.ts'
import type { Item, RuleNode, Test } from '../sigma/tree.ts'
import {
  actionNames,
  fieldKey,
  type NamedAction,
  namedActions,
  operandOf,
  paramNames,
  patternTest,
  placeOfField,
  serviceNames,
  squeezed,
} from './known-names.ts'

/** What the names of a rule are looked up with. */
export interface NameLint {
  /** Names used on purpose that nobody lists, in lower case. */
  readonly unlisted: ReadonlySet<string>
  /** Takes a name of `unlisted` that was met. */
  readonly met: (name: string) => void
  readonly report: (problem: Problem) => void
}

/** Which actions a part of a condition is about. */
interface Scope {
  readonly services: readonly (readonly Test[])[]
  readonly actions: readonly (readonly Test[])[]
}

const SERVICE = fieldKey('service')
const ACTION = fieldKey('action')

/** Words of columns whose values are all known. */
const CLOSED: readonly (readonly [field: string, words: readonly string[]])[] = [
  ['category', CATEGORIES.map(({ name }) => name)],
  ['verb', VERBS.map(({ name }) => name)],
  ['key_event', KEY_EVENTS.map(({ name }) => name)],
  ['status', ['SUCCESS', 'UNAUTHORIZED', 'FAILURE']],
  ['audit_level', ['ACCOUNT_LEVEL', 'WORKSPACE_LEVEL']],
  ['actor.type', ['user', 'service_principal', 'system', 'vendor_support', 'unknown']],
  ['geo.scope', ['public', 'private', 'loopback', 'link_local', 'shared', 'reserved', 'invalid']],
]

const CLOSED_WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  CLOSED.map(([field, words]) => [fieldKey(field), words]),
)

/** Looks up every name of a condition. */
export function lintNames(tree: RuleNode, lint: NameLint): void {
  walk(tree, { services: [], actions: [] }, lint)
}

function walk(node: RuleNode, around: Scope, lint: NameLint): void {
  if (node.kind === 'selection' || node.kind === 'not' || node.kind === 'or') {
    for (const each of 'nodes' in node ? node.nodes : [node.node]) walk(each, around, lint)
    return
  }
  const items = conjoined(node)
  const scope = scopeOf(items, around)
  lintPairs(items, scope, lint)
  for (const item of items) lintItem(item, scope, lint)
  for (const each of notConjoined(node)) walk(each, scope, lint)
}

/** Lines that all have to hold with one another. */
function conjoined(node: RuleNode): Item[] {
  if (node.kind === 'item') return [node]
  if (node.kind === 'selection') return conjoined(node.node)
  return node.kind === 'and' ? node.nodes.flatMap(conjoined) : []
}

const notConjoined = (node: RuleNode): RuleNode[] => {
  if (node.kind === 'item') return []
  if (node.kind === 'selection') return notConjoined(node.node)
  return node.kind === 'and' ? node.nodes.flatMap(notConjoined) : [node]
}

const isAbout = (item: Item, key: string): boolean => item.field !== null && fieldKey(item.field) === key

function scopeOf(items: readonly Item[], around: Scope): Scope {
  const testsOf = (key: string) =>
    items.filter((item) => !item.negated && isAbout(item, key)).map(({ values }) => values.flat())
  return { services: [...around.services, ...testsOf(SERVICE)], actions: [...around.actions, ...testsOf(ACTION)] }
}

const ofScope = ({ services, actions }: Scope): readonly NamedAction[] =>
  namedActions().filter(
    ({ service, action }) =>
      services.every((tests) => tests.some((test) => textMeets(service, test))) &&
      actions.every((tests) => tests.some((test) => textMeets(action, test))),
  )

/** Whether a name meets a test; what cannot be told here is answered in its favour. */
function textMeets(name: string, test: Test): boolean {
  if (test.kind === 'text') return patternTest(test.pattern)(name)
  if (test.kind !== 'regex') return true
  try {
    return new RegExp(test.pattern, 'i').test(name)
  } catch {
    return true
  }
}

function lintPairs(items: readonly Item[], scope: Scope, lint: NameLint): void {
  for (const item of items) {
    if (isAbout(item, SERVICE)) lintEach(item, 'service', scope, lint)
    if (isAbout(item, ACTION)) lintEach(item, 'action', scope, lint)
  }
}

const KNOWN = { service: serviceNames, action: actionNames } as const

const isKnown = (kind: 'service' | 'action', test: Test): boolean =>
  [...KNOWN[kind]().keys()].some((name) => textMeets(name, test))

/** Known names near to one, those of the services beside it first. */
function meantBy(kind: 'service' | 'action', typed: string, scope: Scope): readonly string[] {
  const all = nearest(typed, KNOWN[kind]().values())
  if (kind === 'service' || scope.services.length === 0) return all
  const own = nearest(
    typed,
    ofScope({ services: scope.services, actions: [] }).map(({ entry }) => entry.action),
  )
  return own.length > 0 ? own : all
}

/** Each service and action has to exist, and with one of the others that it stands beside. */
function lintEach(item: Item, kind: 'service' | 'action', scope: Scope, lint: NameLint): void {
  const tests = item.values.flat().filter((test) => test.kind === 'text' || test.kind === 'regex')
  const wanted = tests.filter((test) => !isUnlisted(kind, typedName(test), scope, lint))
  const known = wanted.filter((test) => isKnown(kind, test))
  for (const test of wanted.filter((each) => !known.includes(each))) {
    const typed = typedName(test)
    lint.report(
      fault(
        item.place,
        `The catalogue has no ${kind} ${typed}.`,
        meantHint(meantBy(kind, typed, scope), UNLISTED_HINT),
      ),
    )
  }
  if (item.negated) return
  // A partner that does not exist is told of where it stands, and a pair that does not with its action.
  const alone = known.filter((test) => ofScope(narrowed(scope, kind, test)).length === 0)
  if (kind === 'service' && alone.length === wanted.length) return
  for (const test of alone) {
    lint.report(fault(item.place, aloneMessage(kind, typedName(test), scope), pairHint(kind, test)))
  }
}

const UNLISTED_HINT = 'If it is right, list it under bricktrail.unlisted with the reason.'

/** One service or action, and of the actions or services beside it those that exist. */
function narrowed({ services, actions }: Scope, kind: 'service' | 'action', test: Test): Scope {
  const existing = (of: 'service' | 'action', lists: Scope['services']) =>
    lists.map((tests) => tests.filter((each) => isKnown(of, each))).filter((tests) => tests.length > 0)
  return kind === 'service'
    ? { services: [[test]], actions: existing('action', actions) }
    : { services: existing('service', services), actions: [[test]] }
}

const typedName = (test: Test): string => {
  if (test.kind === 'regex') return test.pattern
  if (test.kind !== 'text') return test.kind
  return test.pattern.map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'any' ? '*' : '?')).join('')
}

const wordsOf = (lists: readonly (readonly Test[])[]): string => lists.flat().map(typedName).join(', ')

const aloneMessage = (kind: 'service' | 'action', typed: string, { services, actions }: Scope): string =>
  kind === 'service'
    ? `The service ${typed} has none of the actions ${wordsOf(actions)}.`
    : `No service ${wordsOf(services)} has the action ${typed}.`

function pairHint(kind: 'service' | 'action', test: Test): string {
  const partners = namedActions().filter((named) => textMeets(named[kind], test))
  const names = [...new Set(partners.map(({ entry }) => (kind === 'service' ? entry.action : entry.service)))]
  const some = names.slice(0, 6).join(', ')
  return kind === 'service'
    ? `Its actions are ${some}${names.length > 6 ? ', …' : ''}.`
    : `The catalogue has it in ${some}. ${UNLISTED_HINT}`
}

function isUnlisted(kind: 'service' | 'action', typed: string, scope: Scope, lint: NameLint): boolean {
  const name = typed.toLowerCase()
  const partners = (kind === 'service' ? scope.actions : scope.services)
    .flat()
    .map((test) => typedName(test).toLowerCase())
  const names = [name, ...partners.map((other) => (kind === 'service' ? `${name}.${other}` : `${other}.${name}`))]
  const found = names.filter((each) => lint.unlisted.has(each))
  for (const each of found) lint.met(each)
  return found.length > 0
}

function lintItem(item: Item, scope: Scope, lint: NameLint): void {
  if (item.field !== null) lintField(item.field, item.place, lint, scope)
  for (const test of item.values.flat()) if (test.kind === 'field') lintField(test.field, item.place, lint, scope)
  const words = item.field === null ? undefined : CLOSED_WORDS.get(fieldKey(item.field))
  if (words === undefined) return
  for (const test of item.values.flat()) {
    if (test.kind !== 'text' || words.some((word) => textMeets(word.toLowerCase(), test))) continue
    const meant = nearest(typedName(test), words)
    lint.report(
      fault(
        item.place,
        `${item.field} is never ${typedName(test)}.`,
        meantHint(meant, `There are ${words.join(', ')}.`),
      ),
    )
  }
}

/** Looks up a field: a column, a name of delivered records, or a parameter. */
export function lintField(
  name: string,
  place: Place,
  lint: NameLint,
  scope: Scope = { services: [], actions: [] },
): void {
  if (lint.unlisted.has(name.toLowerCase())) {
    lint.met(name.toLowerCase())
    return
  }
  const found = placeOfField(name)
  if (found.kind === 'unknown') {
    const meant = nearest(name, FIELD_NAMES)
    lint.report(
      fault(place, `Events have no field ${name}.`, meantHint(meant, 'docs/reference/events.md lists the columns.')),
    )
  } else if (found.kind === 'parameter' && found.path.length > 0) {
    lintParameter(name, found.path, place, scope, lint)
  }
}

const FIELD_NAMES: readonly string[] = [
  'serviceName',
  'actionName',
  'userIdentity.email',
  'userIdentity.subjectName',
  'identityMetadata.runBy',
  'identityMetadata.runAs',
  'sourceIPAddress',
  'userAgent',
  'sessionId',
  'requestId',
  'accountId',
  'workspaceId',
  'auditLevel',
  'response.statusCode',
  'response.errorMessage',
  'response.result',
  ...['actor.email', 'actor.name', 'actor.type', 'actor.id', 'source_ip', 'user_agent', 'client', 'category', 'verb'],
  ...['key_event', 'status', 'status_code', 'targets.type', 'targets.name', 'targets.id', 'targets.principal'],
  ...['targets.privilege', 'geo.country', 'geo.asn', 'geo.as_org', 'geo.scope', 'query.text', 'sensitivity', 'tags'],
]

function lintParameter(name: string, path: readonly string[], place: Place, scope: Scope, lint: NameLint): void {
  const keys = path.map((_, at) => squeezed(path.slice(0, at + 1).join('.')))
  const [first = ''] = path
  if (!keys.some((key) => paramNames().has(key))) {
    const meant = nearest(first, paramNames().values())
    lint.report(fault(place, `The catalogue has no parameter ${first}.`, meantHint(meant, UNLISTED_HINT)))
    return
  }
  if (scope.actions.length === 0) return
  const entries = [...new Set(ofScope(scope).map(({ entry }) => entry))]
  if (entries.length === 0 || entries.some((entry) => hasParameter(entry, keys))) return
  const some = [...new Set(entries.flatMap(({ params }) => params))].slice(0, 8).join(', ')
  const of = entries
    .map(({ action }) => action)
    .slice(0, 3)
    .join(', ')
  lint.report({
    severity: 'warning',
    message: `The catalogue has no parameter ${name.slice(name.indexOf('.') + 1)} of ${of}.`,
    hint:
      some === ''
        ? 'It lists none of this action; its lists are not complete.'
        : `It lists ${some}; its lists are not complete.`,
    place,
  })
}

const hasParameter = ({ params }: ActionEntry, keys: readonly string[]): boolean =>
  params.some((key) => keys.includes(squeezed(key)))

const fault = (place: Place, message: string, hint: string): Problem => ({ severity: 'error', message, hint, place })

/** `Did you mean a or b?`, and what else there is to say. */
export const meantHint = (meant: readonly string[], otherwise: string): string =>
  meant.length === 0 ? otherwise : `Did you mean ${meant.join(' or ')}? ${otherwise}`

/** True if a name stands for a field of events, listed parameters apart. */
export const isField = (name: string): boolean => operandOf(name) !== undefined
