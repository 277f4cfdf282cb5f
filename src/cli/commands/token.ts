/** `bricktrail token`: who may ask the service: tokens of programs, links for people. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { TokenBook } from '../../remote/contract.ts'
import { PERMISSIONS, type Permission, ROLES, type Role } from '../../serve/contract.ts'
import type { TokenRow } from '../../serve/shapes/access.ts'
import type { CliContext, RegisterCommand } from '../contract.ts'
import { localNameOf } from '../home/local-name.ts'
import { notOnServer } from '../server-wish.ts'

interface CreateFlags {
  readonly role: Role
  readonly scope?: readonly Permission[]
  readonly workspace?: readonly string[]
  readonly category?: readonly string[]
  readonly expires: string
  readonly as?: string
}

interface LinkFlags {
  readonly role: Role
  readonly config?: string
  readonly as?: string
}

/** Adds `token` with `create`, `list`, `revoke`, `link` and `signout`. */
export const registerToken: RegisterCommand = (program, cli) => {
  const token = program.command('token').description('who may ask the service: tokens of programs, links for people')
  addCreate(token, cli)
  token
    .command('list')
    .description('list tokens, the newest first')
    .action(async () => list(cli, await withTokens(cli, {}, (book) => book.list())))
  token
    .command('revoke')
    .description('revoke tokens, and end the sessions begun with them')
    .argument('<id...>', 'ids of tokens, as `list` shows them')
    .option('--as <name>', 'who does it; the user of the system where absent')
    .action((ids: string[], flags: { as?: string }) => revoke(cli, ids, flags))
  addLink(token, cli)
  token
    .command('signout')
    .description('end the sessions of people, however they came in')
    .argument('[name...]', 'names of people, as `GET /api/v1/sessions` shows them')
    .option('--all', 'of everybody')
    .option('--as <name>', 'who does it; the user of the system where absent')
    .action((names: string[], flags: { all?: boolean; as?: string }) => signOut(cli, names, flags))
}

const roleOption = (usual: Role): Option => new Option('--role <role>', 'what it may do').choices(ROLES).default(usual)

function addCreate(token: Command, cli: CliContext): void {
  token
    .command('create')
    .description('make a token and print it, this once')
    .argument('<name>', 'what it is for')
    .addOption(roleOption('viewer'))
    .option('--scope <permissions>', 'only these of what the role may, such as events:read,events:download', scopesOf)
    .option('--workspace <ids>', 'only events of these workspaces', wordsOf)
    .option('--category <names>', 'only events of these categories', wordsOf)
    .option('--expires <duration>', 'how long it lives, a year at most', '90d')
    .option('--as <name>', 'who makes it; the user of the system where absent')
    .action((name: string, flags: CreateFlags) => create(cli, name, flags))
}

function addLink(token: Command, cli: CliContext): void {
  token
    .command('link')
    .description('print a link that signs in once, within ten minutes')
    .addOption(roleOption('admin'))
    .option('--config <file>', 'settings that name the address; bricktrail.yaml of the home where absent')
    .option('--as <name>', 'whom it signs in; the user of the system where absent')
    .action((flags: LinkFlags) => link(cli, flags))
}

const wordsOf = (text: string): string[] => {
  const words = text.split(',').map((word) => word.trim())
  if (words.includes('')) throw new InvalidArgumentError('Give names with commas between them.')
  return words
}

const isPermission = (word: string): word is Permission => Object.hasOwn(PERMISSIONS, word)

function scopesOf(text: string): Permission[] {
  const words = wordsOf(text)
  const scopes = words.filter(isPermission)
  if (scopes.length < words.length) throw new InvalidArgumentError(`Known are ${Object.keys(PERMISSIONS).join(', ')}.`)
  return scopes
}

/** Tokens of the home or server that is named. @throws AppError BAD_ARGUMENT for --as where a server is asked */
async function withTokens<T>(
  cli: CliContext,
  flags: { readonly as?: string },
  work: (book: TokenBook) => Promise<T>,
): Promise<T> {
  const wish = cli.server()
  if (wish === undefined) return work(new (await import('../home/tokens.ts')).HomeTokens(cli, localNameOf(flags)))
  if (flags.as !== undefined) throw notOnServer('--as', 'A server does it in the name of the token; leave --as away.')
  const { ServerTokens } = await import('../../remote/access.ts')
  const { withServer } = await import('../server.ts')
  return withServer(wish, (api) => work(new ServerTokens(api)))
}

async function create(cli: CliContext, name: string, flags: CreateFlags): Promise<void> {
  const { jsonText, printable } = await import('../../core/printable.ts')
  const { role, scope, workspace, category, expires } = flags
  const wish = {
    name,
    role,
    expires,
    ...(scope === undefined ? {} : { scopes: [...scope] }),
    ...(workspace === undefined ? {} : { workspaces: [...workspace] }),
    ...(category === undefined ? {} : { categories: [...category] }),
  }
  const made = await withTokens(cli, flags, (book) => book.make(wish))
  if (cli.json()) return cli.out(`${jsonText(made)}\n`)
  cli.out(`${printable(made.secret)}\n`)
  const until = `A token of the role ${role}, until ${made.token.expires?.slice(0, 10)}.`
  cli.note(printable(`${until} It is shown this once; its id is ${made.token.id}.`))
}

async function list(cli: CliContext, tokens: readonly TokenRow[]): Promise<void> {
  const { jsonText } = await import('../../core/printable.ts')
  if (cli.json()) return cli.out(`${jsonText({ tokens })}\n`)
  if (tokens.length === 0) return cli.out('No tokens.\n')
  const { printTable } = await import('../table.ts')
  const names = ['id', 'name', 'role', 'state', 'expires', 'last used', 'made by']
  const nowText = cli.now().toISOString()
  const rows = tokens.map((token) => [
    token.id,
    token.name,
    token.role,
    token.revoked !== null ? 'revoked' : (token.expires ?? '') <= nowText ? 'expired' : 'counts',
    token.expires?.slice(0, 10),
    token.lastUsed?.slice(0, 16) ?? 'never',
    token.createdBy,
  ])
  printTable(cli, names, rows)
}

async function revoke(cli: CliContext, ids: readonly string[], flags: { as?: string }): Promise<void> {
  const { jsonText, printable } = await import('../../core/printable.ts')
  const told = (token: TokenRow) =>
    cli.out(cli.json() ? `${jsonText({ token })}\n` : `${printable(`${token.id} (${token.name})`)} counts no longer.\n`)
  await withTokens(cli, flags, (book) => book.revoke(ids, told))
}

async function signOut(
  cli: CliContext,
  names: readonly string[],
  flags: { all?: boolean; as?: string },
): Promise<void> {
  const { AppError } = await import('../../core/errors.ts')
  const { recorded, withAccess } = await import('../home/tokens.ts')
  const everybody = flags.all === true
  if (everybody === names.length > 0)
    throw new AppError('BAD_ARGUMENT', 'Name whose sessions are to end, or give --all.')
  await withAccess(cli, async (access) => {
    let ended = 0
    for (const name of everybody ? [undefined] : names) {
      await recorded(cli, 'endSession', localNameOf(flags), { name: name ?? 'everybody' })
      ended += access.sessions.endAll(name)
    }
    cli.out(cli.json() ? `${JSON.stringify({ ended })}\n` : `${ended} ${ended === 1 ? 'session' : 'sessions'} ended.\n`)
  })
}

async function link(cli: CliContext, flags: LinkFlags): Promise<void> {
  const { readConfig } = await import('../../config/config.ts')
  const { holder } = await import('../../service/lock.ts')
  const { recorded, withAccess } = await import('../home/tokens.ts')
  const config = await readConfig(cli.home(), flags.config)
  const running = await holder(cli.home())
  const { host, port } = config.listen
  const scheme = config.serve.tls === undefined ? 'http' : 'https'
  const url = config.serve.publicUrl ?? running.url ?? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const name = localNameOf(flags)
  await withAccess(cli, async (access) => {
    await recorded(cli, 'createLink', name, { role: flags.role })
    const { code, endsMs } = access.links.make({ name, role: flags.role })
    const address = `${url}/auth/link?code=${code}`
    if (cli.json()) return cli.out(`${JSON.stringify({ link: address, expires: new Date(endsMs).toISOString() })}\n`)
    cli.out(`${address}\n`)
    if (running.url === undefined) cli.note('hint: no service runs on this home now; `bricktrail serve` starts it.')
  })
}
