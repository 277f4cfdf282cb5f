/** Versions of rules: one for all of a file, another if anything that bears on its findings is. */
import { createHash } from 'node:crypto'
import { namesOf } from '../sigma/rule.ts'
import { itemsOf } from '../sigma/tree.ts'
import type { ReadFile } from './rule-file.ts'
import type { ResolvedRule } from './selects.ts'

/**
 * Versions by file. Besides its own documents count filters, the site's time zone where hours are compared, the events that a
 * baseline selects by the name of a rule, and the files of rules that its correlations count.
 */
export function versionsOf(
  files: readonly ReadFile[],
  rules: readonly ResolvedRule[],
  unfiltered: readonly ResolvedRule[],
): ReadonlyMap<string, string> {
  const added = new Map<string, unknown[]>()
  rules.forEach((draft, at) => {
    const { rule, file } = draft
    if (rule.kind === 'correlation' || (rule.kind === 'detection' && draft === unfiltered[at])) return
    const tree = rule.kind === 'baseline' ? rule.select.tree : rule.tree
    const zone = rule.kind === 'baseline' && rule.type === 'off_hours' ? rule.timeZone : undefined
    const known = added.get(file) ?? []
    added.set(file, [...known, zone ?? '', itemsOf(tree).map(({ place: _, ...item }) => item)])
  })
  const own = new Map(files.map(({ file, bearing }) => [file, digest([bearing, added.get(file) ?? []])]))
  const below = filesBelow(rules)
  return new Map(
    [...own].map(([file, version]) => {
      const others = [...below(file)].filter((other) => other !== file).map((other) => own.get(other))
      return [file, others.length === 0 ? version : digest([version, others])]
    }),
  )
}

/** Files of the rules that correlations of a file count, those below them too. */
function filesBelow(rules: readonly ResolvedRule[]): (file: string) => ReadonlySet<string> {
  const fileOf = new Map(rules.flatMap(({ rule, file }) => namesOf(rule).map((name) => [name, file] as const)))
  const next = new Map<string, Set<string>>()
  for (const { rule, file } of rules) {
    if (rule.kind !== 'correlation') continue
    const known = next.get(file) ?? new Set()
    next.set(file, known)
    for (const name of rule.rules) known.add(fileOf.get(name) ?? file)
  }
  return (file) => {
    const found = new Set<string>()
    const visit = (each: string): void => {
      for (const other of next.get(each) ?? []) {
        if (found.has(other)) continue
        found.add(other)
        visit(other)
      }
    }
    visit(file)
    return found
  }
}

const digest = (value: unknown): string => {
  const text = JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
