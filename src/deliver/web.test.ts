import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, certificate } from './certificate.fixture.ts'
import { outcomeOf, outcomeOfSending } from './http.ts'
import { secretAddress, webClient } from './web.ts'

let folder = ''
let made: Certificate
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bricktrail-web-'))
  made = certificate(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const closing: (() => unknown)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** What becomes of a post to a server whose certificate nobody has signed. */
async function posted(settings: { ca?: string; allow_private?: boolean }, inside = true) {
  const server = createServer({ cert: made.cert, key: made.key }, (_, response) => response.end('ok'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const context = { name: 'x', secret: () => '', timeoutMs: 2000, folder }
  const client = await webClient(settings, context, inside)
  closing.push(
    () => client.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return outcomeOfSending(async () => outcomeOf(await client.send({ url, body: 'x' })))
}

describe('a destination of the web', () => {
  it('is trusted by the certificates that are named', async () => {
    expect(await posted({ ca: 'server.pem' })).toEqual({ kind: 'delivered' })
  })

  it('that is not trusted is a fault of the settings', async () => {
    expect(await posted({})).toMatchObject({ kind: 'misconfigured', reason: expect.stringContaining('CERT') })
  })

  it('is at a public address, unless its kind or the settings say otherwise', async () => {
    expect(await posted({ ca: 'server.pem' }, false)).toMatchObject({
      kind: 'misconfigured',
      reason: '127.0.0.1 leads to an address that is not public.',
    })
    expect(await posted({ ca: 'server.pem', allow_private: true }, false)).toEqual({ kind: 'delivered' })
    expect(await posted({ ca: 'server.pem', allow_private: false })).toMatchObject({ kind: 'misconfigured' })
  })
})

describe('an address that is a secret', () => {
  it.each(['ftp://planted.example.com', 'planted', 'javascript:planted'])(
    'is not quoted if it is none: %s',
    (value) => {
      const read = () => secretAddress('env:URL', { secret: () => value })
      expect(read).toThrow('What env:URL leads to is no web address.')
    },
  )

  it('is read without what is around it', () => {
    expect(secretAddress('env:URL', { secret: () => ' https://x.example.com/y\n' })).toBe('https://x.example.com/y')
  })
})
