/**
 * Sign-in by an OpenID provider: authorization code with PKCE, state and nonce. What is known between the way there and back is kept
 * here, bound to the browser that began it.
 */
import { createHash } from 'node:crypto'
import type { Configuration } from 'openid-client'
import { AppError } from '../../core/errors.ts'
import { ROLES, type Role } from '../contract.ts'
import type { OidcSettings } from '../settings.ts'
import { isLoopback } from './client.ts'
import { looksLikeAddress } from './names.ts'
import type { SignedIn } from './people.ts'
import { sameText } from './secret.ts'

/** Claims of a person, from the ID token and, where that is short of them, from the provider's user information. */
export type Claims = Readonly<Record<string, unknown>>

interface Flow {
  readonly browser: string
  readonly verifier: string
  readonly nonce: string
  readonly redirectUri: string
  readonly to: string
  readonly endsMs: number
}

/** What comes back of a sign-in. */
export interface OidcAnswer {
  readonly person: SignedIn
  /** Path to go to. */
  readonly to: string
}

const FLOW_MS = 10 * 60_000
/** Beginnings cost nothing to whoever makes them, so their number is bounded; the oldest go first. */
const MOST_FLOWS = 2000
const PROVIDER_SECONDS = 10

/** A provider, discovered when somebody first signs in. */
export class Oidc {
  readonly settings: OidcSettings
  readonly #now: () => Date
  readonly #flows = new Map<string, Flow>()
  #found: Promise<Configuration> | undefined

  constructor(settings: OidcSettings, now: () => Date) {
    this.settings = settings
    this.#now = now
  }

  /**
   * Where to send a browser.
   *
   * @param browser secret of the browser's cookie: nobody else may come back with this sign-in
   * @throws AppError UNAUTHENTICATED where the provider cannot be reached
   */
  async start(browser: string, redirectUri: string, to: string): Promise<URL> {
    const client = await import('openid-client')
    const configuration = await this.#configuration()
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
    const endsMs = this.#now().getTime() + FLOW_MS
    this.#flows.set(state, { browser: digestOf(browser), verifier, nonce, redirectUri, to, endsMs })
    if (this.#flows.size > MOST_FLOWS) this.#flows.delete(this.#flows.keys().next().value ?? '')
    return client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.settings.scopes.join(' '),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
  }

  /**
   * Takes what the provider sent the browser back with; each state counts once.
   *
   * @param search query string of the callback
   * @throws AppError UNAUTHENTICATED, whose message tells nothing that the provider or the browser said
   */
  async finish(browser: string, search: string): Promise<OidcAnswer> {
    const state = new URLSearchParams(search).get('state') ?? ''
    const flow = this.#flows.get(state)
    this.#flows.delete(state)
    if (flow === undefined || flow.endsMs <= this.#now().getTime() || !sameText(flow.browser, digestOf(browser)))
      throw new NotBegun()
    const claims = await this.#claims(flow, state, search)
    return { person: personOf(claims, this.settings), to: flow.to }
  }

  async #claims(flow: Flow, state: string, search: string): Promise<Claims> {
    const client = await import('openid-client')
    const configuration = await this.#configuration()
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(`${flow.redirectUri}${search}`), {
        pkceCodeVerifier: flow.verifier,
        expectedState: state,
        expectedNonce: flow.nonce,
        idTokenExpected: true,
      })
      const claims = tokens.claims()
      if (claims === undefined) throw refused('The provider sent no ID token.')
      if (!this.#isShort(claims) || configuration.serverMetadata().userinfo_endpoint === undefined) return claims
      return merged(claims, await client.fetchUserInfo(configuration, tokens.access_token, claims.sub))
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      throw refused(`The provider did not confirm the sign-in (${nameOfFailure(cause)}).`, cause)
    }
  }

  /** Many providers keep the ID token small, and tell the rest when asked. */
  #isShort(claims: Claims): boolean {
    const needsGroups = Object.keys(this.settings.groups).length > 0
    const tellsNoAddress = claims.email === undefined || claims.email_verified === undefined
    return tellsNoAddress || (needsGroups && claims[this.settings.groupsClaim] === undefined)
  }

  /** Discovered once; a failure is forgotten, so that the next sign-in tries again. */
  #configuration(): Promise<Configuration> {
    this.#found ??= discovered(this.settings).catch((cause: unknown) => {
      this.#found = undefined
      throw refused(`The identity provider cannot be used now (${nameOfFailure(cause)}).`, cause)
    })
    return this.#found
  }
}

/** The ID token counts before the rest; whether an address is verified is only told of the address it came with. */
function merged(claims: Claims, more: Claims): Claims {
  const isOther = claims.email !== undefined && claims.email !== more.email
  return { ...more, ...claims, ...(isOther ? { email_verified: claims.email_verified } : {}) }
}

async function discovered(settings: OidcSettings): Promise<Configuration> {
  const client = await import('openid-client')
  const issuer = new URL(settings.issuer)
  const isLocal = issuer.protocol === 'http:' && isLoopback(issuer.hostname)
  return client.discovery(
    issuer,
    settings.clientId,
    {},
    settings.clientSecret === undefined ? client.None() : client.ClientSecretPost(settings.clientSecret),
    { timeout: PROVIDER_SECONDS, ...(isLocal ? { execute: [client.allowInsecureRequests] } : {}) },
  )
}

/** The kind of a failure, from the library's and the protocol's own short words: no message of it is told on. */
function nameOfFailure(cause: unknown): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  const error = typeof cause === 'object' && cause !== null && 'error' in cause ? String(cause.error) : ''
  const words = [code, error].filter((word) => /^[A-Za-z0-9_]{1,60}$/.test(word))
  return words.join(', ') || 'no further word'
}

/** Somebody came back who was not sent from here. Any page can make a browser do that, so it counts as nobody's failure. */
export class NotBegun extends AppError {
  constructor() {
    super('UNAUTHENTICATED', 'The sign-in was not begun by this browser, or took too long.', { hint: SIGN_IN_AGAIN })
  }
}

const SIGN_IN_AGAIN = 'Sign in again; an administrator finds the request in the record of use.'

const refused = (message: string, cause?: unknown): AppError =>
  new AppError('UNAUTHENTICATED', message, { hint: SIGN_IN_AGAIN, cause })

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Who the claims tell of, and what the settings give them. */
export function personOf(claims: Claims, settings: OidcSettings): SignedIn {
  const text = (name: string): string | null => {
    const value = claims[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const subject = text('sub')
  if (subject === null) throw refused('The provider names nobody.')
  const email = text('email')?.toLowerCase() ?? null
  // An address that the provider has not checked is what somebody typed; it gives no rights.
  const trusted = email !== null && (claims.email_verified === true || settings.trustEmail === true) ? email : null
  const name = trusted ?? ownWord(text('preferred_username') ?? text('name') ?? email ?? subject)
  return { id: `${text('iss') ?? settings.issuer}#${subject}`, name, email, ...roleOf(claims, trusted, settings) }
}

/** A name that people may give themselves never looks like a checked address. */
const ownWord = (name: string): string => (looksLikeAddress(name) ? `${name} (unverified)` : name)

function roleOf(claims: Claims, email: string | null, settings: OidcSettings): Pick<SignedIn, 'role' | 'from'> {
  const domain = email?.split('@').at(-1) ?? ''
  if (settings.domains.length > 0 && !settings.domains.includes(domain)) return { role: null, from: 'settings' }
  const own = email !== null && Object.hasOwn(settings.people, email) ? settings.people[email] : undefined
  if (own !== undefined) return { role: own, from: 'settings' }
  const listed = claims[settings.groupsClaim]
  const groups = (Array.isArray(listed) ? listed : [listed]).filter((each) => typeof each === 'string')
  const role = mostOf(
    groups.flatMap((group) => (Object.hasOwn(settings.groups, group) ? [settings.groups[group]] : [])),
  )
  if (role !== undefined) return { role, from: 'group' }
  return { role: settings.defaultRole ?? null, from: 'settings' }
}

const mostOf = (roles: readonly (Role | undefined)[]): Role | undefined =>
  ROLES.findLast((role) => roles.includes(role))
