/** What the live stream says, read. */

/** A change as it was told; of another version of the server it may lack what this one knows. */
type LiveChange = Readonly<Record<string, unknown>>

/** The change of a message; empty where it is none. */
export function changeOf(data: unknown): LiveChange {
  try {
    const change: unknown = JSON.parse(String(data))
    return typeof change === 'object' && change !== null ? (change as LiveChange) : {}
  } catch {
    return {}
  }
}

/**
 * How many of the events that came are of the account, not of what people ask of Bricktrail. Every question of a page is an event a little
 * later: a page that asked anew for those would never come to rest. Who sees some rows only is told of a change without numbers: then it
 * may be any number.
 */
export function foreignEvents({ added, own, rejects }: LiveChange): number {
  if (typeof added !== 'number') return 0
  if (added === 0 && own === 0 && rejects === 0) return Number.POSITIVE_INFINITY
  return Math.max(0, added - (typeof own === 'number' ? own : 0))
}
