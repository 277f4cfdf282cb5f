/** `bricktrail detect`: runs the rules, over what is new in the home or over any JSON files. */
import type { RecordsReport } from '../../detect/job/over-records.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { alertsAfter, alertsText, detectionText, noteDetection } from '../detection.ts'

interface Flags {
  readonly rebuild?: boolean
  readonly input?: readonly string[]
  readonly rules?: readonly string[]
  readonly pipeline?: readonly string[]
  readonly timeField?: string
  readonly format: string
}

/** Adds `detect`. */
export const registerDetect: RegisterCommand = (program, cli) => {
  program
    .command('detect')
    .description('run the rules over what is new in the lake, or with --input over any JSON logs')
    .option('--rebuild', 'work out again what detection remembers; what was told stays told')
    .option('--input <files...>', 'JSON lines or lists of records, instead of the lake; .gz too')
    .option('--rules <paths...>', 'folders or files of Sigma rules; with --input')
    .option('--pipeline <files...>', 'processing pipelines for these rules; with --input')
    .option('--time-field <name>', 'where the records have their time; with --input')
    .option('--format <format>', 'table, json or ndjson; with --input', 'table')
    .action((flags: Flags) => (flags.input === undefined ? detectHome(cli, flags) : detectFiles(cli, flags)))
}

async function detectHome(cli: CliContext, flags: Flags): Promise<void> {
  const { AppError } = await import('../../core/errors.ts')
  const stray = (['rules', 'pipeline', 'timeField'] as const).find((name) => flags[name] !== undefined)
  if (stray !== undefined) {
    throw new AppError('BAD_ARGUMENT', `--${stray === 'timeField' ? 'time-field' : stray} goes with --input.`, {
      hint: "Rules for the lake are named in the home's detect.yaml: docs/how-to/tune-rules.md.",
    })
  }
  const { DetectAfterwards } = await import('../../detect/job/after-ingestion.ts')
  const { withSealing } = await import('../sealing.ts')
  const progress = cli.progress('detecting')
  const detect = new DetectAfterwards(() => cli.now(), {
    clock: true,
    ...(flags.rebuild === true ? { rebuild: true } : {}),
    onProgress: (done, total) => progress.update(done, total),
  })
  try {
    await withSealing(cli, async (sealing, { home, engine, tables }) => {
      const tableOf = (name: string) => {
        const table = tables.find(({ spec }) => spec.name === name)
        if (table === undefined) throw new TypeError(`There is no table ${name}.`)
        return table
      }
      await detect.afterwards({ home, engine, events: tableOf('events'), findings: tableOf('findings'), sealing })
      await sealing.follow()
    })
  } finally {
    progress.stop()
  }
  const { followed } = detect
  if (followed === undefined) return
  if ('error' in followed) throw followed.error
  const alerts = await alertsAfter(cli, cli.home(), followed)
  const whole = { ...followed.report, ...(alerts === undefined ? {} : { alerts }) }
  const text = `${detectionText(followed.report)}${alerts === undefined ? '' : alertsText(alerts)}`
  cli.out(cli.json() ? `${JSON.stringify(whole)}\n` : text)
  noteDetection(cli, followed.report)
}

async function detectFiles(cli: CliContext, flags: Flags): Promise<void> {
  const { AppError, EXIT } = await import('../../core/errors.ts')
  const { input = [], rules = [], pipeline = [] } = flags
  if (rules.length === 0) throw new AppError('BAD_ARGUMENT', '--input needs rules.', { hint: 'Add --rules FOLDER.' })
  const { formatOf } = await import('../answers.ts')
  const format = formatOf(flags.format, ['table', 'json', 'ndjson'] as const)
  const { detectRecords } = await import('../../detect/job/over-records.ts')
  const { Engine } = await import('../../engine/duckdb.ts')
  const { jsonText } = await import('../../core/printable.ts')
  const engine = await Engine.open()
  try {
    const report = await detectRecords(engine, { files: input, rules, pipelines: pipeline, timeField: flags.timeField })
    if (report.rules === 0) {
      noteDetection(cli, report)
      throw new AppError('BAD_ARGUMENT', 'None of the rules could be used, so nothing was looked for.', {
        hint: 'Name a folder with Sigma rules (.yml); `bricktrail rules lint FOLDER` tells what is wrong with those that are there.',
      })
    }
    if (cli.json()) cli.out(`${jsonText(report)}\n`)
    else if (format === 'json') cli.out(`${jsonText(report.findings)}\n`)
    else if (format === 'ndjson') cli.out(report.findings.map((finding) => `${jsonText(finding)}\n`).join(''))
    else await printFindings(cli, report.findings)
    noteDetection(cli, report)
    await noteRecords(cli, report)
    if (report.findings.length > 0) cli.exit(EXIT.findings)
  } finally {
    engine.close()
  }
}

/** Says how much was looked at, and what of it could not be. */
async function noteRecords(cli: CliContext, report: RecordsReport): Promise<void> {
  const { plural } = await import('../rules/pack.ts')
  const { printable } = await import('../../core/printable.ts')
  const { records, timeless, unreadable, damaged, seconds } = report
  cli.note(
    `${plural(report.findings.length, 'finding')} of ${plural(report.rules, 'rule')} in ${plural(records, 'record')}, ${seconds.toFixed(1)} s`,
  )
  for (const { file, why } of damaged)
    cli.note(
      `warning: ${printable(file)} cannot be read to its end (${printable(why)}); what is whole before it was looked at. Fetch it again.`,
    )
  if (unreadable > 0)
    cli.note(
      `warning: ${plural(unreadable, 'line')} ${unreadable === 1 ? 'is' : 'are'} no JSON object and ${unreadable === 1 ? 'was' : 'were'} passed by.`,
    )
  if (timeless > 0)
    cli.note(
      `warning: ${plural(timeless, 'record')} ${timeless === 1 ? 'has' : 'have'} no time that can be read, and rules about what happens within a time do not see ${timeless === 1 ? 'it' : 'them'}; name the field of times with --time-field.`,
    )
}

async function printFindings(cli: CliContext, findings: readonly Record<string, unknown>[]): Promise<void> {
  if (findings.length === 0) return cli.out('No findings.\n')
  const { printTable } = await import('../table.ts')
  const names = ['level', 'title', 'entity', 'events', 'first', 'last', 'why', 'event_ids']
  const rows = findings.map((finding) => [
    finding.level,
    finding.title,
    finding.entity,
    finding.events,
    finding.first_time,
    finding.last_time,
    whyText(finding.explanation),
    Array.isArray(finding.event_ids) ? finding.event_ids.slice(0, 3).join(' ') : '',
  ])
  printTable(cli, names, rows, ['events'])
}

function whyText(explanation: unknown): string {
  const reasons: readonly { field: string; value: string | null }[] = Array.isArray(explanation) ? explanation : []
  return reasons.map(({ field, value }) => `${field || 'text'}=${value ?? ''}`).join(', ')
}
