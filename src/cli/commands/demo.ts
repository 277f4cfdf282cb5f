/** `bricktrail demo [PATH]`: the main job in one go, on a simulated account or on the user's own logs. */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { relative } from 'node:path'
import type { Command } from 'commander'
import type { OverviewAnswer } from '../../ask/overview.ts'
import { AppError } from '../../core/errors.ts'
import { DEFAULT_HOME, type Home, homeAt } from '../../core/home.ts'
import type { Followed } from '../../detect/job/after-ingestion.ts'
import type { IngestReport } from '../../ingest/ingest.ts'
import type { SimulateOptions } from '../../simulate/options.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { claimForDemo, demoLogs, refuseDemoHome, removeLeftoverLogs } from '../demo-home.ts'
import { alertsAfter, noteFollowed } from '../detection.ts'
import { wholeNumber } from '../numbers.ts'
import { noteUnreadable, reportText } from './ingest.ts'
import { scenariosOf } from './simulate.ts'

interface Flags {
  readonly events: string
  readonly days: string
  readonly seed: string
  readonly scenarios: string
  readonly serve?: boolean
}

/** Of the account to simulate, what a user may choose. */
type Wanted = Pick<SimulateOptions, 'events' | 'days' | 'seed' | 'scenarios'>

/** Enough for every scenario, a week's rhythm and a few seconds. */
const DEMO = { events: '200000', days: '7', seed: '1' } as const

/** Adds `demo`. */
export const registerDemo: RegisterCommand = (program, cli) => {
  program
    .command('demo')
    .description('ingest a simulated account (or the logs at PATH) and show what an admin wants to see first')
    .argument('[path]', 'your own logs: file, folder, glob or -')
    .option('--events <n>', 'events to simulate', DEMO.events)
    .option('--days <d>', 'days they span', DEMO.days)
    .option('--seed <s>', 'the same seed gives the same account', DEMO.seed)
    .option('--scenarios <list>', 'attacks: all, none, or ids separated by commas', 'all')
    .option('--serve', 'then serve what was ingested, with its page, until Ctrl-C')
    .option('--no-serve', 'end after that, as is usual; also where BRICKTRAIL_DEMO_EXIT is set')
    .action(async (path: string | undefined, flags: Flags, command: Command) => {
      if (path !== undefined) refuseSimulating(command)
      await demo(cli, path, flags)
      // A program that asked for JSON wants one object, and its end.
      if (flags.serve === true && !cli.json() && !process.env.BRICKTRAIL_DEMO_EXIT) await serveDemo(cli, path)
    })
}

/** Serves on the usual port, or on any where that one is taken. The simulated account is nobody's, so its link may be printed anywhere. */
async function serveDemo(cli: CliContext, path: string | undefined): Promise<void> {
  const { serve } = await import('./serve.ts')
  cli.out('\n')
  const [home, flags] = path === undefined ? [cli.demoHome(), { link: true }] : [cli.home(), {}]
  await serve(cli, home, { ...flags, orAnyPort: true })
}

/** What would be passed over in silence looks as if it had been done. */
function refuseSimulating(command: Command): void {
  const given = command.options
    .filter((option) => option.attributeName() in DEMO || option.attributeName() === 'scenarios')
    .find((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
  if (given === undefined) return
  throw new AppError('BAD_ARGUMENT', `${given.long} is about the simulated account, and a path names your own logs.`, {
    hint: `Leave ${given.long} away, or the path.`,
  })
}

async function demo(cli: CliContext, path: string | undefined, flags: Flags): Promise<void> {
  if (path !== undefined) {
    const home = cli.home()
    refuseDemoHome(home)
    return ingestAndShow(cli, home, path)
  }
  const wanted = {
    events: wholeNumber('--events', flags.events),
    days: wholeNumber('--days', flags.days),
    seed: wholeNumber('--seed', flags.seed),
    scenarios: scenariosOf(flags.scenarios),
  }
  const home = cli.demoHome()
  await claimForDemo(home)
  await removeLeftoverLogs(home)
  const logs = demoLogs(home, randomUUID())
  try {
    await simulateInto(cli, logs, wanted)
    await ingestAndShow(cli, home, logs)
  } finally {
    await rm(logs, { recursive: true, force: true })
  }
}

async function ingestAndShow(cli: CliContext, home: Home, logs: string): Promise<void> {
  const { ingest } = await import('../../ingest/ingest.ts')
  const { DetectAfterwards } = await import('../../detect/job/after-ingestion.ts')
  const detect = new DetectAfterwards(() => cli.now())
  const progress = cli.progress('ingesting')
  const report = await ingest({
    home,
    afterwards: detect.afterwards,
    specs: [logs],
    form: 'auto',
    stdin: cli.stdin,
    now: () => cli.now(),
    onWait: () => cli.note('Another bricktrail process is writing to this home; waiting for it.'),
    onProgress: (done, total, note) => progress.update(done, total, note),
  }).finally(() => progress.stop())
  await show(cli, home, report, detect.followed)
  noteUnreadable(cli, report)
  noteFollowed(cli, detect.followed)
}

async function simulateInto(cli: CliContext, out: string, wanted: Wanted): Promise<void> {
  const { SIMULATE_DEFAULTS, simulate } = await import('../../simulate/simulate.ts')
  const progress = cli.progress('simulating')
  const report = await simulate({
    ...SIMULATE_DEFAULTS,
    out,
    ...wanted,
    form: 'delivery',
    gzip: true,
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  if (!cli.json()) {
    cli.out(
      `Simulated a Databricks account: ${report.events.toLocaleString('en-US')} events in ${report.files} log files, `,
    )
    cli.out(`${report.scenarios} attacks among them (${report.seconds.toFixed(1)} s).\n\n`)
  }
}

async function show(cli: CliContext, home: Home, report: IngestReport, followed: Followed | undefined): Promise<void> {
  const alerts = await alertsAfter(cli, home, followed)
  const found = followed !== undefined && 'report' in followed ? followed.report : undefined
  const { openLakeSandbox } = await import('../../ask/lake-relations.ts')
  const { overview } = await import('../../ask/overview.ts')
  const { sealState } = await import('../../ask/seal-state.ts')
  const sandbox = await openLakeSandbox(home)
  try {
    const answers = await overview(sandbox)
    const { lake } = home
    const { size: leaves } = await sealState(home)
    if (cli.json()) {
      const sections = Object.fromEntries(answers.map(({ id, columns, rows }) => [id, asObjects(columns, rows)]))
      cli.out(
        `${JSON.stringify({ ingest: report, ...(found === undefined ? {} : { detection: found }), ...(alerts === undefined ? {} : { alerts }), ...sections, lake, leaves: Number(leaves) })}\n`,
      )
      return
    }
    cli.out(reportText(report, found, alerts))
    for (const answer of answers) await section(cli, answer)
    cli.out(`\nThe lake is ${lake}: Delta tables that Spark, Databricks, Trino, Polars and DuckDB read as they are.\n`)
    const bricktrail = `npx bricktrail ${homeOption(home)}`
    cli.out(
      `Ask it:  ${bricktrail}events --category permission\n         ${bricktrail}findings --level high\n         ${bricktrail}query "SELECT …"\n`,
    )
    cli.out(`It is sealed: ${leaves} leaves of a signed log tell of every file. Check it:  ${bricktrail}verify\n`)
  } finally {
    await sandbox.close()
  }
}

/** How the next command line names this home; nothing where it is taken anyway. */
function homeOption({ root }: Home): string {
  if (root === homeAt(process.env.BRICKTRAIL_HOME || DEFAULT_HOME).root) return ''
  const path = relative('', root) || '.'
  return `--home ${/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`} `
}

const asObjects = (columns: OverviewAnswer['columns'], rows: OverviewAnswer['rows']) =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, row[at]])))

async function section(cli: CliContext, { title, columns, rows, none }: OverviewAnswer): Promise<void> {
  const { headLines, layTable, rowLine } = await import('../../ask/table.ts')
  cli.out(`\n${title}\n`)
  if (rows.length === 0) {
    cli.out(`  ${none}\n`)
    return
  }
  const width = cli.tty ? (process.stdout.columns ?? 120) - 2 : 118
  const shown = columns.map(({ name, type }) => ({ name, numeric: /INT$|DOUBLE/.test(type) }))
  const layout = layTable(shown, rows, width)
  for (const line of headLines(layout).trimEnd().split('\n')) cli.out(`  ${line}\n`)
  for (const row of rows) cli.out(`  ${rowLine(layout, row).trimEnd()}\n`)
}
