/**
 * Objects in a Google Cloud Storage bucket: one a batch, gzip, written once under a name that follows from what is in it.
 * https://cloud.google.com/storage/docs/json_api/v1/objects/insert (ifGenerationMatch)
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Batch, Outcome, Sink, SinkContext, SinkKind } from '../contract.ts'
import { HttpClient, outcomeOf, outcomeOfSending } from '../http.ts'
import { objectName } from '../object-name.ts'
import { googleTokens, type TokenSource } from '../tokens.ts'

const gzipped = promisify(gzip)

/** Its section of the settings. */
export interface GcsSettings {
  readonly bucket: string
  readonly prefix?: string
  readonly endpoint?: string
  /** Reference to a token that is used as it is. */
  readonly token?: string
}

const SCOPES = ['https://www.googleapis.com/auth/devstorage.read_write']

class Objects implements Sink {
  // Names tell the day: readers that ask for one must find all of it there.
  readonly limits = {
    items: 50_000,
    bytes: 32 * 1024 * 1024,
    itemBytes: 16 * 1024 * 1024,
    itemOverhead: 1,
    sameDay: true,
  }
  readonly #base: string
  readonly #prefix: string
  readonly #token: TokenSource
  readonly #client: HttpClient

  constructor({ bucket, prefix = '', endpoint }: GcsSettings, token: TokenSource, { timeoutMs }: SinkContext) {
    this.#base = `${(endpoint ?? 'https://storage.googleapis.com').replace(/\/+$/, '')}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`
    this.#prefix = prefix
    this.#token = token
    this.#client = new HttpClient({ timeoutMs, allowPrivate: endpoint !== undefined })
  }

  send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    return outcomeOfSending(async () => {
      const name = encodeURIComponent(objectName(this.#prefix, batch))
      const url = `${this.#base}?uploadType=media&contentEncoding=gzip&ifGenerationMatch=0&name=${name}`
      const headers = { authorization: `Bearer ${await this.#token()}`, 'content-type': 'application/x-ndjson' }
      const body = await gzipped(batch.items.map(({ text }) => `${text}\n`).join(''))
      const answer = await this.#client.send({ url, headers, body, signal })
      // An object of this name has these items: it was written by an attempt whose answer was lost.
      return answer.status === 412 ? { kind: 'delivered' } : outcomeOf(answer)
    })
  }

  async close(): Promise<void> {
    this.#client.close()
  }
}

/** A Google Cloud Storage bucket. */
export const gcs: SinkKind<GcsSettings> = {
  kind: 'gcs',
  takes: 'events',
  doc: 'Objects in a Google Cloud Storage bucket, gzip NDJSON, written once under names that follow from what is in them.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  // Few long objects are read faster than many short ones.
  connections: 1,
  schema: {
    type: 'object',
    required: ['bucket'],
    additionalProperties: false,
    properties: {
      bucket: { type: 'string', minLength: 3, description: 'Bucket.' },
      prefix: { type: 'string', description: 'Beginning of all names.' },
      endpoint: {
        type: 'string',
        format: 'web-address',
        description: 'Address of another service that speaks the same.',
      },
      token: { type: 'string', format: 'reference', description: 'Reference to a token that is used as it is.' },
    },
  },
  open: async (settings, context) => {
    const tokens = await googleTokens({ token: settings.token, scopes: SCOPES, kind: 'gcs' }, context)
    return new Objects(settings, tokens, context)
  },
}
