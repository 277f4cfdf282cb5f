/** How many events came in that the search would show, since it was answered. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { FacetAnswer } from '../../../../src/serve/shapes/events.ts'
import { ask, requestsMade } from '../../api.ts'
import { useLive } from '../../live.tsx'
import { foreignEvents } from '../../live-change.ts'
import type { Search } from '../../queries/events.ts'

/** News come in bursts; they are counted once each has settled. */
const SETTLED_MS = 1500

/**
 * What other people ask becomes events too. Where news again and again held nothing for this search, they are looked at ever more seldom, or
 * two open explorers would keep each other asking.
 */
const LONGEST_WAIT_MS = 5 * 60_000

/**
 * Counts what matches and is new. What this page asks becomes events too, which must not make it ask again without end: news that are no
 * more than its own requests are passed over. A span with an end gets no news.
 *
 * @param shown how many events the answer that is shown stands for
 */
export function useNewEvents(search: Search, shown: number | null): { count: number; show: () => void } {
  const queries = useQueryClient()
  const [count, setCount] = useState(0)
  const timer = useRef<number>(undefined)
  const news = useRef({ added: 0, asked: requestsMade(), isGuess: true })
  const barren = useRef(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another search, or another answer, begins anew
  useEffect(() => {
    setCount(0)
    barren.current = 0
    return () => {
      window.clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [search, shown])
  const recount = () => {
    timer.current = undefined
    const { added, asked, isGuess } = news.current
    // A server that tells which events are of the record of use has left them out already.
    const own = isGuess ? requestsMade() - asked : 0
    news.current = { added: 0, asked: requestsMade(), isGuess: true }
    if (added <= own || shown === null) return
    ask<FacetAnswer>('/events/facets', { ...search, fields: 'category', most: 1 })
      .then(({ total }) => {
        barren.current = total > shown ? 0 : barren.current + 1
        setCount(Math.max(0, total - shown))
      })
      // The next news ask again.
      .catch(() => undefined)
  }
  useLive('events', (change) => {
    if (search.to !== null || typeof change.added !== 'number') return
    news.current.added += foreignEvents(change)
    if (typeof change.own === 'number') news.current.isGuess = false
    timer.current ??= window.setTimeout(recount, Math.min(LONGEST_WAIT_MS, SETTLED_MS * 2 ** barren.current))
  })
  const show = useCallback(() => {
    setCount(0)
    void queries.invalidateQueries({ queryKey: ['events'] })
  }, [queries])
  return { count, show }
}
