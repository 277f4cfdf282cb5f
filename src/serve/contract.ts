/** What crosses between the parts of the server: who asks, what they may, and what routes are given. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Home } from '../core/home.ts'
import type { ServiceView } from '../service/view.ts'

export type { ServiceChange, ServiceView, SourceHealth, StageHealth } from '../service/view.ts'

/** What a request may need. Each route needs one. */
export const PERMISSIONS = {
  'events:read': 'See events, their facets, histograms and entities.',
  'events:raw': 'See received bytes and rejects.',
  'events:download': 'Download events as files.',
  'events:reveal': 'See masked fields of an event, for a reason that is recorded.',
  'sql:run': 'Run SQL over the lake.',
  'findings:read': 'See findings, alerts and incidents.',
  'alerts:change': 'Acknowledge, assign, resolve and note alerts; silence.',
  'rules:read': 'See rules and their coverage.',
  'rules:change': 'Turn rules on and off, and set their levels and parameters.',
  'rules:test': 'Run rules over the history of the lake.',
  'health:read': 'See sources, destinations and metrics.',
  'delivery:change': 'Replay and discard dead letters; send tests.',
  'seal:read': 'See the seal, and fetch proofs.',
  'seal:verify': 'Start a verification.',
  'use:read': 'See the record of use: what people asked of Bricktrail.',
  'access:read': 'See who has access.',
  'access:change': 'Make and revoke tokens, and give roles.',
} as const

/** One permission. */
export type Permission = keyof typeof PERMISSIONS

/** The least first. */
export const ROLES = ['viewer', 'analyst', 'auditor', 'admin'] as const

/** A set of permissions and masks. */
export type Role = (typeof ROLES)[number]

/** What can be hidden from a role. */
export const MASKS = ['email', 'ip', 'query'] as const

/** One kind of hidden value. */
export type Mask = (typeof MASKS)[number]

/** Rows a principal sees; absent lists mean all. */
export interface RowLimits {
  /** Ids of workspaces. */
  readonly workspaces?: readonly string[]
  /** Categories of the catalogue. */
  readonly categories?: readonly string[]
  /** False for those without `use:read`: they do not see the record of use (`service = 'bricktrail'`). */
  readonly use?: false
}

/** Who asks. */
export interface Principal {
  /** Stable, such as `token:<id>` or `person:<issuer>#<subject>`. */
  readonly id: string
  /** For the record of use: an e-mail address or the name of a token. */
  readonly name: string
  readonly kind: 'token' | 'session'
  readonly role: Role
  readonly permissions: ReadonlySet<Permission>
  readonly masks: readonly Mask[]
  readonly rows: RowLimits
  /** Session or token id for the record; never the secret. */
  readonly sessionId: string
}

/** Variables of a request. */
export interface ServeEnv {
  readonly Variables: {
    /** Set by the guard before a handler runs. */
    principal: Principal
    requestId: string
    /** Aborted when the client leaves or the time is up. */
    signal: AbortSignal
  }
}

/** One group of routes. */
export type RouteApp = OpenAPIHono<ServeEnv>

/** What typed questions stand on; see `read/lake-reader.ts`. */
export interface LakeQuestions {
  /**
   * Runs a statement over what a principal may see. `sql` is given relations to select from, parenthesised; everything else in it is a
   * literal made by `engine/sql.ts`.
   *
   * @throws AppError NO_LAKE, SQL_TIMEOUT, BUSY
   */
  rows<T extends Record<string, unknown>>(
    principal: Pick<Principal, 'masks' | 'rows'>,
    sql: (relations: Relations) => string,
    options: AskOptions,
  ): Promise<Answer<T>>
}

/** Relations of a question, as SQL. */
export interface Relations {
  readonly events: string
  readonly rejects: string
  /** Newest revision of each finding. */
  readonly findings: string
  /**
   * SQL of a text as the principal may see it, for texts that stand outside the lake, such as those of alerts: addresses in it are
   * masked; with `name`, all of it names somebody. `text` is the name of a column.
   */
  masked(text: string, what?: 'text' | 'name'): string
}

/** Limits of a question. */
export interface AskOptions {
  readonly signal: AbortSignal
  readonly timeoutMs?: number
  /** Only files that can hold events in this span are read. */
  readonly fromMs?: number
  readonly toMs?: number
  /** Version of `events` to read as of; the newest where absent. @see Answer.version */
  readonly version?: number
  /** `quick` where the asker knows that little is read; told from the size of `events` where absent. */
  readonly lane?: 'quick' | 'long'
}

/** Rows as plain JSON values. */
export interface Answer<T> {
  readonly rows: readonly T[]
  /** Version of the `events` table that was read. */
  readonly version: number
}

/** What every group of routes is given. */
export interface ServeDeps {
  readonly home: Home
  readonly now: () => Date
  readonly lake: LakeQuestions
  /** Absent where the server runs without the loop, as in some tests. */
  readonly service?: ServiceView
  /** Aborted when the server is to end: what has no end of its own ends then. */
  readonly stopping?: AbortSignal
}

/** A group of routes, below the server's root. */
export type RouteGroup<D extends ServeDeps = ServeDeps> = (deps: D) => RouteApp
