/** Spans of time of questions. */
import { parseRange, type TimeRange } from '../../ask/times.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { lit } from '../../engine/sql.ts'
import type { Snapshot } from '../../lake/snapshot.ts'
import { RequestProblem } from '../problems.ts'

/** What most routes call the two ends. */
const NAMES = { from: 'from', to: 'to' }

/** `2h ago` is the same for all who ask within so long, so that they share an answer. */
const SAME_NOW_MS = 10_000

/** The two ends of a span, as texts. An empty one asks for nothing. */
export interface SpanAsked {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/**
 * The span that two texts name.
 *
 * @param names of the parameters that they came in
 * @throws AppError BAD_ARGUMENT that names the parameter
 */
export function spanOf({ from, to }: SpanAsked, now: Date, names = NAMES): TimeRange {
  const early = new Date(Math.floor(now.getTime() / SAME_NOW_MS) * SAME_NOW_MS)
  const late = new Date(early.getTime() + SAME_NOW_MS)
  const part = (name: 'from' | 'to', text: string | undefined, at: Date): TimeRange => {
    if (text === undefined || text.trim() === '') return {}
    try {
      return name === 'from' ? parseRange(text, undefined, at) : parseRange(undefined, text, at)
    } catch (cause) {
      throw isAppError(cause) ? wrongTime(cause, names[name]) : cause
    }
  }
  const range = { ...part('from', from, early), ...part('to', to, late) }
  if (range.fromMs !== undefined && range.toMs !== undefined && range.fromMs > range.toMs) {
    throw wrongTime(
      new AppError('BAD_TIME', `The span is empty: "${from}" is after "${to}".`, {
        hint: `Give \`${names.from}\` the earlier of the two.`,
      }),
      names.from,
    )
  }
  return range
}

/** SQL of an instant. */
export const instantSql = (ms: number): string => `TIMESTAMPTZ ${lit(new Date(ms).toISOString())}`

function wrongTime(cause: AppError, name: string): RequestProblem {
  const errors = [{ in: 'query', name, message: cause.message }]
  return new RequestProblem(cause.code, cause.message, { hint: cause.hint, errors })
}

/** First and last instant that the files of a snapshot can hold; undefined where there are none. */
export function boundsOf({ files }: Pick<Snapshot, 'files'>): { fromMs: number; toMs: number } | undefined {
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { partition, minTimeMs, maxTimeMs } of files) {
    const dayMs = Date.parse(`${partition}T00:00:00Z`)
    fromMs = Math.min(fromMs, minTimeMs ?? dayMs)
    toMs = Math.max(toMs, maxTimeMs ?? dayMs + DAY_MS)
  }
  return files.length === 0 ? undefined : { fromMs, toMs }
}

const DAY_MS = 86_400_000
