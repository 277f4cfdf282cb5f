/** `bricktrail verify`: is everything as it was sealed? Of a home, an exported period, or a proof. */

import { readFile, stat } from 'node:fs/promises'
import { AppError, EXIT, messageOf } from '../../core/errors.ts'
import type { Finding, FolderKind, RowsOf, VerifyHomeOptions } from '../../seal/verify.ts'
import type { CliContext, Progress, RegisterCommand, ServerWish } from '../contract.ts'
import { wholeNumber } from '../numbers.ts'
import { notOnServer } from '../server-wish.ts'
import type { Verified } from '../verify-text.ts'

interface Flags {
  readonly key?: readonly string[]
  readonly checkpoint?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly witness?: readonly string[]
  readonly quorum?: string
  readonly tsaCa?: string
  readonly maxUnseen?: string
  readonly rawKey?: string
  readonly rows?: boolean
  readonly as?: string
}

const again = (one: string, before: readonly string[] = []): string[] => [...before, one]

/** Adds `verify`. */
export const registerVerify: RegisterCommand = (program, cli) => {
  program
    .command('verify')
    .description(
      'check a home, an exported period or a proof against its log; needs nothing but files and a public key',
    )
    .argument(
      '[path]',
      'home, folder of `bricktrail prove --from`, or .tlog-proof file; the home of --home where absent; with --server, the server verifies its own',
    )
    .option('--key <file|vkey>', 'public key you got from elsewhere; may be given again', again)
    .option('--checkpoint <file>', 'checkpoint you kept earlier; shows a rollback; may be given again', again)
    .option('--from <size|time>', 'look at files of leaves from this number or time on only')
    .option('--to <size|time>', 'up to, and without, this number; or up to this time')
    .option('--witness <vkey>', 'public key of a witness whose cosignature you want to see; may be given again', again)
    .option('--quorum <n>', 'how many of the witnesses must have signed; all where absent')
    .option('--tsa-ca <file>', 'certificates of timestamp authorities you trust, PEM')
    .option(
      '--max-unseen <duration>',
      'how much older than the newest leaf one may be that none of them saw; 24h where absent',
    )
    .option('--raw-key <reference>', 'key of the raw archive, file:/PATH or env:NAME, to check what was received too')
    .option('--rows', 'digest every row anew, too; needs the SQL engine and time')
    .option('--as <what>', 'what the folder is, home or period, where it could be both')
    .action((path: string | undefined, flags: Flags) => run(cli, path, flags))
}

async function run(cli: CliContext, path: string | undefined, flags: Flags): Promise<void> {
  const progress = cli.progress('verifying')
  let verified: Verified
  try {
    const wish = path === undefined ? cli.server() : undefined
    verified =
      wish === undefined
        ? await verify(cli, path ?? cli.home().root, flags, progress)
        : await verifyOnServer(wish, flags, progress)
  } finally {
    progress.stop()
  }
  if (!verified.report.ok) cli.exit(EXIT.findings)
  const { verifiedJson, verifiedText } = await import('../verify-text.ts')
  cli.out(cli.json() ? verifiedJson(verified) : verifiedText(verified))
}

/** The server verifies its own home; what it takes to trust that is on this side, with a path. */
async function verifyOnServer(wish: ServerWish, flags: Flags, progress: Progress): Promise<Verified> {
  const [flag] = Object.keys(flags)
  if (flag !== undefined)
    throw notOnServer(`--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, WITHOUT_TRUST)
  const { nothingChecked } = await import('../../seal/verify/report.ts')
  const { serverVerification } = await import('../../remote/seal.ts')
  const { withServer } = await import('../server.ts')
  return withServer(wish, async (api) => {
    const ended = await serverVerification(api, (done) => progress.update(Math.round(done * 100), 100))
    const findings = ended.findings.map(({ kind, message }) => findingOf(kind, message))
    const report = {
      ok: ended.state === 'clean',
      findings,
      findingCount: findings.length,
      checked: { ...nothingChecked(), ...numbersOf(ended.checked) },
      statements: [],
      notChecked: [`anything on this machine: this is what the server says of itself. ${WITHOUT_TRUST}`],
    }
    return { path: api.address, what: 'home', report }
  })
}

const numbersOf = (checked: Readonly<Record<string, unknown>>): Record<string, number> =>
  Object.fromEntries(Object.entries(checked).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))

const WITHOUT_TRUST =
  'To rely on nobody: `bricktrail prove` with --server fetches a proof, and `bricktrail verify FILE --key VKEY` checks it here.'

/** A server names the file before what is wrong with it. */
function findingOf(kind: string, message: string): Finding {
  const [, where = '', what = message] = /^([^:]*): ([\s\S]*)$/.exec(message) ?? []
  return { kind: kind as Finding['kind'], where, what }
}

async function verify(cli: CliContext, path: string, flags: Flags, progress: Progress): Promise<Verified> {
  const { folderKind, verifyBundle, verifyHome, verifyProof } = await import('../../seal/verify.ts')
  const info = await stat(path).catch((cause: unknown) => {
    throw new AppError('BAD_ARGUMENT', `There is nothing to verify at ${path}: ${messageOf(cause)}`, {
      hint: 'Name a home, an exported folder or a .tlog-proof file.',
    })
  })
  const key = (await Promise.all((flags.key ?? []).map(keysOf))).flat()
  const seen = witnessesOf(flags)
  if (info.isFile()) {
    if (key.length === 0) {
      throw new AppError('BAD_ARGUMENT', 'A proof needs the public key of its log.', {
        hint: 'Pass --key FILE or --key VKEY; `bricktrail seal key show` prints it where the log is.',
      })
    }
    refuseFlags(flags, 'a proof', ['checkpoint', 'from', 'to', 'rows', 'tsaCa', 'maxUnseen', 'rawKey', 'as'])
    return { path, what: 'proof', report: verifyProof(await bytesOf(path), { keys: key, ...seen }) }
  }
  if (!info.isDirectory()) {
    throw new AppError('BAD_ARGUMENT', `${path} is neither a file nor a folder.`, {
      hint: 'Write what it gives to a .tlog-proof file, and name that.',
    })
  }
  const options: VerifyHomeOptions = { ...(await optionsOf(flags)), ...seen, key, ...followed(progress) }
  if (isPeriod(flags.as, folderKind(path), path)) {
    refuseFlags(flags, 'an exported period', ['from', 'to', 'rows'])
    return { path, what: 'period', report: await verifyBundle(path, options) }
  }
  const period = await periodOf(flags, cli.now())
  const engine = flags.rows ? await rowsEngine() : undefined
  try {
    const rows = engine === undefined ? {} : { rowsOf: engine.rowsOf }
    return { path, what: 'home', report: await verifyHome(path, { ...options, ...rows, ...period }) }
  } finally {
    await engine?.close()
  }
}

/** What would change nothing is not passed over: who asked for it would believe that it was checked. */
function refuseFlags(flags: Flags, what: string, names: readonly (keyof Flags)[]): void {
  const given = names.filter((name) => flags[name] !== undefined && flags[name] !== false)
  if (given.length === 0) return
  const options = given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
  throw new AppError('BAD_ARGUMENT', `Of ${what} nothing is checked with ${options.join(', ')}.`, {
    hint: 'Leave it out, or verify the home itself.',
  })
}

/** A witness named twice is one, and one signature cannot stand for two. */
function witnessesOf(flags: Flags): Pick<VerifyHomeOptions, 'witnesses' | 'quorum'> {
  const witnesses = [...new Set(flags.witness ?? [])]
  if (flags.quorum === undefined) return { witnesses }
  const quorum = wholeNumber('--quorum', flags.quorum)
  if (quorum < 1 || quorum > witnesses.length) {
    throw new AppError('BAD_ARGUMENT', `--quorum ${quorum} cannot be, of ${witnesses.length} named witnesses.`, {
      hint: 'Name each witness with --witness VKEY.',
    })
  }
  return { witnesses, quorum }
}

/** A file or two laid into a home must not make anything else of it; so who finds both is asked which he means. */
function isPeriod(as: string | undefined, kind: FolderKind, path: string): boolean {
  if (as !== undefined && as !== 'home' && as !== 'period') {
    throw new AppError('BAD_ARGUMENT', `--as ${as} is neither home nor period.`)
  }
  if (as === undefined && kind === 'both') {
    throw new AppError('BAD_ARGUMENT', `${path} has the marks of a home and of an exported period.`, {
      hint: 'Say which of them to verify: --as home or --as period. A home holds no bundle.json, an export no seal/log/.',
    })
  }
  return as === undefined ? kind === 'period' || kind === 'proofs' : as === 'period'
}

/** Keys as typed, or the lines of a file. */
async function keysOf(text: string): Promise<string[]> {
  if (/^[^+\s]+\+[0-9a-f]{8}\+\S+$/.test(text)) return [text]
  if (/PRIVATE\+KEY\+|-----BEGIN|[\r\n]/.test(text))
    throw new AppError('BAD_KEY', 'What --key was given is no public key, and no path of a file with one.', {
      hint: 'Verification needs the public key alone: `bricktrail seal key show` prints it where the log is.',
    })
  const lines = (await bytesOf(text)).toString('utf8').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}

async function bytesOf(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new AppError('UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, { where: path, cause })
  })
}

async function optionsOf(flags: Flags): Promise<VerifyHomeOptions> {
  const checkpoints = (flags.checkpoint ?? []).map(async (name) => ({ name, bytes: await bytesOf(name) }))
  const tsaCa = flags.tsaCa === undefined ? undefined : (await bytesOf(flags.tsaCa)).toString('utf8')
  const maxUnseenMs =
    flags.maxUnseen === undefined ? undefined : (await import('../../ask/times.ts')).parseDuration(flags.maxUnseen)
  const rawKey = flags.rawKey === undefined ? undefined : await rawKeyOf(flags.rawKey)
  return {
    checkpoints: await Promise.all(checkpoints),
    ...(tsaCa === undefined ? {} : { tsaCa }),
    ...(maxUnseenMs === undefined ? {} : { maxUnseenMs }),
    ...(rawKey === undefined ? {} : { rawKey }),
  }
}

async function rawKeyOf(reference: string): Promise<Uint8Array> {
  const { readRawKey } = await import('../../seal/raw/key.ts')
  return (await readRawKey(reference, '--raw-key')).reveal()
}

/** A number of up to nine digits is a size of the log; anything else is a time. */
async function periodOf({ from, to }: Flags, now: Date): Promise<Pick<VerifyHomeOptions, 'period'>> {
  if (from === undefined && to === undefined) return {}
  const { parseRange } = await import('../../ask/times.ts')
  const isSize = (text: string | undefined): text is string => text !== undefined && /^\d{1,9}$/.test(text)
  const { fromMs, toMs } = parseRange(isSize(from) ? undefined : from, isSize(to) ? undefined : to, now)
  const first = isSize(from) ? Number(from) : fromMs === undefined ? undefined : new Date(fromMs)
  const last = isSize(to) ? Number(to) : toMs === undefined ? undefined : new Date(toMs)
  if (first !== undefined && typeof first === typeof last && Number(last) <= Number(first)) {
    throw new AppError('BAD_ARGUMENT', 'The period ends before it begins.')
  }
  return {
    period: { ...(first === undefined ? {} : { from: first }), ...(last === undefined ? {} : { to: last }) },
  }
}

function followed(progress: Progress): Pick<VerifyHomeOptions, 'onProgress'> {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
  return {
    onProgress: (done, total, what) => {
      const note = what === 'leaves' ? `${done} of ${total} leaves` : `${megabytes(done)} of ${megabytes(total)} MB`
      progress.update(done, total, note)
    },
  }
}

/** What digests rows. */
interface RowsEngine {
  readonly rowsOf: RowsOf
  close(): Promise<void>
}

async function rowsEngine(): Promise<RowsEngine> {
  const { Engine } = await import('../../engine/duckdb.ts')
  const { fileColumns } = await import('../../seal/file-columns.ts')
  const { hexOf } = await import('../../seal/merkle.ts')
  const { sealedForm } = await import('../../seal/row-form.ts')
  const { digestRows } = await import('../../seal/rows.ts')
  const engine = await Engine.open({})
  return {
    rowsOf: async (path, table, record) => {
      const { rows, root } = await digestRows(engine, path, sealedForm(table, await fileColumns(engine, path), record))
      return { rows, rowsRoot: hexOf(root) }
    },
    close: async () => engine.close(),
  }
}
