/** Nobody gives more than they have: a token that may make tokens makes none that may more than itself. */
import { AppError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import { CATEGORIES } from '../../normalise/catalogue/vocabulary.ts'
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

/** A limit that lets nothing through is a slip. @throws AppError BAD_ARGUMENT for a category that no event has */
export function checkCategories({ categories = [] }: RowLimits): void {
  const known = CATEGORIES.map(({ name }) => name)
  const stray = categories.find((each) => !known.includes(each))
  if (stray === undefined) return
  const [near] = nearest(stray, known)
  throw new AppError('BAD_ARGUMENT', `There is no category "${stray}".`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}There are ${known.join(', ')}.`,
  })
}

/** @throws AppError BAD_ARGUMENT for a scope that the role does not have, which would never count */
export function checkScopes(role: Role, scopes: readonly Permission[] = [], { permissions }: RoleRights): void {
  const stray = scopes.find((each) => !permissions.has(each))
  if (stray === undefined) return
  throw new AppError('BAD_ARGUMENT', `The role ${role} does not have ${stray}; a scope only narrows what a role may.`, {
    hint: `Use a role that has it, or one of ${[...permissions].join(', ')}.`,
  })
}
