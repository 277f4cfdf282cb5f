/** Where the numbers of an entity's page lead: its events in the explorer, narrowed. */
import type { Entity, EntityKind } from '../../../../src/serve/shapes/entities.ts'
import type { Span } from '../../parts/time-range.tsx'
import { justAfter } from '../../times.ts'
import { explorerUrl, term } from '../../url-state.ts'

/** The search for an entity, and the time of its page. */
export interface EntityPlace {
  readonly q: string
  readonly span: Span
}

const FIELDS: Readonly<Record<EntityKind, string>> = { actor: 'actor', target: 'target', ip: 'ip' }

/** The place of an entity; an open time is from when it was first seen to when it was last. */
export const placeOf = ({ kind, id, firstSeen, lastSeen }: Entity, span: Span): EntityPlace => ({
  q: term(FIELDS[kind], id),
  span: { from: span.from ?? firstSeen, to: span.to ?? (span.from === null ? justAfter(lastSeen) : null) },
})

/** Its events, narrowed by further terms. */
export const narrowed = ({ q, span }: EntityPlace, ...terms: readonly string[]): string =>
  explorerUrl([q, ...terms].join(' '), span)

const DAY_MS = 86_400_000

/** Its events of one UTC day. */
export const onDay = ({ q }: EntityPlace, day: string): string =>
  explorerUrl(q, { from: `${day}T00:00:00Z`, to: new Date(Date.parse(day) + DAY_MS).toISOString() })
