/** `bricktrail demo [PATH]`: the main job in one go, on a simulated account or on the user's own logs. */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OverviewAnswer } from '../../ask/overview.ts'
import type { Sandbox } from '../../engine/sandbox.ts'
import type { IngestReport } from '../../ingest/ingest.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { wholeNumber } from '../numbers.ts'
import { reportText } from './ingest.ts'

interface Flags {
  readonly events: string
  readonly days: string
  readonly seed: string
}

/** Enough for every scenario, a week's rhythm and a few seconds. */
const DEMO = { events: '200000', days: '7', seed: '1' } as const

/** Begin of the name of the folder that holds the simulated logs while they are read. */
const DEMO_LOGS = 'demo-logs-'

/** Adds `demo`. */
export const registerDemo: RegisterCommand = (program, cli) => {
  program
    .command('demo')
    .description('ingest a simulated account (or the logs at PATH) and show what an admin wants to see first')
    .argument('[path]', 'your own logs: file, folder, glob or -')
    .option('--events <n>', 'events to simulate', DEMO.events)
    .option('--days <d>', 'days they span', DEMO.days)
    .option('--seed <s>', 'the same seed gives the same account', DEMO.seed)
    .action((path: string | undefined, flags: Flags) => demo(cli, path, flags))
}

async function demo(cli: CliContext, path: string | undefined, flags: Flags): Promise<void> {
  const home = cli.home()
  const logs = path ?? join(home.root, `${DEMO_LOGS}${randomUUID()}`)
  try {
    if (path === undefined) await simulateInto(cli, logs, flags)
    const { ingest } = await import('../../ingest/ingest.ts')
    const progress = cli.progress('ingesting')
    const report = await ingest({
      home,
      specs: [logs],
      form: 'auto',
      stdin: cli.stdin,
      now: () => cli.now(),
      onWait: () => cli.note('Another bricktrail process is writing to this home; waiting for it.'),
      onProgress: (done, total, note) => progress.update(done, total, note),
    }).finally(() => progress.stop())
    await show(cli, report, path === undefined)
  } finally {
    if (path === undefined) await rm(logs, { recursive: true, force: true })
  }
}

async function simulateInto(cli: CliContext, out: string, flags: Flags): Promise<void> {
  const { SIMULATE_DEFAULTS, simulate } = await import('../../simulate/simulate.ts')
  const progress = cli.progress('simulating')
  const report = await simulate({
    ...SIMULATE_DEFAULTS,
    out,
    events: wholeNumber('--events', flags.events),
    days: wholeNumber('--days', flags.days),
    seed: wholeNumber('--seed', flags.seed),
    form: 'delivery',
    gzip: true,
    scenarios: 'all',
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  if (!cli.json()) {
    cli.out(
      `Simulated a Databricks account: ${report.events.toLocaleString('en-US')} events in ${report.files} log files, `,
    )
    cli.out(`${report.scenarios} attacks among them (${report.seconds.toFixed(1)} s).\n\n`)
  }
}

async function show(cli: CliContext, report: IngestReport, simulated: boolean): Promise<void> {
  const { openLakeSandbox } = await import('../../ask/lake-relations.ts')
  const { overview } = await import('../../ask/overview.ts')
  const sandbox = await openLakeSandbox(cli.home())
  try {
    const answers = await overview(sandbox)
    const lake = cli.home().lake
    if (cli.json()) {
      const sections = Object.fromEntries(answers.map(({ id, columns, rows }) => [id, asObjects(columns, rows)]))
      cli.out(`${JSON.stringify({ ingest: report, ...sections, lake })}\n`)
      return
    }
    cli.out(reportText(report))
    for (const answer of answers) await section(cli, answer)
    if (!simulated && (await holdsDemo(sandbox))) {
      cli.out(
        '\nThis home holds the simulated account of an earlier demo too: name another with --home DIR to see your logs alone.\n',
      )
    }
    cli.out(`\nThe lake is ${lake}: Delta tables that Spark, Databricks, Trino, Polars and DuckDB read as they are.\n`)
    cli.out('Ask it:  npx bricktrail events --category permission    or    npx bricktrail query "SELECT …"\n')
  } finally {
    await sandbox.close()
  }
}

async function holdsDemo(sandbox: Sandbox): Promise<boolean> {
  const { rows } = await sandbox.query(`SELECT 1 FROM events WHERE contains(source_object, '${DEMO_LOGS}') LIMIT 1`)
  return rows.length > 0
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
