/** What `bricktrail alerts` and `bricktrail incidents` have in common. */
import type { Command } from 'commander'
import type { AlertFilter, AlertKind } from '../alert/alert.ts'
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { jsonText, printable } from '../core/printable.ts'
import { systemUser } from '../core/system-user.ts'
import type { AlertBook, AlertLine, AlertWhole } from '../remote/contract.ts'
import type { AlertDeed } from '../serve/shapes/alerts.ts'
import type { CliContext } from './contract.ts'
import { notOnServer } from './server-wish.ts'

/** Flags of everything that is done to an alert. */
export interface DeedFlags {
  readonly as?: string
  readonly note?: string
}

/** Flags of `list`. */
export interface ListFlags {
  readonly all?: boolean
  readonly resolved?: boolean
  readonly state?: string
  readonly level?: string
  readonly rule?: string
  readonly entity?: string
  readonly assignee?: string
  readonly quiet?: boolean
  readonly since?: string
  readonly limit: string
}

/** Adds `--as` and `--note`. */
export const withDeedOptions = (command: Command): Command =>
  command
    .option('--as <name>', 'who does it; the user of the system where absent')
    .option('--note <text>', 'why, for the history')

/** Who does it. */
export const whoOf = ({ as }: { readonly as?: string }): string => {
  const name = as?.trim() ?? systemUser()
  if (name === '') throw new AppError('BAD_ARGUMENT', '--as names nobody.', { hint: 'Give a name, such as --as ana.' })
  return name
}

/**
 * The alerts of the home or server that is named.
 * @throws AppError BAD_ARGUMENT for --as where a server is asked: it knows whose token it is
 */
export async function withAlertBook<T>(
  cli: CliContext,
  flags: { readonly as?: string },
  work: (book: AlertBook) => Promise<T>,
): Promise<T> {
  const wish = cli.server()
  if (wish === undefined) {
    const { HomeAlerts } = await import('./home/alerts.ts')
    return work(new HomeAlerts(cli, whoOf(flags)))
  }
  if (flags.as !== undefined) throw notOnServer('--as', 'A server does it in the name of the token; leave --as away.')
  const { withServer } = await import('./server.ts')
  const { ServerAlerts } = await import('../remote/alerts.ts')
  return withServer(wish, (api) => work(new ServerAlerts(api, () => cli.now())))
}

const FEWEST_IN_WORD = 3

/** One of some words, spaces and dashes as they come. @throws AppError BAD_ARGUMENT */
export function wordOf<T extends string>(option: string, text: string, words: readonly T[]): T {
  const plain = (word: string) => word.toLowerCase().replaceAll(/[-\s]/g, '_')
  const found = words.find((word) => plain(word) === plain(text))
  if (found !== undefined) return found
  const [near] = text.length < FEWEST_IN_WORD ? [] : nearest(text, words)
  throw new AppError('BAD_ARGUMENT', `${option} takes no "${text}".`, {
    hint: near === undefined ? `Use one of ${words.join(', ')}.` : `Did you mean ${near}?`,
  })
}

/** More than there are. */
const NO_LIMIT = 1_000_000_000

/** What `list` was asked for. */
export async function filterOf(cli: CliContext, kind: AlertKind, flags: ListFlags): Promise<AlertFilter> {
  const { STATES } = await import('../alert/state.ts')
  const { LEVELS } = await import('../detect/sigma/rule.ts')
  const { parseTime } = await import('../ask/times.ts')
  const { wholeNumber } = await import('./numbers.ts')
  const { state, level, rule, entity, assignee, quiet, since } = flags
  const states = state?.split(',').map((word) => wordOf('--state', word.trim(), STATES)) ?? []
  const which = flags.all === true || states.length > 0 ? 'all' : flags.resolved === true ? 'resolved' : 'open'
  return {
    kind,
    which,
    states,
    most: wholeNumber('--limit', flags.limit) || NO_LIMIT,
    ...(level === undefined ? {} : { atLeast: LEVELS.indexOf(wordOf('--level', level, LEVELS)) }),
    ...(rule === undefined ? {} : { rule }),
    ...(entity === undefined ? {} : { entity }),
    ...(assignee === undefined ? {} : { assignee }),
    ...(quiet === undefined ? {} : { quiet }),
    ...(since === undefined ? {} : { sinceMs: parseTime(since, cli.now()).getTime() }),
  }
}

/** Adds the options of `list`. */
export const withListOptions = (command: Command): Command =>
  command
    .option('--all', 'resolved ones too')
    .option('--resolved', 'only resolved ones')
    .option('--state <states>', 'new, acknowledged, in-progress, resolved or reopened; several with commas')
    .option('--level <level>', 'this level or above')
    .option('--rule <text>', 'part of the id, name or title of the rule')
    .option('--entity <text>', 'part of who or what it is about')
    .option('--assignee <name>', 'given to them')
    .option('--quiet', 'only what nobody was told of')
    .option('--since <time>', 'with evidence since then, such as 2h ago')
    .option('--limit <n>', 'at most so many; 0 for all', '50')

/** `list`. */
export async function list(cli: CliContext, kind: AlertKind, flags: ListFlags): Promise<void> {
  const filter = await filterOf(cli, kind, flags)
  const { alerts, hasMore } = await withAlertBook(cli, {}, (book) => book.list(filter))
  if (cli.json()) return cli.out(`${jsonText({ [`${kind}s`]: alerts, hasMore })}\n`)
  if (alerts.length === 0) cli.out(`No ${kind}s${filter.which === 'open' ? ' are open' : ''}.\n`)
  for (const alert of alerts) cli.out(`${lineOf(alert)}\n`)
  if (hasMore) cli.note(`hint: there are more; see --limit.`)
}

/** Digits of an id that are shown and enough to type. */
export const SHORT_ID = 8

/** An alert on one line. */
function lineOf({ id, level, status, lastTime, title, entity, assignee, findings, quiet }: AlertLine): string {
  const who = assignee === null ? '' : `  @${assignee}`
  const more = findings > 1 ? `  (${findings} findings)` : ''
  const hush = quiet === null ? '' : '  [quiet]'
  const about = entity.value === '' || title.endsWith(entity.value) ? '' : `  ${entity.value}`
  return printable(
    `${id.slice(0, SHORT_ID)}  ${level.padEnd(13)} ${status.padEnd(12)}  ${minute(lastTime)}  ${title}${about}${more}${who}${hush}`,
  )
}

const minute = (time: string): string => `${time.slice(0, 16).replace('T', ' ')}Z`

/** `show`. */
export async function show(cli: CliContext, kind: AlertKind, id: string): Promise<void> {
  const detail = await withAlertBook(cli, {}, (book) => book.one(kind, id))
  if (cli.json()) return cli.out(`${jsonText({ [kind]: detail })}\n`)
  for (const line of detailLines(detail)) cli.out(`${printable(line)}\n`)
}

function detailLines(alert: AlertWhole): string[] {
  const row = (name: string, value: string | null | undefined) =>
    value === null || value === undefined || value === '' ? [] : [`  ${name.padEnd(10)} ${value}`]
  const lines = [
    `${alert.id}  ${alert.title}`,
    `  ${alert.summary}`,
    ...row('level', alert.level),
    ...row('status', alert.status),
    ...row('assignee', alert.assignee),
    ...row('about', `${alert.entity.value} (${alert.entity.field})`),
    ...row('rule', alert.kind === 'alert' ? `${alert.rule.title} (${alert.rule.id})` : null),
    ...row('threat', alert.threat),
    ...row('risk', alert.risk === null ? null : `${alert.risk.score}; tactics: ${alert.risk.tactics.join(', ')}`),
    ...row(
      'evidence',
      `${alert.events} events, ${alert.findings} findings, ${minute(alert.firstTime)} to ${minute(alert.lastTime)}`,
    ),
    ...row('quiet', alert.quiet),
    ...row('counted', (alert.counted ?? 0) === 0 ? null : `${alert.counted} findings since it was resolved`),
    ...row('workspaces', alert.workspaces.join(', ')),
    ...row('assets', alert.assets.join(', ')),
  ]
  const part = (title: string, entries: readonly string[]) =>
    entries.length === 0 ? [] : ['', title, ...entries.map((entry) => `  ${entry}`)]
  return [
    ...lines,
    ...part('because', alert.because),
    ...part(
      'timeline',
      alert.timeline.map(
        (each) =>
          `${minute(each.time)}  ${each.score}  ${each.summary.startsWith(each.title) ? '' : `${each.title}: `}${each.summary}`,
      ),
    ),
    ...part('alerts', alert.alerts.map(lineOf)),
    ...part(
      'findings',
      alert.findingList.slice(0, 20).map((each) => `${minute(each.lastTime)}  ${each.id}  ${each.summary}`),
    ),
    ...part(
      'history',
      alert.history.map(
        ({ time, who, what, why }) => `${minute(time)}  ${who}: ${what}${why === null ? '' : ` (${why})`}`,
      ),
    ),
  ]
}

/** What is said of a deed. */
export interface DeedWords {
  readonly done: string
  /** Where it was so before. */
  readonly already: string
}

/** Does something to each alert that is named, and says what came of it. */
export async function onEach(
  cli: CliContext,
  kind: AlertKind,
  ids: readonly string[],
  { deed, flags, words }: { readonly deed: AlertDeed; readonly flags: DeedFlags; readonly words: DeedWords },
): Promise<void> {
  const results = await withAlertBook(cli, flags, (book) => book.act(kind, ids, deed))
  if (cli.json()) {
    const changed = results.filter(({ isDone }) => isDone).length
    return cli.out(`${jsonText({ changed, [`${kind}s`]: results.map(({ alert }) => alert) })}\n`)
  }
  for (const { isDone, alert } of results)
    cli.out(`${alert.id.slice(0, SHORT_ID)} ${isDone ? words.done : words.already}: ${printable(alert.title)}\n`)
}
