/** One simulated audit event, before it takes the shape of a form. */

/** Parameters as Databricks logs them: text to text, nested objects as JSON text. */
export type Params = Readonly<Record<string, string>>

/** How the request ended; `status` null is a record of the request alone, whose answer follows under the same id. */
export interface Reply {
  readonly status: number | null
  readonly error: string | null
  /** `response.result`: JSON text, plain text or null. */
  readonly result: string | null
}

/** Who acts: a person, a service principal (UUID in `email`), or the platform itself. */
export interface Principal {
  readonly email: string | null
  readonly subject: string | null
}

/** The event in a form-neutral shape. All text except parameters, errors and results is free of JSON escapes. */
export interface SimEvent {
  readonly timeMs: number
  readonly level: 'ACCOUNT_LEVEL' | 'WORKSPACE_LEVEL'
  /** The workspace it happened in; null for the account console, SCIM, outside recipients. */
  readonly workspaceId: string | null
  readonly service: string
  readonly action: string
  readonly who: Principal
  readonly ip: string | null
  readonly userAgent: string | null
  readonly sessionId: string | null
  readonly requestId: string
  readonly params: Params
  readonly reply: Reply
  readonly runBy: string | null
  readonly runAs: string | null
}

/** Takes events as they are made. */
export type Emit = (event: SimEvent) => void

/** Success with nothing to say. */
export const OK: Reply = { status: 200, error: null, result: null }

/** The request was taken; the answer is a record of its own. */
export const REQUESTED: Reply = { status: null, error: null, result: null }

/** Success with the created object's id and the like as JSON text. */
export const created = (result: Readonly<Record<string, unknown>>): Reply => ({
  status: 200,
  error: null,
  result: JSON.stringify(result),
})

/** A failure with its error text. */
export const failed = (status: number, error: string): Reply => ({ status, error, result: null })
