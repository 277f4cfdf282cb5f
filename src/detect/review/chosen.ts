/** Rules picked out of a pack by what people call them. */
import { AppError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import type { PackRule, RulePack } from '../pack/pack.ts'
import { fileName } from '../pack/rule-file.ts'
import { namesOf } from '../sigma/rule.ts'

/**
 * What a rule goes by in lists and in its findings: a shipped one by its file, which holds one rule that makes findings; another by its name,
 * for a file of somebody's own may hold many, and by its file where it has none.
 */
export const calledRule = ({ file, feeds, isShipped, rule }: PackRule): string =>
  isShipped && !feeds ? fileName(file) : (rule.meta.name ?? fileName(file))

const namesFor = (rule: PackRule): string[] => [
  calledRule(rule),
  ...(rule.feeds ? [] : [fileName(rule.file)]),
  ...namesOf(rule.rule),
  rule.key,
  rule.rule.meta.title,
]

/** The rules of a pack that are called so: by file name without its ending, id, name or title. Throws BAD_ARGUMENT for a stranger. */
export function chosenRules(pack: RulePack, names: readonly string[]): PackRule[] {
  const all = [...pack.rules, ...pack.disabled, ...pack.elsewhere]
  const chosen = names.flatMap((name) => {
    const called = (each: PackRule): boolean =>
      namesFor(each).some((known) => known.toLowerCase() === name.toLowerCase())
    const found = all.filter(called)
    if (found.length > 0) return found
    throw noRule(all, name)
  })
  return [...new Set(chosen)]
}

/**
 * Keys of the rules that make findings and are called so; none where it is only part of a title. Throws BAD_ARGUMENT for a name that
 * no rule has, nor any in its title.
 */
export function keysOfFinders({ rules, disabled, elsewhere }: RulePack, name: string): string[] {
  const all = [...rules, ...disabled, ...elsewhere]
  const text = name.toLowerCase()
  const called = all.filter((rule) => namesFor(rule).some((known) => known.toLowerCase() === text))
  if (called.length === 0 && !all.some(({ rule }) => rule.meta.title.toLowerCase().includes(text)))
    throw noRule(all, name)
  return called.filter(({ feeds }) => !feeds).map(({ key }) => key)
}

function noRule(all: readonly PackRule[], name: string): AppError {
  const firing = all.filter(({ feeds }) => !feeds)
  const called = nearest(name, firing.map(calledRule))
  const meant =
    called.length > 0
      ? called
      : nearest(
          name,
          firing.map(({ file }) => fileName(file)),
        )
  return new AppError('BAD_ARGUMENT', `There is no rule ${name}.`, {
    hint: `${meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `}Run \`bricktrail rules list\` to see all.`,
  })
}

/** The rules, and those that they refer to, which make no findings then unless they are chosen too. */
export function packOf(pack: Pick<RulePack, 'rules'>, chosen: readonly PackRule[]): Pick<RulePack, 'rules'> {
  const byName = new Map(pack.rules.flatMap((rule) => namesOf(rule.rule).map((name) => [name, rule] as const)))
  const found = new Map<PackRule, boolean>(chosen.map((rule) => [rule, true]))
  const visit = ({ rule }: PackRule): void => {
    if (rule.kind !== 'correlation') return
    for (const name of rule.rules) {
      const below = byName.get(name)
      if (below === undefined || found.has(below)) continue
      found.set(below, false)
      visit(below)
    }
  }
  for (const rule of chosen) visit(rule)
  const rules = [...found].map(([rule, isChosen]) => (isChosen ? { ...rule, feeds: false } : { ...rule, feeds: true }))
  return { rules }
}
