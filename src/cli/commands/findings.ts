/** `bricktrail findings [list | show ID]`: what the rules found. */
import type { Command } from 'commander'
import type { FindingFilter } from '../../ask/finding-list.ts'
import { AppError } from '../../core/errors.ts'
import type { RunbookQuery } from '../../detect/pack/pack.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import type { FindingLists } from '../finding-lists.ts'

interface Flags {
  readonly level?: string
  readonly rule?: string
  readonly entity?: string
  readonly threat?: string
  readonly from?: string
  readonly to?: string
  readonly limit?: string
  readonly format?: string
}

/** A screenful; programs get more. */
const TABLE_ROWS = 50

/** Adds `findings`. */
export const registerFindings: RegisterCommand = (program, cli) => {
  const findings = program.command('findings').description('what the rules found: list, or one in full')
  filtered(findings.command('list', { isDefault: true }).description('list findings, newest first')).action(
    async (flags: Flags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) => list(cli, flags, signal))
    },
  )
  findings
    .command('show')
    .description('print one finding: why, which events, what vouches for them, and what to ask next')
    .argument('<id>', 'its id; the beginning is enough')
    .action(async (id: string) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, (signal) => show(cli, id, signal))
    })
}

const filtered = (command: Command): Command =>
  command
    .option('--level <level>', 'this level and those above: informational, low, medium, high, critical')
    .option('--rule <rule>', 'id, name or part of the title of the rule')
    .option('--entity <who>', 'who or what it is about; * works')
    .option('--threat <threat>', 'kind of threat, such as exfiltration; * works')
    .option('--from <time>', 'that ended not before: ISO, "2h ago", "yesterday", 2026-11; UTC')
    .option('--to <time>', 'that began not after; a day or month is included')
    .option('--limit <n>', 'findings at most, 0 for all (default 50 for a table, else 100000)')
    .option('--format <format>', 'table, json, ndjson or csv', 'table')

async function list(cli: CliContext, flags: Flags, signal: AbortSignal): Promise<void> {
  const { writeAnswer, writeAnswerObject, writeTo } = await import('../../ask/formats.ts')
  const { parseRange } = await import('../../ask/times.ts')
  const { DEFAULT_MAX_ROWS } = await import('../../engine/sandbox.ts')
  const { formatOf, limitOf, noteAnswer, readerOf } = await import('../answers.ts')
  const { openFindingLists } = await import('../finding-lists.ts')
  const { from, to, limit: most, format: named = 'table', ...conditions } = flags
  const wanted: FindingFilter = { ...conditions, ...parseRange(from, to, cli.now()) }
  const format = formatOf(named)
  const limit = limitOf(most, !cli.json() && format === 'table' ? TABLE_ROWS : DEFAULT_MAX_ROWS)
  const whole = cli.json() || format === 'json' || format === 'ndjson'
  const columns = whole ? 'whole' : format === 'csv' ? 'flat' : 'short'
  const lists = await openFindingLists(cli, signal)
  try {
    const { rule } = wanted
    const filter = rule === undefined ? wanted : { ...wanted, rule: await ruleMeant(lists, rule) }
    const answer = await lists.list({ filter, columns, limit }, { maxRows: limit, signal })
    const write = writeTo(cli.stdout)
    if (cli.json()) return await writeAnswerObject(answer, write)
    const written = await writeAnswer(answer, format, write, readerOf(cli))
    noteAnswer(cli, written, {
      truncated: answer.truncated(),
      elapsedMs: answer.elapsedMs(),
      what: 'finding',
      more: 'narrow it with --level, --rule and so on, or raise --limit',
    })
  } finally {
    await lists.close()
  }
}

/**
 * A rule that is gone may have findings still; one that has none and that nobody knows is a slip. Findings know a rule by its id, title
 * and one name; by another that it has, it is asked for by its id.
 */
async function ruleMeant(lists: FindingLists, rule: string): Promise<string> {
  const found = await lists.list({ filter: { rule }, columns: 'short', limit: 1 }, { maxRows: 1 })
  let rows = 0
  for await (const batch of found.batches) rows += batch.length
  if (rows > 0) return rule
  const [id, ...others] = await lists.ruleIds(rule)
  if (others.length === 0) return id ?? rule
  throw new AppError('BAD_ARGUMENT', `${others.length + 1} rules go by the name ${rule}.`, {
    hint: `Name one of them by its id: ${[id, ...others].join(', ')}.`,
  })
}

async function show(cli: CliContext, id: string, signal: AbortSignal): Promise<void> {
  const { jsonText } = await import('../../core/printable.ts')
  const { openFindingLists } = await import('../finding-lists.ts')
  const lists = await openFindingLists(cli, signal)
  try {
    const finding = await lists.one(id)
    const runbook = await lists.runbook(finding)
    cli.out(cli.json() ? `${jsonText({ ...finding, runbook })}\n` : await findingText(finding, runbook))
  } finally {
    await lists.close()
  }
}

const versionOf = ({ rule_version: version }: Record<string, unknown>): string[] =>
  version === undefined ? [] : [`version ${version}`]

/** Events and reasons printed; the rest is in JSON. */
const SHOWN = 10

interface Why {
  readonly selection: string | null
  readonly field: string | null
  readonly value: string | null
}

interface Evidence {
  readonly event_id: string
  readonly file: string | null
  readonly leaf: number | string | null
}

async function findingText(finding: Record<string, unknown>, runbook: readonly RunbookQuery[]): Promise<string> {
  const { printable } = await import('../../core/printable.ts')
  const facts = [
    ['finding', finding.finding_id],
    ['level', finding.level],
    ['rule', `${finding.title} (${[finding.rule_id, ...versionOf(finding)].join(', ')})`],
    ['threat', finding.threat],
    ['tags', listOf<string>(finding.tags).join(', ')],
    ['about', finding.entity_field === null ? finding.entity : `${finding.entity} (${finding.entity_field})`],
    ['first', finding.first_time],
    ['last', finding.last_time],
    ['events', finding.events],
    ['revision', `${finding.revision}, told ${finding.detected_time}`],
    finding.superseded_by === finding.finding_id
      ? ['taken back', 'events that came late made its condition false']
      : ['part of', finding.superseded_by],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === null || value === undefined || value === ''
      ? []
      : [`${String(name).padEnd(10)} ${printable(String(value))}`],
  )
  const why = listOf<Why>(finding.explanation).map(
    ({ selection, field, value }) => `  ${selection ?? ''}: ${field || 'anywhere'} = ${value ?? 'nothing'}`,
  )
  const evidence = new Map(listOf<Evidence>(finding.evidence).map((each) => [each.event_id, each]))
  const ids = listOf<string>(finding.event_ids)
  const events = ids.slice(0, SHOWN).map((id) => {
    const { file, leaf } = evidence.get(id) ?? {}
    return `  ${id}${file == null ? '' : `  ${file}`}${leaf == null ? '' : `  leaf ${leaf}`}`
  })
  const more = Number(finding.events) - events.length
  return [
    printable(String(finding.summary)),
    '',
    ...lines,
    '',
    'why',
    ...why.map(printable),
    '',
    'events',
    ...events.map(printable),
    ...(more > 0 ? [`  and ${more} more`] : []),
    '',
    ...(runbook.length === 0 ? [] : ['next   (with `bricktrail query`)']),
    ...runbook.flatMap(({ title, sql }) => [`  ${title}`, `    ${sql}`]).map(printable),
    ...(runbook.length === 0 ? [] : ['']),
  ].join('\n')
}

const listOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : [])
