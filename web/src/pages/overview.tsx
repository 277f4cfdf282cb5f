/** What happened since yesterday; every number leads to its events. */
import { Anchor } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { Link, useLocation } from 'wouter'
import type { Overview } from '../../../src/serve/shapes/entities.ts'
import { useLive } from '../live.tsx'
import { Bars } from '../parts/bars.tsx'
import { countryName } from '../parts/country-names.ts'
import { EventTable } from '../parts/event-table.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { Plain } from '../parts/plain.tsx'
import { TimeText } from '../parts/small.tsx'
import { Empty, StateOf } from '../parts/state-of.tsx'
import { TimeRangePicker } from '../parts/time-range.tsx'
import { useAsk } from '../queries/ask.ts'
import { useSettings } from '../settings.tsx'
import { numberOf, timeOf } from '../times.ts'
import { entityUrl, explorerUrl, term, useUrlState } from '../url-state.ts'
import { Activity } from './overview/activity.tsx'
import { Figures } from './overview/figures.tsx'
import { Standing } from './overview/standing.tsx'
import './overview/overview.css'

/** News are worth a look this often, however many there are. */
const REFRESH_MS = 30_000

/** What readers are ranked by. */
const READS = 'category:data_access status:success'

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
            <Figures overview={data} />
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
  const span = { from: overview.from, to: overview.to }
  const { figures } = overview
  const failed = figures.failedLogins.q ?? ''
  return (
    <>
      <div className="grid-3">
        <Panel title="Failed logins" note="By actor">
          <Named
            empty="Nobody failed to sign in"
            label="Failed logins by actor"
            rows={overview.topFailedLogins.map(({ value, count }) => ({
              value,
              count,
              ...(value === null
                ? {}
                : {
                    href: entityUrl('actor', value),
                    countHref: explorerUrl(`${failed} ${term('actor', value)}`.trim(), span),
                  }),
              tone: 'high',
            }))}
          />
        </Panel>
        <Panel title="Reads of data" note="By actor">
          <Named
            empty="Nobody read any data"
            label="Reads of data by actor"
            rows={overview.topReaders.map(({ value, count }) => ({
              value,
              count,
              ...(value === null
                ? {}
                : {
                    href: entityUrl('actor', value),
                    countHref: explorerUrl(`${READS} ${term('actor', value)}`, span),
                  }),
            }))}
          />
        </Panel>
        <Panel title="Key events" note="Kinds that auditors ask for">
          <Named
            empty="No key events"
            label="Key events"
            rows={overview.keyEvents.map(({ value, count }) => ({
              value,
              count,
              label: value === null ? undefined : <Plain text={value.replaceAll('_', ' ')} />,
              ...(value === null ? {} : { countHref: explorerUrl(term('key_event', value), span) }),
            }))}
          />
        </Panel>
      </div>
      <div className="grid-3">
        <Newcomers title="New actors" kind="actor" rows={overview.newActors} all={figures.newActors.value} />
        <Newcomers title="New actions" kind="action" rows={overview.newActions} all={figures.newActions.value} />
        <Newcomers title="New countries" kind="country" rows={overview.newCountries} all={figures.newCountries.value} />
      </div>
      <Panel
        title="Changes of permissions"
        flush
        actions={
          overview.figures.permissionChanges.q === null ? null : (
            <Anchor component={Link} href={explorerUrl(overview.figures.permissionChanges.q, span)}>
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

function Named({
  rows,
  empty,
  label,
}: {
  readonly rows: Parameters<typeof Bars>[0]['bars']
  readonly empty: string
  readonly label: string
}) {
  return rows.length === 0 ? <Empty title={empty} icon="check" /> : <Bars bars={rows} label={label} />
}

function Newcomers({
  title,
  kind,
  rows,
  all,
}: {
  readonly title: string
  readonly kind: 'actor' | 'action' | 'country'
  readonly rows: readonly { readonly value: string; readonly firstSeen: string }[]
  /** How many there are, of which the rows may be the first. */
  readonly all: number
}) {
  return (
    <Panel
      title={title}
      note={
        all > rows.length
          ? `Not seen before in the lake; the first ${numberOf(rows.length)} of ${numberOf(all)}`
          : 'Not seen before in the lake'
      }
    >
      {rows.length === 0 ? (
        <Empty title="None" icon="check" />
      ) : (
        <ul className="newcomers">
          {rows.map(({ value, firstSeen }) => (
            <li key={value}>
              <Anchor
                component={Link}
                href={kind === 'actor' ? entityUrl('actor', value) : explorerUrl(term(kind, value))}
                inherit
              >
                <Plain text={kind === 'country' ? countryName(value) : value} />
              </Anchor>
              <span className="quiet">
                <TimeText iso={firstSeen} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

/** Asks anew when something came, but not all the time. */
function useFreshOverview(): void {
  const queries = useQueryClient()
  const last = useRef(Date.now())
  const refresh = () => {
    if (Date.now() - last.current < REFRESH_MS) return
    last.current = Date.now()
    void queries.invalidateQueries({ queryKey: ['overview'] })
  }
  useLive('events', refresh)
  useLive('alerts', refresh)
}
