/** Where commands may write. */
import type { CliContext } from './contract.ts'

/** Refuses a path that the home keeps for itself; what a server is asked for has no home here. */
export async function refuseOutInHome(cli: CliContext, out: string): Promise<void> {
  if (cli.server() !== undefined) return
  const { refuseHomesOwn } = await import('../core/outside-home.ts')
  refuseHomesOwn(cli.home(), out)
}
