/** The numbers of an entity, each a link to its events. */
import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Entity } from '../../../../src/serve/shapes/entities.ts'
import { TimeText } from '../../parts/small.tsx'
import { useMay } from '../../queries/session.ts'
import { numberOf } from '../../times.ts'
import { type EntityPlace, narrowed } from './entity-links.ts'

/** Figures in a row. */
export function EntityFigures({ entity, place }: { readonly entity: Entity; readonly place: EntityPlace }) {
  const mayFindings = useMay('findings:read')
  const alertsOf = (kind: 'alerts' | 'incidents') =>
    mayFindings ? `/${kind}?${new URLSearchParams({ entity: entity.id })}` : null
  const open = entity.alerts.filter(({ status }) => !status.startsWith('resolved')).length
  return (
    <dl className="entity-figures">
      <Figure name="Events" href={narrowed(place)}>
        {numberOf(entity.events)}
      </Figure>
      <Figure name="Refused" href={narrowed(place, 'status:unauthorized')} tone={entity.refused > 0 ? 'high' : ''}>
        {numberOf(entity.refused)}
      </Figure>
      <Figure name="Failed" href={narrowed(place, 'status:failure')}>
        {numberOf(entity.failed)}
      </Figure>
      {entity.risk === null ? null : (
        <Figure
          name="Risk, 7 days"
          href={alertsOf('incidents')}
          tone={entity.risk >= 100 ? 'critical' : entity.risk >= 50 ? 'high' : ''}
        >
          {numberOf(entity.risk)}
        </Figure>
      )}
      <Figure name="Open alerts" href={alertsOf('alerts')} tone={open > 0 ? 'high' : ''}>
        {numberOf(open)}
      </Figure>
      <Figure name="First seen" small>
        <TimeText iso={entity.firstSeen} />
      </Figure>
      <Figure name="Last seen" small>
        <TimeText iso={entity.lastSeen} />
      </Figure>
    </dl>
  )
}

function Figure({
  name,
  href = null,
  tone = '',
  small = false,
  children,
}: {
  readonly name: string
  readonly href?: string | null
  readonly tone?: string
  readonly small?: boolean
  readonly children: ReactNode
}) {
  return (
    <div className="entity-figure">
      <dt>{name}</dt>
      <dd className={`${small ? 'small' : ''} ${tone === '' ? '' : `tone-${tone}`}`}>
        {href === null ? (
          children
        ) : (
          <Anchor component={Link} href={href} inherit>
            {children}
          </Anchor>
        )}
      </dd>
    </div>
  )
}
