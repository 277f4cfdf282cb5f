/** Who is signed in, tokens, people, saved searches. */
import { z } from '@hono/zod-openapi'
import { MASKS, PERMISSIONS, type Permission, ROLES } from '../contract.ts'
import { asked } from './asked.ts'

const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]])

/** Who asks. */
export const Me = z
  .object({
    name: z.string(),
    kind: z.enum(['token', 'session']),
    role: z.enum(ROLES),
    permissions: z.array(permission),
    masks: z.array(z.enum(MASKS)),
    rows: z.object({ workspaces: z.array(z.string()).optional(), categories: z.array(z.string()).optional() }),
    /** To be sent as `x-csrf-token` with what changes something; null for tokens. */
    csrf: z.string().nullable(),
    expires: z.string().nullable(),
    version: z.string(),
  })
  .openapi('Me')
/** As a value. */
export type Me = z.infer<typeof Me>

/** How one can sign in; public. */
export const SignInWays = z
  .object({ oidc: z.object({ name: z.string(), start: z.string() }).nullable(), token: z.boolean() })
  .openapi('SignInWays')
/** As a value. */
export type SignInWays = z.infer<typeof SignInWays>

/** A token, without its secret. */
export const TokenRow = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(ROLES),
    scopes: z.array(permission).nullable(),
    rows: z.object({ workspaces: z.array(z.string()).optional(), categories: z.array(z.string()).optional() }),
    created: z.string(),
    createdBy: z.string(),
    expires: z.string().nullable(),
    lastUsed: z.string().nullable(),
    revoked: z.string().nullable(),
  })
  .openapi('Token')
/** As a value. */
export type TokenRow = z.infer<typeof TokenRow>

/** A token to make. */
export const NewToken = asked({
  name: z.string().trim().min(1).max(100),
  role: z.enum(ROLES),
  scopes: z.array(permission).min(1).optional(),
  workspaces: z.array(z.string().max(100)).min(1).optional(),
  categories: z.array(z.string().max(100)).min(1).optional(),
  /** Such as `90d`; at most a year. */
  expires: z.string().max(20).default('90d'),
}).openapi('NewToken')
/** As a value. */
export type NewToken = z.input<typeof NewToken>

/** A token that was just made; the secret is shown this once. */
export const MadeToken = z.object({ token: TokenRow, secret: z.string() }).openapi('MadeToken')
/** As a value. */
export type MadeToken = z.infer<typeof MadeToken>

/** A person who signed in, or was given a role before. */
export const PersonRow = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    role: z.enum(ROLES).nullable(),
    /** Where the role comes from. */
    from: z.enum(['settings', 'group', 'given']),
    lastSignIn: z.string().nullable(),
    sessions: z.number().int(),
  })
  .openapi('Person')
/** As a value. */
export type PersonRow = z.infer<typeof PersonRow>

/** Somebody who is signed in. */
export const SessionRow = z
  .object({
    id: z.string(),
    name: z.string(),
    /** How they came in. */
    way: z.enum(['token', 'link', 'oidc']),
    role: z.enum(ROLES),
    began: z.string(),
    /** To the minute. */
    lastSeen: z.string(),
    expires: z.string(),
    /** Where it was last used from; null where that is not known, or not for who asks. */
    address: z.string().nullable(),
    /** True for the one that asks. */
    own: z.boolean(),
  })
  .openapi('Session')
/** As a value. */
export type SessionRow = z.infer<typeof SessionRow>

/** A search somebody kept. */
export const SavedSearch = z
  .object({
    id: z.string(),
    name: z.string(),
    q: z.string(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    owner: z.string(),
    shared: z.boolean(),
    created: z.string(),
  })
  .openapi('SavedSearch')
/** As a value. */
export type SavedSearch = z.infer<typeof SavedSearch>

/** A search to keep. */
export const NewSearch = asked({
  name: z.string().trim().min(1).max(100),
  q: z.string().max(4000),
  from: z.string().max(64).nullable().default(null),
  to: z.string().max(64).nullable().default(null),
  shared: z.boolean().default(false),
}).openapi('NewSearch')
/** As a value. */
export type NewSearch = z.input<typeof NewSearch>
