/** Operations: where events come from, what the service does with them, and where it sends things. */
import { Tabs } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import type { SourceList } from '../../../src/serve/shapes/operations.ts'
import { useLive } from '../live.tsx'
import { PageHead, Panel } from '../parts/panel.tsx'
import { StateOf } from '../parts/state-of.tsx'
import { useAsk } from '../queries/ask.ts'
import { useMay } from '../queries/session.ts'
import { useUrlState } from '../url-state.ts'
import { Destinations } from './operations/destinations.tsx'
import { Rejects } from './operations/rejects.tsx'
import { Sources } from './operations/sources.tsx'
import { Stages } from './operations/stages.tsx'
import './operations/operations.css'

/** How often lag and queues are looked at. */
const EVERY_MS = 15_000

/** The page of operations. */
export default function Operations() {
  const [params, change] = useUrlState()
  const maySeeRejects = useMay('events:raw')
  const queries = useQueryClient()
  useLive('stage', () => void queries.invalidateQueries({ queryKey: ['sources'] }))
  const query = useAsk<SourceList>('/sources', {}, { everyMs: EVERY_MS })
  return (
    <div className="page">
      <PageHead title="Operations" note="What comes in, what is done with it, and where it goes" />
      <Tabs
        value={params.get('show') ?? 'in'}
        onChange={(show) => change({ show: show === 'in' ? null : show })}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          <Tabs.Tab value="in">Sources and stages</Tabs.Tab>
          {maySeeRejects ? <Tabs.Tab value="rejects">Rejects</Tabs.Tab> : null}
          <Tabs.Tab value="out">Destinations</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="in">
          <div className="page-stack">
            <Panel title="Sources" note="Folders and buckets that are watched" flush>
              <StateOf query={query}>{({ sources }) => <Sources sources={sources} />}</StateOf>
            </Panel>
            <Panel title="Stages" note="What the service does on its schedules" flush>
              <StateOf query={query}>{({ stages }) => <Stages stages={stages} />}</StateOf>
            </Panel>
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="rejects">
          <Rejects />
        </Tabs.Panel>
        <Tabs.Panel value="out">
          <Destinations />
        </Tabs.Panel>
      </Tabs>
    </div>
  )
}
