/** A few events as a table of links, for places that show some of them beside other things. */
import { Anchor, Table } from '@mantine/core'
import { Link } from 'wouter'
import type { EventRow } from '../../../src/serve/shapes/events.ts'
import { explorerUrl } from '../url-state.ts'
import { ScrollTable } from './scroll-table.tsx'
import { EntityLink, StatusText, TimeText, Value } from './small.tsx'

const HOUR_MS = 3_600_000

/** The explorer with an event open, and what else its search finds around that time. */
function eventUrl(q: string, { id, time }: Pick<EventRow, 'id' | 'time'>): string {
  const ms = Date.parse(time)
  const span = { from: new Date(ms - HOUR_MS).toISOString(), to: new Date(ms + HOUR_MS).toISOString() }
  const url = explorerUrl(q, span)
  return `${url}${url.includes('?') ? '&' : '?'}event=${encodeURIComponent(id)}`
}

/** Events with links to them, to who did it and to what it was done to. */
export function EventLines({
  events,
  label,
  q = '',
}: {
  readonly events: readonly EventRow[]
  readonly label: string
  /** Search of the explorer behind the event that is opened. */
  readonly q?: string
}) {
  return (
    <ScrollTable
      label={label}
      className="event-lines"
      columns={[{ name: 'Time' }, { name: 'What' }, { name: 'Who, to what' }]}
    >
      {events.map((event) => (
        <Table.Tr key={event.id}>
          <Table.Td>
            <Anchor component={Link} href={eventUrl(q, event)}>
              <TimeText iso={event.time} />
            </Anchor>
            <div className="sub">
              <StatusText status={event.status} code={event.statusCode} />
            </div>
          </Table.Td>
          <Table.Td className="name-cell">
            <Value text={event.action} />
            <div className="sub">
              <Value text={event.service} />
            </div>
          </Table.Td>
          <Table.Td className="name-cell">
            <EntityLink kind="actor" id={event.actor} />
            <div className="sub">
              {event.target === null || event.target === event.actor ? null : (
                <EntityLink kind="target" id={event.target} />
              )}
              {event.targets > 1 ? ` and ${event.targets - 1} more` : ''}
            </div>
          </Table.Td>
        </Table.Tr>
      ))}
    </ScrollTable>
  )
}
