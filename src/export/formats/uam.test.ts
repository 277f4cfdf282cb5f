import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { VERBS } from '../../normalise/catalogue/vocabulary.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { AWKWARD, type EventRow, event, ROWS, tableOfEvents } from '../rows.fixture.ts'
import { UAM_VERBS } from '../uam-words.ts'
import { uam } from './uam.ts'

exportFormatSuite(uam)

const LISTED: Record<'fields' | 'fieldsOfAccessControls' | 'fieldsOfPolicies', Record<string, string[]>> = JSON.parse(
  readFileSync(new URL('../../../fixtures/export/uam-query-fields.json', import.meta.url), 'utf8'),
)

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

// biome-ignore lint/suspicious/noExplicitAny: tests read members of parsed JSON
type Parsed = any

async function exported(rows: readonly EventRow[]): Promise<Parsed[]> {
  await tableOfEvents(engine, 'events', rows)
  return (await engine.rows<{ line: string }>(uam.select('events'))).map(({ line }) => JSON.parse(line))
}

/** The one record made of a row. */
const one = async (row: EventRow): Promise<Parsed> => (await exported([event(row)]))[0]

/** The values at a path; a member that is not there gives undefined. */
function at(value: Parsed, path: string): unknown[] {
  const [head = '', ...rest] = path.split('.')
  const isList = head.endsWith('[]')
  const member = value[isList ? head.slice(0, -2) : head]
  const members: Parsed[] = isList ? member : [member]
  return rest.length === 0 ? members : members.flatMap((each) => at(each, rest.join('.')))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return 'time'
  return value === undefined ? 'missing' : typeof value
}

const wrong = (record: Parsed, fields: Record<string, string[]>): string[] =>
  Object.entries(fields).flatMap(([path, types]) =>
    at(record, path)
      .map(typeOf)
      .filter((type) => !types.includes(type))
      .map((type) => `${path} is ${type}`),
  )

/** The example record of the model, as an event: what a UAM record becomes when it comes in. */
const IMMUTA_EVENT: EventRow = {
  event_id: 'a'.repeat(32),
  native_id: 'abc123',
  event_time: '2022-10-13T20:03:41.013Z',
  event_date: '2022-10-13',
  received_time: '2022-10-13T20:03:41.044Z',
  form: 'uam',
  account_id: 'abc124',
  workspace_id: '123456789',
  service: 'immuta',
  action: 'QUERY',
  category: 'query',
  verb: 'execute',
  actor: { type: 'user', id: '7', name: 'Taylor', identity_provider: 'okta', impersonated_by: 'Robin' },
  session_id: 'abc123456589',
  request_id: 'r-1',
  source_ip: '10.0.0.9',
  status: 'UNAUTHORIZED',
  status_reason: 'User is not subscribed to the data source.',
  targets: [{ type: 'table', id: '4', name: 'Movies' }],
  query: {
    id: '81fe4385-1329-444a-b6d9-b26bce5c8dc7',
    text: 'spark.sql("set immuta.impersonate.user=")',
    language: 'python',
    compute_id: '1006-194110-8j0shd5d',
  },
  access_controls: {
    project: 'Films',
    groups: ['g1'],
    attributes: ['{"name":"Office","values":["Ohio"]}', 'plain'],
    impersonated_users: ['Robin'],
  },
  policy_set: [
    {
      type: 'SUBSCRIPTION',
      subscription_policy_type: 'MANUAL',
      rule_applied_for_user: true,
      rationale: 'because "so"',
      global: false,
      merged_policies: '[{"name":"p"}]',
    },
  ],
  request_params: {
    payloadType: 'QueryAuditPayload',
    technology: 'DatabricksContext',
    targetType: 'DATASOURCE',
    profileId: '12',
    relatedResources: '[{"type":"PROJECT","id":"1"}]',
    query: 'Project [director#778904]\n+- Filter',
    queryLanguage: 'Python',
    host: 'h-1',
    objectsAccessed: '[{"name":"movies"}]',
    'actor.seat': '4',
    startTime: '2022-10-13T20:03:40.000Z',
    clusterName: 'databricks-cluster-name',
    pathUris: '["dbfs:/user/hive/warehouse/your_database.db/movies"]',
    metastoreTables: '["your_database.movies"]',
    immutaPluginVersion: '2022.3.0-spark-3.1.1',
  },
}

describe('the fields of the model', () => {
  it('are all there in every query record, null where not known', async () => {
    const queries = (await exported([...ROWS, IMMUTA_EVENT])).filter((each) => each.action === 'QUERY')
    expect(queries.length).toBeGreaterThanOrEqual(4)
    for (const record of queries) {
      expect(wrong(record, LISTED.fields)).toEqual([])
      expect(record.auditPayload.type).toBe('QueryAuditPayload')
      expect(record.targetType).toBe('DATASOURCE')
      if (record.auditPayload.accessControls !== null) {
        expect(wrong(record.auditPayload.accessControls, LISTED.fieldsOfAccessControls)).toEqual([])
      }
      for (const policy of record.auditPayload.policySet ?? [])
        expect(wrong(policy, LISTED.fieldsOfPolicies)).toEqual([])
    }
  })

  it('are missed by this check if one is missing', async () => {
    const record = await one({ category: 'query', verb: 'execute' })
    delete record.auditPayload.technologyContext.pathUris
    record.eventTimestamp = 'yesterday'
    expect(wrong(record, LISTED.fields)).toEqual([
      'eventTimestamp is string',
      'auditPayload.technologyContext.pathUris is missing',
    ])
  })

  it('of the envelope are there in every record', async () => {
    const envelope = Object.fromEntries(
      Object.entries(LISTED.fields).filter(
        ([path]) => !path.startsWith('auditPayload.') || /\.(type|version)$/.test(path),
      ),
    )
    const { 'auditPayload.technologyContext.type': _, ...fields } = envelope
    for (const record of await exported(ROWS)) expect(wrong(record, fields)).toEqual([])
  })
})

it('gives a record that came as UAM back as it was', async () => {
  const [{ auditPayload, ...record }] = await exported([IMMUTA_EVENT])
  expect(record).toEqual({
    id: 'abc123',
    action: 'QUERY',
    actionStatus: 'UNAUTHORIZED',
    actionStatusReason: 'User is not subscribed to the data source.',
    eventTimestamp: '2022-10-13T20:03:41.013Z',
    receivedTimestamp: '2022-10-13T20:03:41.044Z',
    customerId: 'abc124',
    tenantId: 'abc124',
    actor: {
      type: 'USER_ACTOR',
      id: '7',
      name: 'Taylor',
      identityProvider: 'okta',
      profileId: '12',
      impersonatedBy: 'Robin',
      seat: '4',
    },
    actorIp: '10.0.0.9',
    sessionId: 'abc123456589',
    requestId: 'r-1',
    targetType: 'DATASOURCE',
    targets: [{ id: '4', name: 'Movies', type: 'DATASOURCE', technology: 'DATABRICKS' }],
    relatedResources: [{ type: 'PROJECT', id: '1' }],
  })
  const { bricktrail, ...payload } = auditPayload
  expect(payload).toEqual({
    type: 'QueryAuditPayload',
    version: 1,
    queryId: '81fe4385-1329-444a-b6d9-b26bce5c8dc7',
    query: 'Project [director#778904]\n+- Filter',
    startTime: '2022-10-13T20:03:40.000Z',
    endTime: null,
    duration: null,
    accessControls: {
      entitlements: {
        project: 'Films',
        attributes: [{ name: 'Office', values: ['Ohio'] }, 'plain'],
        groups: ['g1'],
        impersonatedUsers: ['Robin'],
      },
    },
    policySet: [
      {
        type: 'SUBSCRIPTION',
        subscriptionPolicyType: 'MANUAL',
        ruleAppliedForUser: true,
        rationale: 'because "so"',
        global: false,
        mergedPolicies: [{ name: 'p' }],
      },
    ],
    technologyContext: {
      type: 'DatabricksContext',
      clusterId: '1006-194110-8j0shd5d',
      clusterName: 'databricks-cluster-name',
      warehouseId: null,
      workspaceId: '123456789',
      pathUris: ['dbfs:/user/hive/warehouse/your_database.db/movies'],
      metastoreTables: ['your_database.movies'],
      queryLanguage: 'Python',
      queryText: 'spark.sql("set immuta.impersonate.user=")',
      immutaPluginVersion: '2022.3.0-spark-3.1.1',
      host: 'h-1',
    },
    objectsAccessed: [{ name: 'movies' }],
    columnsAccessed: null,
    securityProfile: null,
    errorCode: null,
  })
  expect(bricktrail.requestParams).toBeUndefined()
  expect(bricktrail.eventId).toBe('a'.repeat(32))
})

it('gives other records that came as UAM back with the members of their payload', async () => {
  const record = await one({
    form: 'uam',
    native_id: 'k-1',
    service: 'immuta',
    action: 'CREATE',
    category: 'token',
    verb: 'create',
    targets: [{ type: 'token', id: '9', name: 'ci' }],
    request_params: {
      payloadType: 'ApiKeyCreatedAuditPayload',
      payloadVersion: '2',
      targetType: 'APIKEY',
      apiKeyId: '9',
      scopes: '["AUDIT"]',
      bricktrail: '{"eventId":"before"}',
    },
  })
  expect(record).toMatchObject({ id: 'k-1', action: 'CREATE', targetType: 'APIKEY' })
  expect(record.auditPayload).toEqual({
    type: 'ApiKeyCreatedAuditPayload',
    version: 2,
    accessControls: null,
    policySet: null,
    apiKeyId: '9',
    scopes: ['AUDIT'],
    bricktrail: { eventId: 'before' },
  })
})

it('cuts the query at 2,048 characters and keeps the whole text beside it', async () => {
  const text = `é${'x'.repeat(3000)}`
  const { auditPayload } = await one({
    category: 'query',
    verb: 'execute',
    query: { id: 'q', text, duration_ms: 1500 },
  })
  expect([...auditPayload.query]).toHaveLength(2048)
  expect(auditPayload.technologyContext.queryText).toBe(text)
  expect(auditPayload.duration).toBe(1500)
  expect(auditPayload.endTime).toBe('2026-03-04T05:06:08.589Z')
})

it('tells clusters and warehouses apart and finds tables and paths among the targets', async () => {
  const targets = [
    { type: 'table', name: 'main.a.b' },
    { type: 'path', name: 's3://b/x' },
    { type: 'notebook', name: '/Users/a/n' },
  ]
  const context = async (computeId: string) =>
    (await one({ category: 'query', verb: 'execute', query: { id: 'q', compute_id: computeId }, targets })).auditPayload
      .technologyContext
  expect(await context('0304-050607-abcd1234')).toMatchObject({ clusterId: '0304-050607-abcd1234', warehouseId: null })
  expect(await context('5f1a2b3c4d5e6f70')).toMatchObject({
    clusterId: null,
    warehouseId: '5f1a2b3c4d5e6f70',
    metastoreTables: ['main.a.b'],
    pathUris: ['s3://b/x'],
  })
})

it('names other events as Immuta does', async () => {
  const cases: readonly (readonly [EventRow, string, string | null, string])[] = [
    [{ category: 'authentication', verb: 'login' }, 'AUTHENTICATE', 'AUTHENTICATION', 'UserAuthenticatedAuditPayload'],
    [{ category: 'authentication', verb: 'logout' }, 'LOGOUT', 'AUTHENTICATION', 'UserLogoutAuditPayload'],
    [
      { category: 'token', verb: 'create', targets: [{ type: 'token', id: 't' }] },
      'CREATE',
      'APIKEY',
      'ApiKeyCreatedAuditPayload',
    ],
    [
      { category: 'token', verb: 'revoke', targets: [{ type: 'token', id: 't' }] },
      'REMOVE',
      'APIKEY',
      'ApiKeyDeletedAuditPayload',
    ],
    [
      { category: 'identity', verb: 'add', targets: [{ type: 'group', id: 'g' }] },
      'APPLY',
      'GROUP',
      'GroupMemberAddedAuditPayload',
    ],
    [
      { category: 'identity', verb: 'create', targets: [{ type: 'service_principal', id: 's' }] },
      'CREATE',
      'USER',
      'UserCreatedAuditPayload',
    ],
    [
      { category: 'permission', verb: 'grant', targets: [{ type: 'table', id: 't' }] },
      'APPLY',
      'PERMISSION',
      'PermissionAppliedAuditPayload',
    ],
    [
      { category: 'data_access', verb: 'read', targets: [{ type: 'table', id: 't' }] },
      'READ',
      'DATASOURCE',
      'DatasourceReadAuditPayload',
    ],
    [
      { category: 'network', verb: 'delete', targets: [{ type: 'ip_access_list', id: '4' }] },
      'DELETE',
      'IP_ACCESS_LIST',
      'IpAccessListDeletedAuditPayload',
    ],
    [{ category: 'configuration', verb: 'update' }, 'UPDATE', 'CONFIGURATION', 'ConfigurationUpdatedAuditPayload'],
    [{ category: null, verb: 'sing' }, 'OTHER', null, 'DatabricksEventAuditPayload'],
  ]
  const records = await exported(cases.map(([row]) => event(row)))
  expect(records.map((each) => [each.action, each.targetType, each.auditPayload.type])).toEqual(
    cases.map(([, ...expected]) => expected),
  )
  for (const record of await exported(ROWS)) expect(record.auditPayload.type).toMatch(/^[A-Z][A-Za-z0-9]+AuditPayload$/)
})

it('has a word for every verb of the catalogue', () => {
  const verbs = VERBS.map(({ name }) => name).filter((name) => name !== 'unknown')
  expect(Object.keys(UAM_VERBS).sort()).toEqual(verbs.sort())
})

it('gives a reason only where something failed, and keeps what else is known under its own key', async () => {
  expect((await one({ status_reason: 'x' })).actionStatusReason).toBeNull()
  const failed = await one({ status: 'FAILURE', error_message: 'no such table', request_params: { a: '1', A: null } })
  expect(failed.actionStatusReason).toBe('no such table')
  expect(failed.auditPayload.bricktrail).toMatchObject({
    requestParams: { a: '1', A: null },
    actorEmail: 'alice@example.com',
    geo: { country: 'DE' },
    form: 'delivery',
  })
  const [awkward] = (await exported(ROWS)).filter((each) => each.sessionId === AWKWARD)
  expect(awkward.auditPayload.bricktrail.principals).toEqual([{ principal: AWKWARD, privilege: AWKWARD }])
})
