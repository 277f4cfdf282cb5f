/** The panels of an entity's page: when, from where, what, with whom, and what changed. */
import { Anchor, Table } from '@mantine/core'
import { Link } from 'wouter'
import type { Entity, EntityKind } from '../../../../src/serve/shapes/entities.ts'
import type { FacetCount } from '../../../../src/serve/shapes/events.ts'
import { Bars } from '../../parts/bars.tsx'
import { CountryMap } from '../../parts/country-map.tsx'
import { DayBars } from '../../parts/day-bars.tsx'
import { EventLines } from '../../parts/event-lines.tsx'
import { HeatMap } from '../../parts/heat-map.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Plain } from '../../parts/plain.tsx'
import { ScrollTable } from '../../parts/scroll-table.tsx'
import { EntityLink, TimeText } from '../../parts/small.tsx'
import { Empty } from '../../parts/state-of.tsx'
import { numberOf } from '../../times.ts'
import { entityUrl, term } from '../../url-state.ts'
import { AlertLines } from '../alerts/alert-lines.tsx'
import { type EntityPlace, narrowed, onDay } from './entity-links.ts'

/** So many of a list are shown until more are asked for. */
const FIRST_BARS = 10

interface PartProps {
  readonly entity: Entity
  readonly place: EntityPlace
}

/** Every panel that has something to show. */
export function EntityParts({ entity, place }: PartProps) {
  const { kind } = entity
  return (
    <div className="entity-parts">
      <Alerts entity={entity} />
      <Panel title="By day" note="Events of a UTC day; what was refused is in the stronger colour">
        <DayBars
          label="Events by day"
          unit="events"
          partName="refused"
          days={entity.days.map(({ day, events, refused }) => ({ day, value: events, part: refused }))}
          hrefOf={(day) => onDay(place, day)}
        />
      </Panel>
      <Panel title="Habits" note="Events by weekday and hour, UTC">
        <HeatMap hours={entity.hours} label="Events" />
      </Panel>
      {entity.countries.length === 0 ? null : (
        <Panel title="Countries" note="Where its requests came from" className="wide-panel">
          <CountryMap countries={entity.countries} label="Countries" q={place.q} span={place.span} />
        </Panel>
      )}
      <div className="entity-stack">
        <Counted title="Actions" field="action" counts={entity.actions} place={place} />
        <Counted title="Clients" field="client" counts={entity.clients} place={place} />
      </div>
      <div className="entity-stack">
        {kind === 'target' ? null : (
          <Others title="What it touched" kind="target" others={entity.touched} place={place} />
        )}
        {kind === 'actor' ? null : (
          <Others title="Who touched it" kind="actor" others={entity.touchedBy} place={place} />
        )}
        {kind === 'ip' ? null : (
          <Counted title="Addresses" field="ip" counts={entity.addresses} place={place} page="ip" />
        )}
      </div>
      <Changes entity={entity} place={place} />
    </div>
  )
}

function Alerts({ entity }: { readonly entity: Entity }) {
  if (entity.alerts.length === 0) return null
  return (
    <Panel title="Alerts" className="wide-panel" flush>
      <div className="others">
        <AlertLines alerts={entity.alerts} />
      </div>
    </Panel>
  )
}

function Counted({
  title,
  field,
  counts,
  place,
  page,
}: {
  readonly title: string
  readonly field: string
  readonly counts: readonly FacetCount[]
  readonly place: EntityPlace
  /** Kind of page that a value has of its own. */
  readonly page?: EntityKind
}) {
  if (counts.length === 0) return null
  return (
    <Panel title={title}>
      <Bars
        label={title}
        first={FIRST_BARS}
        bars={counts.map(({ value, count }) => ({
          value,
          count,
          ...(value === null
            ? {}
            : {
                href: page === undefined ? narrowed(place, term(field, value)) : entityUrl(page, value),
                countHref: narrowed(place, term(field, value)),
              }),
        }))}
      />
    </Panel>
  )
}

function Others({
  title,
  kind,
  others,
  place,
}: {
  readonly title: string
  readonly kind: 'actor' | 'target'
  readonly others: Entity['touched']
  readonly place: EntityPlace
}) {
  if (others.length === 0) return null
  return (
    <Panel title={title} flush>
      <div className="others">
        <ScrollTable
          label={title}
          columns={[{ name: 'Name' }, { name: 'Events', number: true }, { name: 'Last', wide: true }]}
        >
          {others.map(({ id, type, events, lastSeen }) => (
            <Table.Tr key={`${type} ${id}`}>
              <Table.Td className="name-cell">
                <EntityLink kind={kind} id={id} />
                {type === null ? null : (
                  <div className="sub">
                    <Plain text={type.replaceAll('_', ' ')} />
                  </div>
                )}
              </Table.Td>
              <Table.Td className="number">
                <Anchor
                  component={Link}
                  href={narrowed(
                    place,
                    term(kind, id),
                    ...(kind === 'actor' || type === null ? [] : [term('target_type', type)]),
                  )}
                >
                  {numberOf(events)}
                </Anchor>
              </Table.Td>
              <Table.Td className="wide-only">
                <TimeText iso={lastSeen} />
              </Table.Td>
            </Table.Tr>
          ))}
        </ScrollTable>
      </div>
    </Panel>
  )
}

function Changes({ entity, place }: PartProps) {
  return (
    <Panel
      title="Changes"
      note={entity.kind === 'target' ? 'What was changed on it, the newest first' : 'What it changed, the newest first'}
      className="wide-panel"
      flush
    >
      {entity.changes.length === 0 ? (
        <Empty title="No changes">Nothing was created, changed, granted or deleted in this time.</Empty>
      ) : (
        <div className="others">
          <EventLines events={entity.changes} label="Changes" q={place.q} />
        </div>
      )}
    </Panel>
  )
}
