/** `bricktrail config`: whether bricktrail.yaml can be used, and its schema. */
import { existsSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { printable } from '../../core/printable.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { warnOfOpenHome } from '../home/open-home.ts'

interface Flags {
  readonly config?: string
}

/** Adds `config` and its commands. */
export const registerConfig: RegisterCommand = (program, cli) => {
  const config = program.command('config').description('check the settings of the service, or print their JSON Schema')
  config
    .command('check')
    .description('tell whether the settings can be used; what is wrong is told with file, line and column')
    .option('--config <file>', 'settings; bricktrail.yaml of the home where absent')
    .action((flags: Flags) => check(cli, flags))
  config
    .command('schema')
    .description('print the JSON Schema of bricktrail.yaml')
    .action(async () => {
      const { configJsonSchema } = await import('../../config/schema.ts')
      cli.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
    })
}

/** What is said where there is no file: a home with a slip in its name has none, either. */
const absent = (root: string): string =>
  existsSync(root)
    ? `There is no ${printable(join(root, 'bricktrail.yaml'))}; the usual settings hold.\n`
    : `There is nothing at ${printable(root)}, so the usual settings hold; \`bricktrail init\` makes a home.\n`

async function check(cli: CliContext, flags: Flags): Promise<void> {
  const { readConfig } = await import('../../config/config.ts')
  const { checkedSources } = await import('../../config/sources.ts')
  const config = await readConfig(cli.home(), flags.config)
  const { checkUsable } = await import('../../config/usable.ts')
  // Whether a token was made is told where the service starts; the settings are as good without.
  await checkUsable(config, true)
  const sources = await checkedSources(config.service.sources)
  const { listen, file } = config
  if (cli.json()) {
    const found = sources.map(({ name, problem }) => ({ name, ...(problem === undefined ? {} : { problem }) }))
    return cli.out(`${JSON.stringify({ file: file ?? null, listen, sources: found })}\n`)
  }
  cli.out(
    file === undefined
      ? absent(cli.home().root)
      : `${file} can be used: ${sources.length} ${sources.length === 1 ? 'source' : 'sources'}, listens on ${isIPv6(listen.host) ? `[${listen.host}]` : listen.host}:${listen.port}.\n`,
  )
  await warnOfOpenHome(cli)
  for (const { name, problem } of sources) if (problem !== undefined) cli.note(`warning: source ${name}: ${problem}`)
}
