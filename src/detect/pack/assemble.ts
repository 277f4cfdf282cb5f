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

/** What is put together. */
export interface PackParts {
  readonly files: readonly ReadFile[]
  /** Rules that no file has: settings make them. Their names are taken. */
  readonly made: readonly PackRule[]
  readonly settings: DetectSettings
  /** Those met before. */
  readonly problems: readonly Problem[]
  readonly product?: string | undefined
}

/** Puts files together. */
export function assembled({ files, made, settings, problems, product }: PackParts): RulePack {
  const once = eachOnce(
    files.flatMap(({ rules }) => rules),
    made,
  )
  const resolved = resolveSelects(once.rules, settings.timeZone)
  const filters = files.flatMap((file) => file.filters)
  // Which rules are quiet for being counted is told before filters put copies in their place.
  const quiet = withQuietBases(resolved.rules)
  const filtered = applyFilters(quiet, filters)
  const versions = versionsOf(files, filtered.rules, quiet)
  const off = new Set(settings.disabled.map(({ text }) => text))
  const called = new Map<PackRule, readonly string[]>(made.map((rule) => [rule, namesOf(rule.rule)]))
  const finished = ({ names, ...rule }: ResolvedRule): PackRule => {
    const whole = { ...rule, version: versions.get(rule.file) ?? '' }
    called.set(whole, names)
    return whole
  }
  return {
    ...rulesInUse(
      [...filtered.rules.map(finished), ...made],
      (rule) => called.get(rule)?.some((name) => off.has(name)) ?? false,
      product,
    ),
    problems: [
      ...problems,
      ...files.flatMap((file) => file.problems),
      ...unknownNames([...files.flatMap(({ known }) => known), ...made.flatMap(({ rule }) => namesOf(rule))], settings),
      ...once.problems,
      ...resolved.problems,
      ...filtered.problems,
    ],
    settings,
  }
}

/**
 * A site's rule takes the place of the shipped one of the same id or name; else the first stays. The title that a rule without either
 * goes by is no name: another may be called so, unless the two share their findings.
 */
function eachOnce(
  drafts: readonly DraftRule[],
  made: readonly PackRule[],
): {
  readonly rules: readonly DraftRule[]
  readonly problems: Problem[]
} {
  const problems: Problem[] = []
  const byName = new Map<string, Pick<DraftRule, 'file' | 'isShipped'>>(
    made.flatMap((each) => namesOf(each.rule).map((name) => [name, each] as const)),
  )
  const byKey = new Map<string, Pick<DraftRule, 'file' | 'isShipped'>>(made.map((each) => [each.key, each]))
  const left = new Set<Pick<DraftRule, 'file' | 'isShipped'>>()
  for (const draft of drafts) {
    const names = namesOf(draft.rule)
    const others = [...new Set([byKey.get(draft.key) ?? [], ...names.map((name) => byName.get(name) ?? [])].flat())]
    const clash = others.find((other) => draft.isShipped || !other.isShipped)
    if (clash !== undefined) {
      const name = names.find((each) => byName.get(each) === clash) ?? draft.key
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
    byKey.set(draft.key, draft)
    for (const name of names) byName.set(name, draft)
  }
  return { rules: drafts.filter((draft) => left.has(draft)), problems }
}

function unknownNames(names: readonly string[], { disabled, overrides }: DetectSettings): Problem[] {
  const known = new Set(names)
  const given = [...disabled.map(({ text, place }) => ({ name: text, place })), ...overrides]
  return given
    .filter(({ name }) => !known.has(name))
    .map(({ name, place }) => {
      const [near] = nearest(name, known)
      const hint = near === undefined ? 'Give an id, a name, or a file name without .yml.' : `Did you mean ${near}?`
      return { severity: 'error', message: `No rule is called ${name}.`, hint, place }
    })
}
