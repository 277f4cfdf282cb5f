/** Questions about events. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type {
  EventDetail,
  EventPage,
  Facet,
  FacetAnswer,
  Histogram,
  RevealRequest,
  ValueList,
} from '../../../src/serve/shapes/events.ts'
import { type ApiError, askText, tell } from '../api.ts'
import { useAsk, usePages } from './ask.ts'

/** What is searched for. */
export interface Search {
  readonly q: string
  readonly from: string | null
  readonly to: string | null
}

/** Events a page of the answer holds. */
const PAGE_EVENTS = 200

/** Values of each facet that are shown. */
const FACET_VALUES = 8

/** Events page by page. */
export const useEvents = (search: Search, order: 'newest' | 'oldest') =>
  usePages<EventPage>('/events', { ...search, order, limit: PAGE_EVENTS })

/** Counts by field. */
export const useFacets = (search: Search, fields: readonly Facet[], most = FACET_VALUES, enabled = true) =>
  useAsk<FacetAnswer>(
    '/events/facets',
    { ...search, fields: fields.join(','), most },
    { keepPrevious: true, enabled: enabled && fields.length > 0 },
  )

/** Events over time. */
export const useHistogram = (search: Search, by: Facet | null, buckets: number, enabled = true) =>
  useAsk<Histogram>('/events/histogram', { ...search, by, buckets }, { keepPrevious: true, enabled })

/** Of an open span, less than this share must hold events for it to be drawn anew around them. */
const TIGHT_SHARE = 0.8

/** Events over time; where the span is open and they fill only a part of it, that part, in finer steps. */
export function useFittedHistogram(search: Search, by: Facet | null, buckets: number) {
  const whole = useHistogram(search, by, buckets)
  const tight = search.from === null && search.to === null ? tightSpan(whole.data) : null
  const fitted = useHistogram({ q: search.q, from: null, to: null, ...tight }, by, buckets, tight !== null)
  return tight !== null && fitted.data !== undefined && !fitted.isPlaceholderData ? fitted : whole
}

function tightSpan(histogram: Histogram | undefined): { from: string; to: string } | null {
  const [first, last] = [histogram?.buckets[0], histogram?.buckets.at(-1)]
  if (histogram === undefined || first === undefined || last === undefined) return null
  const toMs = Date.parse(last.time) + histogram.intervalSeconds * 1000
  const share = (toMs - Date.parse(first.time)) / (Date.parse(histogram.to) - Date.parse(histogram.from))
  return share < TIGHT_SHARE ? { from: first.time, to: new Date(toMs).toISOString() } : null
}

/** Values of a field that begin with a text. */
export const useValues = (field: Facet | null, prefix: string, search: Search) =>
  useAsk<ValueList>(
    '/events/values',
    { field, prefix, from: search.from, to: search.to },
    { enabled: field !== null, keepPrevious: true },
  )

/** An event in full. */
export const useEvent = (id: string) => useAsk<EventDetail>(`/events/${encodeURIComponent(id)}`)

/** Events of the same session, request or actor. */
export const useRelated = (id: string, by: 'session' | 'request' | 'actor') =>
  useAsk<EventPage>(`/events/${encodeURIComponent(id)}/related`, { by, limit: 50 })

/** What was received, as text. */
export const useRaw = (id: string) =>
  useQuery<string, ApiError>({
    queryKey: ['events', id, 'raw'],
    queryFn: ({ signal }) => askText(`/events/${encodeURIComponent(id)}/raw`, {}, signal),
  })

/** Shows what is hidden of an event, for a reason; the answer takes the place of the event until it is left. */
export function useReveal(id: string) {
  const queries = useQueryClient()
  return useMutation<EventDetail, ApiError, RevealRequest>({
    mutationFn: (request) => tell<EventDetail>('POST', `/events/${encodeURIComponent(id)}/reveal`, request),
    onSuccess: (detail) => queries.setQueryData(['events', encodeURIComponent(id), {}], detail),
  })
}
