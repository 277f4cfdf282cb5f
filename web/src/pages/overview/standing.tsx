/** How things stand now: open alerts, how fresh the lake is, how it is sealed. */
import { Anchor } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Overview } from '../../../../src/serve/shapes/entities.ts'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { LEVELS } from '../../parts/levels.ts'
import { Panel } from '../../parts/panel.tsx'
import { LevelBadge, TimeText } from '../../parts/small.tsx'
import { useMay } from '../../queries/session.ts'
import { numberOf, spanOf } from '../../times.ts'

/** Older than this, somebody should look why nothing comes. */
const STALE_SECONDS = 86_400

/** The panel beside the chart. */
export function Standing({ overview }: { readonly overview: Overview }) {
  return (
    <Panel title="Now" className="standing">
      <Alerts overview={overview} />
      <Seal overview={overview} />
      <Lag overview={overview} />
    </Panel>
  )
}

function Alerts({ overview }: { readonly overview: Overview }) {
  const may = useMay('findings:read')
  const counts = new Map(overview.openAlerts.map(({ level, count }) => [level, count]))
  const total = overview.openAlerts.reduce((sum, { count }) => sum + count, 0)
  if (!may) return null
  return (
    <>
      <h3 className="standing-head">
        Open alerts
        <Anchor component={Link} href="/alerts" className="count" aria-label={`${total} open alerts`}>
          {numberOf(total)}
        </Anchor>
      </h3>
      <ul className="standing-levels">
        {LEVELS.filter((level) => level !== 'informational' || counts.has(level)).map((level) => (
          <li key={level}>
            <LevelBadge level={level} />
            <Anchor
              component={Link}
              href={`/alerts?level=${level}&highest=${level}`}
              className="count"
              aria-label={`${counts.get(level) ?? 0} open alerts of level ${level}`}
            >
              {numberOf(counts.get(level) ?? 0)}
            </Anchor>
          </li>
        ))}
        <li>
          <span>Incidents</span>
          <Anchor
            component={Link}
            href="/incidents"
            className="count"
            aria-label={`${overview.openIncidents} open incidents`}
          >
            {numberOf(overview.openIncidents)}
          </Anchor>
        </li>
      </ul>
    </>
  )
}

function Seal({ overview: { seal } }: { readonly overview: Overview }) {
  if (seal === null) {
    return (
      <State icon="integrity" tone="medium" title="Not sealed">
        No log explains this lake yet.
      </State>
    )
  }
  const isWhole = seal.unsealed === 0
  return (
    <State
      icon="integrity"
      tone={isWhole ? 'good' : 'medium'}
      title={isWhole ? 'Everything is sealed' : `${numberOf(seal.unsealed)} commits are not sealed yet`}
      href="/integrity"
    >
      {numberOf(Number(seal.size))} leaves
      {seal.lastSealed === null ? null : (
        <>
          , the last <TimeText iso={seal.lastSealed} as="ago" />
        </>
      )}
    </State>
  )
}

function Lag({ overview }: { readonly overview: Overview }) {
  const { lagSeconds, newestEvent } = overview
  const isStale = lagSeconds === null || lagSeconds > STALE_SECONDS
  return (
    <State
      icon="operations"
      tone={isStale ? 'medium' : 'good'}
      title={lagSeconds === null ? 'How fresh the lake is, is not known' : `Events are ${spanOf(lagSeconds)} behind`}
      href="/operations"
    >
      Newest event <TimeText iso={newestEvent} />
    </State>
  )
}

function State({
  icon,
  tone,
  title,
  href,
  children,
}: {
  readonly icon: IconName
  readonly tone: 'good' | 'medium'
  readonly title: string
  readonly href?: string
  readonly children: ReactNode
}) {
  return (
    <div className="standing-state">
      <span className={`standing-icon level-${tone}`}>
        <Icon name={icon} />
      </span>
      <div>
        {href === undefined ? (
          <div>{title}</div>
        ) : (
          <Anchor component={Link} href={href} inherit>
            {title}
          </Anchor>
        )}
        <div className="panel-note">{children}</div>
      </div>
    </div>
  )
}
