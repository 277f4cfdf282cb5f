/** Columns of a table of events. */
import type { ReactNode } from 'react'
import type { EventRow } from '../../../src/serve/shapes/events.ts'
import { countryName } from './country-names.ts'
import { StatusText, TimeText, Value } from './small.tsx'

/** A column. */
export interface EventColumn {
  readonly name: string
  readonly title: string
  /** Track of the grid: a least width, and a share of what is left. */
  readonly width: string
  readonly show: (event: EventRow) => ReactNode
}

/** Every column that can be chosen. */
export const EVENT_COLUMNS: readonly EventColumn[] = [
  { name: 'time', title: 'Time', width: '150px', show: ({ time }) => <TimeText iso={time} /> },
  { name: 'actor', title: 'Actor', width: 'minmax(150px, 1.3fr)', show: ({ actor }) => <Value text={actor} /> },
  {
    name: 'action',
    title: 'Action',
    width: 'minmax(160px, 1.4fr)',
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
    width: 'minmax(150px, 1.5fr)',
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
    width: '130px',
    show: ({ status, statusCode }) => <StatusText status={status} code={statusCode} />,
  },
  { name: 'ip', title: 'Address', width: '130px', show: ({ ip }) => <Value text={ip} /> },
  {
    name: 'country',
    title: 'Country',
    width: '110px',
    show: ({ country }) => <Value text={country === null ? null : countryName(country)} />,
  },
  { name: 'category', title: 'Category', width: '110px', show: ({ category }) => <Value text={category} /> },
  { name: 'service', title: 'Service', width: '120px', show: ({ service }) => <Value text={service} /> },
  { name: 'verb', title: 'Verb', width: '90px', show: ({ verb }) => <Value text={verb} /> },
  { name: 'actorType', title: 'Kind of actor', width: '130px', show: ({ actorType }) => <Value text={actorType} /> },
  {
    name: 'targetType',
    title: 'Kind of target',
    width: '110px',
    show: ({ targetType }) => <Value text={targetType} />,
  },
  { name: 'workspace', title: 'Workspace', width: '150px', show: ({ workspace }) => <Value text={workspace} /> },
  { name: 'client', title: 'Client', width: '110px', show: ({ client }) => <Value text={client} /> },
  { name: 'keyEvent', title: 'Key event', width: '160px', show: ({ keyEvent }) => <Value text={keyEvent} /> },
  { name: 'error', title: 'Error', width: 'minmax(160px, 1.5fr)', show: ({ error }) => <Value text={error} /> },
  { name: 'sessionId', title: 'Session', width: '150px', show: ({ sessionId }) => <Value text={sessionId} /> },
  { name: 'requestId', title: 'Request', width: '150px', show: ({ requestId }) => <Value text={requestId} /> },
]

/** What is shown until somebody chooses. */
export const USUAL_COLUMNS: readonly string[] = ['time', 'actor', 'action', 'target', 'status', 'ip', 'country']

/** Columns by name, in the order of the names; unknown names are left out. */
export const columnsOf = (names: readonly string[]): EventColumn[] =>
  names.flatMap((name) => EVENT_COLUMNS.filter((column) => column.name === name))
