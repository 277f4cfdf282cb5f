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
  if (wish === undefined) {
    const { checkHealth } = await import('../../ask/health.ts')
    return [...(await checkHealth(cli.home(), cli.now())), ...(await destinationsCheck(cli))]
  }
  const { withServer } = await import('../server.ts')
  const { serverChecks } = await import('../../remote/health.ts')
  return withServer(wish, serverChecks, { isPublic: true })
}

/** Whether the settings of delivery can be used; nothing where there are none. */
async function destinationsCheck(cli: CliContext): Promise<readonly Check[]> {
  const { existsSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { DELIVER_FILE } = await import('../../deliver/open.ts')
  const { readDeliverSettings } = await import('../../deliver/settings.ts')
  const { isAppError } = await import('../../core/errors.ts')
  const file = join(cli.home().root, DELIVER_FILE)
  if (!existsSync(file)) return []
  try {
    const { destinations } = await readDeliverSettings(file)
    return [{ name: 'destinations', state: 'ok', finding: `${destinations.length} in ${DELIVER_FILE}` }]
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    return [{ name: 'destinations', state: 'failed', finding: cause.message, hint: cause.hint }]
  }
}
