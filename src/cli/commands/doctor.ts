/** `bricktrail doctor`: checks the runtime, the home and the lake, and says what to do. */
import type { Check } from '../../ask/check.ts'
import { EXIT } from '../../core/errors.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'

const MARKS = { ok: 'ok', warning: 'warn', failed: 'FAIL' } as const

/** Adds `doctor`. */
export const registerDoctor: RegisterCommand = (program, cli) => {
  program
    .command('doctor')
    .description(
      'check runtime, home, free disk, lake health and clock, or the server that is named, and say what to do',
    )
    .action(async () => {
      const { jsonText, printable } = await import('../../core/printable.ts')
      const checks = await checksOf(cli)
      if (checks.some(({ state }) => state === 'failed')) cli.exit(EXIT.findings)
      if (cli.json()) {
        cli.out(`${jsonText({ healthy: checks.every(({ state }) => state !== 'failed'), checks })}\n`)
        return
      }
      for (const { name, state, finding, hint } of checks) {
        cli.out(`${MARKS[state].padEnd(5)} ${printable(name).padEnd(14)} ${printable(finding)}\n`)
        if (hint !== undefined) cli.out(`      ${' '.repeat(14)} → ${printable(hint)}\n`)
      }
    })
}

async function checksOf(cli: CliContext): Promise<readonly Check[]> {
  const wish = cli.server()
  if (wish === undefined) return (await import('../../ask/health.ts')).checkHealth(cli.home(), cli.now())
  const { withServer } = await import('../server.ts')
  const { serverChecks } = await import('../../remote/health.ts')
  const hasToken = wish.token !== undefined || wish.tokenFile !== undefined
  return withServer(wish, (api) => serverChecks(api, hasToken), { isPublic: true })
}
