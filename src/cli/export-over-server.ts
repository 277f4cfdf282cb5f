/** `bricktrail export` with a server: what `GET /api/v1/events/download` gives, as the command on a home would write it. */
import { resolve } from 'node:path'
import { Writable } from 'node:stream'
import { parseRange } from '../ask/times.ts'
import { AppError } from '../core/errors.ts'
import { formatNamed } from '../export/registry.ts'
import { exportTarget } from '../export/target.ts'
import type { ApiClient } from '../remote/client.ts'
import { type Downloaded, downloadFile, downloadTo, SERVER_FORMATS, type ServerFormat } from '../remote/download.ts'
import { bytesTo } from './answers.ts'
import type { CliContext, ServerWish } from './contract.ts'
import { withServer } from './server.ts'
import { notOnServer } from './server-wish.ts'

/** Flags of `export`. */
export interface ExportFlags {
  readonly format: string
  readonly out: string
  readonly from?: string
  readonly to?: string
  readonly gzip?: boolean
  readonly safeCsv: boolean
  readonly validate?: boolean
}

/** Where and how; `path` is absent for standard output. */
interface ServerTarget {
  readonly format: ServerFormat
  readonly gzip: boolean
  readonly path?: string
}

/** What came, and where it is; absent for standard output. */
export interface ServerExport extends Downloaded {
  readonly path?: string
}

/** Downloads events to a file or to standard output. @throws AppError BAD_ARGUMENT for what only a home can do */
export async function downloadEvents(
  cli: CliContext,
  wish: ServerWish,
  flags: ExportFlags,
  signal: AbortSignal,
): Promise<ServerExport> {
  const { path, ...kind } = targetOf(flags)
  const wanted = { ...kind, range: parseRange(flags.from, flags.to, cli.now()), signal }
  const work = (api: ApiClient) =>
    path === undefined ? downloadTo(api, wanted, () => standardOutput(cli, signal)) : downloadFile(api, wanted, path)
  return { ...(await withServer(wish, work, { signal })), ...(path === undefined ? {} : { path }) }
}

/** Standard output, which stays open behind it. */
function standardOutput(cli: CliContext, signal: AbortSignal): Writable {
  const write = bytesTo(cli, signal)
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      write(chunk).then(() => done(), done)
    },
  })
}

function targetOf({ format: name, out, gzip, safeCsv, validate }: ExportFlags): ServerTarget {
  if (validate === true) throw notOnServer('--validate', 'Run it on the machine of the home.')
  if (!safeCsv) throw notOnServer('--no-safe-csv', 'What a server gives is always safe for a spreadsheet.')
  const format = SERVER_FORMATS.find((each) => each === name.toLowerCase())
  if (format === undefined)
    throw new AppError('BAD_ARGUMENT', `A server gives no ${name}.`, {
      hint: `It gives ${SERVER_FORMATS.join(', ')}; the other formats are written on the machine of the home.`,
    })
  if (format === 'ndjson') return linesTarget(out, gzip === true)
  const { kind, path, extension } = exportTarget(formatNamed(format), out, gzip === true)
  if (kind === 'folder')
    throw new AppError('BAD_ARGUMENT', 'A server gives one file, not one a day.', {
      hint: `Add --out events.${format}.`,
    })
  const zipped = gzip === true || out.endsWith('.gz') || extension.endsWith('.gz')
  return { format, gzip: zipped && format !== 'parquet', ...(kind === 'stream' ? {} : { path }) }
}

/** Events with all their columns, a line each; a home writes them by `query`. */
function linesTarget(out: string, gzip: boolean): ServerTarget {
  if (out === '-') return { format: 'ndjson', gzip }
  if (!/\.(?:ndjson|jsonl|json)(?:\.gz)?$/i.test(out))
    throw new AppError('BAD_ARGUMENT', `ndjson is not written as ${out}.`, { hint: 'Add --out events.ndjson.' })
  return { format: 'ndjson', gzip: gzip || out.endsWith('.gz'), path: resolve(out) }
}
