/** How the loop does: sources and stages. */
import { createRoute } from '@hono/zod-openapi'
import { newRoutes } from '../app.ts'
import type { RouteGroup, SourceHealth } from '../contract.ts'
import { stageOverHttp } from '../hints.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { SourceList, type Stage } from '../shapes/operations.ts'

const STAGE: Stage = {
  name: 'ingest',
  state: 'idle',
  lastStart: '2026-11-12T12:00:00.000Z',
  lastSuccess: '2026-11-12T12:00:01.000Z',
  failuresInRow: 0,
  runs: 42,
  seconds: 0.8,
  next: '2026-11-12T12:00:31.000Z',
}

const list = createRoute({
  method: 'get',
  path: '/api/v1/sources',
  tags: ['Operations'],
  summary: 'Show how sources and the stages of the loop are doing',
  description:
    'Both lists are empty where the server runs without the loop. Who sees rows of some workspaces or categories only is not told how much came.',
  ...behind('health:read', 'getHealth'),
  responses: {
    ...REFUSED,
    200: answer('Sources and stages.', SourceList, {
      sources: [
        {
          name: 'deliveries',
          spec: '/var/audit',
          stage: STAGE,
          objects: 12,
          events: 3400,
          rejects: 1,
          newestEvent: '2026-11-12T11:58:00.000Z',
          lagSeconds: 120,
        },
      ],
      stages: [STAGE],
    }),
  },
})

/** What came of a source is of all workspaces. */
const withoutCounts = ({ name, spec, stage }: SourceHealth) => ({
  name,
  spec,
  stage,
  objects: null,
  events: null,
  rejects: null,
})

/** `/api/v1/sources`. */
export const sources: RouteGroup = ({ service }) =>
  newRoutes().openapi(list, async (c) => {
    if (service === undefined) return c.json({ sources: [], stages: [] }, 200)
    const found = await service.sources()
    const stages = service.stages().map(stageOverHttp)
    const isPart = isLimitedByLists(c.get('principal').rows)
    const shown = found.map((each) => ({ ...(isPart ? withoutCounts(each) : each), stage: stageOverHttp(each.stage) }))
    return c.json({ sources: shown, stages }, 200)
  })
