import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Row } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { ipSql, timeSql } from './event.ts'
import { delivery } from './forms/delivery.ts'
import { uam } from './forms/uam.ts'
import { type Readings, RecordReader } from './read-records.fixture.ts'
import { formNamed } from './registry.ts'

let reader: RecordReader
beforeAll(async () => {
  reader = await RecordReader.open()
})
afterAll(() => reader.close())

const value = async (sql: string): Promise<unknown> => (await reader.engine.row<{ v: unknown }>(`SELECT ${sql} AS v`)).v

describe('a time', () => {
  it.each([
    ['1716904800123', '2024-05-28 14:00:00.123+00'],
    ['1716904800', '2024-05-28 14:00:00+00'],
    ['1716904800.25', '2024-05-28 14:00:00.25+00'],
    ['1716904800123.5', '2024-05-28 14:00:00.1235+00'],
    ['1716904800123456', '2024-05-28 14:00:00.123456+00'],
    ['1716904800123456789', '2024-05-28 14:00:00.123456+00'],
    ['1.716904800123e12', '2024-05-28 14:00:00.123+00'],
    ['2024-05-28T14:00:00.123Z', '2024-05-28 14:00:00.123+00'],
    ['2024-05-28T16:00:00+02:00', '2024-05-28 14:00:00+00'],
    ['2024-05-28 14:00:00', '2024-05-28 14:00:00+00'],
    ['2024-05-28', '2024-05-28 00:00:00+00'],
    ['', null],
    ['soon', null],
    ['NaN', null],
    ['1e400', null],
    ['99999999999999999999999', null],
    ['-9223372036854775808', null],
  ])('%s is read as %s', async (text, expected) => {
    expect(await value(timeSql(lit(text)))).toBe(expected)
  })
})

describe('an address', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['18.193.11.166:0', '18.193.11.166'],
    ['0.0.0.0', null],
    ['0.0.0.0:443', null],
    ['', null],
    ['null', null],
    ['::', null],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[fe80::1%eth0]:22', 'fe80::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.9', '192.0.2.9'],
    ['::FFFF:0.0.0.0', null],
    ['unix socket', 'unix socket'],
  ])('%s is kept as %s', async (text, expected) => {
    expect(await value(ipSql(lit(text)))).toBe(expected)
  })
})

type Fields = Readonly<Record<string, unknown>>

const record = (fields: Fields = {}): Fields => ({
  version: '2.0',
  timestamp: 1716904800123,
  orgId: '4321098765432109',
  sourceIPAddress: '198.51.100.7',
  userAgent: 'curl/8.5.0',
  userIdentity: { email: 'rosa.keller@example.com', subjectName: null },
  serviceName: 'unityCatalog',
  actionName: 'createExternalLocation',
  requestId: 'r-1',
  requestParams: { name: 'landing', url: 's3://bucket/path' },
  response: { statusCode: 200, errorMessage: null, result: null },
  ...fields,
})

/** Built from parts, so that no scanner takes this file for a leak. */
const TOKEN = ['da', 'pi', '0123456789abcdef'.repeat(2)].join('')
const MARK = '[redacted:databricks_token]'
const NOTEBOOK = { serviceName: 'notebook', actionName: 'runCommand' }

/** By where the secret stands: the record, and how many marks its event must have. */
const LEAKS: Readonly<Record<string, readonly [Fields, number]>> = {
  'a parameter': [{ requestParams: { name: `x ${TOKEN}` } }, 1],
  'nested JSON text of a parameter': [{ requestParams: { spark_conf: JSON.stringify({ a: TOKEN, b: TOKEN }) } }, 2],
  'the response': [{ response: { statusCode: 200, result: JSON.stringify({ token_value: TOKEN }) } }, 1],
  'the error': [{ response: { statusCode: 400, errorMessage: `BAD_TOKEN: ${TOKEN} is not valid` } }, 1],
  'the place of the e-mail': [{ userIdentity: { email: TOKEN } }, 1],
  'the user agent': [{ userAgent: `tool/1.0 ${TOKEN}` }, 1],
  'a field nobody knows': [{ note: { deep: [TOKEN] } }, 1],
  'keys that stand twice': [{ requestParams: `{"a":1,"a":2,"b":"${TOKEN}"}` }, 1],
  'parameters that are no JSON': [{ requestParams: `name=${TOKEN}` }, 1],
  'a query, which two columns hold': [{ ...NOTEBOOK, requestParams: { commandText: `t = "${TOKEN}"` } }, 1],
  'what becomes a target': [{ requestParams: { name: `landing-${TOKEN}`, url: `s3://${TOKEN}` } }, 2],
}

/** By the response: the status. */
const STATUSES: readonly (readonly [Fields | null, string | null])[] = [
  [{ statusCode: 200 }, 'SUCCESS'],
  [{ statusCode: 302 }, 'SUCCESS'],
  [{ statusCode: 401 }, 'UNAUTHORIZED'],
  [{ statusCode: 403 }, 'UNAUTHORIZED'],
  [{ statusCode: 400, errorMessage: 'PERMISSION_DENIED: no' }, 'UNAUTHORIZED'],
  [{ statusCode: 400, errorMessage: 'INVALID: x' }, 'FAILURE'],
  [{ statusCode: 500 }, 'FAILURE'],
  [{ errorMessage: 'broken' }, 'FAILURE'],
  [{ statusCode: null }, null],
  [null, null],
]

const OTHERS: Readonly<Record<string, Fields>> = {
  'secret by name': {
    serviceName: 'secrets',
    actionName: 'putSecret',
    requestParams: { scope: 's', key: 'k', string_value: 'hunter22' },
  },
  'a mark as logged': { requestParams: { name: `${MARK} as logged` } },
  'another secret': { requestParams: { name: `x ${TOKEN}0` } },
}

const IMMUTA = {
  id: 'u-1',
  action: 'QUERY',
  actionStatus: 'FAILURE',
  actionStatusReason: `cannot use ${TOKEN}`,
  eventTimestamp: '2024-05-28T14:00:00Z',
  actor: { type: 'USER_ACTOR', name: 'Taylor' },
  auditPayload: { type: 'QueryAuditPayload', query: 'plan', technologyContext: { queryText: `t = "${TOKEN}"` } },
}

describe('an event', () => {
  let readings: Readings
  const eventOf = (name: string): Row => readings.tolerant.get(name) as Row
  const isAside = (name: string): boolean => readings.quick.get(name)?.status_reason === 'aside'

  beforeAll(async () => {
    const all: Record<string, Fields> = { ...OTHERS }
    for (const [place, [fields]] of Object.entries(LEAKS)) all[place] = fields
    STATUSES.forEach(([response], place) => {
      all[`status ${place}`] = { response }
    })
    const texts = Object.entries(all).map(([object, fields]) => ({ object, text: JSON.stringify(record(fields)) }))
    readings = await reader.read(delivery, texts)
  })

  it.each(Object.entries(LEAKS).map(([place, [, marks]]) => ({ place, marks })))(
    'has no secret of $place, says so, and was set aside by the quick reading',
    ({ place, marks }) => {
      const event = eventOf(place)
      expect(JSON.stringify(event)).not.toContain(TOKEN)
      expect(JSON.stringify(event)).toContain(MARK)
      expect(event.redactions).toBe(marks)
      expect(event.event_id).toMatch(/^[0-9a-f]{32}$/)
      expect(isAside(place)).toBe(true)
    },
  )

  it('has its query and targets from what is left', () => {
    expect(eventOf('a query, which two columns hold').query).toMatchObject({ text: `t = "${MARK}"` })
    expect(eventOf('what becomes a target').targets).toMatchObject([
      { name: `landing-${MARK}` },
      { name: `s3://${MARK}` },
    ])
  })

  it('has no parameter whose name says it is a secret, whatever it looks like', () => {
    const event = eventOf('secret by name')
    expect(event.request_params).toContainEqual({ key: 'string_value', value: '[redacted:secret]' })
    expect(event.redactions).toBe(1)
    expect(isAside('secret by name')).toBe(true)
  })

  it('with a mark that was logged as such is an ordinary one', () => {
    expect(eventOf('a mark as logged').redactions).toBeNull()
    expect(isAside('a mark as logged')).toBe(false)
  })

  it('leaves no trace of it in the fingerprint, which could be guessed at', () => {
    expect(eventOf('a parameter').event_id).toBe(eventOf('another secret').event_id)
    expect(eventOf('a parameter').request_params).toEqual(eventOf('another secret').request_params)
  })

  it.each(STATUSES.map(([response, status], place) => ({ response, status, place })))(
    'of a response $response has status $status',
    ({ status, place }) => {
      expect(eventOf(`status ${place}`).status).toBe(status)
    },
  )

  it('of Immuta has no secret in its query and its reason', async () => {
    const { tolerant, quick } = await reader.read(uam, [{ object: 'o', text: JSON.stringify(IMMUTA) }])
    expect(tolerant.get('o')).toMatchObject({
      query: { text: `t = "${MARK}"` },
      status_reason: `cannot use ${MARK}`,
      redactions: 2,
    })
    expect(quick.get('o')?.status_reason).toBe('aside')
  })
})

/** A row that is no event only says why, and gives the record back. */
const comparable = (row: Row | undefined): unknown =>
  row?.event_id === null ? { reason: row.status_reason, extra: row.extra } : row

describe('the two readings', () => {
  const scalar = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom(
      'clusters',
      'create',
      '1716904800',
      'unityCatalog',
      'getTable',
      'ACCOUNT_LEVEL',
      '',
      '{"a":1}',
      '[',
      '0.0.0.0',
    ),
  )
  const anything = fc.oneof(
    { weight: 6, arbitrary: scalar },
    {
      weight: 2,
      arbitrary: fc.dictionary(
        fc.constantFrom('email', 'statusCode', 'type', 'id', 'a', 'A', '$.x', 'run_by'),
        scalar,
        { maxKeys: 4 },
      ),
    },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  )

  it.each(['delivery', 'azure', 'system-table', 'uam'])(
    'agree on any record of form %s that the quick one reads, and none stops them',
    async (name) => {
      const form = formNamed(name)
      const keys = [...form.knownKeys, 'unknown']
      const records = fc.sample(fc.dictionary(fc.constantFrom(...keys), anything, { maxKeys: 16 }), {
        numRuns: 400,
        seed: 11,
      })
      const usual = fc.sample(fc.dictionary(fc.constantFrom(...Object.keys(record())), anything, { maxKeys: 3 }), {
        numRuns: 200,
        seed: 5,
      })
      const texts = [...records, ...(name === 'delivery' ? usual.map(record) : [])].map((each) => JSON.stringify(each))
      const { tolerant, quick }: Readings = await reader.read(
        form,
        texts.map((text, place) => ({ object: String(place), text })),
      )
      expect(tolerant.size).toBe(texts.length)
      expect(quick.size).toBe(texts.length)
      const compared = [...quick].filter(([, row]) => row.status_reason !== 'aside')
      expect(compared.length).toBeGreaterThan(20)
      for (const [object, row] of compared) {
        expect(comparable(row), texts[Number(object)]).toEqual(comparable(tolerant.get(object)))
      }
    },
  )
})
