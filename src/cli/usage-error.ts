/** A command line that does not parse, as an error of the table, so that it is printed like every other one. */
import type { Command, CommanderError } from 'commander'
import { AppError } from '../core/errors.ts'

/** What the parser refused, without its decoration; the hint names the option or command meant, and where to read on. */
export function usageError(cause: CommanderError, program: Command, argv: readonly string[]): AppError {
  const named = argv.find((word) => program.commands.some((command) => command.name() === word))
  const help = `Run \`bricktrail ${named === undefined ? '' : `${named} `}--help\` to see what it takes.`
  if (cause.code === 'commander.help') {
    const message = argv.includes('help') ? 'There is no help on that.' : 'No command is named.'
    return new AppError('BAD_ARGUMENT', message, { hint: help })
  }
  const [message = '', suggestion] = cause.message.replace(/^error: /, '').split('\n')
  const meant = /^\((.+)\)$/.exec(suggestion ?? '')?.[1]
  return new AppError('BAD_ARGUMENT', sentence(message), {
    hint: meant === undefined ? help : `${meant} ${help}`,
    cause,
  })
}

const sentence = (text: string): string => {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}
