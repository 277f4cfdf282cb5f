/** The address as the state of a page, so that every view can be shared, kept and gone back to. */
import { useCallback, useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'

/** Changes to a query string: null or an empty text takes a value out. */
export type Changes = Readonly<Record<string, string | null>>

/** Values of the query string, and how to change some of them. */
export function useUrlState(): [URLSearchParams, (changes: Changes, options?: { replace?: boolean }) => void] {
  const search = useSearch()
  const [path, navigate] = useLocation()
  const params = useMemo(() => new URLSearchParams(search), [search])
  const change = useCallback(
    (changes: Changes, options: { replace?: boolean } = {}) => {
      const text = changed(window.location.search, changes)
      navigate(text === '' ? path : `${path}?${text}`, { replace: options.replace ?? false })
    },
    [navigate, path],
  )
  return [params, change]
}

function changed(search: string, changes: Changes): string {
  const params = new URLSearchParams(search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') params.delete(name)
    else params.set(name, value)
  }
  return params.toString()
}

/** Address of the explorer with a search and a span; every number of the page is such a link. */
export function explorerUrl(
  q: string,
  span: { readonly from?: string | null; readonly to?: string | null } = {},
): string {
  const params = new URLSearchParams()
  if (q !== '') params.set('q', q)
  if (span.from) params.set('from', span.from)
  if (span.to) params.set('to', span.to)
  const text = params.toString()
  return text === '' ? '/events' : `/events?${text}`
}

/** `field:value` of the search box, in quotes where the value needs them: what is quoted stands for itself. */
export const term = (field: string, value: string, negated = false): string =>
  `${negated ? '-' : ''}${field}:${quoted(value)}`

/** A value as the search box takes it. */
export const quoted = (value: string): string =>
  /^[^\s":()\\,*]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`

/** Address of the page of an entity. */
export const entityUrl = (kind: 'actor' | 'target' | 'ip', id: string): string =>
  `/entities/${kind}/${encodeURIComponent(id)}`
