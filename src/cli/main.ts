/** The command line. Commands load their rooms on first use, so that `--help` stays quick. */
import { Command, CommanderError } from 'commander'
import { EXIT, isAppError, systemError } from '../core/errors.ts'
import { COMMANDS } from './registry.ts'
import { terminalContext } from './terminal.ts'

/** Runs one command line (without node and script) and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('bricktrail')
    .description('The audit trail for Databricks: every audit record in one open, exactly-once lake of events.')
    .version('0.1.0')
    .option('--home <dir>', 'data folder (or BRICKTRAIL_HOME; default ./bricktrail-data)')
    .option('--json', 'print one machine-readable object')
    .exitOverride()
    .showHelpAfterError('(run the command with --help to see what it takes)')
  const terminal = terminalContext(program)
  for (const register of COMMANDS) register(program, terminal)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return terminal.exitCode()
  } catch (cause) {
    if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.ok : EXIT.badInput
    const expected = isAppError(cause) ? cause : systemError(cause)
    if (expected === undefined) throw cause
    terminal.fail(expected)
    return expected.exit
  }
}

if (import.meta.main) {
  // A reader that went away (`| head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.exitCode = await main(process.argv.slice(2))
}
