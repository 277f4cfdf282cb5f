/** `bricktrail rejects`: records that could not become events, why, and what they held. */
import type { LakeQuery } from '../../ask/lake-sql.ts'
import type { RejectCount, RejectFilter, RejectLine } from '../../ask/reject-list.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

interface Flags extends RejectFilter {
  readonly limit: string
  readonly show?: string
}

/** Adds `rejects`. */
export const registerRejects: RegisterCommand = (program, cli) => {
  program
    .command('rejects')
    .description('list records that could not become events, with counts per reason')
    .option('--limit <n>', 'rejects at most, 0 for all (100000)', '20')
    .option('--reason <reason>', 'such as malformed_json; lists (a,b) and * work')
    .option('--object <name>', 'the file it stands in; lists and * work')
    .option('--show <id>', 'print one reject whole; the beginning of its id is enough')
    .action(async (flags: Flags) => {
      const { stoppable } = await import('../stoppable.ts')
      await stoppable(cli, async (signal) => {
        const { openLake } = await import('../lake.ts')
        const lake = await openLake(cli, {}, signal)
        try {
          await (flags.show === undefined ? list(cli, lake, flags) : show(cli, lake, flags.show))
        } finally {
          await lake.close()
        }
      })
    })
}

async function list(cli: CliContext, lake: LakeQuery, flags: Flags): Promise<void> {
  const { countRejects, listRejects } = await import('../../ask/reject-list.ts')
  const { DEFAULT_MAX_ROWS } = await import('../../engine/sandbox.ts')
  const { jsonText } = await import('../../core/printable.ts')
  const { limitOf } = await import('../answers.ts')
  const filter: RejectFilter = {
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    ...(flags.object === undefined ? {} : { object: flags.object }),
  }
  const limit = Math.min(limitOf(flags.limit, 0), DEFAULT_MAX_ROWS)
  const counts = await countRejects(lake, filter)
  const rejects = await listRejects(lake, filter, limit)
  if (cli.json()) return cli.out(`${jsonText({ counts, rejects })}\n`)
  if (counts.length === 0) return cli.out('No rejects.\n')
  const total = counts.reduce((sum, count) => sum + count.rejects, 0)
  await printCounts(cli, counts)
  await printLines(cli, rejects)
  const more = total > rejects.length ? `The first ${rejects.length} of ${total.toLocaleString('en-US')}; ` : ''
  cli.note(`${more}--show ID prints one whole.`)
  const utf16 = rejects.find((reject) => reject.utf16)
  if (utf16 !== undefined) cli.note(await utf16Hint(utf16.object))
}

/** Logs are UTF-8; Windows PowerShell writes UTF-16 where its output is redirected. */
async function utf16Hint(object: string): Promise<string> {
  const { printable } = await import('../../core/printable.ts')
  return `hint: ${printable(object)} is UTF-16 text: convert it (iconv -f UTF-16 -t UTF-8 IN > OUT) and ingest it again.`
}

async function printCounts(cli: CliContext, counts: readonly RejectCount[]): Promise<void> {
  const { printTable } = await import('../table.ts')
  const rows = counts.map((count) => [count.reason, count.rejects, count.objects])
  printTable(cli, ['reason', 'rejects', 'objects'], rows, ['rejects', 'objects'])
  cli.out('\n')
}

async function printLines(cli: CliContext, rejects: readonly RejectLine[]): Promise<void> {
  const { printTable } = await import('../table.ts')
  const idLength = shortIdLength(rejects.map((reject) => reject.id))
  const rows = rejects.map(({ id, reason, object, line, sizeBytes, content }) => [
    id.slice(0, idLength),
    reason,
    line,
    sizeBytes,
    object,
    content,
  ])
  printTable(cli, ['id', 'reason', 'line', 'bytes', 'object', 'content'], rows, ['line', 'bytes'])
}

/** So much of an id tells the listed ones apart, and a little more for those not listed. */
function shortIdLength(ids: readonly string[]): number {
  const longest = Math.max(0, ...ids.map((id) => id.length))
  for (let length = 8; length < longest; length += 4) {
    if (new Set(ids.map((id) => id.slice(0, length))).size === ids.length) return length
  }
  return longest
}

async function show(cli: CliContext, lake: LakeQuery, id: string): Promise<void> {
  const { wholeReject } = await import('../../ask/reject-list.ts')
  const { jsonText, printable, printableLines } = await import('../../core/printable.ts')
  const reject = await wholeReject(lake, id)
  if (cli.json()) return cli.out(`${jsonText(reject)}\n`)
  const facts = [
    ['id', reject.id],
    ['reason', `${reject.reason}: ${reject.detail ?? ''}`],
    ['object', reject.object],
    ['line', String(reject.line)],
    ['bytes', reject.sizeBytes.toLocaleString('en-US')],
    ['form', reject.form ?? ''],
    ['batch', reject.batchId ?? ''],
    ['time', reject.time ?? ''],
  ]
  cli.out(facts.map(([name = '', value = '']) => `${name.padEnd(8)}${printable(value)}\n`).join(''))
  cli.out(`\n${cli.tty ? printableLines(reject.content) : reject.content}\n`)
  if (reject.keptBytes < reject.sizeBytes) {
    cli.note(`Only the first ${reject.keptBytes.toLocaleString('en-US')} bytes are kept.`)
  }
  if (reject.utf16) cli.note(await utf16Hint(reject.object))
}
