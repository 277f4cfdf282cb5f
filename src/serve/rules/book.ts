/** What the server keeps of the rule pack: plain values, so that they can come from another process. */
import { basename, dirname, relative } from 'node:path'
import { isYamlMap } from '../../core/yaml/documents.ts'
import { type Problem, placeText } from '../../core/yaml/place.ts'
import type { PackRule, RulePack } from '../../detect/pack/pack.ts'
import { fileName } from '../../detect/pack/rule-file.ts'
import { SHIPPED_RULES } from '../../detect/pack/rule-folders.ts'
import { attackTags, TACTICS } from '../../detect/review/attack.ts'
import { calledRule } from '../../detect/review/chosen.ts'
import { coverageOf, isUncovered } from '../../detect/review/coverage.ts'
import { type Level, namesOf } from '../../detect/sigma/rule.ts'
import { tacticTitle, techniqueNamed } from './attack-names.ts'

/** Something wrong with a rule, as people are told. */
export interface BookProblem {
  readonly severity: string
  readonly message: string
  readonly hint: string
  readonly line: number
}

/** A rule of the book. */
export interface BookRule {
  readonly id: string
  /** What it goes by in lists and in its findings. */
  readonly name: string
  /** What settings may call it: id, name, and the name of its file. */
  readonly names: readonly string[]
  /** What settings best call it: the name of its file, unless that means other rules too. */
  readonly settingsName: string
  readonly title: string
  readonly kind: 'detection' | 'correlation' | 'baseline'
  readonly threat: string | null
  readonly level: Level
  readonly status: string | null
  readonly enabled: boolean
  readonly overridden: boolean
  readonly techniques: readonly string[]
  readonly tactics: readonly string[]
  /** As people are shown it: nothing of where the program or the home is. */
  readonly file: string
  /** Where it is. */
  readonly path: string
  readonly description: string
  readonly falsePositives: readonly string[]
  readonly controls: readonly string[]
  readonly references: readonly string[]
  readonly parameters: readonly {
    readonly name: string
    readonly value: unknown
    readonly usual: unknown
    readonly reason: string | null
    readonly overridden: boolean
  }[]
  readonly runbook: readonly { readonly title: string; readonly sql: string }[]
  readonly problems: readonly BookProblem[]
}

/** Techniques below a tactic, with the rules that look for them. */
export interface BookTactic {
  readonly id: string
  readonly name: string
  readonly techniques: readonly { readonly id: string; readonly name: string; readonly rules: readonly string[] }[]
}

/** All rules that make findings, in force or not, with what they cover. */
export interface RuleBook {
  readonly rules: readonly BookRule[]
  readonly tactics: readonly BookTactic[]
  readonly actions: { readonly covered: number; readonly known: number }
  /** Errors of the settings and of rules, each on one line. */
  readonly errors: readonly BookError[]
  /** Files and folders that it was made of, besides what comes with the program. */
  readonly sources: readonly string[]
}

/** An error that keeps something from being used. */
export interface BookError {
  readonly file: string
  readonly text: string
  readonly message: string
  readonly hint: string
}

/** The book of a pack. @param settingsFile where its settings are, or would be */
export function bookOf(pack: RulePack, settingsFile: string): RuleBook {
  const home = dirname(settingsFile)
  const off = new Set(pack.settings.disabled.map(({ text }) => text))
  const overrides = pack.settings.overrides
  const byFile = Map.groupBy(pack.problems, ({ place }) => place.file)
  // A rule that is off while others count it feeds them.
  const isListed = (rule: PackRule): boolean =>
    !rule.feeds || (!feedsAnyway(rule) && namesFor(rule).some((name) => off.has(name)))
  const listed = [...pack.rules, ...pack.disabled].filter(isListed).sort(inOrder)
  const perFile = Map.groupBy(listed, ({ file }) => file)
  const rules = listed.map((rule): BookRule => {
    const names = namesFor(rule)
    const isAlone = perFile.get(rule.file)?.length === 1
    const own = overrides.filter(({ name }) => names.includes(name))
    return bookRule(rule, {
      names,
      settingsName: isAlone ? fileName(rule.file) : (rule.rule.meta.name ?? rule.key),
      home,
      enabled: !rule.feeds && !pack.disabled.includes(rule),
      overridden: names.some((name) => off.has(name)) || own.length > 0,
      set: new Set(own.flatMap(({ parameters }) => Object.keys(parameters))),
      problems: byFile.get(rule.file) ?? [],
    })
  })
  const coverage = coverageOf(pack)
  return {
    rules,
    tactics: tacticsOf(rules.filter(({ enabled }) => enabled)),
    actions: {
      covered: coverage.actions.filter((action) => !isUncovered(action)).length,
      known: coverage.actions.length,
    },
    errors: pack.problems.filter(({ severity }) => severity === 'error').map(errorOf),
    sources: sourcesOf(pack, settingsFile),
  }
}

const namesFor = ({ rule, key, file }: PackRule): string[] => [...new Set([key, ...namesOf(rule), fileName(file)])]

/** By file and place in it, whether they are on or off. */
const inOrder = (a: PackRule, b: PackRule): number =>
  a.file === b.file ? a.rule.meta.place.line - b.rule.meta.place.line : a.file < b.file ? -1 : 1

const feedsAnyway = ({ rule }: PackRule): boolean => {
  const { bricktrail } = rule.meta.custom
  return isYamlMap(bricktrail) && bricktrail.feeds === true
}

interface Around {
  readonly names: readonly string[]
  readonly settingsName: string
  readonly home: string
  readonly enabled: boolean
  readonly overridden: boolean
  /** Names of parameters that the site set. */
  readonly set: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

function bookRule(rule: PackRule, around: Around): BookRule {
  const { key, level, content, file, isShipped } = rule
  const { meta } = rule.rule
  const { techniques, tactics } = attackTags(meta.tags)
  return {
    id: key,
    // One that is off and feeds others still goes by what it is called when it is on.
    name: calledRule({ ...rule, feeds: false }),
    names: around.names,
    settingsName: around.settingsName,
    title: meta.title,
    kind: rule.rule.kind,
    threat: content.threat ?? null,
    level,
    status: meta.status ?? null,
    enabled: around.enabled,
    overridden: around.overridden,
    techniques: [...new Set(techniques)],
    tactics: [...new Set(tactics)],
    file: shownFile(file, isShipped, around.home),
    path: file,
    description: meta.description?.trim() ?? '',
    falsePositives: meta.falsePositives,
    controls: Object.entries(content.controls).flatMap(([framework, own]) => own.map((each) => `${framework} ${each}`)),
    references: meta.references,
    parameters: content.parameters.map(({ name, value, fallback, reason }) => ({
      name,
      value,
      usual: fallback,
      reason: reason === '' ? null : reason,
      overridden: around.set.has(name),
    })),
    runbook: content.runbook,
    problems: around.problems.map(({ severity, message, hint, place }) => ({
      severity,
      message,
      hint,
      line: place.line,
    })),
  }
}

function shownFile(file: string, isShipped: boolean, home: string): string {
  if (isShipped) return `rules/${relative(SHIPPED_RULES, file)}`
  const below = relative(home, file)
  return below.startsWith('..') ? basename(file) : below
}

const errorOf = (problem: Problem): BookError => ({
  file: problem.place.file,
  text: `${placeText({ ...problem.place, file: basename(problem.place.file) })}: ${problem.message}`,
  message: problem.message,
  hint: problem.hint,
})

const sourcesOf = ({ settings }: RulePack, settingsFile: string): string[] => [
  settingsFile,
  ...settings.folders.map(({ text }) => text),
  ...settings.pipelines.map(({ text }) => text),
  ...settings.watchlists.flatMap(({ file }) => file ?? []),
]

/** A rule that names a technique and several tactics stands below those that the technique serves. */
function tacticsOf(rules: readonly BookRule[]): BookTactic[] {
  const found = new Map<string, Map<string, string[]>>(TACTICS.map((tactic) => [tactic, new Map()]))
  for (const rule of rules) {
    for (const technique of rule.techniques) {
      const serves = techniqueNamed(technique)?.tactics ?? rule.tactics
      for (const tactic of serves.filter((each) => serves.length === 1 || rule.tactics.includes(each))) {
        const own = found.get(tactic)
        own?.set(technique, [...(own.get(technique) ?? []), rule.id])
      }
    }
  }
  return TACTICS.map((id) => ({
    id,
    name: tacticTitle(id),
    techniques: [...(found.get(id) ?? [])]
      .map(([technique, own]) => ({ id: technique, name: techniqueNamed(technique)?.name ?? technique, rules: own }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  }))
}
