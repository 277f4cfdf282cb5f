/** `bricktrail serve`: the loop, the API and the page, until it is told to end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RunningApp } from '../../app.ts'
import type { Config } from '../../config/config.ts'
import { AppError, EXIT, isAppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { printable } from '../../core/printable.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { openInBrowser } from '../open-browser.ts'
import { untilTold } from '../until-told.ts'

/** Flags of `serve`. */
export interface ServeFlags {
  readonly config?: string
  readonly host?: string
  readonly port?: string
  readonly link?: boolean
  readonly open?: boolean
  /** Not of the command line: another port does where the usual one is taken. */
  readonly orAnyPort?: boolean
}

/** Whom a link of the command line signs in: who may start the service may read all it keeps. */
const AT_THE_TERMINAL = 'local admin'

/** What runs has 20 seconds to end, and what it held two more to be let go. */
const ENDS_WITHIN_MS = 22_000

/** Adds `serve`. */
export const registerServe: RegisterCommand = (program, cli) => {
  withServeOptions(
    program
      .command('serve')
      .description(
        'look after the home: watch its sources, ingest, detect, alert, deliver; answer the API and the page',
      ),
  ).action((flags: ServeFlags) => serve(cli, cli.home(), flags))
}

/** Adds the options of serving. */
export const withServeOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'settings; bricktrail.yaml of the home where absent')
    .option('--host <address>', 'address to listen on, in place of that of the settings')
    .option('--port <n>', 'port to listen on, in place of that of the settings; 0 for any that is free')
    .option('--link', 'print a link that signs in once, even if nobody reads it on a terminal')
    .option('--no-open', 'do not open the page in a browser')

/** Serves until SIGINT or SIGTERM. */
export async function serve(cli: CliContext, home: Home, flags: ServeFlags): Promise<void> {
  const { readConfig } = await import('../../config/config.ts')
  const config = withFlags(await readConfig(home, flags.config), flags)
  const app = await started(cli, home, config, flags)
  const wantsLink = cli.tty || flags.link === true
  const link = wantsLink ? await app.link(AT_THE_TERMINAL) : undefined
  if (cli.json()) cli.out(`${JSON.stringify({ url: app.url, ...(link === undefined ? {} : { link }) })}\n`)
  else {
    cli.out(`Bricktrail serves ${home.root} at ${config.serve.publicUrl ?? app.url}\n`)
    if (link !== undefined) cli.out(`Sign in, once and within ten minutes:  ${link}\n`)
    if (config.service.sources.length === 0)
      cli.note('hint: it watches no source yet; `bricktrail init` writes a bricktrail.yaml to name some in.')
  }
  if (link !== undefined && cli.tty && flags.open !== false) await openInBrowser(link, home.tmp)
  const signal = await untilTold()
  cli.note(`${signal}: ending; what runs is finished first.`)
  // What was cancelled may hang all the same, such as a file system that is gone.
  if (!(await within(ENDS_WITHIN_MS, app.close()))) {
    cli.note('warning: some work did not end in time and was left; the next start makes up for it.')
    // What was left would keep the process, which holds nothing any more, for as long as it takes.
    process.exit(EXIT.ok)
  }
}

/** What came of some work; false where it did not end in time. */
export async function within(ms: number, work: Promise<boolean>): Promise<boolean> {
  const ending = new AbortController()
  try {
    return await Promise.race([work, sleep(ms, false, { signal: ending.signal })])
  } finally {
    ending.abort()
  }
}

async function started(
  cli: CliContext,
  home: Home,
  config: Config,
  { port, orAnyPort }: ServeFlags,
): Promise<RunningApp> {
  const { startApp } = await import('../../app.ts')
  const options = { home, now: () => cli.now(), note: (line: string) => cli.note(printable(line)) }
  try {
    return await startApp({ ...options, config })
  } catch (cause) {
    const isPort = isAppError(cause) && cause.code === 'LOCKED' && cause.message.startsWith('Port ')
    if (orAnyPort !== true || port !== undefined || !isPort) throw cause
    return startApp({ ...options, config: { ...config, listen: { ...config.listen, port: 0 } } })
  }
}

function withFlags(config: Config, { host, port }: ServeFlags): Config {
  const number = port === undefined ? config.listen.port : Number(port)
  if (!Number.isInteger(number) || number < 0 || number > 65_535 || port?.trim() === '')
    throw new AppError('BAD_ARGUMENT', `--port ${port} is no port.`, { hint: 'Give a number from 0 to 65535.' })
  return { ...config, listen: { host: host ?? config.listen.host, port: number } }
}
