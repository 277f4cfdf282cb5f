/** The numbers of the day. */
import { Anchor } from '@mantine/core'
import { Link } from 'wouter'
import type { Figure, Overview } from '../../../../src/serve/shapes/entities.ts'
import { Icon } from '../../parts/icon.tsx'
import { useMay } from '../../queries/session.ts'
import { numberOf } from '../../times.ts'
import { explorerUrl } from '../../url-state.ts'

/** Higher percentages are hard to picture. */
const MOST_IN_PERCENT = 3

type Name = keyof Overview['figures']

/** More of these is worse; more of the others is just more. */
const FIGURES: readonly (readonly [Name, string, boolean])[] = [
  ['events', 'Events', false],
  ['actors', 'Actors', false],
  ['failedLogins', 'Failed logins', true],
  ['refused', 'Refused', true],
  ['permissionChanges', 'Permission changes', false],
  ['sensitiveReads', 'Sensitive reads', false],
  ['newActors', 'New actors', false],
  ['newActions', 'New actions', false],
  ['newCountries', 'New countries', true],
  ['rejects', 'Rejects', true],
]

/** A strip of numbers, each with the change since the span before. `isOpen` where no end was asked for. */
export function Figures({ overview, isOpen }: { readonly overview: Overview; readonly isOpen: boolean }) {
  const [mayRead, mayOperate] = [useMay('events:raw'), useMay('health:read')]
  return (
    <dl className="figures panel">
      {FIGURES.map(([name, title, isBad]) => (
        <Cell
          key={name}
          title={title}
          figure={overview.figures[name]}
          isBad={isBad}
          span={{ from: overview.from, to: overview.to }}
          href={name === 'rejects' && mayRead && mayOperate ? rejectsUrl(overview, isOpen) : null}
        />
      ))}
    </dl>
  )
}

/** Rejects are no events: they have a page of their own. They are counted up to now where no end was asked for. */
const rejectsUrl = ({ from, to }: Overview, isOpen: boolean): string =>
  `/operations?${new URLSearchParams({ show: 'rejects', from, ...(isOpen ? {} : { to }) })}`

function Cell({
  title,
  figure,
  isBad,
  span,
  href,
}: {
  readonly title: string
  readonly figure: Figure
  readonly isBad: boolean
  readonly span: { readonly from: string; readonly to: string }
  readonly href: string | null
}) {
  const target = figure.q === null ? href : explorerUrl(figure.q, span)
  return (
    <div className="figure">
      <dt>{title}</dt>
      <dd>
        {target === null ? (
          <span className="figure-value">{numberOf(figure.value)}</span>
        ) : (
          <Anchor component={Link} href={target} className="figure-value" underline="hover">
            {numberOf(figure.value)}
          </Anchor>
        )}
        <Change figure={figure} isBad={isBad} />
      </dd>
    </div>
  )
}

function Change({ figure: { value, before }, isBad }: { readonly figure: Figure; readonly isBad: boolean }) {
  if (before === null) return <span className="figure-change quiet">&nbsp;</span>
  const more = value - before
  if (more === 0) return <span className="figure-change quiet">as before</span>
  const text = before === 0 ? `${numberOf(before)} before` : changeOf(value, before)
  const tone = isBad && more > 0 ? 'tone-high' : 'quiet'
  return (
    <span className={`figure-change ${tone}`} title={`${numberOf(before)} in the span before`}>
      {before === 0 ? null : <Icon name={more > 0 ? 'rise' : 'fall'} size={11} />}
      {before === 0 ? null : <span className="unseen-caption">{more > 0 ? 'up by ' : 'down by '}</span>}
      {text}
    </span>
  )
}

/** Percent as long as they can be pictured, times beyond that. */
function changeOf(value: number, before: number): string {
  const times = value / before
  return times > MOST_IN_PERCENT ? `×${Math.round(times)}` : `${Math.round(Math.abs(times - 1) * 100)}%`
}
