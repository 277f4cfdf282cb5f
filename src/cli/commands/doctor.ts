/** `bricktrail doctor`: checks the runtime, the home and the lake, and says what to do. */
import { EXIT } from '../../core/errors.ts'
import type { RegisterCommand } from '../contract.ts'

const MARKS = { ok: 'ok', warning: 'warn', failed: 'FAIL' } as const

/** Adds `doctor`. */
export const registerDoctor: RegisterCommand = (program, cli) => {
  program
    .command('doctor')
    .description('check runtime, home, free disk, lake health and clock, and say what to do')
    .action(async () => {
      const { checkHealth } = await import('../../ask/health.ts')
      const checks = await checkHealth(cli.home(), cli.now())
      if (checks.some(({ state }) => state === 'failed')) cli.exit(EXIT.findings)
      if (cli.json()) {
        cli.out(`${JSON.stringify({ healthy: checks.every(({ state }) => state !== 'failed'), checks })}\n`)
        return
      }
      for (const { name, state, finding, hint } of checks) {
        cli.out(`${MARKS[state].padEnd(5)} ${name.padEnd(14)} ${finding}\n`)
        if (hint !== undefined) cli.out(`      ${' '.repeat(14)} → ${hint}\n`)
      }
    })
}
