/** A record of use, before it is written. */
import type { OwnAction } from './own-actions.ts'

/** One request, or one sign-in. */
export interface OwnRecord {
  readonly time: Date
  readonly action: OwnAction
  readonly requestId: string
  /** Who asked; absent where nobody knows. */
  readonly who?: { readonly name: string; readonly id: string; readonly sessionId: string } | undefined
  readonly address: string
  readonly userAgent: string
  /** What the program itself knows of the request: all of it is kept. */
  readonly params: Readonly<Record<string, unknown>>
  /** What whoever asked named as they liked, such as a query string: so many of them, and none in place of the others. */
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly status: number
  /** Code and message of a refusal. */
  readonly error?: string | undefined
  /** True where nothing of it was done: of a statement that did not run, not all is kept. */
  readonly isRefused?: boolean
}
