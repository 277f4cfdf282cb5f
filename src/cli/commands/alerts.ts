/** `bricktrail alerts`: what was found, who looks into it, and what became of it. */
import type { Command } from 'commander'
import { AppError } from '../../core/errors.ts'
import { jsonText } from '../../core/printable.ts'
import { addDeeds } from '../alert-deeds.ts'
import {
  type DeedFlags,
  type ListFlags,
  list,
  SHORT_ID,
  show,
  withAlertBook,
  withListOptions,
  wordOf,
} from '../alerting.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { noteSetAside } from '../detection.ts'
import { notOnServer } from '../server-wish.ts'

/** Adds `alerts` and its commands. */
export const registerAlerts: RegisterCommand = (program, cli) => {
  const alerts = program.command('alerts').description('list alerts, and say who looks into them and what they were')
  addLooking(alerts, cli)
  addDeeds(alerts, cli, 'alert')
  addSilences(alerts, cli)
}

function addLooking(alerts: Command, cli: CliContext): void {
  withListOptions(alerts.command('list').description('list open alerts, the most severe first')).action(
    (flags: ListFlags) => list(cli, 'alert', flags),
  )
  alerts
    .command('show')
    .description('show one alert with its reasons, findings and history')
    .argument('<id>', 'the first digits of its id')
    .action((id: string) => show(cli, 'alert', id))
  alerts
    .command('run')
    .description('take in new findings, and tell the destinations of alerts.yaml what is due')
    .action(() => run(cli))
}

interface SilenceFlags extends DeedFlags {
  readonly for?: string
  readonly until?: string
  readonly reason?: string
  readonly rule?: string
  readonly entity?: string
  readonly level?: string
  readonly threat?: string
  readonly tag?: string
  readonly workspace?: string
}

function addSilences(alerts: Command, cli: CliContext): void {
  alerts
    .command('silence')
    .description('tell nobody of one alert, or of all that are alike, for a while')
    .argument('[id]', 'an alert: its rule and who it is about')
    .option('--for <time>', 'how long, such as 2h')
    .option('--until <time>', 'until when')
    .requiredOption('--reason <text>', 'why')
    .option('--rule <pattern>', 'id, name or title of the rule; * and ? stand for anything')
    .option('--entity <pattern>', 'who or what it is about')
    .option('--level <level>', 'only this level')
    .option('--threat <pattern>', 'kind of threat')
    .option('--tag <pattern>', 'tag of the rule')
    .option('--workspace <pattern>', 'id of a workspace')
    .option('--as <name>', 'who does it; the user of the system where absent')
    .action((id: string | undefined, flags: SilenceFlags) => silence(cli, id, flags))
  alerts
    .command('silences')
    .description('list silences in force')
    .option('--all', 'those that are over too')
    .action((flags: { all?: boolean }) => silences(cli, flags))
  alerts
    .command('unsilence')
    .description('end a silence now')
    .argument('<id>', 'the first digits of its id')
    .action((id: string) => unsilence(cli, id))
}

async function run(cli: CliContext): Promise<void> {
  const { runAlerts } = await import('../../alert/run.ts')
  // A home that is not there is a slip, not a place for a new one.
  const { withAlerts } = await import('../home/alerts.ts')
  withAlerts(cli, () => undefined)
  const report = await runAlerts(cli.home(), { now: cli.now() })
  if (cli.json()) {
    const { nextMs, ...counts } = report
    return cli.out(
      `${JSON.stringify({ ...counts, next: nextMs === undefined ? null : new Date(nextMs).toISOString() })}\n`,
    )
  }
  const { findings, opened, reopened, incidents, history, messages } = report
  cli.out(`${findings} new findings: ${opened} alerts opened, ${reopened} reopened, ${incidents} incidents.\n`)
  if (history > 0)
    cli.out(
      `${history} of them are about evidence older than \`history_after\`: they are listed, and nobody is told.\n`,
    )
  cli.out(`${messages} messages are in the queue.\n`)
  noteSetAside(cli, report)
  if (messages > 0) cli.note('hint: `bricktrail deliver drain` sends them.')
}

async function endOf(cli: CliContext, flags: SilenceFlags): Promise<number> {
  const { parseDuration, parseTime } = await import('../../ask/times.ts')
  const { LONGEST_SILENCE_MS } = await import('../../alert/silences.ts')
  if ((flags.for === undefined) === (flags.until === undefined))
    throw new AppError('BAD_ARGUMENT', 'A silence has an end.', { hint: 'Add --for 2h, or --until TIME.' })
  const now = cli.now()
  const endsMs =
    flags.for === undefined ? parseTime(flags.until ?? '', now).getTime() : now.getTime() + parseDuration(flags.for)
  if (endsMs > now.getTime() && endsMs <= now.getTime() + LONGEST_SILENCE_MS) return endsMs
  throw new AppError('BAD_ARGUMENT', 'A silence ends in the future, and lasts a year at most.', {
    hint: 'To be told nothing of a rule for good, disable it in detect.yaml.',
  })
}

async function silence(cli: CliContext, id: string | undefined, flags: SilenceFlags): Promise<void> {
  const { LEVELS } = await import('../../detect/sigma/rule.ts')
  const { printable } = await import('../../core/printable.ts')
  const endsMs = await endOf(cli, flags)
  const { rule, entity, level, threat, tag, workspace, reason = '' } = flags
  if (cli.server() !== undefined) checkSilenceOnServer(flags)
  const matcher = {
    ...(rule === undefined ? {} : { rule: [rule] }),
    ...(entity === undefined ? {} : { entity: [entity] }),
    ...(level === undefined ? {} : { level: [wordOf('--level', level, LEVELS)] }),
    ...(threat === undefined ? {} : { threat: [threat] }),
    ...(tag === undefined ? {} : { tag: [tag] }),
    ...(workspace === undefined ? {} : { workspace: [workspace] }),
  }
  const wish = { matcher, endsMs, reason, ...(id === undefined ? {} : { alert: id }) }
  const made = await withAlertBook(cli, flags, (book) => book.silence(wish))
  if (cli.json()) return cli.out(`${jsonText({ silence: made })}\n`)
  cli.out(`${printable(`Silence ${made.id} until ${made.ends}: ${made.about}`)}\n`)
}

/** A server silences by rule and entity. */
function checkSilenceOnServer(flags: SilenceFlags): void {
  for (const option of ['level', 'threat', 'tag', 'workspace'] as const) {
    if (flags[option] !== undefined)
      throw notOnServer(`--${option}`, 'A server silences an alert, --rule or --entity; the rest is done on its home.')
  }
}

async function silences(cli: CliContext, flags: { all?: boolean }): Promise<void> {
  const { printable } = await import('../../core/printable.ts')
  const found = await withAlertBook(cli, {}, (book) => book.silences())
  const shown = found.filter(({ inForce }) => flags.all === true || inForce)
  if (cli.json()) return cli.out(`${jsonText({ silences: shown })}\n`)
  if (shown.length === 0) return cli.out('No silences are in force.\n')
  for (const { id, about, who, reason, ends, quieted } of shown)
    cli.out(printable(`${id}  until ${ends}  ${about}  by ${who}: ${reason}  (kept ${quieted} quiet)`).concat('\n'))
}

async function unsilence(cli: CliContext, id: string): Promise<void> {
  const ended = await withAlertBook(cli, {}, (book) => book.unsilence(id))
  if (cli.json()) return cli.out(`${jsonText({ silence: ended })}\n`)
  cli.out(`Silence ${ended.id.slice(0, SHORT_ID)} is over.\n`)
}
