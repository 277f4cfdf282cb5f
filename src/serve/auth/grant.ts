/** Nobody gives more than they have: a token that may make tokens makes none that may more than itself. */
import { AppError } from '../../core/errors.ts'
import type { Permission, Principal, Role, RowLimits } from '../contract.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { narrowed, type RoleRights } from './roles.ts'

/** What somebody wants to give. */
export interface Gift {
  readonly role: Role
  readonly scopes?: readonly Permission[] | undefined
  readonly rows: RowLimits
}

/**
 * The rows that a principal may give with a role: at most their own.
 * @throws AppError FORBIDDEN for a role or scopes with more than they may, or that shows what is masked for them
 */
export function rowsGiven(giver: Principal, gift: Gift, rights: RoleRights): RowLimits {
  const given = [...rights.permissions].filter((each) => gift.scopes === undefined || gift.scopes.includes(each))
  const beyond = given.filter((each) => !giver.permissions.has(each))
  const unmasked = giver.masks.filter((mask) => !rights.masks.includes(mask))
  const [first] = [...beyond, ...unmasked]
  if (first !== undefined)
    throw new AppError('FORBIDDEN', `You cannot give ${first}, which you do not have yourself.`, {
      hint: 'Give a lesser role, or name scopes that you have.',
    })
  const { use: _, ...rows } = narrowed(giver.rows, gift.rows)
  return rows
}

/** A person's role has no rows of its own, so whoever sees only some rows can give none, and takes nothing from others. @throws AppError FORBIDDEN */
export function checkSeesAll({ rows }: Principal): void {
  if (isLimitedByLists(rows))
    throw new AppError('FORBIDDEN', 'Who sees only some rows can neither give roles nor take away what others have.')
}
