/** The modifiers of the standard: which there are, and which go together. Source: Sigma modifiers appendix 2.1.0. */
import { TIME_PARTS } from './tree.ts'

/** What a modifier is about. Of `type` a line has one at most, of `position` too. */
type Group = 'link' | 'negation' | 'case' | 'position' | 'placeholder' | 'dash' | 'utf16' | 'base64' | 'flag' | 'type'

const GROUPS: Readonly<Record<string, Group>> = {
  all: 'link',
  neq: 'negation',
  cased: 'case',
  contains: 'position',
  startswith: 'position',
  endswith: 'position',
  expand: 'placeholder',
  windash: 'dash',
  utf16: 'utf16',
  utf16le: 'utf16',
  utf16be: 'utf16',
  wide: 'utf16',
  base64: 'base64',
  base64offset: 'base64',
  i: 'flag',
  m: 'flag',
  s: 'flag',
  re: 'type',
  cidr: 'type',
  exists: 'type',
  fieldref: 'type',
  lt: 'type',
  lte: 'type',
  gt: 'type',
  gte: 'type',
  ...Object.fromEntries(TIME_PARTS.map((part) => [part, 'type'])),
}

/** Names in full that other tools take for the letters of the standard. */
const LONG_NAMES: Readonly<Record<string, string>> = { ignorecase: 'i', multiline: 'm', dotall: 's' }

/** Which groups may stand beside a type modifier; `flag` only beside `re`. */
const BESIDE: Readonly<Record<string, readonly Group[]>> = {
  re: ['link', 'negation', 'flag'],
  cidr: ['link', 'negation', 'placeholder'],
  fieldref: ['link', 'negation', 'case', 'position'],
  exists: [],
}
const BESIDE_NUMBERS: readonly Group[] = ['link', 'negation']

const WHY: Readonly<Record<string, string>> = {
  re: 'a regular expression says itself where it matches, how letters count and what is encoded',
  cidr: 'a network is compared with addresses, not with text',
  exists: 'it asks only whether the field is there',
  fieldref: 'the value is the name of a field, not text',
}

/** A line's key taken apart. */
export interface ItemKey {
  /** Null for keywords. */
  readonly field: string | null
  readonly modifiers: readonly string[]
}

/** Why modifiers cannot be used as they are. */
export interface ModifierFault {
  readonly message: string
  readonly hint: string
}

/** `actor.email|contains|all` as field and modifiers; other tools' long names for flags become the standard's. */
export function readKey(key: string): ItemKey {
  const [field = '', ...modifiers] = key.split('|')
  return { field: field === '' ? null : field, modifiers: modifiers.map((name) => LONG_NAMES[name] ?? name) }
}

/** What is wrong with modifiers beside each other and in their order; undefined if nothing is. */
export function modifierFault({ field, modifiers }: ItemKey): ModifierFault | undefined {
  const unknown = modifiers.find((name) => !Object.hasOwn(GROUPS, name))
  if (unknown !== undefined) return unknownFault(unknown)
  const twice = modifiers.find((name, at) => modifiers.indexOf(name) !== at)
  if (twice !== undefined) return { message: `The modifier ${twice} stands here twice.`, hint: 'Remove one.' }
  return typeFault(modifiers) ?? orderFault(modifiers) ?? (field === null ? keywordFault(modifiers) : undefined)
}

const groupOf = (name: string): Group => GROUPS[name] as Group
const ofGroup = (modifiers: readonly string[], group: Group): string[] =>
  modifiers.filter((name) => groupOf(name) === group)

function unknownFault(name: string): ModifierFault {
  const lower = name.toLowerCase()
  const hint = Object.hasOwn(GROUPS, lower) ? `Write ${lower}.` : `The modifiers are ${Object.keys(GROUPS).join(', ')}.`
  return { message: `There is no modifier ${name === '' ? 'with no name' : name}.`, hint }
}

function typeFault(modifiers: readonly string[]): ModifierFault | undefined {
  const types = ofGroup(modifiers, 'type')
  const [type, second, third] = types
  if (type === undefined) {
    const [flag] = ofGroup(modifiers, 'flag')
    return flag === undefined
      ? undefined
      : { message: `${flag} changes a regular expression, and there is none.`, hint: `Write re|${flag}.` }
  }
  const partThenOrder = isTimePart(type) && second !== undefined && isOrder(second) && third === undefined
  if (second !== undefined && !partThenOrder) {
    return { message: `${type} and ${second} cannot stand together.`, hint: 'Ask each in a line of its own.' }
  }
  const beside = BESIDE[type] ?? BESIDE_NUMBERS
  const odd = modifiers.find((name) => groupOf(name) !== 'type' && !beside.includes(groupOf(name)))
  if (odd === undefined) return undefined
  const why = WHY[type] ?? 'it compares numbers'
  return { message: `${odd} cannot stand beside ${type}: ${why}.`, hint: `Remove ${odd}.` }
}

function orderFault(modifiers: readonly string[]): ModifierFault | undefined {
  for (const group of ['position', 'utf16', 'base64'] as const) {
    const [first, second] = ofGroup(modifiers, group)
    if (second !== undefined) {
      return { message: `${first} and ${second} cannot stand together.`, hint: 'Keep one of them.' }
    }
  }
  const at = (group: Group): number => modifiers.findIndex((name) => groupOf(name) === group)
  const encoded = Math.max(at('utf16'), at('base64'))
  const [position] = ofGroup(modifiers, 'position')
  if (position !== undefined && encoded > at('position')) {
    return {
      message: `${modifiers[encoded]} would encode the wildcards of ${position}.`,
      hint: `Put ${position} behind ${modifiers[encoded]}.`,
    }
  }
  if (at('base64') >= 0 && at('utf16') > at('base64')) {
    return { message: 'What is Base64 already is not encoded again.', hint: `Put ${modifiers[at('utf16')]} first.` }
  }
  const first = [at('utf16'), at('base64')].filter((index) => index >= 0)
  if (at('dash') > Math.min(...first)) {
    return { message: 'There are no dashes to change in an encoded value.', hint: 'Put windash first.' }
  }
  const re = modifiers.indexOf('re')
  const stray = ofGroup(modifiers, 'flag').find((flag) => modifiers.indexOf(flag) < re)
  return stray === undefined ? undefined : { message: `${stray} stands before re.`, hint: `Write re|${stray}.` }
}

const OF_KEYWORDS: readonly Group[] = ['link', 'case', 'placeholder', 'dash', 'utf16', 'base64', 'flag']

function keywordFault(modifiers: readonly string[]): ModifierFault | undefined {
  const odd = modifiers.find((name) => name !== 're' && name !== 'contains' && !OF_KEYWORDS.includes(groupOf(name)))
  return odd === undefined
    ? undefined
    : { message: `${odd} needs a field; keywords are looked for in the whole record.`, hint: `Write FIELD|${odd}.` }
}

const isTimePart = (name: string): boolean => (TIME_PARTS as readonly string[]).includes(name)
const isOrder = (name: string): boolean => ['lt', 'lte', 'gt', 'gte'].includes(name)
