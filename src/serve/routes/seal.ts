/** The seal: how far it goes, its newest checkpoint, and verification. */
import { createRoute, z } from '@hono/zod-openapi'
import { newestNote, sealState } from '../../ask/seal-state.ts'
import { isAppError } from '../../core/errors.ts'
import { newRoutes } from '../app.ts'
import type { Principal, RouteGroup } from '../contract.ts'
import { failureOverHttp } from '../hints.ts'
import { isLimitedByLists } from '../read/visible.ts'
import { answer, behind, REFUSED } from '../routing.ts'
import { SealGrowth } from '../seal-growth.ts'
import { SealView } from '../shapes/operations.ts'
import { VerifyJob } from '../verify-job.ts'

const NOTE = `bricktrail/home
3
c2l4dHktZm91ciBoZXggZGlnaXRzIG9mIGEgcm9vdCE=

— bricktrail/home 8CaJdX0R
`

const SEAL: SealView = {
  origin: 'bricktrail/home',
  key: 'bricktrail/home+1c4d8c2f+AQ==',
  size: '3',
  root: '7369787479',
  unsealed: 0,
  behind: [],
  raw: 'received bytes are kept, not encrypted',
  checkpoint: NOTE,
  anchors: [{ id: 'witness-1', lastSize: '3', lastTime: '2026-11-12T12:00:00.000Z' }],
  growth: [{ day: '2026-11-12', leaves: 3, events: 3400 }],
  verification: {
    state: 'clean',
    started: '2026-11-12T12:00:00.000Z',
    ended: '2026-11-12T12:00:04.000Z',
    done: 1,
    findings: [],
    checked: { leaves: 3, files: 4 },
  },
}

const show = createRoute({
  method: 'get',
  path: '/api/v1/seal',
  tags: ['Seal'],
  summary: 'Show how far the seal goes, how it grew, and what the last verification said',
  description: 'Nothing of it proves anything: verification does, best with a public key kept elsewhere.',
  ...behind('seal:read', 'getSeal'),
  responses: { ...REFUSED, 200: answer('The seal.', SealView, SEAL) },
})

const checkpoint = createRoute({
  method: 'get',
  path: '/api/v1/seal/checkpoint',
  tags: ['Seal'],
  summary: 'Fetch the newest checkpoint, with its cosignatures',
  ...behind('seal:read', 'getSeal'),
  responses: {
    ...REFUSED,
    200: {
      description: 'A signed note (C2SP tlog-checkpoint).',
      content: { 'text/plain': { schema: z.string(), example: NOTE } },
    },
  },
})

const verify = createRoute({
  method: 'post',
  path: '/api/v1/seal/verify',
  tags: ['Seal'],
  summary: 'Start a verification of the whole home',
  description: 'It runs in a process of its own. One runs at a time: while one does, that is the one that is told of.',
  ...behind('seal:verify', 'verifySeal'),
  responses: { ...REFUSED, 202: answer('It runs; `verification` says how far it is.', SealView, SEAL) },
})

/** What is wrong with the log itself. */
const BROKEN: readonly string[] = ['BAD_SEAL', 'BAD_KEY', 'SEAL_FORKED', 'BAD_LAKE']

const UNREADABLE: Omit<SealView, 'behind' | 'verification'> = {
  origin: '',
  key: '',
  size: '0',
  root: '',
  unsealed: 0,
  raw: '',
  checkpoint: '',
  anchors: [],
  growth: [],
}

/** `/api/v1/seal`. */
export const seal: RouteGroup = ({ home, now }) => {
  const job = new VerifyJob(home, now)
  const growth = new SealGrowth(home)
  const view = async ({ rows }: Principal): Promise<SealView> => {
    try {
      const seen = await whole()
      // How much came in is of all workspaces.
      return isLimitedByLists(rows) ? { ...seen, growth: [] } : seen
    } catch (cause) {
      if (!isAppError(cause) || !BROKEN.includes(cause.code)) throw cause
      // A log that cannot be read is what this page is there to show; verification tells where.
      return { ...UNREADABLE, behind: [failureOverHttp(cause)], verification: job.state }
    }
  }
  const whole = async (): Promise<SealView> => {
    const { origin, key, size, root, unsealed, behind: cutOff, raw, anchors } = await sealState(home)
    return {
      origin,
      key,
      size,
      root,
      unsealed,
      behind: [...cutOff],
      raw,
      checkpoint: await newestNote(home),
      anchors: anchors.map((anchor) => ({ ...anchor })),
      growth: await growth.days(origin, BigInt(size)),
      verification: job.state,
    }
  }
  return newRoutes()
    .openapi(show, async (c) => c.json(await view(c.get('principal')), 200))
    .openapi(checkpoint, async (c) => c.text(await newestNote(home), 200))
    .openapi(verify, async (c) => {
      const before = await view(c.get('principal'))
      const verification = job.start()
      return c.json({ ...before, verification }, 202)
    })
}
