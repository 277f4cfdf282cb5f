/** The command line. Commands load their rooms on first use, so that `--help` stays quick. */
import { Command, CommanderError } from 'commander'
import { EXIT, isAppError, systemError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import { COMMANDS } from './registry.ts'
import { terminalContext } from './terminal.ts'
import { usageError } from './usage-error.ts'

/** Runs one command line (without node and script) and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('bricktrail')
    .description('The audit trail for Databricks: every audit record in one open, exactly-once lake of events.')
    .version(VERSION)
    .option('--home <dir>', 'data folder (or BRICKTRAIL_HOME; default ./bricktrail-data)')
    .option('--server <url>', 'ask the service at this address instead of a home (or BRICKTRAIL_SERVER)')
    .option('--token-file <file>', 'the token to ask it with; only its owner may read the file (or BRICKTRAIL_TOKEN)')
    .option('--ca-file <file>', 'trust the certificate authorities in this file, too')
    .option('--plain-http', 'ask over http:// on another machine, too, where others could read the token')
    .option('--json', 'print one machine-readable object')
    .exitOverride()
    // Errors are printed below, all in one way; help still prints itself.
    .configureOutput({ outputError: () => {} })
  // A command line that cannot be parsed may fail before --json is met.
  const wantsJson = beforeTerminator(argv).includes('--json')
  const terminal = terminalContext(program, wantsJson)
  if (wantsJson) program.configureOutput({ writeErr: () => {} })
  for (const register of COMMANDS) register(program, terminal)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return terminal.exitCode()
  } catch (cause) {
    if (cause instanceof CommanderError && cause.exitCode === 0) return EXIT.ok
    const expected = cause instanceof CommanderError ? usageError(cause, program, argv) : failure(cause)
    // Without a command the help has been printed, which says more than an error.
    if (cause instanceof CommanderError && cause.code === 'commander.help' && !wantsJson) return expected.exit
    terminal.fail(expected)
    return expected.exit
  }
}

/** Runs this process's command line; a reader of its output that goes away (`| head`) is no failure of ours. */
export async function runProcess(): Promise<void> {
  // A report of a crash, where somebody has Node write them, would list all variables, and secrets are among them.
  process.report.excludeEnv = true
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.ok)
      if (stream === process.stdout)
        process.stderr.write(`error: Standard output cannot be written: ${error.message}\n`)
      process.exit(EXIT.badConfig)
    })
  }
  process.exitCode = await main(process.argv.slice(2))
}

function beforeTerminator(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}

function failure(cause: unknown) {
  const expected = isAppError(cause) ? cause : systemError(cause)
  if (expected === undefined) throw cause
  return expected
}

if (import.meta.main) await runProcess()
