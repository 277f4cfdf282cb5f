/** What rules found in an event, each with the way to its alerts. */
import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import type { EventDetail } from '../../../../src/serve/shapes/events.ts'
import { Plain } from '../../parts/plain.tsx'
import { LevelBadge } from '../../parts/small.tsx'
import { useMay } from '../../queries/session.ts'

/** Findings of an event; nothing where there are none. */
export function FindingLinks({ findings }: Pick<EventDetail, 'findings'>) {
  const may = useMay('findings:read')
  if (findings.length === 0) return null
  return (
    <ul className="detail-findings" aria-label="Findings">
      {findings.map(({ id, title, level }) => (
        <li key={id}>
          <LevelBadge level={level} />{' '}
          {may ? (
            <Anchor component={Link} href={`/alerts?${new URLSearchParams({ which: 'all', finding: id })}`} inherit>
              <Plain text={title} />
            </Anchor>
          ) : (
            <Plain text={title} />
          )}
        </li>
      ))}
    </ul>
  )
}
