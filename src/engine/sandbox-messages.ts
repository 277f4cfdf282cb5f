/** What passes between {@link Sandbox} and the process that runs its queries: one reply for each request. */
import type { ErrorCode } from '../core/errors.ts'

/** What a sandbox process needs to know before its first query. */
export interface SandboxSetup {
  /** Relation name → SQL that can stand after FROM. Trusted text: it is bound before file access is switched off. */
  readonly relations: Readonly<Record<string, string>>
  /** The files those relations read, as absolute paths; nothing else on disk can be opened. */
  readonly allowedPaths: readonly string[]
  readonly memoryLimitMb: number
  readonly spillDir: string
  readonly maxSpillMb: number
}

/** A column of an answer, with its type in DuckDB's words. */
export interface AnswerColumn {
  readonly name: string
  readonly type: string
}

/** What the sandbox asks of its process. `interrupt` alone has no reply. */
export type SandboxRequest =
  | { readonly op: 'open'; readonly setup: SandboxSetup }
  | { readonly op: 'start'; readonly sql: string; readonly maxRows: number }
  | { readonly op: 'next' }
  | { readonly op: 'leave' }
  | { readonly op: 'parquet'; readonly sql: string; readonly maxRows: number }
  | { readonly op: 'interrupt' }

/** What the process answers. `runaway` may come unasked: the process then ends itself. */
export type SandboxReply = (
  | { readonly kind: 'ready' }
  | { readonly kind: 'columns'; readonly columns: readonly AnswerColumn[] }
  | { readonly kind: 'rows'; readonly rows: unknown[][]; readonly bytes: number; readonly end: AnswerEnd | null }
  | { readonly kind: 'written'; readonly path: string; readonly rowCount: number; readonly truncated: boolean }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string }
  | { readonly kind: 'runaway'; readonly usedMb: number }
) & {
  /** True when the process should not be used again: it holds on to too much memory. */
  readonly worn?: boolean
}

/** How an answer ended. */
export interface AnswerEnd {
  /** True when there were more rows than asked for. */
  readonly truncated: boolean
}
