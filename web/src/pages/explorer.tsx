/** The explorer: every event, by one search that is all in the address. */
import { ActionIcon, Group, Tooltip, UnstyledButton } from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { useCallback, useMemo, useRef, useState } from 'react'
import type { EventRow, Facet } from '../../../src/serve/shapes/events.ts'
import { ApiError } from '../api.ts'
import { USUAL_COLUMNS } from '../parts/event-columns.tsx'
import { EventTable } from '../parts/event-table.tsx'
import { Icon } from '../parts/icon.tsx'
import { KeyHelp, useKeyMap } from '../parts/key-map.tsx'
import { Plain } from '../parts/plain.tsx'
import { Empty, Failed, Loading } from '../parts/state-of.tsx'
import { TimeRangePicker } from '../parts/time-range.tsx'
import { type Search, useEvents, useHistogram } from '../queries/events.ts'
import { keep, kept } from '../settings.tsx'
import { useUrlState } from '../url-state.ts'
import { Detail } from './explorer/detail.tsx'
import { Facets } from './explorer/facets.tsx'
import { useNewEvents } from './explorer/new-events.ts'
import { SavedMenu } from './explorer/saved.tsx'
import { type Refusal, SearchBox } from './explorer/search-box.tsx'
import { isFacet, withPart } from './explorer/search-language.ts'
import { TIMELINE_BUCKETS, Timeline, totalOf } from './explorer/timeline.tsx'
import { ColumnMenu, DownloadMenu, NewEvents, OrderSwitch, ShareButton } from './explorer/toolbar.tsx'
import './explorer/explorer.css'

const BESIDE_COLUMNS = ['time', 'actor', 'action', 'status']

/** The page at `/events`. */
export default function Explorer() {
  const view = useView()
  const { search, order, openId, change } = view
  const events = useEvents(search, order)
  const rows = useMemo(() => events.data?.flatMap((page) => page.events) ?? [], [events.data])
  const [cursor, setCursor] = useState(-1)
  const [isHelp, help] = useDisclosure(false)
  const box = useRef<HTMLInputElement>(null)
  const histogram = useHistogram(search, view.by, TIMELINE_BUCKETS)
  const fresh = useNewEvents(search, totalOf(histogram.data))
  // Beside an open event there is less room, and it says the rest itself.
  const isTight = useMediaQuery('(max-width: 1500px)') ?? false
  const columns = openId !== null && isTight && !view.hasOwnColumns ? BESIDE_COLUMNS : view.columns

  const open = useCallback(
    (event: EventRow | null) => change({ event: event?.id ?? null }, { replace: openId !== null }),
    [change, openId],
  )
  const step = (by: 1 | -1) => {
    const at = Math.min(rows.length - 1, Math.max(0, cursor + by))
    setCursor(at)
    const row = rows[at]
    if (openId !== null && row !== undefined) open(row)
  }
  const deeds = [
    { key: '/', label: 'Search', run: () => box.current?.focus() },
    { key: 'j', label: 'Event below', run: () => step(1) },
    { key: 'k', label: 'Event above', run: () => step(-1) },
    { key: 'Enter', label: 'Open the event', run: () => open(rows[cursor] ?? null) },
    { key: 'Escape', label: 'Close the event', run: () => open(null) },
    { key: 'r', label: 'Ask anew', run: fresh.show },
    { key: '?', label: 'Show these keys', run: help.open },
  ]
  useKeyMap(deeds)
  const next = useCallback(() => {
    if (events.hasNextPage && !events.isFetchingNextPage) void events.fetchNextPage()
  }, [events.hasNextPage, events.isFetchingNextPage, events.fetchNextPage])
  const refusal = refusalOf(events.error)

  return (
    <div className={openId === null ? 'explorer' : 'explorer with-detail'}>
      <h1 className="unseen-caption">Explorer</h1>
      <div className="explorer-top">
        <SearchBox search={search} onSearch={view.setQ} refusal={refusal} inputRef={box} />
        <Group gap={6} wrap="nowrap" className="explorer-tools">
          <TimeRangePicker span={search} onChange={(span) => change({ from: span.from, to: span.to })} />
          <SavedMenu search={search} onPick={({ q, from, to }) => change({ q, from, to, event: null })} />
          <ShareButton />
          <DownloadMenu search={search} />
          <Tooltip label="Keys (?)">
            <ActionIcon aria-label="Keys" onClick={help.open}>
              <Icon name="keyboard" />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      {refusal === null ? (
        <div className="explorer-body">
          <FacetColumn search={search} onSearch={view.setQ} />
          <section className="explorer-main" aria-label="Events">
            <Timeline
              search={search}
              by={view.by}
              onBy={(by) => change({ by }, { replace: true })}
              onSpan={(from, to) => change({ from, to })}
            />
            <Group className="explorer-bar" justify="space-between" gap="xs" wrap="nowrap">
              <Group gap="xs" wrap="nowrap">
                <OrderSwitch order={order} onChange={(next) => change({ order: next === 'oldest' ? next : null })} />
                <NewEvents count={fresh.count} onShow={fresh.show} />
              </Group>
              <ColumnMenu columns={view.columns} onChange={view.setColumns} />
            </Group>
            <div className={events.isPlaceholderData ? 'explorer-table dated' : 'explorer-table'}>
              {rows.length > 0 ? (
                <EventTable
                  events={rows}
                  label="Events"
                  columns={columns}
                  openId={openId}
                  cursor={cursor}
                  onEnd={next}
                  onOpen={(event, at) => {
                    setCursor(at)
                    open(event)
                  }}
                />
              ) : (
                <NoRows events={events} search={search} onAllTime={() => change({ from: null, to: null })} />
              )}
            </div>
          </section>
          {openId === null ? null : (
            <Detail
              id={openId}
              onClose={() => open(null)}
              onPart={(part) => view.setQ(withPart(search.q, part))}
              onOpen={open}
              onStep={step}
            />
          )}
        </div>
      ) : (
        <Empty title="This search is not understood" icon="explorer">
          <Plain text={`${refusal.message} ${refusal.hint}`} />
        </Empty>
      )}
      <KeyHelp deeds={deeds} opened={isHelp} onClose={help.close} />
    </div>
  )
}

/** What the server says against the search itself; anything else is said where it is missed. */
function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof ApiError) || error.status !== 422) return null
  const about = error.errors.find(({ name }) => name === 'q')
  return about === undefined
    ? null
    : { message: error.message, hint: error.hint, from: about.from ?? 0, to: about.to ?? Number.POSITIVE_INFINITY }
}

/** All that the address holds of the view. */
function useView() {
  const [params, change] = useUrlState()
  const q = params.get('q') ?? ''
  const from = params.get('from')
  const to = params.get('to')
  const by = params.get('by') ?? ''
  const names = params.get('columns')
  return {
    search: useMemo<Search>(() => ({ q, from, to }), [q, from, to]),
    order: params.get('order') === 'oldest' ? ('oldest' as const) : ('newest' as const),
    openId: params.get('event'),
    by: isFacet(by) ? (by satisfies Facet) : null,
    columns: useMemo(() => names?.split(',') ?? kept('columns', USUAL_COLUMNS), [names]),
    hasOwnColumns: names !== null,
    change,
    setQ: (next: string) => change({ q: next }),
    setColumns: (next: readonly string[]) => {
      keep('columns', next)
      change({ columns: next.join(',') }, { replace: true })
    },
  }
}

/** Facets beside the table; on narrow screens they open on demand. */
function FacetColumn({ search, onSearch }: { readonly search: Search; readonly onSearch: (q: string) => void }) {
  const isNarrow = useMediaQuery('(max-width: 62em)') ?? false
  const [isOpen, { toggle }] = useDisclosure(false)
  if (!isNarrow) {
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      <section className="facets" aria-label="Facets" tabIndex={0}>
        <Facets search={search} onSearch={onSearch} />
      </section>
    )
  }
  return (
    <section className="facets" aria-label="Facets">
      <UnstyledButton className="facets-toggle" aria-expanded={isOpen} onClick={toggle}>
        <Icon name="filter" size={14} /> Facets <Icon name={isOpen ? 'up' : 'down'} size={11} />
      </UnstyledButton>
      {isOpen ? <Facets search={search} onSearch={onSearch} /> : null}
    </section>
  )
}

/** What stands where the rows would be. */
function NoRows({
  events,
  search,
  onAllTime,
}: {
  readonly events: ReturnType<typeof useEvents>
  readonly search: Search
  readonly onAllTime: () => void
}) {
  if (events.error !== null) return <Failed error={events.error} onRetry={() => void events.refetch()} />
  if (events.isPending) return <Loading lines={12} />
  const hasSpan = search.from !== null || search.to !== null
  if (search.q === '' && !hasSpan) {
    return (
      <Empty title="The lake holds no events yet" icon="explorer">
        They appear here as soon as a source has brought some; Operations shows what sources do.
      </Empty>
    )
  }
  return (
    <Empty title="No event matches" icon="explorer">
      {hasSpan ? (
        <UnstyledButton className="text-button" onClick={onAllTime}>
          Look through all time
        </UnstyledButton>
      ) : (
        'Take a part out of the search, or see in the facets what there is.'
      )}
    </Empty>
  )
}
