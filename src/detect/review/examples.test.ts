import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { CACHE_HOME } from '../../normalise/read-records.fixture.ts'
import { loadPack } from '../pack/load.ts'
import { deliveredRecord } from './example-events.ts'
import { runExamples } from './examples.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-examples-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** How the examples of some files came out: `rule: example: why`, with `ok` for those that did. */
async function outcome(...texts: readonly string[]): Promise<string[]> {
  for (const [at, text] of texts.entries()) await writeFile(join(folder, `${at}.yml`), text)
  const pack = await loadPack({ shipped: false, folders: [folder] })
  expect(pack.problems).toEqual([])
  const results = await runExamples(pack, { home: homeAt(CACHE_HOME), threads: 2 })
  return results.map(({ rule, example, passed, why }) => {
    expect(passed).toBe(why.length === 0)
    return `${rule.rule.meta.title}: ${example.name}: ${passed ? 'ok' : why.join(' ')}`
  })
}

const login = (more = '', minute = '00', email = 'ada@x.io'): string =>
  `{ timestamp: 2026-11-02T09:${minute}:00Z, serviceName: accounts, actionName: login, userIdentity: { email: ${email} }, response: { statusCode: 403 }${more} }`

const detection = (title: string, examples: string): string => `title: ${title}
logsource: { product: databricks }
detection:
  selection:
    actionName: login
    response.statusCode: 403
    geo.country: DE
  condition: selection
bricktrail:
  examples:
${examples}`

it('records are normalised and enriched before rules see them', async () => {
  expect(
    await outcome(
      detection(
        'German',
        `    fires:
      - name: from Hamburg
        records: [ ${login(', sourceIPAddress: "18.193.14.66:443"')} ]
    silent:
      - name: from nowhere
        records: [ ${login()} ]
`,
      ),
    ),
  ).toEqual(['German: from Hamburg: ok', 'German: from nowhere: ok'])
})

it('a failed example says what was missing, or what was found', async () => {
  const [missing, found, unread] = await outcome(
    detection(
      'German',
      `    fires:
      - name: from nowhere
        records: [ ${login()} ]
    silent:
      - name: from Hamburg
        records: [ ${login(', sourceIPAddress: 18.193.14.66')} ]
      - name: some day
        records: [ { serviceName: accounts, actionName: login } ]
`,
    ),
  )
  expect(missing).toBe(
    'German: from nowhere: It did not fire. German matches none of its events. Nearest event: geo.country is DE; it has nothing there.',
  )
  expect(found).toBe('German: from Hamburg: It fired: German: ada@x.io, 1 event at 2026-11-02 09:00:00 UTC.')
  expect(unread).toBe('German: some day: A record makes no event: missing_time.')
})

const burst = (name: string, title: string): string => `title: Base of ${name}
name: base_${name}
logsource: { product: databricks }
detection:
  selection:
    actionName: login
    response.statusCode: 403
  condition: selection
bricktrail: { feeds: true }
---
title: ${title}
correlation:
  type: event_count
  rules: [base_${name}]
  group-by: [actor.email]
  timespan: 10m
  condition: { gte: 3 }
bricktrail:
  examples:
    fires:
      - name: three at once
        records: [ ${login()}, ${login()}, ${login()} ]
    silent:
      - name: two
        records: [ ${login()}, ${login()} ]
      - name: two, and one of another
        records: [ ${login()}, ${login()}, ${login('', '00', 'bob@x.io')} ]
      - name: three, slowly
        records: [ ${login('', '00')}, ${login('', '09')}, ${login('', '20')} ]
`

it('examples see no events of one another, though they share people and times', async () => {
  const ok = ['three at once: ok', 'two: ok', 'two, and one of another: ok', 'three, slowly: ok']
  expect(await outcome(burst('a', 'One'), burst('b', 'Two'))).toEqual([
    ...ok.map((each) => `One: ${each}`),
    ...ok.map((each) => `Two: ${each}`),
  ])
})

it('a correlation that does not fire says what its base rules matched', async () => {
  const text = burst('a', 'One').replace('condition: { gte: 3 }', 'condition: { gte: 9 }')
  expect((await outcome(text))[0]).toBe('One: three at once: It did not fire. Base of a matches 3 of its events.')
})

it('baselines are run as of the time that an example says', async () => {
  const heard = (day: number): string =>
    `{ timestamp: 2026-11-0${day}T09:00:00Z, serviceName: accounts, actionName: login, workspaceId: "7", response: { statusCode: 200 } }`
  const records = `records: [ ${[1, 2, 3, 4, 5].map(heard).join(', ')} ]`
  expect(
    await outcome(`title: Quiet
logsource: { product: databricks }
baseline:
  type: silent_source
  select:
    selection:
      actionName: login
    condition: selection
  by: [workspace_id]
  learn: 3d
  window: 1d
bricktrail:
  entity: workspace_id
  examples:
    fires:
      - name: for days
        as_of: 2026-11-08T09:00:00Z
        ${records}
    silent:
      - name: for an hour
        as_of: 2026-11-05T10:00:00Z
        ${records}
`),
  ).toEqual(['Quiet: for days: ok', 'Quiet: for an hour: ok'])
})

it('what an example leaves out because every record has it is filled in, and nothing else', () => {
  expect(deliveredRecord({ serviceName: 'unityCatalog', actionName: 'getTable' }, 3)).toEqual({
    version: '2.0',
    auditLevel: 'ACCOUNT_LEVEL',
    accountId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    workspaceId: '0',
    requestId: 'example-3',
    serviceName: 'unityCatalog',
    actionName: 'getTable',
  })
  expect(deliveredRecord({ serviceName: 'jobs', workspaceId: '7', accountId: 'a', requestId: 'r' }, 3)).toEqual({
    version: '2.0',
    auditLevel: 'WORKSPACE_LEVEL',
    serviceName: 'jobs',
    workspaceId: '7',
    accountId: 'a',
    requestId: 'r',
  })
  expect(deliveredRecord({ operationName: 'x', properties: {} }, 1)).toEqual({ operationName: 'x', properties: {} })
})
