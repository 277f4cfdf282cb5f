/** What each role may do and what is hidden from it, before a site changes it. */
import { AppError } from '../../core/errors.ts'
import { MASKS, type Mask, PERMISSIONS, type Permission, ROLES, type Role, type RowLimits } from '../contract.ts'

/** A role: what it may, what is masked for it, and which rows it sees. */
export interface RoleRights {
  readonly permissions: ReadonlySet<Permission>
  readonly masks: readonly Mask[]
  readonly rows: RowLimits
}

/** What a site changes about a role; what is absent stays as it is. */
export interface RoleChange {
  /** Added to what the role may. */
  readonly allow?: readonly Permission[]
  /** Taken from what the role may; stronger than `allow`. */
  readonly deny?: readonly Permission[]
  /** In place of the usual masks. */
  readonly masks?: readonly Mask[]
  readonly rows?: RowLimits
}

const SEES: readonly Permission[] = ['events:read', 'findings:read', 'rules:read', 'health:read']

/** Raw bytes and proofs hold what masks hide, so nobody with a mask has them. */
const USUAL: Readonly<Record<Role, { readonly permissions: readonly Permission[]; readonly masks: readonly Mask[] }>> =
  {
    viewer: { permissions: SEES, masks: MASKS },
    analyst: {
      permissions: [...SEES, 'alerts:change', 'sql:run', 'events:download', 'rules:test', 'events:reveal'],
      masks: ['query'],
    },
    auditor: {
      permissions: [
        ...SEES,
        'events:raw',
        'events:download',
        'sql:run',
        'rules:test',
        'seal:read',
        'seal:verify',
        'use:read',
        'access:read',
      ],
      masks: [],
    },
    admin: { permissions: Object.keys(PERMISSIONS) as Permission[], masks: [] },
  }

/**
 * What each role may, after what the site changes.
 * @throws AppError BAD_HOME for a role that would see as received what is masked for it
 */
export function rolesWith(changes: Partial<Record<Role, RoleChange>> = {}): Readonly<Record<Role, RoleRights>> {
  const entries = ROLES.map((role): [Role, RoleRights] => {
    const change = changes[role] ?? {}
    const permissions = new Set([...USUAL[role].permissions, ...(change.allow ?? [])])
    for (const denied of change.deny ?? []) permissions.delete(denied)
    const masks = change.masks ?? USUAL[role].masks
    if (masks.length > 0 && permissions.has('events:raw'))
      throw new AppError('BAD_HOME', `The role ${role} may see received bytes, which show what is masked for it.`, {
        hint: `Take events:raw from it, or its masks: access.roles.${role}.`,
      })
    return [role, { permissions, masks, rows: change.rows ?? {} }]
  })
  return Object.fromEntries(entries) as Record<Role, RoleRights>
}

/** Both limits at once: rows that both let through. An empty list lets nothing through. */
export function narrowed(a: RowLimits, b: RowLimits): RowLimits {
  const both = (x: readonly string[] | undefined, y: readonly string[] | undefined): readonly string[] | undefined =>
    x === undefined ? y : y === undefined ? x : x.filter((each) => y.includes(each))
  const workspaces = both(a.workspaces, b.workspaces)
  const categories = both(a.categories, b.categories)
  return {
    ...(workspaces === undefined ? {} : { workspaces }),
    ...(categories === undefined ? {} : { categories }),
    ...(a.use === false || b.use === false ? { use: false } : {}),
  }
}
