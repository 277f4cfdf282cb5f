/** `bricktrail export`: the events of a home as files that other systems read. */
import type { Engine } from '../../engine/duckdb.ts'
import type { ExportFormat } from '../../export/contract.ts'
import type { ExportTarget } from '../../export/target.ts'
import type { DayRelation, ExportedFile } from '../../export/write.ts'
import type { DataFile } from '../../lake/table.ts'
import type { CliContext, Progress, RegisterCommand, ServerWish } from '../contract.ts'
import type { ExportFlags } from '../export-over-server.ts'
import { refuseOutInHome } from '../out-path.ts'

/** OCSF needs about 300 MB a thread: JSON is made in arenas that hold a vector of whole events. */
const MEMORY_PER_THREAD_MB = 400
/** More threads than this only fill the disk's queue. */
const MAX_THREADS = 4

/** Adds `export`. */
export const registerExport: RegisterCommand = (program, cli) => {
  program
    .command('export')
    .description('write events as files for other systems')
    .requiredOption(
      '--format <format>',
      'uam, ocsf, system-table, raw, cef, csv or parquet; of a server csv, parquet or ndjson',
    )
    .requiredOption('--out <path>', 'file, or folder for one file a day, or - for standard output; .gz compresses')
    .option('--from <time>', 'not before: ISO, "2h ago", "yesterday", 2026-11; UTC')
    .option('--to <time>', 'not after; a day or month is included')
    .option('--gzip', 'compress each file')
    .option('--safe-csv', 'make CSV cells harmless that a spreadsheet would run as formulas', true)
    .option('--no-safe-csv', 'leave such cells as they are')
    .option('--validate', 'check a sample of the events against the OCSF schema first (ocsf only)')
    .action(async (flags: ExportFlags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) => exportEvents(cli, flags, signal))
    })
}

async function exportEvents(cli: CliContext, flags: ExportFlags, signal: AbortSignal): Promise<void> {
  if (flags.out !== '-') await refuseOutInHome(cli, flags.out)
  const wish = cli.server()
  if (wish !== undefined) return exportFromServer(cli, wish, flags, signal)
  const { exportTarget } = await import('../../export/target.ts')
  const format = await formatOf(flags)
  const target = exportTarget(format, flags.out, flags.gzip === true)
  if (target.kind === 'stream') await checkStream(cli, flags)
  const chosen = await chosenEvents(cli, flags)
  const engine = await openEngine()
  signal.addEventListener('abort', () => engine.interrupt())
  try {
    if (flags.validate === true) await validateSample(cli, engine, chosen)
    if (target.kind === 'stream') await stream(cli, engine, format, target, chosen, signal)
    else report(cli, format.name, await write(cli, engine, format, target, chosen))
  } finally {
    engine.close()
  }
}

async function exportFromServer(
  cli: CliContext,
  wish: ServerWish,
  flags: ExportFlags,
  signal: AbortSignal,
): Promise<void> {
  const { downloadEvents } = await import('../export-over-server.ts')
  if (flags.out === '-') await checkStream(cli, flags)
  const { path, events, bytes, found } = await downloadEvents(cli, wish, flags, signal)
  if (path === undefined) noteStreamed(cli, flags.format, { events, bytes })
  else report(cli, flags.format, events === 0 ? [] : [{ path, events, bytes }])
  if (found <= events) return
  const more = 'a server gives no more at once. Take them in parts, with --from and --to'
  cli.note(`warning: the oldest of ${found.toLocaleString('en-US')} events; ${more}.`)
}

async function formatOf({ format: name, safeCsv, validate }: ExportFlags): Promise<ExportFormat> {
  const { AppError } = await import('../../core/errors.ts')
  const { formatNamed } = await import('../../export/registry.ts')
  const format = formatNamed(name)
  if (validate === true && format.name !== 'ocsf') {
    throw new AppError('BAD_ARGUMENT', '--validate checks OCSF events only.', { hint: 'Add --format ocsf.' })
  }
  if (format.name !== 'csv' || safeCsv) return format
  return (await import('../../export/formats/csv.ts')).csvAsIs
}

/** The events asked for: all together, and by day, oldest first, each day reading only its own files. */
interface Chosen {
  readonly whole: string
  readonly days: readonly DayRelation[]
}

async function chosenEvents(cli: CliContext, { from, to }: ExportFlags): Promise<Chosen> {
  const { parseRange } = await import('../../ask/times.ts')
  const { AppError } = await import('../../core/errors.ts')
  const { filesBetween, scanSql } = await import('../../lake/read.ts')
  const { DeltaTable, EVENTS_TABLE } = await import('../../lake/table.ts')
  const range = parseRange(from, to, cli.now())
  const table = DeltaTable.at(cli.home().events, EVENTS_TABLE)
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) throw new AppError('NO_LAKE', `There is no lake in ${cli.home().root}.`)
  const files = filesBetween(snapshot, range.fromMs, range.toMs)
  const condition = [
    ...(range.fromMs === undefined ? [] : [`event_time >= make_timestamptz(${range.fromMs} * 1000)`]),
    ...(range.toMs === undefined ? [] : [`event_time < make_timestamptz(${range.toMs} * 1000)`]),
  ].join(' AND ')
  const relationOf = (some: readonly DataFile[]): string => {
    const scan = scanSql(table, some)
    return condition === '' ? scan : `(SELECT * FROM ${scan} WHERE ${condition})`
  }
  const byDay = [...Map.groupBy(files, (file) => file.partition)].sort(([a], [b]) => (a < b ? -1 : 1))
  return { whole: relationOf(files), days: byDay.map(([date, some]) => ({ date, relation: relationOf(some) })) }
}

/** Spills, should it ever have to, outside the home: an ingestion that starts meanwhile clears the home's own folder. */
async function openEngine(): Promise<Engine> {
  const { availableParallelism, tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const { Engine } = await import('../../engine/duckdb.ts')
  const threads = Math.min(MAX_THREADS, availableParallelism())
  return Engine.open({
    threads,
    memoryLimitMb: Math.max(2, threads) * MEMORY_PER_THREAD_MB,
    tempDir: join(tmpdir(), `bricktrail-export-${process.pid}`),
  })
}

async function write(
  cli: CliContext,
  engine: Engine,
  format: ExportFormat,
  target: ExportTarget,
  { whole, days }: Chosen,
): Promise<ExportedFile[]> {
  const { exportFile, exportFolder } = await import('../../export/write.ts')
  const progress = cli.progress(`Exporting ${format.name}`)
  try {
    if (target.kind === 'folder') {
      return await exportFolder(engine, format, days, target, (done, date) => progress.update(done, days.length, date))
    }
    const stop = await followed(engine, progress)
    const file = await exportFile(engine, format, whole, target).finally(stop)
    return file === undefined ? [] : [file]
  } finally {
    progress.stop()
  }
}

/** Standard output takes the events, so it can take nothing else. */
async function checkStream(cli: CliContext, flags: ExportFlags): Promise<void> {
  const { AppError } = await import('../../core/errors.ts')
  if (cli.json()) {
    throw new AppError('BAD_ARGUMENT', '--out - and --json both want standard output.', {
      hint: 'Leave --json away, or name a file with --out.',
    })
  }
  if (flags.gzip === true && cli.tty) {
    throw new AppError('BAD_ARGUMENT', 'Compressed bytes are not for a terminal.', { hint: 'Leave --gzip away.' })
  }
}

async function stream(
  cli: CliContext,
  engine: Engine,
  format: ExportFormat,
  target: ExportTarget,
  { days }: Chosen,
  signal: AbortSignal,
): Promise<void> {
  const { exportStream } = await import('../../export/stream.ts')
  const { bytesTo } = await import('../answers.ts')
  const progress = cli.progress(`Exporting ${format.name}`)
  const write = bytesTo(cli, signal)
  try {
    const streamed = await exportStream(engine, format, days, target, write, (done, date) => {
      // A bar in the midst of the events would be no help.
      if (!cli.tty) progress.update(done, days.length, date)
    })
    progress.stop()
    noteStreamed(cli, format.name, streamed)
  } finally {
    progress.stop()
  }
}

function noteStreamed(cli: CliContext, format: string, { events, bytes }: { events: number; bytes: number }): void {
  cli.note(
    events === 0
      ? 'No events in this range; nothing was written.'
      : `${events.toLocaleString('en-US')} events as ${format}, ${sizeText(bytes)}`,
  )
}

/** How often the engine is asked how far it is. */
const FOLLOW_MS = 250

/** Shows how far the engine is with what it runs next; returns what ends it. */
async function followed(engine: Engine, progress: Progress): Promise<() => void> {
  await engine.run('SET enable_progress_bar = true')
  await engine.run('SET enable_progress_bar_print = false')
  const timer = setInterval(() => {
    const { percentage } = engine.connection.progress
    if (percentage >= 0) progress.update(Math.round(percentage), 100)
  }, FOLLOW_MS)
  return () => clearInterval(timer)
}

/** How many different problems are worth reading. */
const SHOWN_PROBLEMS = 10

async function validateSample(cli: CliContext, engine: Engine, { whole }: Chosen): Promise<void> {
  const { EXIT } = await import('../../core/errors.ts')
  const { validateOcsfSample } = await import('../../export/ocsf-sample.ts')
  const { events, invalid, problems } = await validateOcsfSample(engine, whole)
  cli.note(`OCSF: ${events - invalid} of ${events} sampled events are valid.`)
  for (const each of problems.slice(0, SHOWN_PROBLEMS)) cli.note(`  ${each.problem} (${each.events} events)`)
  if (invalid > 0) cli.exit(EXIT.findings)
}

const sizeText = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

function report(
  cli: CliContext,
  format: string,
  files: readonly Pick<ExportedFile, 'path' | 'events' | 'bytes'>[],
): void {
  const events = files.reduce((sum, file) => sum + file.events, 0)
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  if (cli.json()) {
    cli.out(`${JSON.stringify({ format, events, files, bytes })}\n`)
    return
  }
  if (files.length === 0) {
    cli.note('No events in this range; nothing was written.')
    return
  }
  const where = files.length === 1 ? files[0]?.path : `${files.length} files`
  cli.out(`${events.toLocaleString('en-US')} events as ${format}, ${sizeText(bytes)}, in ${where}\n`)
}
