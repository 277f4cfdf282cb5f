/** Files that were read as one pack: each rule once, with filters, versions and what is disabled. */
import { nearest } from '../../core/nearest.ts'
import type { Problem } from '../../core/yaml/place.ts'
import { namesOf } from '../sigma/rule.ts'
import { applyFilters } from './filters.ts'
import { rulesInUse, withQuietBases } from './in-use.ts'
import type { PackRule, RulePack } from './pack.ts'
import type { DraftRule, ReadFile } from './rule-file.ts'
import { type ResolvedRule, resolveSelects } from './selects.ts'
import type { DetectSettings } from './settings.ts'
import { versionsOf } from './versions.ts'

/** Puts files together; `problems` are those met before. */
export function assembled(
  files: readonly ReadFile[],
  settings: DetectSettings,
  problems: readonly Problem[],
  product?: string,
): RulePack {
  const once = eachOnce(files.flatMap(({ rules }) => rules))
  const resolved = resolveSelects(once.rules, settings.timeZone)
  const filters = files.flatMap((file) => file.filters)
  // Which rules are quiet for being counted is told before filters put copies in their place.
  const quiet = withQuietBases(resolved.rules)
  const filtered = applyFilters(quiet, filters)
  const versions = versionsOf(files, filtered.rules, quiet)
  const off = new Set(settings.disabled.map(({ text }) => text))
  const called = new Map<PackRule, readonly string[]>()
  const finished = ({ names, ...rule }: ResolvedRule): PackRule => {
    const made = { ...rule, version: versions.get(rule.file) ?? '' }
    called.set(made, names)
    return made
  }
  return {
    ...rulesInUse(
      filtered.rules.map(finished),
      (rule) => called.get(rule)?.some((name) => off.has(name)) ?? false,
      product,
    ),
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
