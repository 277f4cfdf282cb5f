/** A table of events that draws only the rows in sight, however many there are. */
import { useMediaQuery } from '@mantine/hooks'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type PointerEvent, useEffect, useRef } from 'react'
import type { EventRow } from '../../../src/serve/shapes/events.ts'
import { columnsOf, type EventColumn, tracksOf, USUAL_COLUMNS } from './event-columns.tsx'
import { StatusText, TimeText, Value } from './small.tsx'

const ROW_PX = 30
const CARD_PX = 68

/** Choices of {@link EventTable}. */
export interface EventTableProps {
  readonly events: readonly EventRow[]
  readonly label: string
  readonly columns?: readonly string[]
  /** Id of the event that is open. */
  readonly openId?: string | null
  /** Place of the row the keyboard is on. */
  readonly cursor?: number
  readonly onOpen?: (event: EventRow, at: number) => void
  /** Called as the end comes into sight. */
  readonly onEnd?: () => void
  /** Height of the table, where it does not fill what holds it. */
  readonly maxHeight?: number
}

/** A table of events; on narrow screens a list of cards. */
export function EventTable(props: EventTableProps) {
  const { events, label, columns = USUAL_COLUMNS, openId, cursor = -1, onOpen, onEnd, maxHeight } = props
  const scroller = useRef<HTMLDivElement>(null)
  const isNarrow = useMediaQuery('(max-width: 700px)') ?? false
  const virtual = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isNarrow ? CARD_PX : ROW_PX),
    overscan: 12,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights of rows change with the kind of layout
  useEffect(() => virtual.measure(), [isNarrow])
  useEffect(() => {
    if (cursor >= 0 && cursor < events.length) virtual.scrollToIndex(cursor, { align: 'auto' })
  }, [cursor, events.length, virtual])
  const rows = virtual.getVirtualItems()
  const last = rows.at(-1)?.index ?? -1
  useEffect(() => {
    if (events.length > 0 && last >= events.length - 1) onEnd?.()
  }, [last, events.length, onEnd])

  const chosen = columnsOf(columns)
  const { template, leastPx } = tracksOf(chosen)
  const minWidth = isNarrow ? 0 : leastPx
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows in sight only, placed by the page: not what <table> can be
    <div
      ref={scroller}
      className={`events ${isNarrow ? 'events-narrow' : ''}`}
      role="table"
      aria-label={label}
      aria-rowcount={events.length + 1}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      style={maxHeight === undefined ? undefined : { maxHeight }}
    >
      {isNarrow ? null : <Head columns={chosen} template={template} minWidth={minWidth} />}
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      <div role="rowgroup" className="events-body" style={{ height: virtual.getTotalSize(), minWidth }}>
        {rows.map(({ index, start, size }) => {
          const event = events[index]
          if (event === undefined) return null
          const open = onOpen === undefined ? {} : { onClick: () => onOpen(event, index) }
          const state = `${event.id === openId ? 'open' : ''} ${index === cursor ? 'cursor' : ''}`
          return (
            // biome-ignore lint/a11y/useSemanticElements: see above
            // biome-ignore lint/a11y/useFocusableInteractive: the table has the focus, and j, k and Enter work on it
            <div
              key={event.id}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={event.id === openId}
              className={`event-row ${onOpen === undefined ? '' : 'clickable'} ${state}`}
              style={{ transform: `translateY(${start}px)`, height: size, gridTemplateColumns: template }}
              {...open}
            >
              {isNarrow ? (
                <Card event={event} />
              ) : (
                chosen.map((column) => <Cell key={column.name} column={column} event={event} />)
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

const Head = ({
  columns,
  template,
  minWidth,
}: {
  readonly columns: readonly EventColumn[]
  readonly template: string
  readonly minWidth: number
}) => (
  // biome-ignore lint/a11y/useSemanticElements: see EventTable
  <div role="rowgroup" className="events-head" style={{ minWidth }}>
    {/* biome-ignore lint/a11y/useSemanticElements: see EventTable */}
    {/* biome-ignore lint/a11y/useFocusableInteractive: heads of columns do nothing */}
    <div role="row" aria-rowindex={1} className="event-row" style={{ gridTemplateColumns: template }}>
      {columns.map(({ name, title }) => (
        // biome-ignore lint/a11y/useSemanticElements: see EventTable
        // biome-ignore lint/a11y/useFocusableInteractive: heads of columns do nothing
        <div role="columnheader" key={name}>
          {title}
        </div>
      ))}
    </div>
  </div>
)

/** What is cut can be read whole by pointing at it. */
function tellWhole({ currentTarget }: PointerEvent<HTMLElement>): void {
  const isCut = currentTarget.scrollWidth > currentTarget.clientWidth
  currentTarget.title = isCut ? (currentTarget.textContent ?? '') : ''
}

const Cell = ({ column, event }: { readonly column: EventColumn; readonly event: EventRow }) => (
  // biome-ignore lint/a11y/useSemanticElements: see EventTable
  <div role="cell" className="event-cell" onPointerEnter={tellWhole}>
    {column.show(event)}
  </div>
)

const Card = ({ event }: { readonly event: EventRow }) => (
  // biome-ignore lint/a11y/useSemanticElements: see EventTable
  <div role="cell" className="event-card">
    <div>
      <strong>
        <Value text={event.action} />
      </strong>
      <StatusText status={event.status} code={event.statusCode} />
    </div>
    <div>
      <Value text={event.actor} />
    </div>
    <div className="quiet">
      <TimeText iso={event.time} /> · <Value text={event.target ?? event.service} />
    </div>
  </div>
)
