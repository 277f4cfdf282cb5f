/** Reads columns of an event that the server gave as JSON. */

/** An event's columns, by name. */
export type EventFields = Readonly<Record<string, unknown>>

/** A value below a path such as `actor.email`; undefined where there is none. */
export function fieldOf(event: EventFields, path: string): unknown {
  let value: unknown = event
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/** The same as text; null where it is none. */
export function textOf(event: EventFields, path: string): string | null {
  const value = fieldOf(event, path)
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

/** A struct of a list. */
export function listOf(event: EventFields, path: string): EventFields[] {
  const value = fieldOf(event, path)
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : []
}
