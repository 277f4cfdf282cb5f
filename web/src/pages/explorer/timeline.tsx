/** Events over time, to see when and to drag over. */
import { ActionIcon, Group, NativeSelect, Tooltip } from '@mantine/core'
import type { Facet, Histogram } from '../../../../src/serve/shapes/events.ts'
import { Icon } from '../../parts/icon.tsx'
import { StateOf } from '../../parts/state-of.tsx'
import { HistogramChart } from '../../parts/time-chart.tsx'
import { type Search, useFittedHistogram } from '../../queries/events.ts'
import { useSettings } from '../../settings.tsx'
import { numberOf, spanOf, timeOf } from '../../times.ts'
import { FACET_NAMES, facetTitle } from './facet-names.ts'

/** Bars of the chart, about as many as there are places for. */
export const TIMELINE_BUCKETS = 90

/** How many events a histogram stands for; null where there is none. */
export const totalOf = (histogram: Histogram | undefined): number | null =>
  histogram === undefined ? null : histogram.buckets.reduce((sum, { count }) => sum + count, 0)

/** Choices of {@link Timeline}. */
export interface TimelineProps {
  readonly search: Search
  /** What colours mean; null for one colour. */
  readonly by: Facet | null
  readonly onBy: (by: Facet | null) => void
  readonly onSpan: (from: string | null, to: string | null) => void
}

/** The histogram of a search. */
export function Timeline({ search, by, onBy, onSpan }: TimelineProps) {
  const histogram = useFittedHistogram(search, by, TIMELINE_BUCKETS)
  return (
    <div className={histogram.isPlaceholderData ? 'timeline dated' : 'timeline'}>
      <Group className="timeline-head" justify="space-between" gap="xs" wrap="nowrap">
        <Total histogram={histogram.data} />
        <Group gap={6} wrap="nowrap">
          {search.from === null && search.to === null ? null : (
            <Tooltip label="Three times as long">
              <ActionIcon
                aria-label="Show three times as long a time"
                onClick={() => histogram.data !== undefined && onSpan(...widened(histogram.data))}
              >
                <Icon name="zoomOut" size={14} />
              </ActionIcon>
            </Tooltip>
          )}
          <NativeSelect
            aria-label="Colours by"
            value={by ?? ''}
            onChange={(event) => onBy((event.currentTarget.value || null) as Facet | null)}
            data={[
              { value: '', label: 'One colour' },
              ...FACET_NAMES.map((name) => ({ value: name, label: `By ${facetTitle(name).toLowerCase()}` })),
            ]}
          />
        </Group>
      </Group>
      <StateOf
        query={histogram}
        lines={3}
        empty={({ buckets }) => buckets.length === 0}
        whenEmpty={<div className="timeline-empty quiet">No events in this time</div>}
      >
        {(answer) => (
          <HistogramChart
            histogram={answer}
            label="Events over time. Drag over a span to look into it; the time can also be typed at the top."
            height={112}
            onSpan={onSpan}
          />
        )}
      </StateOf>
    </div>
  )
}

function Total({ histogram }: { readonly histogram: Histogram | undefined }) {
  const { zone } = useSettings()
  if (histogram === undefined) return <span className="quiet">Counting…</span>
  const total = totalOf(histogram) ?? 0
  return (
    <span role="status" className="timeline-total">
      <strong>{numberOf(total)}</strong> {total === 1 ? 'event' : 'events'}{' '}
      {total === 0 ? null : (
        <span className="quiet">
          {timeOf(histogram.from, zone).slice(0, 16)} – {timeOf(histogram.to, zone).slice(0, 16)} · a bar is{' '}
          {spanOf(histogram.intervalSeconds)}
        </span>
      )}
    </span>
  )
}

function widened({ from, to }: Histogram): [string, string] {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)]
  const span = Math.max(1000, toMs - fromMs)
  return [new Date(fromMs - span).toISOString(), new Date(toMs + span).toISOString()]
}
