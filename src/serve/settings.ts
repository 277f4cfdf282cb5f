/** What the server is told by `bricktrail.yaml`, after its defaults. */

import type { RoleChange } from './auth/roles.ts'
import type { Role } from './contract.ts'

/** Who may sign in, and as what. */
export interface AccessSettings {
  readonly oidc?: OidcSettings
  /** Changes of roles. */
  readonly roles?: Partial<Record<Role, RoleChange>>
}

/** An OpenID provider and what its people may. */
export interface OidcSettings {
  /** Name on the button of the sign-in page. */
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  /** Absent for a public client, which PKCE alone protects. Resolved by the configuration; never written anywhere. */
  readonly clientSecret?: string
  readonly scopes: readonly string[]
  /** Claim that lists a person's groups. */
  readonly groupsClaim: string
  /** Group → role; the role that may most counts. */
  readonly groups: Readonly<Record<string, Role>>
  /** E-mail address in small letters → role; stronger than groups. */
  readonly people: Readonly<Record<string, Role>>
  /** Role of everybody else whom the provider knows; absent: none. */
  readonly defaultRole?: Role
  /** Domains of e-mail addresses that may sign in; empty for all. */
  readonly domains: readonly string[]
  /** Takes addresses that the provider does not call verified: only for providers whose people cannot change theirs. */
  readonly trustEmail?: boolean
}

/** Bounds of what one may ask. */
export interface LimitSettings {
  /** By token, or by person in all their sessions. */
  readonly requestsPerMinute: number
  readonly bodyBytes: number
  readonly headerBytes: number
  /** How long a question may take that says nothing else. */
  readonly requestSeconds: number
  /** Failed sign-ins by address or name before it is locked out. */
  readonly signInFailures: number
  readonly connections: number
}

/** The server's settings. */
export interface ServeSettings {
  /** Address people use, such as `https://audit.example.com`; absent: the one the server listens on. */
  readonly publicUrl?: string
  /** More names of hosts under which requests are answered, in small letters. */
  readonly names: readonly string[]
  /** Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; empty for none. */
  readonly behindProxy: readonly string[]
  /** PEM files of the server's own certificate. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  readonly sessions: { readonly hours: number; readonly idleMinutes: number }
  readonly limits: LimitSettings
  readonly access: AccessSettings
}

/** A page asks some twenty questions a view; a script that polls once a second stays far below this. */
const REQUESTS_PER_MINUTE = 1200

/** SQL and rules are text; a megabyte is a long one. */
const BODY_BYTES = 1024 * 1024

/** What a file that says nothing means. */
export const USUAL_SETTINGS: ServeSettings = {
  names: [],
  behindProxy: [],
  sessions: { hours: 12, idleMinutes: 60 },
  limits: {
    requestsPerMinute: REQUESTS_PER_MINUTE,
    bodyBytes: BODY_BYTES,
    headerBytes: 16 * 1024,
    requestSeconds: 60,
    signInFailures: 5,
    connections: 1000,
  },
  access: {},
}
