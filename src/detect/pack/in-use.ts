/** Which rules of a pack are run: not those that a site disabled, nor those about other logs, nor what only those need. */
import { namesOf } from '../sigma/rule.ts'
import type { PackRule } from './pack.ts'

/** The rules of a pack, each in one of the lists. */
export interface RulesInUse {
  readonly rules: readonly PackRule[]
  readonly disabled: readonly PackRule[]
  readonly elsewhere: readonly PackRule[]
}

/**
 * Sorts rules. One that is disabled while a correlation in use counts it makes no findings, and is matched still. A correlation
 * over other logs is of those.
 *
 * @param product the log source's product that the events are of; absent for events of unknown make
 */
export function rulesInUse(
  all: readonly PackRule[],
  isDisabled: (rule: PackRule) => boolean,
  product: string | undefined,
): RulesInUse {
  const elsewhere = new Set(product === undefined ? [] : all.filter((rule) => isOther(rule, product)))
  for (let grown = -1; grown < elsewhere.size; ) {
    grown = elsewhere.size
    const names = namesOfAll(elsewhere)
    for (const rule of all) if (countedBy(rule).some((name) => names.has(name))) elsewhere.add(rule)
  }
  const here = all.filter((rule) => !elsewhere.has(rule))
  const off = new Set(here.filter(isDisabled))
  const idle = new Set([...off, ...elsewhere])
  for (let shrunk = -1; shrunk < idle.size; ) {
    shrunk = idle.size
    const needed = new Set(all.filter((rule) => !idle.has(rule)).flatMap(countedBy))
    const unneeded = new Set([...idle].flatMap(countedBy))
    const isNeeded = (rule: PackRule): boolean => namesOf(rule.rule).some((name) => needed.has(name))
    for (const rule of here) {
      if (rule.feeds && !isNeeded(rule) && namesOf(rule.rule).some((name) => unneeded.has(name))) idle.add(rule)
    }
  }
  const needed = new Set(here.filter((rule) => !idle.has(rule)).flatMap(countedBy))
  const silenced = (rule: PackRule): boolean => off.has(rule) && namesOf(rule.rule).some((name) => needed.has(name))
  return {
    rules: here.flatMap((rule) => (silenced(rule) ? [{ ...rule, feeds: true }] : idle.has(rule) ? [] : [rule])),
    disabled: here.filter((rule) => idle.has(rule) && !silenced(rule)),
    elsewhere: all.filter((rule) => elsewhere.has(rule)),
  }
}

const countedBy = ({ rule }: PackRule): readonly string[] => (rule.kind === 'correlation' ? rule.rules : [])

const namesOfAll = (rules: Iterable<PackRule>): ReadonlySet<string> =>
  new Set([...rules].flatMap(({ rule }) => namesOf(rule)))

/** A rule without a log source is about any; one of a category alone is about logs that have categories. */
function isOther({ rule }: PackRule, product: string): boolean {
  if (rule.kind === 'correlation') return false
  const { product: own, category } = rule.logsource
  return own === undefined ? category !== undefined : own.toLowerCase() !== product.toLowerCase()
}

/**
 * Rules that do not say whether they make findings of their own, and are counted by correlations of which none asks to report them
 * (`generate`), make none: that is the standard's default. Rules with a block of ours say it there.
 */
export function withQuietBases<T extends Pick<PackRule, 'rule' | 'feeds'>>(all: readonly T[]): T[] {
  const counting = all.flatMap(({ rule }) => (rule.kind === 'correlation' ? [rule] : []))
  const counted = new Set(counting.flatMap(({ rules }) => rules))
  const reported = new Set(counting.flatMap(({ rules, generate }) => (generate ? rules : [])))
  const isQuiet = ({ rule }: T): boolean =>
    rule.meta.custom.bricktrail === undefined &&
    namesOf(rule).some((name) => counted.has(name)) &&
    !namesOf(rule).some((name) => reported.has(name))
  return all.map((each) => (isQuiet(each) ? { ...each, feeds: true } : each))
}
