/** What rules found in an event, each with the way to its alerts. */
import { Anchor } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import type { FindingDetail } from '../../../../src/serve/shapes/alerts.ts'
import type { EventDetail } from '../../../../src/serve/shapes/events.ts'
import { ask } from '../../api.ts'
import { Plain } from '../../parts/plain.tsx'
import { LevelBadge } from '../../parts/small.tsx'
import { keyOf } from '../../queries/ask.ts'
import { useMay } from '../../queries/session.ts'

/** Findings of an event; nothing where there are none. */
export function FindingLinks({ findings }: Pick<EventDetail, 'findings'>) {
  const may = useMay('findings:read')
  const open = useOpenAlerts()
  if (findings.length === 0) return null
  return (
    <ul className="detail-findings" aria-label="Findings">
      {findings.map(({ id, title, level }) => (
        <li key={id}>
          <LevelBadge level={level} />{' '}
          {may ? (
            <Anchor component="button" type="button" inherit onClick={() => void open(id)}>
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

/** An alert gathers the findings of a rule about somebody: by both it is found. */
function useOpenAlerts(): (finding: string) => Promise<void> {
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  return async (finding) => {
    const path = `/findings/${encodeURIComponent(finding)}`
    const found = await queries
      .fetchQuery({ queryKey: keyOf(path), queryFn: ({ signal }) => ask<FindingDetail>(path, {}, signal) })
      .catch(() => null)
    const params = new URLSearchParams({ which: 'all' })
    if (found !== null) params.set('rule', found.ruleId)
    if (found?.entity) params.set('entity', found.entity)
    navigate(`/alerts?${params}`)
  }
}
