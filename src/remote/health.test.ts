/** What is said of a server that does not do well. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { VERSION } from '../core/version.ts'
import { ApiClient } from './client.ts'
import { serverChecks } from './health.ts'

const STAGE = { name: 'ingest:logs', state: 'idle', failuresInRow: 0, runs: 3 }

async function checksOf(answers: Record<string, object>, hasToken = true) {
  const server = createServer((asked, answer) => {
    const path = asked.url ?? ''
    const isReady = path === '/readyz' && JSON.stringify(answers[path]).includes('false')
    const isProblem = 'code' in (answers[path] ?? {})
    const status = answers[path] === undefined ? 404 : isReady ? 503 : isProblem ? 500 : 200
    answer.writeHead(status, { 'content-type': `application/${isProblem ? 'problem+' : ''}json` })
    answer.end(JSON.stringify(answers[path] ?? {}))
  })
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', () => done())
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const api = new ApiClient({ server: url, ...(hasToken ? { token: `btk_${'x'.repeat(43)}` } : {}) })
  try {
    const checks = await serverChecks(api)
    return checks.map(({ name, state, finding, hint }) => [state, name, `${finding}|${hint ?? ''}`])
  } finally {
    api.close()
    await new Promise((done) => server.close(done))
  }
}

const READY = { '/readyz': { status: 'ready', checks: { record: true, lake: true } } }
const me = (permissions: readonly string[], version = VERSION) => ({
  '/api/v1/me': { name: 'watch', role: 'viewer', permissions, version },
})

it('without a token looks at what everybody may see, and says what is not well', async () => {
  const ill = { '/readyz': { status: 'not ready', checks: { record: false, lake: true } } }
  expect(await checksOf(ill, false)).toEqual([
    ['ok', 'server', expect.stringContaining('answers')],
    ['failed', 'record', expect.stringMatching(/cannot be written.*\|The log of/)],
    ['ok', 'lake', expect.anything()],
  ])
})

it('tells sources and stages that fail or are held, and destinations that refuse', async () => {
  const lastFailure = { time: '2026-11-12T12:00:00Z', message: 'The folder is gone.', hint: 'Mount it.' }
  const destination = { name: 'pager', kind: 'webhook', takes: 'messages', delivered: 2, waiting: 0 }
  const [, , , ...checks] = await checksOf({
    ...READY,
    ...me(['health:read']),
    '/api/v1/sources': {
      sources: [
        {
          name: 'logs',
          spec: '/logs',
          stage: { ...STAGE, state: 'failing', failuresInRow: 2, lastFailure },
          events: 5,
          rejects: 1,
        },
        {
          name: 'more',
          spec: '/more',
          stage: { ...STAGE, name: 'ingest:more' },
          events: 7,
          rejects: 0,
          newestEvent: '2026-11-12',
        },
      ],
      stages: [STAGE, { ...STAGE, name: 'deliver', state: 'held', note: 'the disk is nearly full' }],
    },
    '/api/v1/destinations': {
      destinations: [
        { ...destination, dead: 3 },
        { ...destination, name: 'copy', dead: 0, lastFailure: { time: '2026-11-12T13:00:00Z', reason: 'HTTP 500' } },
        { ...destination, name: 'well', dead: 0 },
      ],
    },
  })
  expect(checks).toEqual([
    ['failed', 'source logs', 'The folder is gone. (2 times in a row); 5 events, 1 rejects|Mount it.'],
    ['ok', 'source more', '7 events, 0 rejects, the newest of 2026-11-12|'],
    ['warning', 'deliver', 'the disk is nearly full|'],
    ['warning', 'to pager', '2 delivered, 0 waiting, 3 refused for good|`bricktrail deliver dead pager` shows why.'],
    ['warning', 'to copy', expect.stringContaining('last failure 2026-11-12T13:00:00Z: HTTP 500')],
    ['ok', 'to well', expect.anything()],
  ])
})

it('tells settings of delivery that cannot be read beside all the rest', async () => {
  const broken = {
    type: 'urn:bricktrail:error:BAD_HOME',
    code: 'BAD_HOME',
    detail: 'deliver.yaml:2:3: kid.',
    hint: 'Mend it.',
  }
  const seal = { origin: 'o', size: '3', unsealed: 0, behind: [] }
  const checks = await checksOf({
    ...READY,
    ...me(['health:read', 'seal:read']),
    '/api/v1/sources': { sources: [], stages: [STAGE] },
    '/api/v1/destinations': broken,
    '/api/v1/seal': seal,
  })
  expect(checks.slice(3)).toEqual([
    ['ok', 'ingest:logs', expect.anything()],
    ['failed', 'destinations', 'deliver.yaml:2:3: kid.|Mend it.'],
    ['ok', 'seal', '3 leaves; nothing is unsealed|'],
  ])
})

it('tells a seal that is behind, and a server of another version', async () => {
  const seal = { origin: 'o', size: '3', unsealed: 0, behind: ['events ends before what was sealed.'] }
  expect(await checksOf({ ...READY, ...me(['seal:read'], '9.9.9'), '/api/v1/seal': seal })).toEqual([
    ['warning', 'server', expect.stringMatching(/^Bricktrail 9\.9\.9 at .* as watch \(viewer\)\|This is Bricktrail/)],
    ['ok', 'record', expect.anything()],
    ['ok', 'lake', expect.anything()],
    ['failed', 'seal', 'events ends before what was sealed.|Run `bricktrail verify`.'],
  ])
})
