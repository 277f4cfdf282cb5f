/** Tokens of a home. What changes who may sign in is recorded, whichever way it is done. */
import { parseDuration } from '../../ask/times.ts'
import { AppError } from '../../core/errors.ts'
import type { TokenBook } from '../../remote/contract.ts'
import { Access } from '../../serve/auth/access.ts'
import { checkCategories, checkScopes } from '../../serve/auth/grant.ts'
import { rolesWith } from '../../serve/auth/roles.ts'
import type { Permission, Role } from '../../serve/contract.ts'
import type { OwnAction } from '../../serve/own-actions.ts'
import { localRecord, OwnLog } from '../../serve/own-log.ts'
import { USUAL_SETTINGS } from '../../serve/settings.ts'
import { type MadeToken, NewToken, type TokenRow } from '../../serve/shapes/access.ts'
import type { CliContext } from '../contract.ts'

/** Opens who has access to a home for a moment. */
export async function withAccess<T>(cli: CliContext, work: (access: Access) => T | Promise<T>): Promise<T> {
  const access = Access.open(cli.home().access, USUAL_SETTINGS, () => cli.now())
  try {
    return await work(access)
  } finally {
    access.close()
  }
}

/** Records what is about to be changed. */
export async function recorded(
  cli: CliContext,
  action: OwnAction,
  who: string,
  params: Record<string, unknown>,
): Promise<void> {
  const log = new OwnLog(cli.home().own, () => cli.now())
  try {
    const told = { ...params, way: 'command line' }
    await log.append(localRecord({ time: cli.now(), action, who, program: 'bricktrail-cli', params: told }))
  } finally {
    await log.close()
  }
}

/** See above. */
export class HomeTokens implements TokenBook {
  readonly #cli: CliContext
  readonly #who: string

  /** @param who in whose name things are done */
  constructor(cli: CliContext, who: string) {
    this.#cli = cli
    this.#who = who
  }

  async make(wish: NewToken): Promise<MadeToken> {
    const fits = NewToken.safeParse(wish)
    if (!fits.success) throw new AppError('BAD_ARGUMENT', `The token cannot be made: ${fits.error.issues[0]?.message}.`)
    const { name, role, scopes, workspaces, categories, expires } = fits.data
    const rows = {
      ...(workspaces === undefined ? {} : { workspaces }),
      ...(categories === undefined ? {} : { categories }),
    }
    checkCategories(rows)
    await this.#checkScopes(role, scopes)
    const expiresMs = this.#cli.now().getTime() + parseDuration(expires)
    return withAccess(this.#cli, async (access) => {
      await recorded(this.#cli, 'createToken', this.#who, { name, role, scopes, ...rows, expires })
      return access.tokens.make({ name, role, scopes, rows, expiresMs, createdBy: this.#who })
    })
  }

  /** A site may give a role more than it usually has; where its settings cannot be read here, the service decides. */
  async #checkScopes(role: Role, scopes: readonly Permission[] | undefined): Promise<void> {
    const usual = rolesWith()[role]
    if (scopes === undefined || scopes.every((each) => usual.permissions.has(each))) return
    const { readConfig } = await import('../../config/config.ts')
    const config = await readConfig(this.#cli.home(), undefined).catch(() => undefined)
    if (config !== undefined) checkScopes(role, scopes, rolesWith(config.serve.access.roles)[role])
  }

  list(): Promise<readonly TokenRow[]> {
    return withAccess(this.#cli, (access) => access.tokens.list())
  }

  async revoke(ids: readonly string[], done: (token: TokenRow) => void): Promise<void> {
    await withAccess(this.#cli, async (access) => {
      const known = ids.map((id) => access.tokens.named(id))
      for (const { id, name } of known) {
        await recorded(this.#cli, 'revokeToken', this.#who, { id, name })
        done(access.tokens.revoke(id))
      }
    })
  }
}
