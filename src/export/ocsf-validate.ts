/**
 * Validates OCSF events against the compiled schema. Codes are those of the OCSF reference server's validator where it has
 * one, so that reports can be compared.
 */
import type { OcsfAttribute, OcsfSchema, OcsfShape } from './ocsf-schema.ts'
import { type Json, typeProblem } from './ocsf-values.ts'

/** What can be wrong with an event. */
export type OcsfProblemCode =
  | 'class_uid_missing'
  | 'class_uid_unknown'
  | 'type_uid_incorrect'
  | 'version_incorrect'
  | 'profile_unknown'
  | 'attribute_required_missing'
  | 'attribute_unknown'
  | 'attribute_wrong_type'
  | 'attribute_enum_value_unknown'
  | 'attribute_enum_sibling_missing'
  | 'attribute_enum_sibling_incorrect'
  | 'attribute_enum_sibling_suspicious_other'
  | 'attribute_enum_array_value_unknown'
  | 'attribute_value_regex_not_matched'
  | 'attribute_value_exceeds_max_len'
  | 'attribute_value_exceeds_range'
  | 'attribute_deprecated'
  | 'constraint_failed'
  | 'observable_name_invalid_reference'

/** One thing wrong, and where. */
export interface OcsfProblem {
  readonly code: OcsfProblemCode
  /** Dotted path from the event's root, with array indexes. */
  readonly path: string
  readonly message: string
  /** True if the event is still valid. */
  readonly warning: boolean
}

type Members = Readonly<Record<string, Json>>

/** The value that stands for "none of these" in OCSF enums. */
const OTHER = 99

interface Walk {
  readonly schema: OcsfSchema
  readonly profiles: ReadonlySet<string>
  readonly problems: OcsfProblem[]
}

const isMembers = (value: Json | undefined): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Everything wrong with an event; an empty list (or only warnings) means it is valid OCSF. */
export function validateOcsf(schema: OcsfSchema, event: Json): OcsfProblem[] {
  const problems: OcsfProblem[] = []
  const add = (code: OcsfProblemCode, path: string, message: string) =>
    problems.push({ code, path, message, warning: false })
  if (!isMembers(event)) {
    add('attribute_wrong_type', '', 'an event is a JSON object')
    return problems
  }
  const classUid = event.class_uid
  const shape = typeof classUid === 'number' ? schema.classByUid.get(classUid) : undefined
  if (shape === undefined) {
    if (classUid === undefined) add('class_uid_missing', 'class_uid', 'the event names no class')
    else add('class_uid_unknown', 'class_uid', `no class has the number ${JSON.stringify(classUid)}`)
    return problems
  }
  const listed = isMembers(event.metadata) && Array.isArray(event.metadata.profiles) ? event.metadata.profiles : []
  const profiles = new Set(listed.filter((name): name is string => typeof name === 'string'))
  for (const name of profiles) {
    if (!schema.profiles.has(name)) add('profile_unknown', 'metadata.profiles', `no profile is called ${name}`)
  }
  validateMembers({ schema, profiles, problems }, shape, event, '')
  if (typeof event.activity_id === 'number' && event.type_uid !== Number(classUid) * 100 + event.activity_id) {
    add('type_uid_incorrect', 'type_uid', 'type_uid must be class_uid * 100 + activity_id')
  }
  if (isMembers(event.metadata) && event.metadata.version !== schema.version) {
    add('version_incorrect', 'metadata.version', `this schema is version ${schema.version}`)
  }
  validateObservables(event, add)
  return problems
}

/** The errors only, as text, for reports and tests. */
export const ocsfErrors = (schema: OcsfSchema, event: Json): string[] =>
  validateOcsf(schema, event)
    .filter((problem) => !problem.warning)
    .map((problem) => `${problem.code} ${problem.path}: ${problem.message}`)

/** An attribute that belongs to a profile is there only for events that list the profile. */
const applies = (walk: Walk, attribute: OcsfAttribute): boolean =>
  attribute.profiles == null || attribute.profiles.some((profile) => walk.profiles.has(profile))

function validateMembers(walk: Walk, shape: OcsfShape, members: Members, at: string): void {
  const path = (name: string) => (at === '' ? name : `${at}.${name}`)
  const add = (code: OcsfProblemCode, name: string, message: string, warning = false) =>
    walk.problems.push({ code, path: path(name), message, warning })
  // The schema's `object` is the free-form one.
  if (shape.name === 'object') return
  for (const name of Object.keys(members)) {
    const attribute = shape.attributes[name]
    if (attribute === undefined) add('attribute_unknown', name, `${shape.name} has no such attribute`)
    else if (!applies(walk, attribute))
      add('attribute_unknown', name, `needs profile ${attribute.profiles?.join(' or ')}`)
  }
  for (const [name, attribute] of Object.entries(shape.attributes)) {
    if (!applies(walk, attribute)) continue
    const value = members[name]
    if (value === undefined) {
      if (attribute.requirement === 'required') add('attribute_required_missing', name, 'is required')
      continue
    }
    if (attribute['@deprecated'] !== undefined) add('attribute_deprecated', name, 'is deprecated', true)
    validateAttribute(walk, attribute, value, path(name))
    if (attribute.enum !== undefined) validateEnum(attribute, name, value, members, add)
  }
  validateConstraints(shape, members, (message) => add('constraint_failed', '', message))
}

function validateAttribute(walk: Walk, attribute: OcsfAttribute, value: Json, path: string): void {
  const wrong = (message: string) => walk.problems.push({ code: 'attribute_wrong_type', path, message, warning: false })
  if (attribute.is_array === true) {
    if (!Array.isArray(value)) wrong('is an array')
    else for (const [index, item] of value.entries()) validateValue(walk, attribute, item, `${path}[${index}]`)
    return
  }
  validateValue(walk, attribute, value, path)
}

function validateValue(walk: Walk, attribute: OcsfAttribute, value: Json, path: string): void {
  if (attribute.type === 'object_t') {
    const shape = walk.schema.objects[attribute.object_type ?? 'object']
    if (!isMembers(value)) {
      walk.problems.push({ code: 'attribute_wrong_type', path, message: 'is an object', warning: false })
    } else if (shape !== undefined) validateMembers(walk, shape, value, path)
    return
  }
  const problem = typeProblem(walk.schema, attribute.type, value)
  if (problem !== undefined) walk.problems.push({ ...problem, path, warning: false })
}

type Add = (code: OcsfProblemCode, name: string, message: string, warning?: boolean) => void

function validateEnum(attribute: OcsfAttribute, name: string, value: Json, members: Members, add: Add): void {
  const values = attribute.enum ?? {}
  if (Array.isArray(value)) {
    for (const item of value) {
      if (!Object.hasOwn(values, String(item))) add('attribute_enum_array_value_unknown', name, `${item} is not listed`)
    }
    return
  }
  const known = values[String(value)]
  if (known === undefined) {
    add('attribute_enum_value_unknown', name, `${JSON.stringify(value)} is not listed`)
    return
  }
  if (attribute.sibling === undefined) return
  const said = members[attribute.sibling]
  if (value === OTHER) {
    if (said === undefined) add('attribute_enum_sibling_missing', attribute.sibling, `says what ${name} ${OTHER} is`)
    else if (Object.values(values).some((entry) => entry.caption === said)) {
      add('attribute_enum_sibling_suspicious_other', attribute.sibling, `${said} has a number of its own`, true)
    }
  } else if (said !== undefined && said !== known.caption) {
    add('attribute_enum_sibling_incorrect', attribute.sibling, `must be ${JSON.stringify(known.caption)}`)
  }
}

function validateConstraints(shape: OcsfShape, members: Members, fail: (message: string) => void): void {
  const present = (names: readonly string[]) => names.filter((name) => members[name] !== undefined)
  const { at_least_one: atLeastOne, just_one: justOne } = shape.constraints ?? {}
  if (atLeastOne !== undefined && present(atLeastOne).length === 0) fail(`needs one of ${atLeastOne.join(', ')}`)
  if (justOne !== undefined && present(justOne).length !== 1) fail(`needs exactly one of ${justOne.join(', ')}`)
}

/** An observable's name points at a member of the event: `resources.uid`, `resources[].uid` and `resources[0].uid`. */
function validateObservables(
  event: Members,
  add: (code: OcsfProblemCode, path: string, message: string) => void,
): void {
  if (!Array.isArray(event.observables)) return
  for (const [index, observable] of event.observables.entries()) {
    const name = isMembers(observable) ? observable.name : undefined
    if (typeof name !== 'string' || resolves(event, name.split('.'))) continue
    add('observable_name_invalid_reference', `observables[${index}].name`, `the event has no ${name}`)
  }
}

function resolves(value: Json | undefined, path: readonly string[]): boolean {
  const [head, ...rest] = path
  if (head === undefined) return value !== undefined
  if (Array.isArray(value)) return value.some((item) => resolves(item, path))
  const step = /^([^[]+)(?:\[(\d*)\])?$/.exec(head)
  if (step === null || !isMembers(value)) return false
  const member = value[step[1] as string]
  const index = step[2]
  return resolves(index && Array.isArray(member) ? member[Number(index)] : member, rest)
}
