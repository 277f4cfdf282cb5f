/** The queue: a line or two an alert, the worst first. */
import { Checkbox } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { Link } from 'wouter'
import type { AlertRow } from '../../../../src/serve/shapes/alerts.ts'
import { Icon } from '../../parts/icon.tsx'
import { Plain, visibleText } from '../../parts/plain.tsx'
import { LevelBadge, TimeText } from '../../parts/small.tsx'
import { numberOf } from '../../times.ts'
import { StateTag } from './state-tag.tsx'

/** Choices of {@link QueueList}. */
export interface QueueListProps {
  readonly alerts: readonly AlertRow[]
  /** The one whose detail is open. */
  readonly current: string | null
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (id: string, chosen: boolean) => void
  readonly hrefOf: (alert: AlertRow) => string
}

/** An incident has who it is about in its title; what they did says more. */
const subjectOf = ({ kind, entity, rule, risk }: AlertRow): string =>
  kind === 'incident' && risk !== null && risk.tactics.length > 0
    ? risk.tactics.join(', ').replaceAll('-', ' ')
    : entity.value === ''
      ? rule.title
      : entity.value

/** The alerts of the queue, each a link to its detail, with a box to choose it for what is done to many. */
export function QueueList({ alerts, current, chosen, onChoose, hrefOf }: QueueListProps) {
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    if (current === null) return
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [current])
  return (
    <ul className="queue" ref={list} aria-label="Queue">
      {alerts.map((alert) => (
        <li key={alert.id} className={alert.id === current ? 'queue-item current' : 'queue-item'}>
          <Checkbox
            className="queue-box"
            checked={chosen.has(alert.id)}
            onChange={(event) => onChoose(alert.id, event.currentTarget.checked)}
            aria-label={visibleText(`Choose ${alert.title}, ${alert.entity.value}`)}
          />
          <Link
            href={hrefOf(alert)}
            className={`queue-link edge-${alert.level}`}
            aria-current={alert.id === current ? 'true' : undefined}
          >
            <span className="queue-top">
              <LevelBadge level={alert.level} />
              <span className="queue-title">
                <Plain text={alert.title} />
              </span>
              <StateTag status={alert.status} />
            </span>
            <span className="queue-bottom">
              <span className="queue-entity">
                <Plain text={subjectOf(alert)} />
              </span>
              {alert.assignee === null ? null : (
                <span className="queue-who">
                  <Icon name="person" size={12} />
                  <Plain text={alert.assignee} />
                </span>
              )}
              {alert.quiet === null ? null : (
                <span className="queue-quiet" title={`Nobody is told: ${visibleText(alert.quiet)}`}>
                  <Icon name="bell" size={12} />
                  <span className="unseen-caption">quiet</span>
                </span>
              )}
              {alert.risk === null ? null : <span>risk {numberOf(alert.risk.score)}</span>}
              <span>
                {numberOf(alert.events)} {alert.events === 1 ? 'event' : 'events'}
              </span>
              <TimeText iso={alert.lastTime} as="ago" />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  )
}
