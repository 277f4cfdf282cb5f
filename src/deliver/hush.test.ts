import { describe, expect, it } from 'vitest'
import { type Batch, DELIVERED, type Outcome, type SinkKind } from './contract.ts'
import { hushed } from './hush.ts'

const BATCH: Batch = { id: 'b', items: [], attempt: 1 }

/** What a destination says that was opened with a secret. */
async function said(secret: string, say: (secret: string) => Outcome | Error): Promise<Outcome | string> {
  const kind: SinkKind<object> = {
    kind: 'loud',
    takes: 'messages',
    doc: '',
    schema: {},
    open: async (_, context) => {
      const value = context.secret('env:X')
      return {
        limits: { items: 1, bytes: 1, itemBytes: 1, itemOverhead: 0 },
        send: async () => {
          const answer = say(value)
          if (answer instanceof Error) throw answer
          return answer
        },
      }
    },
  }
  const sink = await hushed(kind).open({}, { name: 'x', secret: () => secret, timeoutMs: 1, folder: '/' })
  return sink.send(BATCH, AbortSignal.timeout(20_000)).catch((cause: Error) => cause.message)
}

const again = (reason: string): Outcome => ({ kind: 'again', reason, retryAfterMs: 5 })

describe('what a destination says', () => {
  it('holds no secret that it was opened with', async () => {
    expect(await said('s3cr3t-word', (secret) => again(`no ${secret}, not ${secret}`))).toEqual(
      again('no (secret), not (secret)'),
    )
    expect(await said('s3cr3t-word', (secret) => new Error(`broke over ${secret}`))).toBe('broke over (secret)')
    expect(
      await said('s3cr3t-word', (secret) => ({
        kind: 'partly',
        refused: [{ at: 0, verdict: 'dead', reason: secret }],
      })),
    ).toEqual({ kind: 'partly', refused: [{ at: 0, verdict: 'dead', reason: '(secret)' }] })
    expect(await said('s3cr3t-word', () => DELIVERED)).toBe(DELIVERED)
  })

  it.each([
    ['in an address', (secret: string) => encodeURIComponent(secret)],
    ['in JSON', (secret: string) => JSON.stringify({ secret })],
    ['on one line', (secret: string) => secret.replace(/\s+/g, ' ')],
    ['in base64', (secret: string) => Buffer.from(secret).toString('base64')],
    ['in base64 after a name', (secret: string) => Buffer.from(`trail:${secret}`).toString('base64')],
    ['in base64 after a longer name', (secret: string) => Buffer.from(`trails:${secret}`).toString('base64')],
    ['in base64 after a name longer still', (secret: string) => Buffer.from(`trails.:${secret}`).toString('base64')],
  ])('holds it %s neither', async (_, spell) => {
    const secret = 'pass "word"\n/with+letters=?'
    const outcome = JSON.stringify(await said(secret, (value) => again(`quoted ${spell(value)} end`)))
    expect(outcome).not.toContain(spell(secret).slice(8, -8))
    expect(outcome).toContain('(secret)')
  })

  it('holds none that is cut off at its end', async () => {
    expect(await said('s3cr3t-word', (secret) => again(`HTTP 400: ${secret.slice(0, 7)}`))).toEqual(
      again('HTTP 400: (secret)'),
    )
  })

  it('holds no part of a secret address that matters', async () => {
    const secret = 'https://hooks.example.com/services/T0/B0/abcdef?sig=0123456789abc'
    const outcome = await said(secret, () =>
      again('no /services/T0/B0/abcdef here, nor 0123456789abc; hooks.example.com said'),
    )
    expect(outcome).toEqual(again('no (secret) here, nor (secret); hooks.example.com said'))
    const inside = Buffer.from('POST /services/T0/B0/abcdef').toString('base64')
    const spelt = await said(secret, () => again(`%2Fservices%2FT0%2FB0%2Fabcdef or ${inside}`))
    expect(spelt).not.toMatchObject({ reason: expect.stringMatching(/T0%2FB0|VDAvQjAv/) })
  })
})
