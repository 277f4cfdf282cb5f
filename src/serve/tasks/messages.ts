/** What crosses between the server and a process that does heavy work for it. */
import type { ErrorCode } from '../../core/errors.ts'

/** What a child says. */
export type TaskMessage =
  | { readonly kind: 'progress'; readonly progress: unknown }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string }
