/** What the queue asks, and what is done to many alerts at once: shown right away, taken back where the server refuses. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import type { AlertDeed, AlertDetail, AlertPage, AlertRow, FindingDetail } from '../../../../src/serve/shapes/alerts.ts'
import type { EventPage } from '../../../../src/serve/shapes/events.ts'
import { ApiError, tell } from '../../api.ts'
import { keyOf, useAsk } from '../../queries/ask.ts'
import { justAfter } from '../../times.ts'
import { afterDeed } from './deeds.ts'

/** What the queue holds. */
export interface QueueFilter {
  readonly kind: AlertRow['kind']
  readonly which: string
  readonly state: string
  /** The lowest, and the highest that are wanted. */
  readonly level: string
  readonly highest: string
  readonly rule: string
  readonly entity: string
  readonly assignee: string
  readonly quiet: string
  /** Id of a finding that they are made of. */
  readonly finding: string
  readonly limit: number
}

const pathOf = (id: string): string => `/alerts/${encodeURIComponent(id)}`

/** The queue; the one before stays until the new one is here. */
export const useQueue = (filter: QueueFilter) => useAsk<AlertPage>('/alerts', { ...filter }, { keepPrevious: true })

/** One alert or incident in full. */
export const useAlert = (id: string) => useAsk<AlertDetail>(pathOf(id))

/** One finding in full; asked once it is opened. */
export const useFinding = (id: string, enabled: boolean) =>
  useAsk<FindingDetail>(`/findings/${encodeURIComponent(id)}`, {}, { enabled })

/** As many events as are read beside a finding; the rest is in the explorer. */
const EVENTS_SHOWN = 10

/** The first events of a finding. */
export const useFindingEvents = ({ eventIds, firstTime, lastTime }: FindingDetail) =>
  useAsk<EventPage>(
    '/events',
    {
      q: `id:${eventIds.slice(0, EVENTS_SHOWN).join(',')}`,
      from: firstTime,
      to: justAfter(lastTime),
      limit: EVENTS_SHOWN,
      order: 'oldest',
    },
    { enabled: eventIds.length > 0 },
  )

/** What came of a deed on one alert. */
export interface DeedResult {
  readonly alert: AlertRow
  /** Why it was refused; null where it was done. */
  readonly error: ApiError | null
}

/** So many requests at once: many enough to be quick, few enough to leave the server to others. */
const AT_ONCE = 4

/** Does a deed to alerts. The page shows them as done before the server has answered, and as they were if it refuses. */
export function useDeed(): {
  readonly busy: boolean
  readonly run: (alerts: readonly AlertRow[], deed: AlertDeed) => Promise<DeedResult[]>
} {
  const queries = useQueryClient()
  const [running, setRunning] = useState(0)
  const put = useCallback(
    (id: string, change: <T extends AlertRow>(row: T) => T) => {
      queries.setQueryData<AlertDetail>(keyOf(pathOf(id)), (detail) => (detail === undefined ? detail : change(detail)))
      queries.setQueriesData<AlertPage>(
        { queryKey: ['alerts'], predicate: ({ queryKey }) => queryKey.length === 2 },
        (page) =>
          page === undefined
            ? page
            : { ...page, alerts: page.alerts.map((row) => (row.id === id ? change(row) : row)) },
      )
    },
    [queries],
  )
  const one = useCallback(
    async (alert: AlertRow, deed: AlertDeed): Promise<DeedResult> => {
      const now = new Date().toISOString()
      const detail = queries.getQueryData<AlertDetail>(keyOf(pathOf(alert.id)))
      put(alert.id, (row) => afterDeed(row, deed, now))
      try {
        const after = await tell<AlertDetail>('POST', `${pathOf(alert.id)}/deeds`, deed)
        put(alert.id, (row) => ({ ...row, ...rowOf(after) }))
        queries.setQueryData(keyOf(pathOf(alert.id)), after)
        return { alert, error: null }
      } catch (error) {
        put(alert.id, (row) => ({ ...row, ...rowOf(detail ?? alert) }))
        return { alert, error: problemOf(error) }
      }
    },
    [queries, put],
  )
  const run = useCallback(
    async (alerts: readonly AlertRow[], deed: AlertDeed) => {
      setRunning((count) => count + 1)
      await queries.cancelQueries({ queryKey: ['alerts'] })
      const results: DeedResult[] = []
      for (let at = 0; at < alerts.length; at += AT_ONCE) {
        results.push(...(await Promise.all(alerts.slice(at, at + AT_ONCE).map((alert) => one(alert, deed)))))
      }
      void queries.invalidateQueries({ queryKey: ['alerts'] })
      void queries.invalidateQueries({ queryKey: ['overview'] })
      setRunning((count) => count - 1)
      return results
    },
    [queries, one],
  )
  return { busy: running > 0, run }
}

/** What of an alert a deed changes, so that a detail is not overwritten by a row that lacks half of it. */
const rowOf = ({ state, status, outcome, assignee, updated, resolved }: AlertRow) => ({
  state,
  status,
  outcome,
  assignee,
  updated,
  resolved,
})

const problemOf = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError({ status: 0, detail: String(error), code: 'PAGE', hint: 'Load the page anew.' })
