/** `bricktrail events`: the newest events that match, without SQL. */
import type { EventFilter } from '../../ask/filter.ts'
import type { OpenWord } from '../../ask/known-words.ts'
import type { LakeQuery } from '../../ask/lake-sql.ts'
import { attempt } from '../../core/result.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

interface Flags {
  readonly from?: string
  readonly to?: string
  readonly actor?: string
  readonly action?: string
  readonly service?: string
  readonly category?: string
  readonly verb?: string
  readonly target?: string
  readonly status?: string
  readonly ip?: string
  readonly text?: string
  readonly workspace?: string
  readonly keyEvent?: string
  readonly userAgent?: string
  readonly statusCode?: string
  readonly error?: string
  readonly limit?: string
  readonly format?: string
  readonly timeout: string
  readonly oldest?: boolean
}

/** A screenful; programs get more. */
const TABLE_ROWS = 50
/** A hint is worth no more waiting than this. */
const HINT_TIMEOUT_MS = 5_000

/** Adds `events`. */
export const registerEvents: RegisterCommand = (program, cli) => {
  program
    .command('events')
    .description('list events, newest first; lists (a,b) and * work in every filter, case does not matter')
    .option('--from <time>', 'not before: ISO, "2h ago", "yesterday", "last monday", 2026-11, Unix time; UTC')
    .option('--to <time>', 'not after; a day or month is included')
    .option('--actor <who>', 'e-mail, name or id of who did it')
    .option('--action <action>', 'action, or service.action')
    .option('--service <service>', 'service as logged, such as unityCatalog')
    .option('--category <category>', 'authentication, permission, data_access, job, …')
    .option('--verb <verb>', 'login, read, create, update, delete, grant, revoke, execute, …')
    .option('--target <what>', 'name or id of what it was done to, or who gained or lost by it')
    .option('--status <status>', 'SUCCESS, UNAUTHORIZED or FAILURE')
    .option('--ip <range>', 'address or CIDR, such as 10.0.0.0/8 or 2001:db8::/32')
    .option('--user-agent <text>', 'user agent as logged, such as *curl*')
    .option('--status-code <code>', 'HTTP-like code of the response, such as 403 or 4*')
    .option('--error <text>', 'text of the failure, such as *denied*')
    .option('--text <text>', 'anywhere in parameters, query text, user agent, error or result')
    .option('--workspace <id>', 'workspace id')
    .option('--key-event <kind>', 'cluster_configuration, role_permission_update, job_execution, …')
    .option('--limit <n>', 'events at most, 0 for all (default 50 for a table, else 100000)')
    .option('--format <format>', 'table, json, ndjson or csv', 'table')
    .option('--timeout <time>', 'stop after this long', '30s')
    .option('--oldest', 'oldest first')
    .action(async (flags: Flags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) => list(cli, flags, signal))
    })
}

async function list(cli: CliContext, flags: Flags, signal: AbortSignal): Promise<void> {
  const { writeAnswer, writeAnswerObject, writeTo } = await import('../../ask/formats.ts')
  const { wordsNotInCatalogue } = await import('../../ask/known-words.ts')
  const { parseDuration } = await import('../../ask/times.ts')
  const { DEFAULT_MAX_ROWS } = await import('../../engine/sandbox.ts')
  const { formatOf, limitOf, noteAnswer, readerOf } = await import('../answers.ts')
  const { openEventLists } = await import('../lake.ts')
  const filter = await filterOf(flags, cli.now())
  const format = formatOf(flags.format ?? 'table')
  const whole = cli.json() || format === 'json' || format === 'ndjson'
  const limit = limitOf(flags.limit, !cli.json() && format === 'table' ? TABLE_ROWS : DEFAULT_MAX_ROWS)
  const columns = whole ? 'whole' : format === 'csv' ? 'flat' : 'short'
  const limits = { timeoutMs: parseDuration(flags.timeout), maxRows: limit, signal }
  const strange = wordsNotInCatalogue(filter)
  // Whether the lake has such a word is asked of all of it, not only of the time that is listed.
  const lists = await openEventLists(cli, strange.length === 0 ? { range: filter } : {}, signal)
  try {
    const answer = await lists.list({ filter, columns, limit, oldest: flags.oldest === true }, limits)
    const write = writeTo(cli.stdout)
    if (cli.json()) await writeAnswerObject(answer, write)
    else {
      const written = await writeAnswer(answer, format, write, readerOf(cli))
      noteAnswer(cli, written, {
        truncated: answer.truncated(),
        elapsedMs: answer.elapsedMs(),
        what: 'event',
        more: 'narrow it with --from, --actor and so on, or raise --limit',
      })
    }
    if (lists.lake !== undefined) await noteStrangeWords(cli, strange, lists.lake, signal)
  } finally {
    await lists.close()
  }
}

async function noteStrangeWords(
  cli: CliContext,
  words: readonly OpenWord[],
  lake: LakeQuery,
  signal: AbortSignal,
): Promise<void> {
  if (words.length === 0) return
  const { saidOfStrangeWords } = await import('../../ask/known-words.ts')
  const { printable } = await import('../../core/printable.ts')
  const said = await attempt(() => saidOfStrangeWords(words, lake, { timeoutMs: HINT_TIMEOUT_MS, signal }))
  // The list itself is out and right; a hint that takes too long is left away.
  if (said.ok) for (const sentence of said.value) cli.note(printable(sentence))
}

async function filterOf(flags: Flags, now: Date): Promise<EventFilter> {
  const { checkClosedFilters } = await import('../../ask/known-words.ts')
  const { parseRange } = await import('../../ask/times.ts')
  const { from, to, limit, format, timeout, oldest, ...conditions } = flags
  checkClosedFilters(conditions)
  return { ...parseRange(from, to, now), ...conditions }
}
