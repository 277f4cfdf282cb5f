/** Integrity: that nothing of the lake was changed, and how anybody can see that for themselves. */
import { useQueryClient } from '@tanstack/react-query'
import type { SealView } from '../../../src/serve/shapes/operations.ts'
import { useLive } from '../live.tsx'
import { DayBars } from '../parts/day-bars.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { Empty, StateOf } from '../parts/state-of.tsx'
import { useAsk } from '../queries/ask.ts'
import { Anchors } from './integrity/anchors.tsx'
import { ForAuditors } from './integrity/for-auditors.tsx'
import { SealFacts } from './integrity/seal-facts.tsx'
import { Verification } from './integrity/verification.tsx'
import './integrity/integrity.css'

/** A verification that runs is looked at this often; the seal itself grows seldom. */
const RUNNING_MS = 1000
const RESTING_MS = 30_000

/** The page of integrity. */
export default function Integrity() {
  const queries = useQueryClient()
  const known = queries.getQueryData<SealView>(['seal', {}])
  const runs = known?.verification?.state === 'running'
  const query = useAsk<SealView>('/seal', {}, { everyMs: runs ? RUNNING_MS : RESTING_MS })
  useLive('events', () => void queries.invalidateQueries({ queryKey: ['seal'] }))
  return (
    <div className="page">
      <PageHead
        title="Integrity"
        note="What came in is written into a log that can only grow; what it says can be proven"
      />
      <StateOf query={query} lines={10}>
        {(seal) => (
          <div className="integrity">
            <div className="integrity-side">
              <Verification seal={seal} />
              <Panel title="Growth" note="Leaves by day, UTC. A day without a leaf had nothing to seal.">
                {seal.growth.length === 0 ? (
                  <Empty title="Nothing is sealed yet" icon="integrity">
                    The first leaf comes with the first batch.
                  </Empty>
                ) : (
                  <DayBars
                    label="Leaves by day"
                    unit="leaves"
                    days={seal.growth.map(({ day, leaves }) => ({ day, value: leaves }))}
                  />
                )}
              </Panel>
              <Anchors seal={seal} />
            </div>
            <div className="integrity-side">
              <SealFacts seal={seal} />
              <ForAuditors seal={seal} />
            </div>
          </div>
        )}
      </StateOf>
    </div>
  )
}
