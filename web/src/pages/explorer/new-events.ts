/** How many events came in that the search would show, since it was answered. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { SessionRow } from '../../../../src/serve/shapes/access.ts'
import type { FacetAnswer } from '../../../../src/serve/shapes/events.ts'
import { ask } from '../../api.ts'
import { useLive } from '../../live.tsx'
import { useAsk } from '../../queries/ask.ts'
import type { Search } from '../../queries/events.ts'
import { term } from '../../url-state.ts'
import { hasPart } from './search-language.ts'

/** News come in bursts; they are counted once each has settled. */
const SETTLED_MS = 1500

/** To count is to ask, which others may be counting in turn: news that lead to nothing are looked at ever more seldom. */
const LONGEST_WAIT_MS = 5 * 60_000

/**
 * Counts what matches and is new; a span with an end gets no news. A search that may find the record of use is told of that too, without
 * what this session asks itself. The record grows by each look at it, also by those of other readers: while nothing else comes, each
 * look waits twice as long as the one before.
 *
 * @param shown how many events the answer that is shown stands for
 */
export function useNewEvents(search: Search, shown: number | null): { count: number; show: () => void } {
  const queries = useQueryClient()
  const withUse = !hasPart(search.q, '-service:bricktrail')
  const q = useWithoutMine(search.q, withUse)
  const [count, setCount] = useState(0)
  const timer = useRef<number>(undefined)
  const asking = useRef(new AbortController())
  const looks = useRef(0)
  const isForeign = useRef(false)
  /** How many there were as the answer came, counted as it is counted now; undefined until that is known. */
  const before = useRef<number>(undefined)
  const look = async () => {
    timer.current = undefined
    const wasForeign = isForeign.current
    isForeign.current = false
    const { signal } = asking.current
    const question = { ...search, q, fields: 'category', most: 1 }
    // What cannot be counted now is counted with the next news.
    const answer = await ask<FacetAnswer>('/events/facets', question, signal).catch(() => null)
    if (answer === null || signal.aborted) return
    if (before.current === undefined) {
      before.current = answer.total
      return
    }
    const fresh = answer.total - before.current
    looks.current = wasForeign && fresh > 0 ? 0 : looks.current + 1
    setCount(Math.max(0, fresh))
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search, or another answer, begins anew
  useEffect(() => {
    setCount(0)
    looks.current = 0
    asking.current = new AbortController()
    before.current = withUse ? undefined : (shown ?? undefined)
    if (withUse && shown !== null && q !== null && search.to === null) void look()
    return () => {
      asking.current.abort()
      window.clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [search, shown, q])
  const onNews = (foreign: boolean) => {
    if (search.to !== null || shown === null || q === null) return
    isForeign.current ||= foreign
    timer.current ??= window.setTimeout(look, Math.min(LONGEST_WAIT_MS, SETTLED_MS * 2 ** looks.current))
  }
  useLive('events', () => onNews(true))
  useLive('use', () => {
    if (withUse) onNews(false)
  })
  const show = useCallback(() => {
    setCount(0)
    void queries.invalidateQueries({ queryKey: ['events'] })
  }, [queries])
  return { count, show }
}

/** The search without what this session asks; as it is where the record of use is not in it, null while it is not known which that is. */
function useWithoutMine(q: string, withUse: boolean): string | null {
  const sessions = useAsk<{ sessions: SessionRow[] }>('/me/sessions', {}, { enabled: withUse })
  if (!withUse || sessions.isError) return q
  if (sessions.data === undefined) return null
  const mine = sessions.data.sessions.find(({ own }) => own)
  return mine === undefined ? q : `${q} ${term('session', `session:${mine.id}`, true)}`.trim()
}
