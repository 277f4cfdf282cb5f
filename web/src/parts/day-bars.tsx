/** A bar a day, drawn by the page itself; the same as a table below it, for those who cannot see or point. */
import { Anchor, Table } from '@mantine/core'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { numberOf, shortNumberOf } from '../times.ts'
import './day-bars.css'

/** One day. */
export interface DayValue {
  /** `yyyy-mm-dd`. */
  readonly day: string
  readonly value: number
  /** How much of it is drawn in the other colour. */
  readonly part?: number
}

/** Choices of {@link DayBars}. */
export interface DayBarsProps {
  readonly days: readonly DayValue[]
  /** What is counted, such as `events`. */
  readonly unit: string
  /** What the part is, such as `refused`. */
  readonly partName?: string
  readonly label: string
  /** Where a day leads. */
  readonly hrefOf?: (day: string) => string
}

const DAY_MS = 86_400_000

/** Of a longer time only the end is drawn. */
const MOST_DAYS = 400

/** A few days do not fill the width of a page. */
const WIDEST_PX = 84

/** All days from the first to the last, also those with nothing. */
export function everyDay(days: readonly DayValue[]): DayValue[] {
  const known = new Map(days.map((each) => [each.day, each]))
  const times = days.map(({ day }) => Date.parse(day)).filter((time) => !Number.isNaN(time))
  if (times.length === 0) return []
  const last = Math.max(...times)
  const first = Math.max(Math.min(...times), last - (MOST_DAYS - 1) * DAY_MS)
  return Array.from({ length: Math.round((last - first) / DAY_MS) + 1 }, (_, at) => {
    const day = new Date(first + at * DAY_MS).toISOString().slice(0, 10)
    return known.get(day) ?? { day, value: 0 }
  })
}

/** Bars by day, in UTC. */
export function DayBars({ days, unit, partName, label, hrefOf }: DayBarsProps) {
  const all = useMemo(() => everyDay(days), [days])
  const most = Math.max(1, ...all.map(({ value }) => value))
  const first = all[0]?.day
  const last = all.at(-1)?.day
  return (
    <div className="day-bars">
      <span className="day-bars-most">{shortNumberOf(most)}</span>
      <div className="day-bars-plot" aria-hidden="true" style={{ maxWidth: all.length * WIDEST_PX }}>
        {all.map((each) => (
          <DayBar key={each.day} {...each} most={most} said={saidOf(each, unit, partName)} href={hrefOf?.(each.day)} />
        ))}
      </div>
      <div className="day-bars-ends" aria-hidden="true" style={{ maxWidth: Math.max(2, all.length) * WIDEST_PX }}>
        <span>{first}</span>
        <span>{last === first ? '' : last}</span>
      </div>
      <details>
        <summary>{label} as a table</summary>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Day (UTC)</Table.Th>
              <Table.Th scope="col">{unit}</Table.Th>
              {partName === undefined ? null : <Table.Th scope="col">{partName}</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {days.map(({ day, value, part }) => (
              <Table.Tr key={day}>
                <Table.Td>{day}</Table.Td>
                <Table.Td>
                  {hrefOf === undefined ? (
                    numberOf(value)
                  ) : (
                    <Anchor component={Link} href={hrefOf(day)}>
                      {numberOf(value)}
                    </Anchor>
                  )}
                </Table.Td>
                {partName === undefined ? null : <Table.Td>{numberOf(part ?? 0)}</Table.Td>}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </details>
    </div>
  )
}

const saidOf = ({ day, value, part }: DayValue, unit: string, partName?: string): string =>
  `${day}: ${numberOf(value)} ${unit}${partName === undefined || !part ? '' : `, ${numberOf(part)} ${partName}`}`

function DayBar({
  value,
  part = 0,
  most,
  said,
  href,
}: DayValue & { readonly most: number; readonly said: string; readonly href?: string | undefined }) {
  const bar = (
    <>
      <span className="day-bar-whole" style={{ height: `${(100 * value) / most}%` }}>
        {part > 0 ? <span className="day-bar-part" style={{ height: `${(100 * part) / value}%` }} /> : null}
      </span>
    </>
  )
  if (href === undefined || value === 0)
    return (
      <span className="day-bar" title={said}>
        {bar}
      </span>
    )
  return (
    <Link className="day-bar" href={href} title={said} tabIndex={-1}>
      {bar}
    </Link>
  )
}
