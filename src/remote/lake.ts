/** SQL over the lake of a server: `POST /api/v1/sql`, which runs it in a sandbox over what the token may see. */
import type { LakeSql } from '../ask/lake-sql.ts'
import { AppError } from '../core/errors.ts'
import { type Answer, type AnswerStream, DEFAULT_TIMEOUT_MS, type QueryLimits } from '../engine/sandbox.ts'
import type { SqlAnswer } from '../serve/shapes/events.ts'
import type { ApiClient } from './client.ts'

/** Most rows that a server gives at once. */
export const MOST_ROWS = 100_000
/** The longest that a statement may take there. */
const MOST_SECONDS = 300
/** A statement waits for those before it, and its answer has to come over. */
const WAITING_MS = 60_000

/** See above. Everything that is shown of an answer is held in memory: the server bounds it. */
export class ServerLake implements LakeSql {
  readonly #api: ApiClient

  constructor(api: ApiClient) {
    this.#api = api
  }

  /** @throws AppError BAD_ARGUMENT for a time that the server does not give; what the server refuses */
  async query(
    sql: string,
    { maxRows = MOST_ROWS, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: QueryLimits = {},
  ): Promise<Answer> {
    const timeoutSeconds = secondsOf(timeoutMs)
    const { columns, rows, truncated, elapsedMs } = await this.#api.ask<SqlAnswer>('POST', '/api/v1/sql', 'rows', {
      body: { sql, limit: Math.max(1, Math.min(maxRows, MOST_ROWS)), timeoutSeconds },
      silentMs: timeoutSeconds * 1000 + WAITING_MS,
      signal,
    })
    return { columns, rows, truncated, elapsedMs }
  }

  /** As {@link query}: the whole answer is one batch. */
  async stream(sql: string, limits: QueryLimits = {}): Promise<AnswerStream> {
    const { columns, rows, truncated, elapsedMs } = await this.query(sql, limits)
    async function* batches() {
      yield rows
    }
    return { columns, batches: batches(), truncated: () => truncated, elapsedMs: () => elapsedMs }
  }

  /** @throws AppError BAD_ARGUMENT: the server answers in JSON */
  async toParquet(): Promise<never> {
    throw new AppError('BAD_ARGUMENT', 'A server gives the answer to a query as text, not as Parquet.', {
      hint: 'Use --format ndjson or csv; `bricktrail export --format parquet` downloads events.',
    })
  }

  /** Nothing is held; whoever opened the client closes it. */
  async close(): Promise<void> {
    this.#api.close()
  }
}

function secondsOf(timeoutMs: number): number {
  const seconds = timeoutMs / 1000
  if (seconds >= 1 && seconds <= MOST_SECONDS) return seconds
  throw new AppError('BAD_ARGUMENT', `A server gives a statement 1 to ${MOST_SECONDS} seconds.`, {
    hint: 'Give --timeout 5m at most.',
  })
}
