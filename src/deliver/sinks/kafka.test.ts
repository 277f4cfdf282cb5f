import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { hasClient, withClient } from '../clients.fixture.ts'
import { sinkKind } from '../registry.ts'
import { destinationSchema } from '../settings.ts'
import { kafka, outcomeOfFailure } from './kafka.ts'

/** A failure as the client throws it: what the broker said is inside of what gathers it. */
const failure = (apiId: string) =>
  Object.assign(new AggregateError([]), {
    code: 'PLT_KFK_MULTIPLE',
    message: 'Producing messages failed.',
    errors: [
      Object.assign(new Error('Received response with error'), {
        code: 'PLT_KFK_RESPONSE',
        errors: [Object.assign(new Error('The broker said so.'), { code: 'PLT_KFK_PROTOCOL', apiId })],
      }),
    ],
  })

describe('a failure of Kafka', () => {
  it.each([
    ['NOT_LEADER_OR_FOLLOWER', 'again'],
    ['NOT_ENOUGH_REPLICAS', 'again'],
    ['REQUEST_TIMED_OUT', 'again'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'again'],
    ['MESSAGE_TOO_LARGE', 'dead'],
    ['INVALID_RECORD', 'dead'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'misconfigured'],
    ['TOPIC_AUTHORIZATION_FAILED', 'misconfigured'],
    ['SASL_AUTHENTICATION_FAILED', 'misconfigured'],
  ])('with %s means %s', (apiId, kind) => {
    expect(outcomeOfFailure(failure(apiId))).toMatchObject({ kind, reason: `${apiId}: The broker said so.` })
  })

  it('to sign in is a matter of the settings', () => {
    const cause = Object.assign(new Error('SASL authentication failed.'), { code: 'PLT_KFK_AUTHENTICATION' })
    const outer = Object.assign(new Error('Cannot connect.'), { code: 'PLT_KFK_NETWORK', cause })
    expect(outcomeOfFailure(outer)).toEqual({ kind: 'misconfigured', reason: 'SASL authentication failed.' })
  })

  it('to find the topic is a matter of the settings', () => {
    const cause = Object.assign(new Error('Unknown topic audit.'), { code: 'PLT_KFK_USER' })
    expect(outcomeOfFailure(cause)).toEqual({ kind: 'misconfigured', reason: 'Unknown topic audit.' })
  })

  it('of any other kind is tried again', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(outcomeOfFailure(Object.assign(new Error('Connection to broker failed.'), { cause }))).toMatchObject({
      kind: 'again',
      reason: 'connect ECONNREFUSED',
    })
    expect(outcomeOfFailure('what is this')).toEqual({ kind: 'again', reason: 'what is this' })
  })
})

describe('settings of Kafka', () => {
  const kind = sinkKind('kafka')
  const schema = kind === undefined ? {} : destinationSchema(kind)
  const good = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)

  it.each([
    [{ brokers: ['a:9092', 'b.example.com:9093'], topic: 'audit' }, true],
    [{ brokers: [], topic: 'audit' }, false],
    [{ brokers: ['kafka://a:9092'], topic: 'audit' }, false],
    [{ brokers: ['a:9092'], topic: 'no topic' }, false],
    [{ brokers: ['a:9092'], topic: 'audit', username: 'ana' }, false],
    [{ brokers: ['a:9092'], topic: 'audit', username: 'ana', password: 'env:KAFKA', tls: true }, true],
  ])('such as %j are checked', (section, expected) => {
    expect(good({ kind: 'kafka', ...section })).toBe(expected)
  })
})

describe.skipIf(!hasClient('@platformatic/kafka'))('a broker that is none', () => {
  it('fails the destination and nothing else, at whatever it breaks off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bricktrail-kafka-'))
    const server = createServer((socket) => {
      socket.on('error', () => {})
      // Gives back what it was sent, and goes away.
      socket.on('data', (bytes) => socket.end(bytes))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const broken: unknown[] = []
    const note = (cause: unknown) => broken.push(cause)
    process.on('uncaughtExceptionMonitor', note)
    try {
      await withClient(folder, '@platformatic/kafka')
      const brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`]
      const context = { name: 'k', secret: () => 'planted', timeoutMs: 1000, folder }
      const sink = await kafka.open({ brokers, topic: 'audit', username: 'ana', password: 'env:K' }, context)
      const batch = { id: 'b', items: [{ id: '1', key: 'k', timeMs: 0, text: '{}' }], attempt: 1 }
      for (let tries = 0; tries < 3; tries++)
        expect((await sink.send(batch, AbortSignal.timeout(20_000))).kind).toMatch(/again|misconfigured/)
      await sink.close?.()
      expect(broken).toEqual([])
    } finally {
      process.off('uncaughtExceptionMonitor', note)
      server.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
