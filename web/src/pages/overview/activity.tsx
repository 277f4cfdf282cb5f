/** Events over time by category. */
import { useLocation } from 'wouter'
import type { Overview } from '../../../../src/serve/shapes/entities.ts'
import { Panel } from '../../parts/panel.tsx'
import { StateOf } from '../../parts/state-of.tsx'
import { HistogramChart } from '../../parts/time-chart.tsx'
import { useHistogram } from '../../queries/events.ts'
import { explorerUrl } from '../../url-state.ts'

const BUCKETS = 72

/** The chart; a span that is dragged over opens in the explorer. */
export function Activity({ overview }: { readonly overview: Overview }) {
  const [, navigate] = useLocation()
  const q = overview.figures.events.q ?? ''
  const histogram = useHistogram({ q, from: overview.from, to: overview.to }, 'category', BUCKETS)
  return (
    <Panel title="Events by category" note="Drag over a span to look into it">
      <StateOf query={histogram} lines={6}>
        {(answer) => (
          <HistogramChart
            histogram={answer}
            label="Events over time by category"
            height={272}
            onSpan={(from, to) => navigate(explorerUrl(q, { from, to }))}
          />
        )}
      </StateOf>
    </Panel>
  )
}
