/** Who may do what: everything `access.db` knows, and the principal behind a token or a session. */
import { createHash } from 'node:crypto'
import { canonicalize } from 'json-canonicalize'
import type { Permission, Principal, Role, RowLimits } from '../contract.ts'
import type { ServeSettings } from '../settings.ts'
import { AccessFile } from './access-file.ts'
import { Failures } from './failures.ts'
import { Links } from './links.ts'
import { People } from './people.ts'
import { narrowed, type RoleRights, rolesWith } from './roles.ts'
import { Searches } from './searches.ts'
import { type KeptSession, Sessions } from './sessions.ts'
import { type KeptToken, Tokens } from './tokens.ts'

/** What a principal is made of. */
interface Holder {
  readonly id: string
  readonly name: string
  readonly kind: Principal['kind']
  readonly role: Role
  readonly scopes?: readonly Permission[] | null
  readonly rows: RowLimits
  readonly sessionId: string
}

/** The access of a home. */
export class Access {
  readonly tokens: Tokens
  readonly sessions: Sessions
  readonly people: People
  readonly links: Links
  readonly searches: Searches
  readonly failures: Failures
  readonly #file: AccessFile
  readonly #roles: Readonly<Record<Role, RoleRights>>

  private constructor(file: AccessFile, settings: AccessOptions, now: () => Date) {
    this.#file = file
    this.#roles = rolesWith(settings.access.roles)
    this.tokens = new Tokens(file, now)
    this.sessions = new Sessions(file, now, settings.sessions)
    this.people = new People(file, this.sessions, now)
    this.links = new Links(file, now)
    this.searches = new Searches(file, now)
    this.failures = new Failures(file, now, settings.limits.signInFailures)
  }

  /** Opens `access.db`, making it if there is none. @throws AppError BAD_HOME */
  static open(path: string, settings: AccessOptions, now: () => Date): Access {
    return new Access(AccessFile.open(path), settings, now)
  }

  close(): void {
    this.#file.close()
  }

  /** What a role may, after what the site changed. */
  rightsOf(role: Role): RoleRights {
    return this.#roles[role]
  }

  /**
   * Takes notice of settings that decide about roles otherwise than at the last start: sessions whose role came of them end, or they
   * would go on with what was taken away. Returns how many ended.
   */
  settle({ oidc }: ServeSettings['access']): number {
    const { clientSecret: _, name: __, ...decides } = oidc ?? {}
    const digest = createHash('sha256').update(canonicalize(decides)).digest('hex')
    return this.#file.atOnce(() => {
      const before = this.#file.get<{ digest: string }>("SELECT digest FROM settings WHERE name = 'oidc'")
      if (before?.digest === digest) return 0
      this.#file.run("INSERT OR REPLACE INTO settings (name, digest) VALUES ('oidc', ?)", digest)
      return this.people.endDecidedElsewhere()
    })
  }

  /** Who a token is; undefined if it counts no longer. */
  ofToken(token: KeptToken, kind: Principal['kind'] = 'token'): Principal | undefined {
    if (this.tokens.ended(token) !== undefined) return undefined
    const id = `token:${token.id}`
    return this.#principal({
      id,
      name: token.name,
      kind,
      role: token.role,
      scopes: token.scopes === null ? null : (JSON.parse(token.scopes) as Permission[]),
      rows: JSON.parse(token.rows) as RowLimits,
      sessionId: id,
    })
  }

  /** Whose session it is, with the role they have now; undefined where they have none any more. */
  ofSession(session: KeptSession): Principal | undefined {
    const sessionId = `session:${session.id}`
    if (session.holder.startsWith('token:')) {
      const token = this.tokens.find(session.holder.slice('token:'.length))
      const principal = token === undefined ? undefined : this.ofToken(token, 'session')
      return principal === undefined ? undefined : { ...principal, sessionId }
    }
    const role = session.holder.startsWith('person:')
      ? (this.people.find(session.holder.slice('person:'.length))?.role ?? null)
      : session.role
    if (role === null) return undefined
    const rows = JSON.parse(session.rows) as RowLimits
    return this.#principal({ id: session.holder, name: session.name, kind: 'session', role, rows, sessionId })
  }

  #principal(holder: Holder): Principal {
    const rights = this.#roles[holder.role]
    const scopes = holder.scopes ?? null
    const permissions = new Set([...rights.permissions].filter((each) => scopes === null || scopes.includes(each)))
    const rows = narrowed(rights.rows, holder.rows)
    return {
      id: holder.id,
      name: holder.name,
      kind: holder.kind,
      role: holder.role,
      permissions,
      masks: rights.masks,
      rows: permissions.has('use:read') ? rows : { ...rows, use: false },
      sessionId: holder.sessionId,
    }
  }
}

/** The part of the settings that decides about access. */
export type AccessOptions = Pick<ServeSettings, 'access' | 'sessions' | 'limits'>
