/** Files that were read as one pack: each rule once, with filters, versions and what is disabled. */
import { createHash } from 'node:crypto'
import { nearest } from '../../core/nearest.ts'
import type { Problem } from '../sigma/place.ts'
import { namesOf } from '../sigma/rule.ts'
import { itemsOf } from '../sigma/tree.ts'
import { applyFilters } from './filters.ts'
import type { PackRule, RulePack } from './pack.ts'
import type { DraftRule, ReadFile } from './rule-file.ts'
import { type ResolvedRule, resolveSelects } from './selects.ts'
import type { DetectSettings } from './settings.ts'

/** Puts files together; `problems` are those met before. */
export function assembled(
  files: readonly ReadFile[],
  settings: DetectSettings,
  problems: readonly Problem[],
): RulePack {
  const once = eachOnce(files.flatMap(({ rules }) => rules))
  const resolved = resolveSelects(once.rules, settings.timeZone)
  const filters = files.flatMap((file) => file.filters)
  const filtered = applyFilters(resolved.rules, filters)
  const versions = versionsOf(files, filtered.rules, resolved.rules)
  const off = new Set(settings.disabled.map(({ text }) => text))
  const isOff = ({ names }: ResolvedRule): boolean => names.some((name) => off.has(name))
  const finished = (rule: ResolvedRule): PackRule => {
    const { names: _, ...rest } = rule
    return { ...rest, version: versions.get(rule.file) ?? '' }
  }
  return {
    rules: filtered.rules.filter((rule) => !isOff(rule)).map(finished),
    disabled: filtered.rules.filter(isOff).map(finished),
    problems: [
      ...problems,
      ...files.flatMap((file) => file.problems),
      ...unknownNames(files, settings),
      ...once.problems,
      ...resolved.problems,
      ...filtered.problems,
    ],
    settings,
  }
}

/** A site's rule takes the place of the shipped one of the same id or name; else the first stays. */
function eachOnce(drafts: readonly DraftRule[]): {
  readonly rules: readonly DraftRule[]
  readonly problems: Problem[]
} {
  const problems: Problem[] = []
  const byName = new Map<string, DraftRule>()
  const left = new Set<DraftRule>()
  for (const draft of drafts) {
    const names = [...new Set([draft.key, ...namesOf(draft.rule)])]
    const others = [...new Set(names.flatMap((name) => byName.get(name) ?? []))]
    const clash = others.find((other) => draft.isShipped || !other.isShipped)
    if (clash !== undefined) {
      const name = names.find((each) => byName.get(each) === clash)
      problems.push({
        severity: 'error',
        message: `The rule ${name} is in ${clash.file} too.`,
        hint: 'Give it an id and name of its own, or remove one of the two.',
        place: draft.rule.meta.place,
      })
      continue
    }
    for (const other of others) left.delete(other)
    left.add(draft)
    for (const name of names) byName.set(name, draft)
  }
  return { rules: [...left], problems }
}

/** By file; other where a filter changes any of its rules. */
function versionsOf(
  files: readonly ReadFile[],
  rules: readonly ResolvedRule[],
  unfiltered: readonly ResolvedRule[],
): ReadonlyMap<string, string> {
  const added = new Map<string, unknown[]>()
  rules.forEach((rule, at) => {
    if (rule === unfiltered[at]) return
    const tree =
      rule.rule.kind === 'baseline' ? rule.rule.select.tree : 'tree' in rule.rule ? rule.rule.tree : undefined
    const items = tree === undefined ? [] : itemsOf(tree).map(({ place: _, ...item }) => item)
    added.set(rule.file, [...(added.get(rule.file) ?? []), items])
  })
  return new Map(files.map(({ file, bearing }) => [file, digest([bearing, added.get(file) ?? []])]))
}

const digest = (value: unknown): string => {
  const text = JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function unknownNames(files: readonly ReadFile[], { disabled, overrides }: DetectSettings): Problem[] {
  const known = new Set(files.flatMap((file) => file.known))
  const given = [...disabled.map(({ text, place }) => ({ name: text, place })), ...overrides]
  return given
    .filter(({ name }) => !known.has(name))
    .map(({ name, place }) => {
      const [near] = nearest(name, known)
      const hint = near === undefined ? 'Give an id, a name, or a file name without .yml.' : `Did you mean ${near}?`
      return { severity: 'error', message: `No rule is called ${name}.`, hint, place }
    })
}
