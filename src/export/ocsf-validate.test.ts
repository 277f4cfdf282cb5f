import { describe, expect, it } from 'vitest'
import { shippedOcsfSchema } from './ocsf-sample.ts'
import type { OcsfSchema } from './ocsf-schema.ts'
import { readOcsfSchema } from './ocsf-schema.ts'
import { ocsfErrors, validateOcsf } from './ocsf-validate.ts'
import type { Json } from './ocsf-values.ts'

const schema: OcsfSchema = shippedOcsfSchema()

type Mutable = { [name: string]: Mutable & Json }

/** A valid event by hand, not made by the export. */
const valid = (): Mutable =>
  structuredClone({
    activity_id: 1,
    activity_name: 'Create',
    category_uid: 6,
    class_uid: 6003,
    class_name: 'API Activity',
    type_uid: 600301,
    type_name: 'API Activity: Create',
    time: 1772600767089,
    severity_id: 1,
    status_id: 1,
    status: 'Success',
    metadata: { version: '1.8.0', product: { name: 'Databricks' }, profiles: ['cloud'] },
    cloud: { provider: 'AWS', account: { uid: '42', type_id: 99, type: 'Databricks Workspace' } },
    actor: { user: { name: 'alice', email_addr: 'alice@example.com', type_id: 1, type: 'User' } },
    api: { operation: 'create' },
    src_endpoint: { ip: '203.0.113.7', port: 443 },
    resources: [{ uid: 'c-1', name: 'shared' }],
    observables: [
      { name: 'src_endpoint.ip', type_id: 2, type: 'IP Address', value: '203.0.113.7' },
      { name: 'resources[].uid', type_id: 10, value: 'c-1' },
      { name: 'resources.uid', type_id: 10, value: 'c-1' },
      { name: 'resources[0].uid', type_id: 10, value: 'c-1' },
    ],
    enrichments: [{ name: 'src_endpoint.ip', value: '203.0.113.7', data: { any: [null, 1, 'x'] } }],
    unmapped: { anything: { goes: [1, null] } },
  }) as unknown as Mutable

it('finds nothing wrong with a valid event', () => {
  expect(validateOcsf(schema, valid())).toEqual([])
})

/** What a change to the valid event must be called, and where. */
const MUTATIONS: readonly (readonly [what: string, (event: Mutable) => void, code: string, path: string])[] = [
  ['no class', (e) => delete e.class_uid, 'class_uid_missing', 'class_uid'],
  ['an unknown class', (e) => Object.assign(e, { class_uid: 6999 }), 'class_uid_unknown', 'class_uid'],
  ['a class as text', (e) => Object.assign(e, { class_uid: '6003' }), 'class_uid_unknown', 'class_uid'],
  ['no time', (e) => delete e.time, 'attribute_required_missing', 'time'],
  ['no api', (e) => delete e.api, 'attribute_required_missing', 'api'],
  ['no operation', (e) => delete e.api?.operation, 'attribute_required_missing', 'api.operation'],
  ['no product', (e) => delete e.metadata?.product, 'attribute_required_missing', 'metadata.product'],
  ['no cloud with its profile', (e) => delete e.cloud, 'attribute_required_missing', 'cloud'],
  [
    'a cloud without its profile',
    (e) => Object.assign(e.metadata ?? {}, { profiles: [] }),
    'attribute_unknown',
    'cloud',
  ],
  ['an attribute of a profile not listed', (e) => Object.assign(e, { action_id: 1 }), 'attribute_unknown', 'action_id'],
  ['an unknown attribute', (e) => Object.assign(e, { user: { name: 'x' } }), 'attribute_unknown', 'user'],
  [
    'an unknown attribute inside',
    (e) => Object.assign(e.actor?.user ?? {}, { mail: 'x' }),
    'attribute_unknown',
    'actor.user.mail',
  ],
  [
    'an unknown profile',
    (e) => Object.assign(e.metadata ?? {}, { profiles: ['cloud', 'sky'] }),
    'profile_unknown',
    'metadata.profiles',
  ],
  [
    'another version',
    (e) => Object.assign(e.metadata ?? {}, { version: '1.3.0' }),
    'version_incorrect',
    'metadata.version',
  ],
  ['text for a number', (e) => Object.assign(e, { severity_id: '1' }), 'attribute_wrong_type', 'severity_id'],
  ['a fraction for a whole number', (e) => Object.assign(e, { time: 1.5 }), 'attribute_wrong_type', 'time'],
  ['a number for text', (e) => Object.assign(e, { message: 1 }), 'attribute_wrong_type', 'message'],
  ['null', (e) => Object.assign(e, { message: null }), 'attribute_wrong_type', 'message'],
  ['an object for a list', (e) => Object.assign(e, { resources: { uid: 'c' } }), 'attribute_wrong_type', 'resources'],
  ['a list for an object', (e) => Object.assign(e, { api: [] }), 'attribute_wrong_type', 'api'],
  ['a list for text', (e) => Object.assign(e, { message: ['x'] }), 'attribute_wrong_type', 'message'],
  [
    'text for true',
    (e) => Object.assign(e.actor ?? {}, { session: { is_mfa: 'yes' } }),
    'attribute_wrong_type',
    'actor.session.is_mfa',
  ],
  [
    'a severity that is none',
    (e) => Object.assign(e, { severity_id: 7 }),
    'attribute_enum_value_unknown',
    'severity_id',
  ],
  [
    'a category of another class',
    (e) => Object.assign(e, { category_uid: 3 }),
    'attribute_enum_value_unknown',
    'category_uid',
  ],
  ['a wrong caption', (e) => Object.assign(e, { status: 'success' }), 'attribute_enum_sibling_incorrect', 'status'],
  [
    'a wrong type name',
    (e) => Object.assign(e, { type_name: 'Other' }),
    'attribute_enum_sibling_incorrect',
    'type_name',
  ],
  [
    'a wrong caption inside',
    (e) => Object.assign(e.actor?.user ?? {}, { type: 'Admin' }),
    'attribute_enum_sibling_incorrect',
    'actor.user.type',
  ],
  ['other, unsaid', (e) => delete e.cloud?.account?.type, 'attribute_enum_sibling_missing', 'cloud.account.type'],
  [
    'a type that is not class and activity',
    (e) => Object.assign(e, { activity_id: 2, activity_name: 'Read' }),
    'type_uid_incorrect',
    'type_uid',
  ],
  [
    'no address',
    (e) => Object.assign(e.src_endpoint ?? {}, { ip: 'unknown' }),
    'attribute_value_regex_not_matched',
    'src_endpoint.ip',
  ],
  [
    'no e-mail',
    (e) => Object.assign(e.actor?.user ?? {}, { email_addr: 'alice' }),
    'attribute_value_regex_not_matched',
    'actor.user.email_addr',
  ],
  [
    'too long an address',
    (e) => Object.assign(e.src_endpoint ?? {}, { ip: `fe80::1%${'x'.repeat(40)}` }),
    'attribute_value_exceeds_max_len',
    'src_endpoint.ip',
  ],
  [
    'a port too high',
    (e) => Object.assign(e.src_endpoint ?? {}, { port: 65_536 }),
    'attribute_value_exceeds_range',
    'src_endpoint.port',
  ],
  [
    'an endpoint without a name',
    (e) => Object.assign(e, { src_endpoint: { port: 1 } }),
    'constraint_failed',
    'src_endpoint.',
  ],
  [
    'an observable of nothing',
    (e) => Object.assign(e, { observables: [{ name: 'file.name', type_id: 7 }] }),
    'observable_name_invalid_reference',
    'observables[0].name',
  ],
  [
    'an observable past the end',
    (e) => Object.assign(e, { observables: [{ name: 'resources[1].uid', type_id: 10 }] }),
    'observable_name_invalid_reference',
    'observables[0].name',
  ],
]

describe('it notices', () => {
  for (const [what, mutate, code, path] of MUTATIONS) {
    it(what, () => {
      const event = valid()
      mutate(event)
      const problems = validateOcsf(schema, event).filter((problem) => !problem.warning)
      expect(problems.map((problem) => `${problem.code} ${problem.path}`)).toContain(`${code} ${path}`)
    })
  }

  it('what must be exactly one of several', () => {
    const event = Object.assign(valid(), {
      class_uid: 3003,
      class_name: 'Authorize Session',
      category_uid: 3,
      type_uid: 300301,
      activity_name: 'Assign Privileges',
      type_name: 'Authorize Session: Assign Privileges',
      user: { name: 'alice' },
    })
    for (const name of ['api', 'resources', 'observables']) delete event[name]
    expect(ocsfErrors(schema, event)).toEqual(['constraint_failed : needs exactly one of privileges, group'])
    expect(ocsfErrors(schema, { ...event, privileges: ['x'] })).toEqual([])
    expect(ocsfErrors(schema, { ...event, privileges: ['x'], group: { name: 'g' } })).toHaveLength(1)
  })

  it('unlisted values in lists', () => {
    const answers = (ids: number[]) => ({
      ...valid(),
      class_uid: 4003,
      category_uid: 4,
      class_name: 'DNS Activity',
      type_uid: 400301,
      type_name: 'DNS Activity: Query',
      activity_name: 'Query',
      answers: [{ rdata: 'x', flag_ids: ids }],
    })
    const codes = (event: Json) => validateOcsf(schema, event).map((problem) => problem.code)
    expect(codes(answers([1, 2]))).not.toContain('attribute_enum_array_value_unknown')
    expect(codes(answers([1, 77]))).toContain('attribute_enum_array_value_unknown')
  })
})

it('warns of what is deprecated and of captions that have a number, without calling the event invalid', () => {
  const event = valid()
  Object.assign(event.actor ?? {}, { invoked_by: 'x' })
  Object.assign(event.cloud?.account ?? {}, { type: 'AWS Account' })
  const problems = validateOcsf(schema, event)
  expect(problems.every((problem) => problem.warning)).toBe(true)
  expect(problems.map((problem) => problem.code).sort()).toEqual([
    'attribute_deprecated',
    'attribute_enum_sibling_suspicious_other',
  ])
  expect(ocsfErrors(schema, event)).toEqual([])
})

it('says that what is no object is no event', () => {
  for (const value of [null, [], 'x', 1]) expect(ocsfErrors(schema, value)).toHaveLength(1)
})

it('names the schema file that cannot be read', () => {
  expect(() => readOcsfSchema('/no/such/schema.json')).toThrow(/cannot be read/)
})
