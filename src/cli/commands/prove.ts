/** `bricktrail prove`: evidence in one file, or of a period in one folder, that can be checked without this home. */
import { writeFile } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { EventProof } from '../../seal/prove.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { refuseOutInHome } from '../out-path.ts'

interface Flags {
  readonly out?: string
  readonly from?: string
  readonly to?: string
  readonly files: boolean
  readonly raw: boolean
}

/** Adds `prove`. */
export const registerProve: RegisterCommand = (program, cli) => {
  program
    .command('prove')
    .description('prove an event in one small file, or a period in a folder, for `bricktrail verify` anywhere')
    .argument('[event]', 'id of the event, or at least its first 8 digits')
    .option('--out <path>', 'file to write, or folder for a period; - is standard output')
    .option('--from <time>', 'prove all that was sealed from then on')
    .option('--to <time>', 'up to then')
    .option('--no-files', 'without the data files, which then stay unverifiable in the folder')
    .option('--no-raw', 'without what was received')
    .action(async (event: string | undefined, flags: Flags) => {
      const isPeriod = flags.from !== undefined || flags.to !== undefined
      if (isPeriod === (event !== undefined)) {
        throw new AppError('BAD_ARGUMENT', 'Give either the id of an event, or a period with --from and --to.')
      }
      await (event === undefined ? provePeriod(cli, flags) : proveOne(cli, event, flags))
    })
}

async function proveOne(cli: CliContext, id: string, flags: Flags): Promise<void> {
  const proof = await proofOf(cli, id)
  const out = flags.out ?? `${proof.eventId}.tlog-proof`
  const { jsonText, printable, printableLines } = await import('../../core/printable.ts')
  if (out === '-') return cli.out(cli.tty ? printableLines(proof.text) : proof.text)
  await refuseOutInHome(cli, out)
  await writeFile(out, proof.text)
  const { eventId, file, position, leaf, size } = proof
  if (cli.json()) {
    cli.out(`${jsonText({ eventId, file, position, leaf: String(leaf), size: String(size), out })}\n`)
    return
  }
  cli.out(`${printable(`Event ${eventId} is row ${position} of ${file}, which leaf ${leaf} of ${size} names.`)}\n`)
  cli.out(`The proof is in ${out}; check it with: bricktrail verify ${out} --key VKEY\n`)
}

async function proofOf(cli: CliContext, id: string): Promise<EventProof> {
  const wish = cli.server()
  if (wish === undefined) {
    const { withSealing } = await import('../sealing.ts')
    return withSealing(cli, (sealing) => sealing.prove(id), { anchors: false })
  }
  const { withServer } = await import('../server.ts')
  const { serverProof } = await import('../../remote/seal.ts')
  return withServer(wish, (api) => serverProof(api, id))
}

async function provePeriod(cli: CliContext, flags: Flags): Promise<void> {
  const { out } = flags
  if (out === undefined || out === '-')
    throw new AppError('BAD_ARGUMENT', 'Name a folder for the period with --out DIR.')
  await refuseOutInHome(cli, out)
  const { parseRange } = await import('../../ask/times.ts')
  const { periodSizes } = await import('../../ask/seal-state.ts')
  const { exportPeriod } = await import('../../seal/verify/export-period.ts')
  const home = cli.home()
  const { from, to } = await periodSizes(home, parseRange(flags.from, flags.to, cli.now()))
  const exported = await exportPeriod(home.root, out, { from, to, files: flags.files, raw: flags.raw })
  if (cli.json()) return cli.out(`${JSON.stringify({ from, to, out, ...exported })}\n`)
  cli.out(`Leaves ${from} to ${to - 1} of the log are in ${out}: ${exported.files} files, ${exported.bytes} bytes.\n`)
  if (exported.gone > 0)
    cli.note(
      `${exported.gone} files they name are not there any more, or not as they were: bundle.json lists them. Merged and cleaned files are no loss; \`bricktrail verify\` of the home tells what is.`,
    )
  cli.out(`Check it with: bricktrail verify ${out} --key VKEY\n`)
}
