/**
 * A web address of one's own. Signed after Standard Webhooks 1.0.0: `v1` (HMAC-SHA256) and `v1a` (Ed25519); several secrets at once while one
 * takes over from the other. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { HttpClient, outcomeOf, outcomeOfSending } from '../http.ts'

/** Its section of the settings. */
export interface WebhookSettings {
  readonly url: string
  /** References; all of them sign. */
  readonly secrets: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly allow_private?: boolean
}

/** DER of a PKCS #8 Ed25519 key before its 32 bytes (RFC 8410). */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

type Signer = (content: string) => string

/** What signs with a secret: `whsec_` and base64 for v1, `whsk_` and base64 of an Ed25519 key for v1a. */
export function signerOf(secret: string, name: string): Signer {
  const [, kind, encoded = ''] = /^(whsec_|whsk_)([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim()) ?? []
  const bytes = Buffer.from(encoded, 'base64')
  if (kind === 'whsec_' && bytes.length >= 24 && bytes.length <= 64)
    return (content) => `v1,${createHmac('sha256', bytes).update(content).digest('base64')}`
  if (kind === 'whsk_' && (bytes.length === 32 || bytes.length === 64)) {
    const key = ed25519(bytes)
    return (content) => `v1a,${sign(null, Buffer.from(content), key).toString('base64')}`
  }
  throw new AppError('BAD_ARGUMENT', `The secret of ${name} is none of Standard Webhooks.`, {
    hint: 'A shared secret is `whsec_` and base64 of 24 to 64 random bytes; a key to sign with is `whsk_` and base64 of 32 or 64.',
  })
}

const ed25519 = (bytes: Buffer): KeyObject =>
  createPrivateKey({ key: Buffer.concat([ED25519_PREFIX, bytes.subarray(0, 32)]), format: 'der', type: 'pkcs8' })

class Webhook implements Sink {
  // One message a request; 1 MiB is more than receivers take, and far more than a message is.
  readonly limits = { items: 1, bytes: 1024 * 1024, itemBytes: 256 * 1024, itemOverhead: 0 }
  readonly #settings: WebhookSettings
  readonly #signers: readonly Signer[]
  readonly #client: HttpClient

  constructor(settings: WebhookSettings, { name, secret, timeoutMs }: SinkContext) {
    this.#settings = settings
    this.#signers = settings.secrets.map((reference) => signerOf(secret(reference), name))
    this.#client = new HttpClient({ timeoutMs, allowPrivate: settings.allow_private === true })
  }

  async send({ items: [item] }: Batch, signal: AbortSignal): Promise<Outcome> {
    if (item === undefined) return DELIVERED
    const body = JSON.stringify({
      type: 'bricktrail.alert',
      timestamp: new Date(item.timeMs).toISOString(),
      data: JSON.parse(item.text),
    })
    const time = String(Math.floor(Date.now() / 1000))
    const signed = `${item.id}.${time}.${body}`
    const headers = {
      ...this.#settings.headers,
      'content-type': 'application/json',
      'webhook-id': item.id,
      'webhook-timestamp': time,
      'webhook-signature': this.#signers.map((signer) => signer(signed)).join(' '),
    }
    return outcomeOfSending(async () =>
      outcomeOf(await this.#client.send({ url: this.#settings.url, headers, body, signal })),
    )
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** A signed webhook. */
export const webhook: SinkKind<WebhookSettings> = {
  kind: 'webhook',
  takes: 'messages',
  keepsOpen: true,
  doc: 'A web address of your own, signed after Standard Webhooks; no redirects, no private addresses unless allowed.',
  schema: {
    type: 'object',
    required: ['url', 'secrets'],
    additionalProperties: false,
    properties: {
      url: { type: 'string', format: 'web-address', description: 'Where to post to.' },
      secrets: {
        type: 'array',
        minItems: 1,
        items: { type: 'string', format: 'reference' },
        description:
          'References to secrets (`whsec_…`) or signing keys (`whsk_…`). All of them sign, so that one can take over from another.',
      },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'Further headers. No secrets: this file is not one.',
      },
      allow_private: { type: 'boolean', description: 'Lets it post to an address that is not public.' },
    },
  },
  open: async (settings, context) => new Webhook(settings, context),
}
