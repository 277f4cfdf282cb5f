/** Columns of a table of events. */
import type { ReactNode } from 'react'
import type { EventRow } from '../../../src/serve/shapes/events.ts'
import { countryName } from './country-names.ts'
import { StatusText, TimeText, Value } from './small.tsx'

/** A column. */
export interface EventColumn {
  readonly name: string
  readonly title: string
  /** Least width in pixels. */
  readonly leastPx: number
  /** Share of the width that is left over. */
  readonly share: number
  readonly show: (event: EventRow) => ReactNode
}

/** Every column that can be chosen. */
export const EVENT_COLUMNS: readonly EventColumn[] = [
  { name: 'time', title: 'Time', leastPx: 142, share: 0, show: ({ time }) => <TimeText iso={time} /> },
  { name: 'actor', title: 'Actor', leastPx: 126, share: 1.3, show: ({ actor }) => <Value text={actor} /> },
  {
    name: 'action',
    title: 'Action',
    leastPx: 150,
    share: 1.4,
    show: ({ service, action }) => (
      <>
        <span className="quiet">
          <Value text={service} />.
        </span>
        <Value text={action} />
      </>
    ),
  },
  {
    name: 'target',
    title: 'Target',
    leastPx: 112,
    share: 1.5,
    show: ({ target, targets }) => (
      <>
        <Value text={target} />
        {targets > 1 ? <span className="quiet"> +{targets - 1}</span> : null}
      </>
    ),
  },
  {
    name: 'status',
    title: 'Outcome',
    leastPx: 132,
    share: 0,
    show: ({ status, statusCode }) => <StatusText status={status} code={statusCode} />,
  },
  {
    name: 'ip',
    title: 'Address',
    leastPx: 126,
    share: 0.2,
    show: ({ ip, country }) => (
      <>
        <Value text={ip} /> <span className="quiet">{country === null ? null : <Value text={country} />}</span>
      </>
    ),
  },
  {
    name: 'country',
    title: 'Country',
    leastPx: 110,
    share: 0,
    show: ({ country }) => <Value text={country === null ? null : countryName(country)} />,
  },
  { name: 'category', title: 'Category', leastPx: 110, share: 0, show: ({ category }) => <Value text={category} /> },
  { name: 'service', title: 'Service', leastPx: 120, share: 0, show: ({ service }) => <Value text={service} /> },
  { name: 'verb', title: 'Verb', leastPx: 90, share: 0, show: ({ verb }) => <Value text={verb} /> },
  {
    name: 'actorType',
    title: 'Kind of actor',
    leastPx: 130,
    share: 0,
    show: ({ actorType }) => <Value text={actorType} />,
  },
  {
    name: 'targetType',
    title: 'Kind of target',
    leastPx: 110,
    share: 0,
    show: ({ targetType }) => <Value text={targetType} />,
  },
  {
    name: 'workspace',
    title: 'Workspace',
    leastPx: 150,
    share: 0,
    show: ({ workspace }) => <Value text={workspace} />,
  },
  { name: 'client', title: 'Client', leastPx: 110, share: 0, show: ({ client }) => <Value text={client} /> },
  { name: 'keyEvent', title: 'Key event', leastPx: 160, share: 0, show: ({ keyEvent }) => <Value text={keyEvent} /> },
  { name: 'error', title: 'Error', leastPx: 160, share: 1.5, show: ({ error }) => <Value text={error} /> },
  { name: 'sessionId', title: 'Session', leastPx: 150, share: 0, show: ({ sessionId }) => <Value text={sessionId} /> },
  { name: 'requestId', title: 'Request', leastPx: 150, share: 0, show: ({ requestId }) => <Value text={requestId} /> },
]

/** What is shown until somebody chooses. */
export const USUAL_COLUMNS: readonly string[] = ['time', 'actor', 'action', 'target', 'status', 'ip']

/** Columns by name, in the order of the names; unknown names are left out. */
export const columnsOf = (names: readonly string[]): EventColumn[] =>
  names.flatMap((name) => EVENT_COLUMNS.filter((column) => column.name === name))

/** Between columns, and at both ends of a row. */
const GAP_PX = 10
const EDGE_PX = 12

/** Tracks of the grid that holds the columns, and the least width they need. */
export function tracksOf(columns: readonly EventColumn[]): { readonly template: string; readonly leastPx: number } {
  const template = columns.map(({ leastPx, share }) =>
    share === 0 ? `${leastPx}px` : `minmax(${leastPx}px, ${share}fr)`,
  )
  const sum = columns.reduce((total, { leastPx }) => total + leastPx, 0)
  return { template: template.join(' '), leastPx: sum + GAP_PX * Math.max(0, columns.length - 1) + 2 * EDGE_PX }
}
