/** What `bricktrail alerts` and `bricktrail incidents` have in common. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import type { Alert, AlertFilter, AlertKind } from '../alert/alert.ts'
import type { AlertsFile } from '../alert/alerts-file.ts'
import type { AlertDetail, AlertView } from '../alert/describe.ts'
import { AppError, isAppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { printable } from '../core/printable.ts'
import type { CliContext } from './contract.ts'

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

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    // A user without a name, as in many containers.
    return `user ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Opens the alerts of the home for a moment. @throws AppError NO_LAKE where there is nothing that could have any */
export async function withAlerts<T>(cli: CliContext, work: (file: AlertsFile) => T): Promise<T> {
  const home = cli.home()
  if (!existsSync(home.alerts) && !existsSync(home.lake))
    throw new AppError('NO_LAKE', `There are no alerts in ${home.root}.`, { where: home.root })
  const { AlertsFile: Opened } = await import('../alert/alerts-file.ts')
  const file = Opened.open(home.alerts)
  try {
    return work(file)
  } finally {
    file.close()
  }
}

/** Tells whoever is to be told of what was just done. It is done already; that telling fails is said and no more. */
export async function tellNow(cli: CliContext): Promise<void> {
  const { runAlerts } = await import('../alert/run.ts')
  try {
    await runAlerts(cli.home(), { now: cli.now() })
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    cli.note(`warning: it is done, and nobody is told of it yet: ${cause.message}`)
    cli.note(`hint: ${cause.hint}`)
  }
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
  const { alertsLike } = await import('../alert/alert.ts')
  const { alertView } = await import('../alert/describe.ts')
  const filter = await filterOf(cli, kind, flags)
  const found = await withAlerts(cli, (file) => alertsLike(file, { ...filter, most: filter.most + 1 }))
  const alerts = found.slice(0, filter.most).map(alertView)
  const hasMore = found.length > filter.most
  if (cli.json()) return cli.out(`${JSON.stringify({ [`${kind}s`]: alerts, hasMore })}\n`)
  if (alerts.length === 0) cli.out(`No ${kind}s${filter.which === 'open' ? ' are open' : ''}.\n`)
  for (const alert of alerts) cli.out(`${lineOf(alert)}\n`)
  if (hasMore) cli.note(`hint: there are more; see --limit.`)
}

/** Digits of an id that are shown and enough to type. */
export const SHORT_ID = 8

/** An alert on one line. */
function lineOf({ id, level, status, lastTime, title, entity, assignee, findings, quiet }: AlertView): string {
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
  const { alertNamed } = await import('../alert/alert.ts')
  const { detailOf } = await import('../alert/describe.ts')
  const detail = await withAlerts(cli, (file) => detailOf(file, alertNamed(file, kind, id)))
  if (cli.json()) return cli.out(`${JSON.stringify({ [kind]: detail })}\n`)
  for (const line of detailLines(detail)) cli.out(`${printable(line)}\n`)
}

function detailLines(alert: AlertDetail): string[] {
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
    ...row('counted', alert.counted === 0 ? null : `${alert.counted} findings since it was resolved`),
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

/** Does something to each alert that is named, tells of it, and says what came of it. */
export async function onEach(
  cli: CliContext,
  kind: AlertKind,
  ids: readonly string[],
  {
    work,
    done,
    already,
  }: {
    readonly work: (file: AlertsFile, alert: Alert) => boolean
    readonly done: string
    /** What is said where it was so before. */
    readonly already: string
  },
): Promise<void> {
  const { alertById, alertNamed } = await import('../alert/alert.ts')
  const { alertView } = await import('../alert/describe.ts')
  const results = await withAlerts(cli, (file) =>
    // All or none: a slip in the last name leaves nothing half done.
    file.atOnce(() =>
      ids
        .map((id) => alertNamed(file, kind, id))
        .map((alert) => {
          const isDone = work(file, alert)
          return { isDone, alert: alertView(alertById(file, alert.id) ?? alert) }
        }),
    ),
  )
  if (results.some(({ isDone }) => isDone)) await tellNow(cli)
  if (cli.json()) {
    const changed = results.filter(({ isDone }) => isDone).length
    return cli.out(`${JSON.stringify({ changed, [`${kind}s`]: results.map(({ alert }) => alert) })}\n`)
  }
  for (const { isDone, alert } of results)
    cli.out(`${alert.id.slice(0, SHORT_ID)} ${isDone ? done : already}: ${printable(alert.title)}\n`)
}
