/** An app over a home, with a token of each role. */

import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { type AppDeps, createApp } from './app.ts'
import { Access } from './auth/access.ts'
import type { TokenWish } from './auth/tokens.ts'
import { type LakeQuestions, ROLES, type Role, type RouteApp, type RouteGroup } from './contract.ts'
import { OwnLog } from './own-log.ts'
import { type ServeSettings, USUAL_SETTINGS } from './settings.ts'

/** What a test changes of an app; the rest is as usual. */
export interface ServedOptions extends Partial<Omit<AppDeps, 'home' | 'access' | 'ownLog' | 'settings'>> {
  readonly settings?: Partial<ServeSettings>
}

/** What a test asks. */
export interface Ask extends RequestInit {
  /** Asks with the token of this role; without one where absent. */
  readonly as?: Role
  /** Sent as JSON, with its content type. */
  readonly json?: unknown
  /** Address of the client; this machine where absent. */
  readonly from?: string
}

/** An app that runs in this process. */
export interface Served {
  readonly app: RouteApp
  readonly access: Access
  readonly ownLog: OwnLog
  /** Secret of the token of each role. */
  readonly tokens: Readonly<Record<Role, string>>
  fetch(path: string, ask?: Ask): Promise<Response>
  /** A token with other rights. */
  token(wish: Partial<TokenWish>): string
  close(): Promise<void>
}

/** A lake for tests of routes that ask none. */
const noLake: LakeQuestions = {
  rows: () => Promise.reject(new AppError('NO_LAKE', 'There is no lake here.')),
}

const HOUR_MS = 3_600_000

/** Starts an app over a home. Its host is `localhost`, its scheme http. */
export function served(home: Home, groups: readonly RouteGroup<AppDeps>[], options: ServedOptions = {}): Served {
  const now = options.now ?? (() => new Date())
  const settings = { ...USUAL_SETTINGS, ...options.settings }
  const access = Access.open(home.access, settings, now)
  const ownLog = new OwnLog(home.own, now)
  const app = createApp({ lake: noLake, ...options, now, home, access, ownLog, settings }, groups)
  const token = (wish: Partial<TokenWish>): string =>
    access.tokens.make({
      name: `a ${wish.role ?? 'viewer'}`,
      role: 'viewer',
      rows: {},
      expiresMs: now().getTime() + HOUR_MS,
      createdBy: 'the test',
      ...wish,
    }).secret
  const tokens = Object.fromEntries(ROLES.map((role) => [role, token({ role })])) as Record<Role, string>
  return {
    app,
    access,
    ownLog,
    tokens,
    token,
    fetch: async (path, { as, json, from, ...init } = {}) => {
      const headers = new Headers(init.headers)
      if (as !== undefined) headers.set('authorization', `Bearer ${tokens[as]}`)
      if (json !== undefined) headers.set('content-type', 'application/json')
      const body = json === undefined ? {} : { body: JSON.stringify(json) }
      const bindings = { incoming: { socket: { remoteAddress: from ?? '127.0.0.1' } } }
      return app.request(`http://localhost${path}`, { ...init, ...body, headers }, bindings)
    },
    close: async () => {
      await ownLog.close()
      access.close()
    },
  }
}
