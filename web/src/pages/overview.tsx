/** What happened since yesterday; every number leads to its events. */
import { Anchor } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import type { Overview } from '../../../src/serve/shapes/entities.ts'
import { useLive } from '../live.tsx'
import { EventTable } from '../parts/event-table.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { Empty, StateOf } from '../parts/state-of.tsx'
import { TimeRangePicker } from '../parts/time-range.tsx'
import { useAsk } from '../queries/ask.ts'
import { useSettings } from '../settings.tsx'
import { timeOf } from '../times.ts'
import { explorerUrl, useUrlState } from '../url-state.ts'
import { Activity } from './overview/activity.tsx'
import { Figures } from './overview/figures.tsx'
import { Lists } from './overview/lists.tsx'
import { Standing } from './overview/standing.tsx'
import './overview/overview.css'

/** News are worth a look this often, however many there are. */
const REFRESH_MS = 30_000

const CHANGE_COLUMNS = ['time', 'actor', 'action', 'target', 'status']

/** The page at `/`. */
export default function OverviewPage() {
  const [params, change] = useUrlState()
  const span = { from: params.get('from'), to: params.get('to') }
  const overview = useAsk<Overview>('/overview', span, { keepPrevious: true })
  useFreshOverview()
  const { zone } = useSettings()
  const shown = overview.data
  return (
    <div className="page">
      <PageHead
        title="Overview"
        note={
          shown === undefined
            ? ' '
            : `${timeOf(shown.from, zone).slice(0, 16)} – ${timeOf(shown.to, zone).slice(0, 16)}, compared with as long a time before`
        }
      >
        <TimeRangePicker
          span={span}
          usual="The last day of the lake"
          onChange={({ from, to }) => change({ from, to })}
        />
      </PageHead>
      <StateOf
        query={overview}
        lines={12}
        empty={(data) => data.newestEvent === null}
        whenEmpty={
          <Panel>
            <Empty title="The lake holds no events yet" icon="overview">
              As soon as a source has brought some, this page tells what happened.{' '}
              <Anchor component={Link} href="/operations">
                See what sources do
              </Anchor>
            </Empty>
          </Panel>
        }
      >
        {(data) => (
          <div className={overview.isPlaceholderData ? 'overview dated' : 'overview'}>
            <Figures overview={data} isOpen={span.to === null} />
            <div className="overview-main">
              <Activity overview={data} />
              <Standing overview={data} />
            </div>
            <Details overview={data} />
          </div>
        )}
      </StateOf>
    </div>
  )
}

function Details({ overview }: { readonly overview: Overview }) {
  const { q } = overview.figures.permissionChanges
  return (
    <>
      <Lists overview={overview} />
      <Panel
        title="Changes of permissions"
        flush
        actions={
          q === null ? null : (
            <Anchor component={Link} href={explorerUrl(q, { from: overview.from, to: overview.to })}>
              All in the explorer
            </Anchor>
          )
        }
      >
        <Changes overview={overview} />
      </Panel>
    </>
  )
}

function Changes({ overview }: { readonly overview: Overview }) {
  const [, navigate] = useLocation()
  if (overview.permissionChanges.length === 0) return <Empty title="Nobody changed a permission" icon="check" />
  return (
    <EventTable
      events={overview.permissionChanges}
      label="Changes of permissions"
      columns={CHANGE_COLUMNS}
      maxHeight={330}
      onOpen={(event) =>
        navigate(
          `${explorerUrl(overview.figures.permissionChanges.q ?? '', { from: overview.from, to: overview.to })}&event=${encodeURIComponent(event.id)}`,
        )
      }
    />
  )
}

/** Asks anew when something came, but not all the time. */
function useFreshOverview(): void {
  const queries = useQueryClient()
  const last = useRef(Date.now())
  const timer = useRef<number>(undefined)
  const refresh = () => {
    timer.current ??= window.setTimeout(
      () => {
        timer.current = undefined
        last.current = Date.now()
        void queries.invalidateQueries({ queryKey: ['overview'] })
      },
      Math.max(0, last.current + REFRESH_MS - Date.now()),
    )
  }
  useEffect(() => () => window.clearTimeout(timer.current), [])
  useLive('events', refresh)
  useLive('alerts', refresh)
}
