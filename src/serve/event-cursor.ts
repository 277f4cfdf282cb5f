/** Cursors of pages of events: the place of the last one, and the version of the table that the first page was read from. */
import { cursorAfter, keysOf } from './key-cursor.ts'
import type { PagePlace } from './read/event-page.ts'

/** Microseconds since 1970, an id, a version. */
const KEYS = [/^-?\d{1,17}$/, /^[\w-]{1,64}$/, /^\d{1,9}$/] as const

/** The cursor of the page behind this one; undefined where it is the last. */
export const eventCursor = (page: {
  readonly next: PagePlace | undefined
  readonly version: number
}): string | undefined =>
  page.next === undefined ? undefined : cursorAfter([String(page.next.timeUs), page.next.id, String(page.version)])

/** Where a cursor goes on. @throws AppError BAD_ARGUMENT that names the parameter, for one that {@link eventCursor} did not make */
export function placeOf(cursor: string | undefined, name: string): { after?: PagePlace; version?: number } {
  const [time, id = '', version] = keysOf(cursor, KEYS, name) ?? []
  return time === undefined ? {} : { after: { timeUs: BigInt(time), id }, version: Number(version) }
}
