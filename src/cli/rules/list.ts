/** `bricktrail rules list`. */
import { parsePatterns, patternTest } from '../../ask/filter.ts'
import { checkClosed } from '../../ask/known-words.ts'
import { AppError } from '../../core/errors.ts'
import { jsonText } from '../../core/printable.ts'
import { THREATS } from '../../detect/pack/content.ts'
import type { PackRule } from '../../detect/pack/pack.ts'
import { calledRule } from '../../detect/review/chosen.ts'
import { LEVELS } from '../../detect/sigma/rule.ts'
import type { CliContext } from '../contract.ts'
import { type PackFlags, packInForce, plural, shownFile } from './pack.ts'
import { printTable } from './table.ts'

/** Flags of `rules list`. */
export interface ListFlags extends PackFlags {
  readonly threat?: string
  readonly level?: string
  readonly tag?: string
  readonly kind?: string
  readonly all?: boolean
}

const KINDS = ['detection', 'correlation', 'baseline'] as const

/** Lists rules that pass all filters. */
export async function listRules(cli: CliContext, flags: ListFlags): Promise<void> {
  const wanted = filterOf(flags)
  const pack = await packInForce(cli, flags, { examples: false })
  const making = pack.rules.filter(({ feeds }) => !feeds)
  const off = flags.all === true ? [...pack.disabled, ...pack.elsewhere] : []
  const listed = [...(flags.all === true ? pack.rules : making), ...off].filter(wanted)
  if (cli.json()) return cli.out(`${jsonText({ rules: listed.map(ruleObject) })}\n`)
  printTable(
    cli,
    ['rule', 'level', 'kind', 'threat', 'title'],
    listed.map((each) => [calledRule(each), each.level, kindOf(each), each.content.threat, each.rule.meta.title]),
  )
  const disabled = pack.disabled.filter(({ feeds }) => !feeds).length
  cli.note(
    `${listed.length.toLocaleString('en-US')} of ${plural(making.length + disabled, 'rule')}; ${disabled} disabled.`,
  )
}

const kindOf = ({ rule, feeds }: PackRule): string => {
  const kind = rule.kind === 'baseline' || rule.kind === 'correlation' ? `${rule.kind}, ${rule.type}` : rule.kind
  return feeds ? `${kind}, feeds others` : kind
}

function filterOf({ threat, level, tag, kind }: ListFlags): (rule: PackRule) => boolean {
  checkClosed('threat', threat, THREATS)
  checkClosed('level', level, LEVELS)
  checkClosed('kind', kind, KINDS)
  const matcher = (option: string, list: string | undefined): ((texts: readonly string[]) => boolean) => {
    if (list === undefined) return () => true
    const tests = parsePatterns(list).map(patternTest)
    if (tests.length === 0) throw new AppError('BAD_ARGUMENT', `--${option} is empty.`)
    return (texts) => texts.some((text) => tests.some((test) => test(text)))
  }
  const [isThreat, isLevel, isTagged, isKind] = [
    matcher('threat', threat),
    matcher('level', level),
    matcher('tag', tag),
    matcher('kind', kind),
  ]
  return ({ content, level: own, rule }) =>
    isThreat(content.threat === undefined ? [] : [content.threat]) &&
    isLevel([own]) &&
    isTagged(rule.meta.tags) &&
    isKind([rule.kind])
}

/** A rule for machines, in a list. */
export const ruleObject = (each: PackRule): Readonly<Record<string, unknown>> => ({
  rule: calledRule(each),
  key: each.key,
  name: each.rule.meta.name,
  title: each.rule.meta.title,
  kind: each.rule.kind,
  ...('type' in each.rule ? { type: each.rule.type } : {}),
  level: each.level,
  status: each.rule.meta.status,
  threat: each.content.threat,
  tags: each.rule.meta.tags,
  feeds: each.feeds,
  shipped: each.isShipped,
  version: each.version,
  file: shownFile(each.file),
})
