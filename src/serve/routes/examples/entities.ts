/** Examples of entities and of the overview in the API's description. */
import type { Entity, EntityRow, Overview } from '../../shapes/entities.ts'
import { EVENT_ROW } from './events.ts'

/** An entity in a list. */
export const ENTITY_ROW: EntityRow = {
  kind: 'actor',
  id: 'ana@example.com',
  type: 'user',
  events: 420,
  firstSeen: '2026-11-09T07:58:12.000Z',
  lastSeen: '2026-11-12T16:21:40.000Z',
}

/** An entity in full. */
export const ENTITY: Entity = {
  ...ENTITY_ROW,
  refused: 2,
  failed: 1,
  risk: 12.5,
  hours: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 0)),
  days: [{ day: '2026-11-12', events: 140, refused: 2 }],
  countries: [{ value: 'DE', count: 420 }],
  actions: [{ value: 'unityCatalog.getTable', count: 300 }],
  touched: [{ id: 'main.hr.salaries', type: 'table', events: 3, lastSeen: '2026-11-12T08:15:30.123Z' }],
  touchedBy: [],
  addresses: [{ value: '10.1.2.3', count: 420 }],
  clients: [{ value: 'browser', count: 420 }],
  changes: [EVENT_ROW],
  alerts: [],
}

const figure = (value: number, q: string | null) => ({ value, before: value, q })

/** An overview. */
export const OVERVIEW: Overview = {
  from: '2026-11-11T12:00:00.000Z',
  to: '2026-11-12T12:00:00.000Z',
  newestEvent: '2026-11-12T11:59:03.120Z',
  figures: {
    events: figure(140_000, ''),
    actors: figure(120, ''),
    failedLogins: figure(7, 'category:authentication verb:login status:unauthorized,failure'),
    refused: figure(31, 'status:unauthorized'),
    permissionChanges: figure(12, 'key_event:role_permission_update'),
    sensitiveReads: figure(4, 'key_event:secret_access,data_export'),
    newActors: figure(1, 'actor:"eve@example.com"'),
    newActions: figure(0, null),
    newCountries: figure(0, null),
    rejects: figure(0, null),
  },
  openAlerts: [{ level: 'high', count: 2 }],
  openIncidents: 1,
  topFailedLogins: [{ value: 'ana@example.com', count: 5 }],
  topReaders: [{ value: 'etl@example.com', count: 9000 }],
  newActors: [{ value: 'eve@example.com', firstSeen: '2026-11-12T03:12:00.000Z' }],
  newActions: [],
  newCountries: [],
  permissionChanges: [EVENT_ROW],
  keyEvents: [{ value: 'interactive_usage', count: 4000 }],
  lagSeconds: 57,
  seal: { size: '42', unsealed: 0, lastSealed: '2026-11-12T11:59:30.000Z' },
}
