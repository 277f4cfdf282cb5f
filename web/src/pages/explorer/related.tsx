/** Events of the same session, request or actor. */
import { Anchor, Group, SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import type { EventDetail, EventRow } from '../../../../src/serve/shapes/events.ts'
import { EventTable } from '../../parts/event-table.tsx'
import { Empty, StateOf } from '../../parts/state-of.tsx'
import { useRelated } from '../../queries/events.ts'
import { numberOf } from '../../times.ts'
import { term } from '../../url-state.ts'
import { textOf } from './fields.ts'

type By = 'session' | 'request' | 'actor'

const BYS: readonly (readonly [By, string])[] = [
  ['session', 'Session'],
  ['request', 'Request'],
  ['actor', 'Actor, near in time'],
]

/** How many others there are: the server counts the event itself, too. */
const othersOf = ({ related }: EventDetail, by: By): number => Math.max(0, related[by] - 1)

/** The same event may be related in more than one way; so many there are at least. */
export const mostOthers = (detail: EventDetail): number => Math.max(...BYS.map(([by]) => othersOf(detail, by)))

const COLUMNS = ['time', 'action', 'status', 'target']

/** Related events of an event. */
export function Related({
  detail,
  onOpen,
  onPart,
}: {
  readonly detail: EventDetail
  readonly onOpen: (event: EventRow) => void
  readonly onPart: (part: string) => void
}) {
  const some = BYS.filter(([by]) => othersOf(detail, by) > 0)
  const [by, setBy] = useState<By>(some[0]?.[0] ?? 'session')
  if (some.length === 0) return <Empty title="No other event shares its session, request or actor" />
  return (
    <>
      <Group justify="space-between" mb="xs">
        <SegmentedControl
          aria-label="Related by"
          value={by}
          data={some.map(([value, label]) => ({ value, label: `${label} ${numberOf(othersOf(detail, value))}` }))}
          onChange={(next) => setBy(next as By)}
        />
        <SearchAll detail={detail} by={by} onPart={onPart} />
      </Group>
      <List id={detail.id} by={by} onOpen={onOpen} />
    </>
  )
}

function SearchAll({
  detail,
  by,
  onPart,
}: {
  readonly detail: EventDetail
  readonly by: By
  readonly onPart: (part: string) => void
}) {
  const value =
    by === 'actor'
      ? (textOf(detail.event, 'actor.email') ?? textOf(detail.event, 'actor.name') ?? textOf(detail.event, 'actor.id'))
      : textOf(detail.event, `${by}_id`)
  if (value === null) return null
  return (
    <Anchor component="button" type="button" onClick={() => onPart(term(by, value))}>
      Search for all
    </Anchor>
  )
}

function List({
  id,
  by,
  onOpen,
}: {
  readonly id: string
  readonly by: By
  readonly onOpen: (event: EventRow) => void
}) {
  const related = useRelated(id, by)
  return (
    <StateOf query={related} empty={({ events }) => events.length === 0}>
      {({ events }) => (
        <EventTable
          events={events}
          label="Related events"
          columns={COLUMNS}
          openId={id}
          onOpen={onOpen}
          maxHeight={420}
        />
      )}
    </StateOf>
  )
}
