/** Numbers over time: a chart for the eye, a table for everybody else. */
import { Skeleton, VisuallyHidden } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { Histogram } from '../../../src/serve/shapes/events.ts'
import { useSettings } from '../settings.tsx'
import { numberOf, timeOf } from '../times.ts'
import { Plain } from './plain.tsx'

const EChart = lazy(() => import('./echart.tsx'))

/** One colour of the chart. */
export interface TimeSeries {
  readonly name: string
  /** Begin of the bucket in milliseconds, and how many. */
  readonly points: readonly (readonly [number, number])[]
}

/** Choices of {@link TimeChart}. */
export interface TimeChartProps {
  readonly series: readonly TimeSeries[]
  readonly fromMs: number
  readonly toMs: number
  readonly bucketMs: number
  /** What is shown, in words. */
  readonly label: string
  readonly height?: number
  /** Called with the span that was dragged over. */
  readonly onSpan?: (from: string, to: string) => void
}

/** Colours that can be told from each other; the rest is drawn as `other`. */
const MOST_SERIES = 7

/** More rows than this are no table that anybody reads. */
const MOST_ROWS = 60

/** Events over time, with the names of the colours where there are some. */
export function HistogramChart({
  histogram,
  ...rest
}: { readonly histogram: Histogram } & Pick<TimeChartProps, 'label' | 'height' | 'onSpan'>) {
  const series = seriesOf(histogram)
  return (
    <>
      <TimeChart
        {...rest}
        series={series}
        fromMs={Date.parse(histogram.from)}
        toMs={Date.parse(histogram.to)}
        bucketMs={histogram.intervalSeconds * 1000}
      />
      {histogram.by === null ? null : <Legend series={series} />}
    </>
  )
}

function TimeChart(props: TimeChartProps) {
  const { zone } = useSettings()
  const totals = new Map<number, number>()
  for (const { points } of props.series) for (const [ms, count] of points) totals.set(ms, (totals.get(ms) ?? 0) + count)
  const rows = [...totals].filter(([, count]) => count > 0)
  return (
    <>
      <Suspense fallback={<Skeleton height={props.height ?? 140} radius="xs" />}>
        <EChart {...props} />
      </Suspense>
      <VisuallyHidden>
        <table>
          <caption>{props.label}</caption>
          <tbody>
            {rows.slice(0, MOST_ROWS).map(([ms, count]) => (
              <tr key={ms}>
                <th scope="row">{timeOf(new Date(ms).toISOString(), zone)}</th>
                <td>{numberOf(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </VisuallyHidden>
    </>
  )
}

/** The colour of a series. */
export const Swatch = ({ name, at }: { readonly name: string; readonly at: number }) => (
  <span className={name === 'other' ? 'swatch' : `swatch swatch-${at % 8}`} />
)

/** Names of the colours, in the order of the series. */
function Legend({ series }: { readonly series: readonly TimeSeries[] }) {
  return (
    <ul className="legend" aria-hidden="true">
      {series.map(({ name }, at) => (
        <li key={name}>
          <Swatch name={name} at={at} />
          <Plain text={name} />
        </li>
      ))}
    </ul>
  )
}

/** The series of a histogram: one a value it is split by, the most first, or one for all. */
function seriesOf(histogram: Histogram): TimeSeries[] {
  if (histogram.by === null) {
    return [{ name: 'events', points: histogram.buckets.map(({ time, count }) => [Date.parse(time), count]) }]
  }
  const totals = new Map<string, number>()
  for (const { by } of histogram.buckets) {
    for (const [value, count] of Object.entries(by)) totals.set(value, (totals.get(value) ?? 0) + count)
  }
  const named = [...totals]
    .filter(([value]) => value !== '')
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_SERIES)
  const names = named.map(([value]) => value)
  const series: TimeSeries[] = names.map((name) => ({
    name,
    points: histogram.buckets.map(({ time, by }) => [Date.parse(time), by[name] ?? 0]),
  }))
  const rest = histogram.buckets.map(({ time, count, by }): [number, number] => [
    Date.parse(time),
    count - names.reduce((sum, name) => sum + (by[name] ?? 0), 0),
  ])
  return rest.some(([, count]) => count > 0) ? [...series, { name: 'other', points: rest }] : series
}
