/** `%name%` in values that say `expand`. */
import { Fault } from './fault.ts'

/** Lists to put for `%name%`. */
export type Placeholders = Readonly<Record<string, readonly string[]>>

/**
 * Asked of an entry that a list brought and that cannot be used where it was put; true where it is passed over and told of, false where it
 * is the rule's own fault.
 */
export type PassOver = (list: string, entry: string, why: Fault) => boolean

/** A placeholder or, with a backslash before it, a plain percent sign. */
const PLACEHOLDER = /\\%|%([\w.-]+)%/g

/** Names of the lists that a value stands for. */
export const placeholdersIn = (text: string): string[] =>
  [...text.matchAll(PLACEHOLDER)].flatMap(([, name]) => name ?? [])

/**
 * The texts a value stands for, one for each entry of the lists it names: none where one of them is empty. Throws {@link Fault}
 * where a list is unknown.
 */
export function withPlaceholders(text: string, lists: Placeholders): string[] {
  let texts = ['']
  let from = 0
  for (const match of text.matchAll(PLACEHOLDER)) {
    const before = text.slice(from, match.index)
    const entries = match[1] === undefined ? ['%'] : entriesOf(match[1], lists, match.index)
    texts = texts.flatMap((start) => entries.map((entry) => start + before + entry))
    from = match.index + match[0].length
  }
  return texts.map((start) => start + text.slice(from))
}

function entriesOf(name: string, lists: Placeholders, offset: number): readonly string[] {
  const entries = Object.hasOwn(lists, name) ? lists[name] : undefined
  if (entries !== undefined) return entries
  throw new Fault(
    `Nothing is known to put for %${name}%.`,
    `Give a list for the placeholder ${name}, or remove expand.`,
    offset,
  )
}
