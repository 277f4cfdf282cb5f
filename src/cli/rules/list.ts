/** `bricktrail rules list`. */
import { parsePatterns, patternTest } from '../../ask/filter.ts'
import { checkClosed } from '../../ask/known-words.ts'
import { AppError } from '../../core/errors.ts'
import { jsonText } from '../../core/printable.ts'
import { THREATS } from '../../detect/pack/content.ts'
import type { PackRule } from '../../detect/pack/pack.ts'
import { calledRule } from '../../detect/review/chosen.ts'
import { LEVELS } from '../../detect/sigma/rule.ts'
import type { CliContext, ServerWish } from '../contract.ts'
import { notOnServer } from '../server-wish.ts'
import { printTable } from '../table.ts'
import { checkPackFlags, type PackFlags, packInForce, plural, shownFile } from './pack.ts'

/** Flags of `rules list`. */
export interface ListFlags extends PackFlags {
  readonly threat?: string
  readonly level?: string
  readonly tag?: string
  readonly kind?: string
  readonly all?: boolean
}

const KINDS = ['detection', 'correlation', 'baseline'] as const

/** A rule as a list shows it, wherever it is in force. */
interface Listed {
  readonly called: string
  readonly level: string
  readonly kind: string
  readonly kindShown: string
  readonly threat: string | undefined
  readonly title: string
  readonly tags: readonly string[]
  /** For machines. */
  readonly object: Readonly<Record<string, unknown>>
}

/** Rules to list, and how many there are that make findings. */
interface RuleLists {
  readonly listed: readonly Listed[]
  readonly all: number
  readonly disabled: number
}

/** Lists rules that pass all filters. */
export async function listRules(cli: CliContext, flags: ListFlags): Promise<void> {
  const isWanted = filterOf(flags)
  const wish = cli.server()
  const { listed: found, all, disabled } = wish === undefined ? await ofHome(cli, flags) : await ofServer(wish, flags)
  const listed = found.filter(isWanted)
  if (cli.json()) return cli.out(`${jsonText({ rules: listed.map(({ object }) => object) })}\n`)
  printTable(
    cli,
    ['rule', 'level', 'kind', 'threat', 'title'],
    listed.map((each) => [each.called, each.level, each.kindShown, each.threat, each.title]),
  )
  cli.note(`${listed.length.toLocaleString('en-US')} of ${plural(all, 'rule')}; ${disabled} disabled.`)
}

async function ofHome(cli: CliContext, flags: ListFlags): Promise<RuleLists> {
  const pack = await packInForce(cli, flags, { examples: false })
  const making = pack.rules.filter(({ feeds }) => !feeds)
  const off = flags.all === true ? [...pack.disabled, ...pack.elsewhere] : []
  const listed = [...(flags.all === true ? pack.rules : making), ...off].map(listedRule)
  const disabled = pack.disabled.filter(({ feeds }) => !feeds).length
  return { listed, all: making.length + disabled, disabled }
}

async function ofServer(wish: ServerWish, flags: ListFlags): Promise<RuleLists> {
  checkPackFlags(flags)
  if (flags.tag !== undefined)
    throw notOnServer('--tag', 'A server tells no tags in a list; `bricktrail rules show` has those of a rule.')
  const { serverRules } = await import('../../remote/rules.ts')
  const { withServer } = await import('../server.ts')
  const rules = await withServer(wish, serverRules)
  const shown = flags.all === true ? rules : rules.filter(({ enabled }) => enabled)
  const listed = shown.map((rule) => {
    const { level, kind, title, threat } = rule
    const { name: called } = rule
    const object = { rule: called, key: rule.id, ...rule }
    return { called, level, kind, kindShown: kind, title, tags: [], object, threat: threat ?? undefined }
  })
  return { listed, all: rules.length, disabled: rules.filter(({ enabled }) => !enabled).length }
}

const listedRule = (each: PackRule): Listed => ({
  called: calledRule(each),
  level: each.level,
  kind: each.rule.kind,
  kindShown: kindOf(each),
  threat: each.content.threat,
  title: each.rule.meta.title,
  tags: each.rule.meta.tags,
  object: ruleObject(each),
})

const kindOf = ({ rule, feeds }: PackRule): string => {
  const kind = rule.kind === 'baseline' || rule.kind === 'correlation' ? `${rule.kind}, ${rule.type}` : rule.kind
  return feeds ? `${kind}, feeds others` : kind
}

function filterOf({ threat, level, tag, kind }: ListFlags): (rule: Listed) => boolean {
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
  return (rule) =>
    isThreat(rule.threat === undefined ? [] : [rule.threat]) &&
    isLevel([rule.level]) &&
    isTagged(rule.tags) &&
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
