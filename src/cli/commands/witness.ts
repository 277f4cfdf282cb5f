/** `bricktrail witness`: a witness that an auditor runs; it signs what a log shows it, and never two histories. */
import { readFile } from 'node:fs/promises'
import type { Verifier } from '../../seal/note.ts'
import type { WitnessFolder } from '../../seal/witness/folder.ts'
import type { WitnessEvent } from '../../seal/witness/witness.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

interface Flags {
  readonly data: string
  readonly log?: readonly string[]
  readonly policy?: string
  readonly name?: string
  readonly host: string
  readonly port: string
}

const DEFAULT_PORT = '8417'
const MAX_PORT = 65_535

/** Adds `witness`. */
export const registerWitness: RegisterCommand = (program, cli) => {
  program
    .command('witness')
    .description('sign the checkpoints of logs over HTTP (C2SP tlog-witness), each only if it extends the one before')
    .requiredOption('--data <dir>', 'folder for the key and what was signed; made on first use')
    .option('--log <vkey>', 'public key of a log to sign for; may be given again', (one, before?: string[]) => [
      ...(before ?? []),
      one,
    ])
    .option('--policy <file>', 'file of such keys, a line `log VKEY` for each')
    .option('--name <name>', 'what a new witness is called; random without it')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 takes a free one', DEFAULT_PORT)
    .action((flags: Flags) => run(cli, flags))
}

async function run(cli: CliContext, flags: Flags): Promise<void> {
  const { openWitnessFolder } = await import('../../seal/witness/folder.ts')
  const { stopServer, witnessServer } = await import('../../seal/witness/server.ts')
  const { Witness } = await import('../../seal/witness/witness.ts')
  const logs = await logsOf(flags)
  const port = await portOf(flags)
  const folder = await openWitnessFolder(flags.data, flags.name)
  let telling = Promise.resolve()
  try {
    const onEvent = (event: WitnessEvent) => {
      // One after the other, so that the newest checkpoint is written last.
      telling = telling.then(() => told(cli, folder, event))
    }
    const witness = new Witness({ signer: folder.signer, memory: folder.memory, logs, now: () => cli.now(), onEvent })
    const server = witnessServer(witness, { onBug: (cause) => cli.note(`error: ${String(cause)}`) })
    const stopped = stopSignal()
    const url = await listening(server, flags.host, port)
    announce(cli, witness.vkey, url, witness.heads())
    // Said with every start: a log that has forked once is not to be forgotten.
    for (const known of folder.memory.contradictions()) onEvent({ kind: 'contradiction', ...known })
    await stopped
    await stopServer(server)
    await telling
  } finally {
    folder.memory.close()
  }
}

async function logsOf({ log = [], policy }: Flags): Promise<readonly Verifier[]> {
  const { distinctLogs, logKey, logsOfPolicy } = await import('../../seal/witness/policy.ts')
  const { AppError, messageOf } = await import('../../core/errors.ts')
  if (policy === undefined) return distinctLogs(log.map(logKey))
  const text = await readFile(policy, 'utf8').catch((cause: unknown) => {
    throw new AppError('BAD_ARGUMENT', `The policy cannot be read: ${messageOf(cause)}`, { where: policy, cause })
  })
  return distinctLogs([...log.map(logKey), ...logsOfPolicy(text)])
}

async function portOf({ port: text }: Flags): Promise<number> {
  const { wholeNumber } = await import('../numbers.ts')
  const { AppError } = await import('../../core/errors.ts')
  const port = wholeNumber('--port', text)
  if (port > MAX_PORT) throw new AppError('BAD_ARGUMENT', `--port takes at most ${MAX_PORT}, not ${port}.`)
  return port
}

async function listening(server: import('node:http').Server, host: string, port: number): Promise<string> {
  const { listen } = await import('../../seal/witness/server.ts')
  const { AppError, messageOf } = await import('../../core/errors.ts')
  return listen(server, host, port).catch((cause: unknown) => {
    throw new AppError('BAD_ARGUMENT', `Nothing can listen on ${host}, port ${port}: ${messageOf(cause)}`, {
      hint: 'Stop what listens there, or choose another with --host and --port.',
      cause,
    })
  })
}

type Head = { readonly origin: string; readonly size: bigint | undefined }

function announce(cli: CliContext, vkey: string, url: string, heads: readonly Head[]): void {
  if (cli.json()) {
    const logs = heads.map(({ origin, size }) => ({ origin, size: size === undefined ? null : String(size) }))
    cli.out(`${JSON.stringify({ vkey, url, logs })}\n`)
    return
  }
  cli.out(`witness    ${vkey}\nlistening  ${url}\n`)
  for (const { origin, size } of heads) cli.out(`log        ${origin}, signed up to ${size ?? 'nothing yet'}\n`)
}

/** Says what happened, and puts notes where the owner of the witness finds them. */
async function told(cli: CliContext, { publish }: WitnessFolder, event: WitnessEvent): Promise<void> {
  const { printable } = await import('../../core/printable.ts')
  const { messageOf } = await import('../../core/errors.ts')
  const { origin, size } = event
  const what = `${size} of ${printable(origin)}`
  try {
    if (event.kind === 'signed') {
      await publish('checkpoints', origin, event.note)
      cli.note(`signed ${what}`)
    } else if (event.kind === 'refused') {
      cli.note(`refused ${what}: ${printable(event.reason)}`)
    } else {
      const path = await publish('contradictions', `${origin} ${size}`, `${event.accepted}\n${event.refused}`)
      cli.note(`CONTRADICTION: two different checkpoints of size ${what} bear the log's signature. Both are in ${path}`)
    }
  } catch (cause) {
    cli.note(`error: ${what}: ${messageOf(cause)}`)
  }
}

/** Resolves with the first Ctrl-C or request to end. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
