/** Values with their counts, as bars behind text. */
import { Anchor, UnstyledButton } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { numberOf } from '../times.ts'
import { Value } from './small.tsx'

/** One bar. */
export interface Bar {
  readonly value: string | null
  readonly count: number
  /** Where its name leads. */
  readonly href?: string
  /** Where its number leads. */
  readonly countHref?: string
  readonly label?: ReactNode
  readonly tone?: string
}

/** A list of values, the most first, each with a bar as long as its share of the longest. */
export function Bars({
  bars,
  label,
  first = bars.length,
}: {
  readonly bars: readonly Bar[]
  readonly label: string
  /** So many are shown until more are asked for. */
  readonly first?: number
}) {
  const [all, setAll] = useState(false)
  const most = Math.max(1, ...bars.map(({ count }) => count))
  return (
    <ul className="bars" aria-label={label}>
      {(all ? bars : bars.slice(0, first)).map(({ value, count, href, countHref, label: shown, tone }) => (
        <li key={value ?? ''}>
          <span
            className={`bar ${tone === undefined ? '' : `bar-${tone}`}`}
            style={{ width: `${(100 * count) / most}%` }}
            aria-hidden="true"
          />
          <span className="bar-name">
            {href === undefined ? (
              (shown ?? <Value text={value} />)
            ) : (
              <Anchor component={Link} href={href} inherit>
                {shown ?? <Value text={value} />}
              </Anchor>
            )}
          </span>
          {countHref === undefined ? (
            <span className="count">{numberOf(count)}</span>
          ) : (
            <Anchor component={Link} href={countHref} className="count">
              {numberOf(count)}
            </Anchor>
          )}
        </li>
      ))}
      {all || bars.length <= first ? null : (
        <li>
          <UnstyledButton className="text-button" onClick={() => setAll(true)}>
            {bars.length - first} more
          </UnstyledButton>
        </li>
      )}
    </ul>
  )
}
