import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { catalogue } from '../../normalise/catalogue/catalogue.ts'
import { CATEGORIES, KEY_EVENTS, TARGET_TYPES, VERBS } from '../../normalise/catalogue/vocabulary.ts'
import { exportFormatSuite } from '../contract.suite.ts'
import { OCSF_CLASSES } from '../ocsf-classes.ts'
import { shippedOcsfSchema } from '../ocsf-sample.ts'
import { ocsfErrors, validateOcsf } from '../ocsf-validate.ts'
import { AWKWARD, type EventRow, event, ROWS, tableOfEvents } from '../rows.fixture.ts'
import { ocsf } from './ocsf.ts'

exportFormatSuite(ocsf)

const schema = shippedOcsfSchema()
let engine: Engine
beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

// biome-ignore lint/suspicious/noExplicitAny: tests read members of parsed JSON
type Parsed = any

async function exported(rows: readonly EventRow[]): Promise<Parsed[]> {
  await tableOfEvents(engine, 'events', rows)
  return (await engine.rows<{ line: string }>(ocsf.select('events'))).map(({ line }) => JSON.parse(line))
}

/** The one event made of a row. */
const one = async (row: EventRow): Promise<Parsed> => (await exported([event(row)]))[0]

describe('validity', () => {
  it('holds for every kind of event, without so much as a warning', async () => {
    const events = await exported(ROWS)
    expect(
      events.flatMap((each) => validateOcsf(schema, each).map((problem) => ({ ...problem, of: each.type_name }))),
    ).toEqual([])
    const classes = new Set(events.map((each) => each.class_uid))
    expect([...classes].sort()).toEqual(
      Object.values(OCSF_CLASSES)
        .map(({ uid }) => uid)
        .sort(),
    )
  })

  it('holds for every action of the catalogue', async () => {
    const rows = catalogue().map((entry) => {
      const [target] = entry.targets
      const type = typeof target?.type === 'string' ? target.type : target?.type.else
      const named = {
        type: type ?? null,
        id: null,
        name: 'main.x/y',
        principal: target?.principal ? 'analysts' : null,
        privilege: target?.privilege ? 'SELECT' : null,
      }
      return event({
        service: entry.service,
        action: entry.action,
        category: entry.category,
        verb: entry.verb,
        key_event: entry.keyEvent,
        targets: target === undefined ? null : [named],
      })
    })
    const events = await exported(rows)
    expect(events).toHaveLength(rows.length)
    expect(events.flatMap((each) => ocsfErrors(schema, each))).toEqual([])
  })

  it('holds whatever an event holds', async () => {
    const text = fc.oneof(
      fc.constantFrom(
        null,
        '',
        ' ',
        'bob@example.com',
        '2f1c7a4e-5b0d-4a9e-9d3c-0a6b1c2d3e4f',
        '10.0.0.1',
        'fe80::1',
        '/',
        'NaN',
        '{"a": [Infinity]}',
        '{"a":{"b":null}}',
        AWKWARD,
      ),
      fc.string({ unit: 'binary', maxLength: 12 }).map((each) => each.replaceAll('\0', '').toWellFormed()),
    )
    const word = (terms: readonly { readonly name: string }[]) =>
      fc.oneof(fc.constantFrom(...terms.map(({ name }) => name)), text)
    const row = fc.record({
      category: word(CATEGORIES),
      verb: word(VERBS),
      key_event: word(KEY_EVENTS),
      service: text,
      action: fc.oneof(fc.constantFrom('changePassword', 'mfaAddKey', 'moveFolder', 'samlLogin'), text),
      status: fc.constantFrom('SUCCESS', 'FAILURE', 'UNAUTHORIZED', null),
      status_reason: text,
      error_message: text,
      source_ip: text,
      user_agent: text,
      session_id: text,
      request_id: text,
      account_id: text,
      workspace_id: text,
      client: text,
      form: fc.constantFrom('delivery', 'uam', null),
      cloud: fc.constantFrom('aws', 'azure', 'gcp', null),
      extra: text,
      response_result: text,
      actor: fc.option(
        fc.record({
          type: fc.constantFrom('user', 'system', 'service_principal', 'vendor_support', 'unknown', null),
          id: text,
          name: text,
          email: text,
          identity_provider: text,
        }),
      ),
      geo: fc.option(
        fc.record({
          country: text,
          asn: fc.option(fc.nat()),
          as_org: text,
          scope: fc.constantFrom('public', 'private', null),
        }),
      ),
      query: fc.option(fc.record({ id: text, text, compute_id: text, bytes_read: fc.option(fc.nat()) })),
      tags: fc.option(fc.array(text, { maxLength: 3 })),
      request_params: fc.option(fc.dictionary(fc.constantFrom('user', 'User', 'a"b'), text)),
      targets: fc.option(
        fc.array(
          fc.option(fc.record({ type: word(TARGET_TYPES), id: text, name: text, principal: text, privilege: text })),
          { maxLength: 3 },
        ),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 20, maxLength: 60 }), async (rows) => {
        const events = await exported(rows.map((each) => event(each as EventRow)))
        expect(events).toHaveLength(rows.length)
        expect(events.flatMap((each) => ocsfErrors(schema, each))).toEqual([])
      }),
      { numRuns: 15, endOnFailure: true },
    )
  })
})

describe('what it says', () => {
  it('of where the event comes from', async () => {
    const { metadata, cloud, time } = await one({
      service: 'clusters',
      action: 'create',
      native_id: 'n-1',
      tags: ['pii'],
    })
    expect(time).toBe(Date.parse('2026-03-04T05:06:07.089Z'))
    expect(metadata).toMatchObject({
      version: '1.8.0',
      product: { name: 'Databricks', vendor_name: 'Databricks' },
      event_code: 'clusters.create',
      original_event_uid: 'n-1',
      tenant_uid: '77636e6d-ac57-484f-9302-f7922285b9a5',
      original_time: '2026-03-04T05:06:07.089Z',
      log_name: 'audit',
      labels: ['pii'],
      profiles: ['cloud'],
    })
    expect(metadata.uid).toMatch(/^[0-9a-f]{32}$/)
    expect(cloud).toEqual({
      provider: 'AWS',
      org: { uid: '77636e6d-ac57-484f-9302-f7922285b9a5' },
      account: { uid: '1234567890123456', type_id: 99, type: 'Databricks Workspace' },
    })
    expect((await one({ cloud: null })).cloud.provider).toBe('Databricks')
    expect((await one({ form: 'uam' })).metadata.product.name).toBe('Immuta')
  })

  it('of who acted', async () => {
    const types = {
      user: [1, 'User'],
      system: [3, 'System'],
      service_principal: [4, 'Service'],
      vendor_support: [99, 'Vendor Support'],
      unknown: [0, 'Unknown'],
    }
    for (const [type, [id, caption]] of Object.entries(types)) {
      const { actor } = await one({ actor: { type, email: 'x@example.com' } })
      expect(actor.user).toMatchObject({
        name: 'x@example.com',
        email_addr: 'x@example.com',
        type_id: id,
        type: caption,
      })
    }
    const nobody = await one({ service: 'jobs', actor: { type: 'unknown' }, session_id: null, client: null })
    expect(nobody.actor).toEqual({ app_name: 'jobs' })
  })

  it('of how it ended, and of refusals that they were refused', async () => {
    expect(await one({ status: 'SUCCESS' })).toMatchObject({ status_id: 1, status: 'Success', status_code: '200' })
    const refused = await one({ status: 'UNAUTHORIZED', status_code: 403, error_message: 'no' })
    expect(refused).toMatchObject({
      status_id: 2,
      status: 'Failure',
      status_detail: 'no',
      action_id: 2,
      disposition_id: 26,
    })
    expect(refused.metadata.profiles).toEqual(['cloud', 'security_control'])
    expect(await one({ status: null, status_code: null })).toMatchObject({ status_id: 0, status: 'Unknown' })
  })

  it('of where the call came from, with the facts of the network and their source', async () => {
    const { src_endpoint, enrichments, observables } = await one({})
    expect(src_endpoint).toEqual({
      ip: '203.0.113.7',
      location: { country: 'DE' },
      autonomous_system: { number: 64500, name: 'Example Net' },
      network_scope_id: 2,
      network_scope: 'External',
    })
    expect(enrichments[0]).toMatchObject({
      name: 'src_endpoint.ip',
      provider: 'dbip',
      data: { country: 'DE', built: '2026-06-01' },
    })
    expect(observables.map((each: Parsed) => each.name)).toEqual([
      'src_endpoint.ip',
      'actor.user.name',
      'actor.user.email_addr',
      'http_request.user_agent',
    ])
    expect((await one({ service: 'jobs', source_ip: null, geo: null })).src_endpoint).toEqual({ svc_name: 'jobs' })
    expect((await one({ source_ip: 'proxy-7', geo: null })).src_endpoint).toEqual({ name: 'proxy-7' })
  })

  it('of a grant: to a person, a service principal or a group', async () => {
    const grant = (principal: string, verb = 'grant') =>
      one({
        category: 'permission',
        verb,
        targets: [
          { type: 'table', name: 'main.a.b', principal, privilege: 'SELECT' },
          { type: 'table', name: 'main.a.b', principal, privilege: 'MODIFY' },
          { type: 'table', name: 'main.a.b', principal: 'another', privilege: 'OWN' },
        ],
      })
    expect(await grant('bob@example.com')).toMatchObject({
      type_uid: 300501,
      user: { name: 'bob@example.com', type_id: 1 },
      privileges: ['MODIFY', 'SELECT'],
      resources: [{ name: 'main.a.b', type: 'table' }],
    })
    expect(await grant('2f1c7a4e-5b0d-4a9e-9d3c-0a6b1c2d3e4f', 'revoke')).toMatchObject({
      type_uid: 300502,
      user: { type_id: 4 },
    })
    const toGroup = await grant('analysts')
    expect(toGroup).toMatchObject({
      type_uid: 300601,
      group: { name: 'analysts' },
      privileges: ['MODIFY', 'SELECT'],
      resource: { name: 'main.a.b' },
    })
    expect(toGroup.unmapped.targets).toHaveLength(3)
    expect(await grant('groups/data-platform')).toMatchObject({ type_uid: 300601, group: { name: 'data-platform' } })
    expect(await grant('users/x@example.com')).toMatchObject({ type_uid: 300501, user: { name: 'x@example.com' } })
    const byNumber = await grant('3868330152718472')
    expect(byNumber).toMatchObject({ type_uid: 300501, user: { uid: '3868330152718472', type_id: 0 } })
    expect(await grant('a@example.com,analysts')).toMatchObject({ type_uid: 600303 })
  })

  it('of privileges however they were logged, and of all where all were taken', async () => {
    const privileges = async (privilege: string | null, verb: string) =>
      (await one({ category: 'permission', verb, targets: [{ type: 'job', id: '1', principal: 'g', privilege }] }))
        .privileges
    expect(await privileges('USE_SCHEMA,SELECT', 'grant')).toEqual(['SELECT', 'USE_SCHEMA'])
    expect(await privileges('["USER","ADMIN"]', 'grant')).toEqual(['ADMIN', 'USER'])
    expect(await privileges('[odd', 'grant')).toEqual(['[odd'])
    expect(await privileges('', 'revoke')).toEqual(['ALL'])
    expect(await privileges(null, 'grant')).toBeUndefined()
  })

  it('of members of a group, accounts, credentials and sign-ins', async () => {
    const member = await one({
      category: 'identity',
      verb: 'add',
      targets: [{ type: 'group', name: 'admins', principal: 'bob@example.com' }],
    })
    expect(member).toMatchObject({ type_uid: 300603, group: { name: 'admins' }, user: { name: 'bob@example.com' } })
    const account = await one({
      category: 'identity',
      verb: 'delete',
      targets: [{ type: 'service_principal', id: '81', name: 'etl' }],
    })
    expect(account).toMatchObject({ type_uid: 300106, user: { name: 'etl', uid: '81', type_id: 4 } })
    const list = await one({ category: 'network', verb: 'create', targets: [{ type: 'ip_access_list', id: '4' }] })
    expect(list).toMatchObject({ type_uid: 300401, entity: { uid: '4', type_id: 7, type: 'Network Zone' } })
    const token = await one({ category: 'token', verb: 'revoke', targets: [{ type: 'token', id: 't' }] })
    expect(token).toMatchObject({ type_uid: 300404, entity: { type_id: 99, type: 'token' } })
    const failed = await one({
      service: 'accounts',
      action: 'samlLogin',
      category: 'authentication',
      verb: 'login',
      actor: { type: 'unknown' },
      request_params: { user: 'm@example.com' },
    })
    expect(failed).toMatchObject({
      type_uid: 300201,
      user: { name: 'm@example.com' },
      service: { name: 'accounts' },
      auth_protocol: 'SAML',
    })
  })

  it('of queries and the data they read', async () => {
    const query = await one({
      category: 'query',
      verb: 'execute',
      query: { id: 'q', text: 'SELECT 1', compute_id: 'w', duration_ms: 5, bytes_read: 7 },
    })
    expect(query).toMatchObject({
      type_uid: 600504,
      duration: 5,
      query_info: { uid: 'q', query_string: 'SELECT 1', bytes: 7 },
      database: { uid: 'w', type_id: 1 },
    })
    const read = (type: string, name: string) =>
      one({ category: 'data_access', verb: 'issue', targets: [{ type, name }] })
    expect(await read('table', 'main.a.b')).toMatchObject({
      type_uid: 600501,
      table: { name: 'main.a.b' },
      type: 'Table',
    })
    expect(await read('path', 's3://b/x')).toMatchObject({
      databucket: { name: 's3://b/x', type_id: 1, type: 'S3' },
      type: 'Databucket',
    })
    expect(await read('volume', 'main.a.v')).toMatchObject({ databucket: { type_id: 99, type: 'volume' } })
    const file = await one({
      category: 'workspace_object',
      verb: 'export',
      targets: [{ type: 'notebook', name: '/Users/a/etl' }],
    })
    expect(file).toMatchObject({ type_uid: 600602, file: { name: 'etl', path: '/Users/a/etl', type_id: 99 } })
  })

  it('of the life of compute, which has no endpoint in OCSF: the address stays findable', async () => {
    const start = await one({
      category: 'compute',
      verb: 'start',
      targets: [{ type: 'cluster', id: 'c-1', name: 'shared' }],
    })
    expect(start).toMatchObject({
      type_uid: 600203,
      app: { uid: 'c-1', name: 'shared' },
      unmapped: { source_ip: '203.0.113.7' },
    })
    expect(start.metadata.profiles).toEqual(['cloud', 'host'])
    expect(start.actor.user.name).toBe('alice@example.com')
    expect(start.observables[0]).toMatchObject({ name: 'unmapped.source_ip', value: '203.0.113.7' })
    expect(start.src_endpoint).toBeUndefined()
  })

  it('of the rest, unmapped: parameters as logged, keys that differ only by case included', async () => {
    const { unmapped } = await one({
      request_params: { dashboardId: '1', DashboardId: '2', nested: '{"a":[1]}' },
      response_result: '{"x":1}',
      extra: '{ "Host": "h",\n "n": [1] }',
    })
    expect(unmapped).toMatchObject({
      request_params: { dashboardId: '1', DashboardId: '2', nested: '{"a":[1]}' },
      response_result: '{"x":1}',
      extra: { Host: 'h', n: [1] },
    })
    expect((await one({ extra: '{"v":NaN}' })).unmapped.extra).toBe('{"v":NaN}')
  })
})
