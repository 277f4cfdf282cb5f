/** How the anchors did: `seal/state.json`, for people and for the next run. It proves nothing and may be deleted. */
import type { ObjectStore } from '../../lake/stores/contract.ts'
import { hexOf } from '../merkle.ts'
import type { AnchoredCheckpoint, AnchorOutcome } from './contract.ts'

/** What is known of one anchor. */
export interface AnchorState {
  /** Size (decimal) and root (hexadecimal) of the newest checkpoint it holds, and when it got that (ISO). */
  readonly lastSize?: string
  readonly lastRoot?: string
  readonly lastTime?: string
  /** What it said of it, such as the time of a stamp. */
  readonly detail?: string
  /** What went wrong since then. */
  readonly lastError?: {
    readonly time: string
    readonly size: string
    readonly message: string
    /** True where it contradicts this log, rather than just not working. */
    readonly alarm: boolean
  }
  /** Failures in a row. */
  readonly failures: number
  /** Not tried again before (ISO). */
  readonly nextRetry?: string
}

/** State by the id of the anchor. */
export type AnchorStates = Readonly<Record<string, AnchorState>>

/** Where the states stand, below the seal's folder. */
export const STATE_PATH = 'state.json'

/** An anchor that fails is left alone for this long, twice as long each time, up to the second. */
const FIRST_RETRY_MS = 30_000
const LONGEST_RETRY_MS = 6 * 3_600_000

/** Reads the states; a file that is missing or cannot be read is one without any. */
export async function readAnchorStates(store: ObjectStore): Promise<AnchorStates> {
  const bytes = await store.read(STATE_PATH)
  if (bytes === undefined) return {}
  try {
    const { anchors } = JSON.parse(Buffer.from(bytes).toString()) as { anchors?: unknown }
    if (typeof anchors !== 'object' || anchors === null) return {}
    return Object.fromEntries(Object.entries(anchors).filter(([, state]) => isState(state)))
  } catch {
    return {}
  }
}

/** Replaces the states. */
export const writeAnchorStates = (store: ObjectStore, anchors: AnchorStates): Promise<void> =>
  store.put(STATE_PATH, Buffer.from(`${JSON.stringify({ version: 1, anchors }, undefined, 2)}\n`))

function isState(value: unknown): value is AnchorState {
  if (typeof value !== 'object' || value === null) return false
  const { lastSize, failures, nextRetry } = value as Record<string, unknown>
  const sizeFits = lastSize === undefined || (typeof lastSize === 'string' && /^\d{1,20}$/.test(lastSize))
  return sizeFits && Number.isSafeInteger(failures) && (nextRetry === undefined || typeof nextRetry === 'string')
}

/** True where an anchor holds this very checkpoint. */
export const holds = ({ lastSize, lastRoot }: AnchorState, { size, root }: AnchoredCheckpoint): boolean =>
  lastSize === String(size) && lastRoot === hexOf(root)

/**
 * True while an anchor that failed is left alone; one that contradicts the log never is, so that each run says so. A time
 * beyond the longest wait is a clock's fault and not waited for.
 */
export function isWaiting({ nextRetry, lastError }: AnchorState, now: Date): boolean {
  if (nextRetry === undefined || lastError?.alarm === true) return false
  const leftMs = Date.parse(nextRetry) - now.getTime()
  return leftMs > 0 && leftMs <= LONGEST_RETRY_MS
}

/** The state after an outcome. */
export function nextState(
  before: AnchorState | undefined,
  outcome: AnchorOutcome,
  { size, root }: AnchoredCheckpoint,
  now: Date,
): AnchorState {
  const time = now.toISOString()
  if (outcome.kind === 'anchored') {
    const detail = outcome.detail === undefined ? {} : { detail: outcome.detail }
    return { lastSize: String(size), lastRoot: hexOf(root), lastTime: time, ...detail, failures: 0 }
  }
  const failures = (before?.failures ?? 0) + 1
  const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
  const alarm = outcome.kind === 'alarm'
  const message = outcome.kind === 'alarm' ? outcome.error.message : outcome.reason
  return {
    ...before,
    lastError: { time, size: String(size), message, alarm },
    failures,
    nextRetry: new Date(now.getTime() + waitMs).toISOString(),
  }
}
