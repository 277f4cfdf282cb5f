import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { Engine } from '../../engine/duckdb.ts'
import { ident, lit } from '../../engine/sql.ts'
import { duckdbType } from '../../engine/types.ts'
import { environmentsOf } from './environments.fixture.ts'
import { SEGMENT_RULE, SEGMENT_TABLE, segmentMatches, segmentRule } from './segment.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
})
afterAll(() => engine.close())

const DECLARED = [
  {
    name: 'development',
    workspaces: ['1001', '1002'],
    catalogs: ['dev', 'dev_*'],
    storage: ['s3://acme-lake/dev'],
    principals: ['*@dev.acme.example'],
    groups: ['developers'],
    may_reach: ['shared', { environment: 'production', principals: ['deploy-bot'] }],
  },
  {
    name: 'production',
    workspaces: [2001],
    catalogs: ['prod'],
    schemas: ['main.payroll'],
    storage: ['s3://acme-prod', 's3://acme-lake', 'abfss://data@acme.dfs.core.windows.net/prod', 'dbfs:/mnt/prod'],
    principals: ['svc-prod-*'],
  },
  { name: 'shared', catalogs: ['main'], storage: ['s3://acme-lake/dev/shared'] },
]

interface Event {
  readonly workspace?: string
  readonly email?: string
  readonly groups?: readonly string[]
  readonly targets?: readonly (readonly [type: string, name: string])[]
  readonly params?: Readonly<Record<string, string>>
  readonly status?: string
}

interface Match {
  readonly selections: string[]
  readonly because: { selection: string; field: string; value: string }[]
  readonly fields: Record<string, string>
}

const textOrNull = (text: string | undefined): string => (text === undefined ? 'NULL' : lit(text))

function selectOf(event: Event, id: string): string {
  const given: Record<string, string> = {
    event_id: lit(id),
    event_time: "TIMESTAMPTZ '2026-11-02 09:00:00Z'",
    workspace_id: textOrNull(event.workspace),
    actor: `{'email': ${textOrNull(event.email)}, 'type': 'user'}`,
    access_controls: event.groups === undefined ? 'NULL' : `{'groups': [${event.groups.map(lit).join(', ')}]}`,
    targets:
      event.targets === undefined
        ? 'NULL'
        : `[${event.targets.map(([type, name]) => `{'type': ${lit(type)}, 'name': ${lit(name)}}`).join(', ')}]`,
    request_params: `MAP {${Object.entries(event.params ?? {})
      .map(([key, value]) => `${lit(key)}: ${lit(value)}`)
      .join(', ')}}`,
    status: event.status === undefined ? 'NULL' : lit(event.status),
  }
  return `SELECT ${EVENT_COLUMNS.map(({ name, type }) => `${given[name] ?? 'NULL'}::${duckdbType(type)} AS ${ident(name)}`).join(', ')}`
}

async function matchesOf(events: readonly Event[], declared: unknown = DECLARED): Promise<Map<string, Match>> {
  await engine.run(
    `CREATE OR REPLACE TABLE events AS ${events.map((each, at) => selectOf(each, `e${at}`)).join(' UNION ALL ')}`,
  )
  const count = await segmentMatches(engine, environmentsOf(declared), 'events')
  const rows = await engine.rows<{ event_id: string; rule: string; match: string }>(
    `SELECT event_id, rule, to_json({'selections': selections, 'because': because, 'fields': fields})::VARCHAR AS match FROM ${SEGMENT_TABLE} ORDER BY event_id`,
  )
  expect(rows.map(({ rule }) => rule)).toEqual(rows.map(() => SEGMENT_RULE))
  expect(count).toBe(rows.length)
  return new Map(rows.map(({ event_id, match }) => [event_id, JSON.parse(match)]))
}

const table = (name: string): readonly [string, string] => ['table', name]
const sidesOf = async (event: Event): Promise<string[]> => (await matchesOf([event])).get('e0')?.selections ?? []

describe('an access across environments', () => {
  it('is told with what puts it on either side', async () => {
    const found = await matchesOf([
      { workspace: '1001', email: 'ada@acme.example', targets: [table('prod.hr.salaries')], status: 'SUCCESS' },
    ])
    expect(found.get('e0')).toEqual({
      selections: ['development → production'],
      because: [
        { selection: 'development → production', field: 'targets.name', value: 'prod.hr.salaries (production)' },
        { selection: 'development → production', field: 'workspace_id', value: '1001 (development)' },
      ],
      fields: {
        'actor.email': 'ada@acme.example',
        workspace_id: '1001',
        'environment.from': 'development',
        'environment.to': 'production',
        object: 'prod.hr.salaries',
      },
    })
  })

  it.each<[string, Event]>([
    ['a catalog by pattern', { workspace: '2001', targets: [['catalog', 'DEV_ada']] }],
    ['a schema', { workspace: '2001', targets: [['schema', 'dev.web']] }],
    ['a table written with another case and quotes', { workspace: '2001', targets: [table('`Dev`.web.carts')] }],
    ['a volume by its path', { workspace: '2001', params: { path: '/Volumes/dev/web/exports/notes.json' } }],
    [
      'a volume by its path of the file system',
      { workspace: '2001', params: { path: 'dbfs:/Volumes/dev/web/exports' } },
    ],
    ['a storage path in any parameter', { workspace: '2001', params: { url: 's3a://ACME-lake/dev/raw/1' } }],
    ['a workspace, by who they are', { workspace: '1002', email: 'svc-prod-etl' }],
    [
      'an account-level event that names the workspace',
      { workspace: '0', params: { workspace_id: '2001' }, targets: [table('dev.a.b')] },
    ],
  ])('reaches %s', async (_, event) => {
    expect(await sidesOf(event)).toEqual(['production → development'])
  })

  it.each<[string, Event]>([
    ['e-mail', { workspace: '77', email: 'Bob@DEV.acme.example', targets: [table('prod.hr.salaries')] }],
    [
      'group',
      {
        workspace: '77',
        email: 'bob@acme.example',
        groups: ['all', 'Developers'],
        targets: [table('prod.hr.salaries')],
      },
    ],
    [
      'workspace',
      {
        workspace: '1002',
        email: 'bob@acme.example',
        params: { url: 'abfss://data@acme.dfs.core.windows.net/prod/x' },
      },
    ],
    ['workspace, through a mount', { workspace: '1002', params: { path: '/dbfs/mnt/prod/x.csv' } }],
    ['workspace, around a corner', { workspace: '1002', params: { path: 's3://acme-lake/dev/../hr//salaries' } }],
  ])('is found by the %s', async (_, event) => {
    expect(await sidesOf(event)).toEqual(['development → production'])
  })

  it('is one match for an event, however many things it reached', async () => {
    const found = await matchesOf([
      {
        workspace: '1001',
        email: 'x@dev.acme.example',
        targets: [table('prod.a.b'), table('prod.a.c'), table('main.payroll.p')],
      },
    ])
    const fields = found.get('e0')?.because.map(({ field, value }) => `${field} ${value}`)
    expect(fields).toEqual([
      'actor.email x@dev.acme.example (development)',
      'targets.name main.payroll.p (production)',
      'targets.name prod.a.b (production)',
      'targets.name prod.a.c (production)',
      'workspace_id 1001 (development)',
    ])
  })
})

describe('no crossing is', () => {
  it.each<[string, Event]>([
    ['an access within an environment', { workspace: '1001', targets: [table('dev.web.carts')] }],
    ['an allowed crossing', { workspace: '1001', targets: [table('main.web.carts')] }],
    ['one allowed to this actor', { workspace: '1001', email: 'Deploy-Bot', targets: [table('prod.web.carts')] }],
    ['an access from a workspace of no environment', { workspace: '10010', targets: [table('prod.hr.salaries')] }],
    ['an access without a workspace', { targets: [table('prod.hr.salaries')] }],
    [
      'an access to what belongs nowhere',
      { workspace: '1001', targets: [table('lab.hr.salaries'), table('production.x.y')] },
    ],
    [
      'a model of the workspace that is called like a catalog',
      {
        workspace: '1001',
        targets: [
          ['model', 'prod'],
          ['model_version', 'prod.6'],
        ],
      },
    ],
    ['a job that is called like a table', { workspace: '1001', targets: [['job', 'prod.hr.salaries']] }],
    ['a bucket whose name begins alike', { workspace: '1001', params: { url: 's3://acme-prod-copy/x' } }],
    [
      'a folder whose name begins alike',
      { workspace: '1001', params: { url: 'abfss://data@acme.dfs.core.windows.net/production' } },
    ],
    [
      'another container of the account',
      { workspace: '1001', params: { url: 'abfss://raw@acme.dfs.core.windows.net/prod/x' } },
    ],
    [
      'a folder of the environment within a bucket of another',
      { workspace: '1001', params: { url: 's3://acme-lake/dev/raw' } },
    ],
    ['a shared folder within that', { workspace: '1001', params: { url: 's3://acme-lake/dev/shared/x' } }],
    ['a folder in another case', { workspace: '2001', params: { url: 's3://acme-lake/DEV/raw' } }],
    ['a path that is only mentioned', { workspace: '1001', params: { commandText: "select 's3://acme-prod/x'" } }],
    ['an access that was refused', { workspace: '1001', targets: [table('prod.hr.salaries')], status: 'UNAUTHORIZED' }],
    ['an access that failed', { workspace: '1001', targets: [table('prod.hr.salaries')], status: 'FAILURE' }],
    [
      'an address that looks like an e-mail of the environment',
      { workspace: '77', email: 'x@dev.acme.example.org', targets: [table('prod.a.b')] },
    ],
  ])('%s', async (_, event) => {
    expect(await sidesOf(event)).toEqual([])
  })

  it('the way back from where only the way there is allowed', async () => {
    const declared = [
      { name: 'a', workspaces: ['1'], catalogs: ['a'], may_reach: 'b' },
      { name: 'b', workspaces: ['2'], catalogs: ['b'] },
    ]
    const found = await matchesOf(
      [
        { workspace: '1', targets: [table('b.x.y')] },
        { workspace: '2', targets: [table('a.x.y')] },
      ],
      declared,
    )
    expect([...found].map(([id, { selections }]) => [id, ...selections])).toEqual([['e1', 'b → a']])
  })

  it('an access to what several environments have in common, from any of them', async () => {
    const declared = [
      { name: 'a', workspaces: ['1'], catalogs: ['both'] },
      { name: 'b', workspaces: ['2'], catalogs: ['both', 'b'] },
    ]
    const event = (workspace: string, name: string): Event => ({ workspace, targets: [table(name)] })
    const found = await matchesOf([event('1', 'both.x.y'), event('2', 'both.x.y'), event('1', 'b.x.y')], declared)
    expect([...found.keys()]).toEqual(['e2'])
  })

  it('anything where fewer than two environments are declared', async () => {
    expect((await matchesOf([{ workspace: '1001', targets: [table('prod.a.b')] }], DECLARED.slice(1, 2))).size).toBe(0)
    expect((await matchesOf([{ workspace: '1001', targets: [table('prod.a.b')] }], null)).size).toBe(0)
  })
})

describe('the rule of crossings', () => {
  it('has another version when the environments are others', () => {
    const environments = environmentsOf(DECLARED)
    const { key, version } = segmentRule(environments)
    expect(key).toBe(SEGMENT_RULE)
    expect(segmentRule(environmentsOf(DECLARED)).version).toBe(version)
    expect(segmentRule(environments.slice(0, 2)).version).not.toBe(version)
  })
})
