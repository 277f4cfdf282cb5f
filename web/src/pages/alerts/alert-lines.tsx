/** Alerts as lines, for places that name some beside other things. */
import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import { LEVELS } from '../../parts/levels.ts'
import { Plain } from '../../parts/plain.tsx'
import { LevelBadge, TimeText } from '../../parts/small.tsx'
import { StateTag } from './state-tag.tsx'
import './alert-lines.css'

/** An alert or incident of a list. */
export interface AlertLine {
  readonly id: string
  readonly kind?: 'alert' | 'incident'
  readonly title: string
  readonly level: string
  readonly status: string
  readonly lastTime: string
  /** Whom it is about, where the place does not say so. */
  readonly about?: string | null
}

const rankOf = ({ level }: AlertLine): number => (LEVELS as readonly string[]).indexOf(level)

/** The worst first, and of those as bad the newest. */
export function AlertLines({ alerts }: { readonly alerts: readonly AlertLine[] }) {
  const sorted = alerts.toSorted((a, b) => rankOf(a) - rankOf(b) || b.lastTime.localeCompare(a.lastTime))
  return (
    <ul className="alert-lines">
      {sorted.map(({ id, kind = 'alert', title, level, status, lastTime, about }) => (
        <li key={id}>
          <LevelBadge level={level} />
          <span className="alert-line-words">
            <Anchor component={Link} href={`/${kind}s/${encodeURIComponent(id)}`}>
              <Plain text={title} />
            </Anchor>
            {about === undefined || about === null ? null : (
              <span className="alert-line-about">
                <Plain text={about} />
              </span>
            )}
          </span>
          <StateTag status={status} />
          <TimeText iso={lastTime} />
        </li>
      ))}
    </ul>
  )
}
