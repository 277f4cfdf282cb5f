/** `bricktrail query`: SQL over events, findings, rejects and objects, in a sandbox. */
import type { TextFormat } from '../../ask/formats.ts'
import type { LakeSql } from '../../ask/lake-sql.ts'
import type { QueryLimits } from '../../engine/sandbox.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { refuseOutInHome } from '../out-path.ts'

interface Flags {
  readonly format?: string
  readonly limit?: string
  readonly timeout: string
  readonly out?: string
}

/** `object` is what --json prints: columns, rows and how the answer ended in one JSON object. */
type Format = TextFormat | 'object' | 'parquet'

const FORMATS = ['table', 'json', 'ndjson', 'csv', 'parquet'] as const
const FORMAT_OF_EXTENSION: Readonly<Record<string, (typeof FORMATS)[number]>> = {
  csv: 'csv',
  json: 'json',
  jsonl: 'ndjson',
  ndjson: 'ndjson',
  parquet: 'parquet',
}
/** A person scrolls through this much; programs and files get more. */
const TABLE_ROWS = 1000

/** Adds `query`. */
export const registerQuery: RegisterCommand = (program, cli) => {
  program
    .command('query')
    .description('ask a question in SQL over events, findings, rejects and objects; it can only read')
    .argument('<sql>', 'one SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN; - reads it from standard input')
    .option('--format <format>', 'table, json, ndjson, csv or parquet (default table, or by the extension of --out)')
    .option(
      '--limit <n>',
      'rows at most, 0 for all; a server gives 100000 at most (default 1000 for a table, all for a file, else 100000)',
    )
    .option('--timeout <time>', 'stop after this long', '30s')
    .option('--out <file>', 'write to a file instead of standard output (-)')
    .action(async (sql: string, { out, ...others }: Flags) => {
      const flags: Flags = out === undefined || out === '-' ? others : { ...others, out }
      if (flags.out !== undefined) await refuseOutInHome(cli, flags.out)
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, async (signal) => {
        const { mentionsObjects, namingTables } = await import('../../ask/lake-relations.ts')
        const { openLake } = await import('../lake.ts')
        const request = await requestOf(cli, sql, flags, signal)
        const lake = await openLake(cli, { objects: mentionsObjects(request.sql) }, signal)
        try {
          await (request.out === undefined ? print(cli, lake, request) : save(cli, lake, request, request.out))
        } catch (cause) {
          throw namingTables(cause)
        } finally {
          await lake.close()
        }
      })
    })
}

interface Request {
  readonly sql: string
  readonly format: Format
  readonly limits: QueryLimits
  readonly out: string | undefined
}

async function requestOf(cli: CliContext, sql: string, flags: Flags, signal: AbortSignal): Promise<Request> {
  const { AppError } = await import('../../core/errors.ts')
  const { parseDuration } = await import('../../ask/times.ts')
  const { DEFAULT_MAX_ROWS } = await import('../../engine/sandbox.ts')
  const { formatOf, limitOf } = await import('../answers.ts')
  const extension = /\.(\w+)$/.exec(flags.out ?? '')?.[1]?.toLowerCase() ?? ''
  const unnamed: Format = FORMAT_OF_EXTENSION[extension] ?? (cli.json() ? 'object' : 'table')
  const format: Format = flags.format === undefined ? unnamed : formatOf(flags.format, FORMATS)
  if (format === 'parquet' && flags.out === undefined) {
    throw new AppError('BAD_ARGUMENT', 'Parquet is not for a terminal or pipe.', { hint: 'Add --out FILE.' })
  }
  const otherwise =
    flags.out !== undefined ? Number.POSITIVE_INFINITY : format === 'table' ? TABLE_ROWS : DEFAULT_MAX_ROWS
  return {
    sql: sql === '-' ? await textOf(cli.stdin) : sql,
    format,
    limits: { timeoutMs: parseDuration(flags.timeout), maxRows: limitOf(flags.limit, otherwise), signal },
    out: flags.out,
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}

async function print(cli: CliContext, lake: LakeSql, { sql, format, limits }: Request): Promise<void> {
  const { writeAnswer, writeAnswerObject, writeTo } = await import('../../ask/formats.ts')
  const { noteAnswer, readerOf } = await import('../answers.ts')
  const answer = await lake.stream(sql, limits)
  const write = writeTo(cli.stdout)
  if (format === 'object') return writeAnswerObject(answer, write)
  const written = await writeAnswer(answer, format as TextFormat, write, readerOf(cli))
  noteAnswer(cli, written, {
    truncated: answer.truncated(),
    elapsedMs: answer.elapsedMs(),
    what: 'row',
    more: await moreOf(cli, limits),
  })
}

/** How more rows can be had than were given. A server has a bound that no option moves. */
async function moreOf(cli: CliContext, { maxRows = Number.POSITIVE_INFINITY }: QueryLimits): Promise<string> {
  if (cli.server() === undefined) return '--limit N shows more, --limit 0 all'
  const { MOST_ROWS } = await import('../../remote/lake.ts')
  const bound = `a server gives ${MOST_ROWS.toLocaleString('en-US')} rows at most`
  return maxRows < MOST_ROWS ? `--limit N shows more, and ${bound}` : `${bound}, so ask for fewer at a time`
}

/** Writes beside the file and renames, so that a stopped query leaves what was there before. */
async function save(cli: CliContext, lake: LakeSql, { sql, format, limits }: Request, out: string): Promise<void> {
  const { rename, rm } = await import('node:fs/promises')
  const { resolve } = await import('node:path')
  const path = resolve(out)
  const partial = `${path}.${process.pid}.partial`
  try {
    const report =
      format === 'parquet'
        ? await lake.toParquet(sql, partial, limits)
        : await saveText(lake, sql, format === 'object' ? 'json' : format, limits, partial, out)
    await rename(partial, path)
    if (cli.json()) cli.out(`${JSON.stringify({ ...report, file: path })}\n`)
    else cli.note(`${report.rowCount.toLocaleString('en-US')} rows in ${out}`)
    if (report.truncated) cli.note(`There are more rows: ${await moreOf(cli, limits)}.`)
  } finally {
    await rm(partial, { force: true })
  }
}

async function saveText(
  lake: LakeSql,
  sql: string,
  format: TextFormat,
  limits: QueryLimits,
  path: string,
  named: string,
) {
  const { writeAnswer } = await import('../../ask/formats.ts')
  const { openForWriting } = await import('../answers.ts')
  const answer = await lake.stream(sql, limits)
  const file = await openForWriting(path, named)
  try {
    const written = await writeAnswer(answer, format, file.write, { tty: false })
    return { rowCount: written.rows, truncated: answer.truncated(), elapsedMs: answer.elapsedMs() }
  } finally {
    await file.close()
  }
}
