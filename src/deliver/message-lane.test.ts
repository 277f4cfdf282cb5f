import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink } from './contract.ts'
import { Dispatcher } from './dispatcher.ts'
import { aMessage } from './message.fixture.ts'
import { MessageLane } from './message-lane.ts'
import { Outbox } from './outbox.ts'
import { type Posted, type Receiver, type Reply, receiver } from './receiver.fixture.ts'
import { webhook } from './sinks/webhook.ts'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const WAITS = { firstMs: 5, mostMs: 40, openAfter: 5 }

let folder: string
let outbox: Outbox
let there: Receiver
const closing: (() => unknown)[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-messages-'))
  outbox = Outbox.open(join(folder, 'deliver.db'))
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  outbox.close()
  await rm(folder, { recursive: true, force: true })
})

interface More {
  readonly giveUpMs?: number
  readonly perMinute?: number
  readonly allowPrivate?: boolean
  readonly secrets?: readonly string[]
  readonly sink?: Partial<Sink>
}

async function lane(reply?: (posted: Posted, number: number) => Reply, more: More = {}): Promise<MessageLane> {
  there = await receiver(reply)
  closing.push(() => there.close())
  const secrets = more.secrets ?? [SECRET]
  const context = {
    name: 'soc',
    secret: (reference: string) => secrets[Number(reference)] ?? '',
    timeoutMs: 500,
    folder,
  }
  const settings = {
    url: `${there.url}/hook`,
    secrets: secrets.map((_, at) => String(at)),
    allow_private: more.allowPrivate ?? true,
  }
  const sink = await webhook.open(settings, context)
  closing.push(() => sink.close?.())
  return new MessageLane(outbox, {
    name: 'soc',
    sink:
      more.sink === undefined
        ? sink
        : { limits: sink.limits, send: (batch, signal) => sink.send(batch, signal), ...more.sink },
    connections: 4,
    giveUpMs: more.giveUpMs ?? 60_000,
    waits: WAITS,
    ...(more.perMinute === undefined ? {} : { perMinute: more.perMinute }),
  })
}

const drained = (made: MessageLane, ms = 5000) =>
  new Dispatcher({ messages: [made], events: [] }).drain(AbortSignal.timeout(ms))
const put = (...keys: readonly string[]) => outbox.put(keys.map((key, n) => aMessage('soc', n, key)))
const ids = () => there.posted.map(({ headers }) => headers['webhook-id'])

describe('a destination of messages', () => {
  it('gets each message once, however often it was put', async () => {
    put('a', 'b', 'c')
    expect(put('a', 'b', 'c')).toBe(0)
    expect(await drained(await lane())).toBe(true)
    expect(put('a', 'b', 'c')).toBe(0)
    expect(await drained(await lane())).toBe(true)
    expect(there.posted).toEqual([])
    expect(outbox.accounts()).toMatchObject([{ delivered: 3, dead: 0 }])
  })

  it('gets those of one alert in their order, though the first fails and others do not', async () => {
    put('a', 'b', 'a', 'b', 'a')
    let failures = 0
    const made = await lane(({ headers }) =>
      headers['webhook-id'] === 'm-0' && failures++ < 3 ? { status: 503 } : { status: 200 },
    )
    expect(await drained(made)).toBe(true)
    const taken = [...new Set(ids().reverse())].reverse()
    expect(taken.filter((id) => ['m-0', 'm-2', 'm-4'].includes(String(id)))).toEqual(['m-0', 'm-2', 'm-4'])
    expect(taken.indexOf('m-1')).toBeLessThan(taken.indexOf('m-0'))
  })

  it('sets aside what is refused for good, and goes on with the next', async () => {
    put('a', 'a')
    const made = await lane(({ headers }) =>
      headers['webhook-id'] === 'm-0' ? { status: 400, body: 'no such field' } : { status: 200 },
    )
    expect(await drained(made)).toBe(true)
    const [letter] = outbox.dead()
    expect(letter).toMatchObject({ id: 'm-0', reason: 'HTTP 400: no such field', destination: 'soc' })
    expect(ids()).toEqual(['m-0', 'm-1'])
    if (letter !== undefined) outbox.revive(letter, Date.now())
    expect(await drained(await lane())).toBe(true)
    expect([ids(), outbox.dead()]).toEqual([['m-0'], []])
  })

  it('gives up on what is too old, visibly', async () => {
    put('a')
    expect(await drained(await lane(() => ({ status: 500 }), { giveUpMs: 60 }))).toBe(true)
    expect(outbox.dead()).toMatchObject([{ id: 'm-0', reason: 'gave up: HTTP 500' }])
  })

  it('sends no more a minute than is wanted', async () => {
    put('a', 'b', 'c', 'd', 'e')
    expect(await drained(await lane(undefined, { perMinute: 2 }), 300)).toBe(false)
    expect(ids()).toEqual(['m-0', 'm-1'])
    expect(outbox.waiting().get('soc')?.messages).toBe(3)
  })

  it('sets aside the lightest where too many wait, the newest first, and keeps the others', async () => {
    outbox.put([3, 1, 1, 2].map((weight, n) => ({ ...aMessage('soc', n, `k${n}`), weight })))
    expect(outbox.makeRoom(2, Date.now())).toBe(2)
    expect(outbox.makeRoom(2, Date.now())).toBe(0)
    expect(outbox.dead().map(({ id, reason }) => [id, reason])).toEqual([
      ['m-2', 'There was no room: more than 2 messages waited.'],
      ['m-1', 'There was no room: more than 2 messages waited.'],
    ])
    expect(await drained(await lane())).toBe(true)
    expect(ids()).toEqual(['m-0', 'm-3'])
  })

  it('loses nothing to a sink that breaks', async () => {
    put('a')
    let times = 0
    const made = await lane()
    const send = async () => {
      times += 1
      throw new TypeError('undefined is not a function')
    }
    expect(await drained(await lane(undefined, { sink: { send } }), 300)).toBe(false)
    expect(times).toBeGreaterThan(1)
    expect(outbox.accounts()[0]?.lastFailure).toMatch(/broke: undefined is not a function/)
    void made
  })

  it('halves a batch that is refused until the message at fault is alone', async () => {
    put('a', 'b', 'c', 'd', 'e')
    const sizes: number[] = []
    const send: Sink['send'] = async ({ items }) => {
      sizes.push(items.length)
      return items.some(({ id }) => id === 'm-3') ? { kind: 'dead', reason: 'no' } : { kind: 'delivered' }
    }
    const limits = { items: 10, bytes: 1e6, itemBytes: 1e5, itemOverhead: 0 }
    expect(await drained(await lane(undefined, { sink: { limits, send } }))).toBe(true)
    expect(sizes).toEqual([5, 1, 1, 1, 1, 1])
    expect(outbox.dead().map(({ id }) => id)).toEqual(['m-3'])
  })
})

describe('a webhook', () => {
  it('is signed as Standard Webhooks says, by all secrets', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
    const older = `whsec_${randomBytes(24).toString('base64')}`
    put('a')
    await drained(await lane(undefined, { secrets: [SECRET, older, `whsk_${seed.toString('base64')}`] }))
    const [{ headers, body }] = there.posted as [Posted]
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const signatures = String(headers['webhook-signature']).split(' ')
    const hmac = (secret: string) =>
      createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
        .update(signed)
        .digest('base64')
    expect(signatures.slice(0, 2)).toEqual([`v1,${hmac(SECRET)}`, `v1,${hmac(older)}`])
    const signature = Buffer.from((signatures[2] ?? '').slice('v1a,'.length), 'base64')
    expect(
      verify(null, Buffer.from(signed), createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })), signature),
    ).toBe(true)
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(10)
    expect(JSON.parse(body)).toMatchObject({ type: 'bricktrail.alert', data: { alertId: 'a', level: 'high' } })
  })

  it('has the same id when it is sent again', async () => {
    put('a')
    await drained(await lane((_, number) => (number < 3 ? 'hang up' : { status: 204 })))
    expect(ids()).toEqual(['m-0', 'm-0', 'm-0'])
  })

  it('posts to no private address unless that is allowed', async () => {
    put('a')
    await drained(await lane(undefined, { allowPrivate: false }), 200)
    expect(there.posted).toEqual([])
    expect(outbox.accounts()[0]?.lastFailure).toMatch(/not public/)
  })

  it.each(['', 'plain', 'whsec_', 'whsec_dG9vIHNob3J0', 'whsk_dG9vIHNob3J0'])(
    'refuses the secret “%s” without saying it',
    async (secret) => {
      const opened = webhook.open(
        { url: 'https://example.com', secrets: ['env:X'] },
        { name: 'soc', secret: () => secret, timeoutMs: 1, folder },
      )
      await expect(opened).rejects.toThrow('The secret of soc is none of Standard Webhooks.')
    },
  )
})
