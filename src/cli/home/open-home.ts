/** Warns of a home that others of the machine can look into. */
import type { CliContext } from '../contract.ts'

/** One line where that is so: whoever sets a home up is to know it before events are in it. */
export async function warnOfOpenHome(cli: CliContext): Promise<void> {
  const { openHome } = await import('../../ask/open-home.ts')
  const { printable } = await import('../../core/printable.ts')
  const open = await openHome(cli.home())
  if (open !== undefined) cli.note(printable(`warning: ${open.finding}. ${open.hint}`))
}
