/** `bricktrail init`: writes a first bricktrail.yaml. */
import type { CliContext, RegisterCommand } from '../contract.ts'
import { warnOfOpenHome } from '../home/open-home.ts'

/** It may name people, and where logs lie. */
const OWNERS_FILE = 0o600

interface Flags {
  readonly source?: string
  readonly force?: boolean
}

/** Adds `init`. */
export const registerInit: RegisterCommand = (program, cli) => {
  program
    .command('init')
    .description('write a commented bricktrail.yaml into the home, for `bricktrail serve`')
    .option('--source <path>', 'a folder of logs to watch from the start')
    .option('--force', 'replace the file that is there')
    .action((flags: Flags) => init(cli, flags))
}

async function init(cli: CliContext, flags: Flags): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises')
  const { join, resolve } = await import('node:path')
  const { fileURLToPath } = await import('node:url')
  const { AppError } = await import('../../core/errors.ts')
  const { commentedConfig, SCHEMA_FILE } = await import('../../config/commented.ts')
  const { OWNERS_FOLDER } = await import('../../core/home.ts')
  const { CONFIG_FILE } = await import('../../config/schema.ts')
  const { root } = cli.home()
  const file = join(root, CONFIG_FILE)
  const schema = fileURLToPath(new URL(`../../../${SCHEMA_FILE}`, import.meta.url))
  const text = commentedConfig(schema, flags.source === undefined ? undefined : resolve(flags.source))
  await mkdir(root, OWNERS_FOLDER)
  try {
    await writeFile(file, text, { flag: flags.force === true ? 'w' : 'wx', mode: OWNERS_FILE })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new AppError('BAD_ARGUMENT', `${file} is there already.`, {
      hint: 'Change it by hand, or replace it with --force.',
    })
  }
  if (cli.json()) return cli.out(`${JSON.stringify({ file })}\n`)
  cli.out(`Wrote ${file}.\n`)
  await warnOfOpenHome(cli)
  cli.note('hint: name your sources in it, then run `bricktrail config check` and `bricktrail serve`.')
}
