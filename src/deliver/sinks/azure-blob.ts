/**
 * Objects in an Azure Blob container: one a batch, gzip, written once under a name that follows from what is in it.
 * https://learn.microsoft.com/rest/api/storageservices/put-blob (If-None-Match)
 */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { AppError } from '../../core/errors.ts'
import { installed } from '../client.ts'
import { type Batch, DELIVERED, type Outcome, type Sink, type SinkContext, type SinkKind } from '../contract.ts'
import { retryAfterMs } from '../http.ts'
import { objectName } from '../object-name.ts'

const gzipped = promisify(gzip)

/** Its section of the settings. */
export interface AzureBlobSettings {
  readonly container: string
  readonly prefix?: string
  /** Address of the account, with the identity of this process; or a reference to a connection string. */
  readonly account_url?: string
  readonly connection?: string
}

interface Sdk {
  readonly BlobServiceClient: {
    new (url: string, credential: unknown, options: object): Service
    fromConnectionString(connection: string, options: object): Service
  }
}

interface Service {
  getContainerClient(name: string): {
    getBlockBlobClient(name: string): { upload(body: Uint8Array, bytes: number, options: object): Promise<unknown> }
  }
}

interface Identity {
  readonly DefaultAzureCredential: new () => unknown
}

const MISCONFIGURED = new Set([401, 403, 404])

class Container implements Sink {
  // Names tell the day: readers that ask for one must find all of it there.
  readonly limits = {
    items: 50_000,
    bytes: 32 * 1024 * 1024,
    itemBytes: 16 * 1024 * 1024,
    itemOverhead: 1,
    sameDay: true,
  }
  readonly #settings: AzureBlobSettings
  readonly #service: Service
  readonly #timeoutMs: number

  constructor(settings: AzureBlobSettings, service: Service, { timeoutMs }: SinkContext) {
    this.#settings = settings
    this.#service = service
    this.#timeoutMs = timeoutMs
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const { container, prefix = '' } = this.#settings
    const body = await gzipped(batch.items.map(({ text }) => `${text}\n`).join(''))
    const blob = this.#service.getContainerClient(container).getBlockBlobClient(objectName(prefix, batch))
    try {
      await blob.upload(body, body.length, {
        conditions: { ifNoneMatch: '*' },
        blobHTTPHeaders: { blobContentType: 'application/x-ndjson', blobContentEncoding: 'gzip' },
        abortSignal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
      })
      return DELIVERED
    } catch (cause) {
      return outcomeOfFailure(cause)
    }
  }
}

interface Failure {
  readonly name?: string
  readonly message?: string
  readonly statusCode?: number
  readonly code?: string
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

function outcomeOfFailure(cause: unknown): Outcome {
  const { name = 'Error', message = '', statusCode, code, response } = cause as Failure
  // A blob of this name has these items: it was written by an attempt whose answer was lost.
  if (statusCode === 409 && code === 'BlobAlreadyExists') return DELIVERED
  const reason = `${code ?? name}: ${message}`.split('\n')[0]?.slice(0, 250) ?? ''
  if ((statusCode !== undefined && MISCONFIGURED.has(statusCode)) || name === 'CredentialUnavailableError')
    return { kind: 'misconfigured', reason }
  const wait = retryAfterMs({ 'retry-after': response?.headers?.get('retry-after') })
  return { kind: 'again', reason, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
}

/** An Azure Blob container. */
export const azureBlob: SinkKind<AzureBlobSettings> = {
  kind: 'azure-blob',
  takes: 'events',
  doc: 'Objects in an Azure Blob container, gzip NDJSON, written once under names that follow from what is in them.',
  formats: ['system-table', 'raw', 'ocsf', 'uam', 'cef'],
  // Few long objects are read faster than many short ones.
  connections: 1,
  schema: {
    type: 'object',
    required: ['container'],
    additionalProperties: false,
    oneOf: [{ required: ['account_url'] }, { required: ['connection'] }],
    properties: {
      container: { type: 'string', pattern: '^[a-z0-9$](-?[a-z0-9])*$', description: 'Container.' },
      prefix: { type: 'string', description: 'Beginning of all names.' },
      account_url: {
        type: 'string',
        format: 'web-address',
        description: 'Address of the account; the identity of this process signs in.',
      },
      connection: {
        type: 'string',
        format: 'reference',
        description: 'Reference to a connection string, in place of `account_url`.',
      },
    },
  },
  open: async (settings, context) => new Container(settings, await openService(settings, context), context),
}

async function openService(
  { connection, account_url = '' }: AzureBlobSettings,
  context: SinkContext,
): Promise<Service> {
  const { BlobServiceClient } = await installed<Sdk>('@azure/storage-blob', 'azure-blob', context.folder)
  // Retries are the dispatcher's.
  const options = { retryOptions: { maxTries: 1 } }
  if (connection !== undefined) {
    const secret = context.secret(connection)
    try {
      return BlobServiceClient.fromConnectionString(secret, options)
    } catch {
      throw new AppError('BAD_HOME', `What ${connection} leads to is no connection string of a storage account.`, {
        hint: 'Copy the whole of it; it begins with DefaultEndpointsProtocol= or BlobEndpoint=.',
      })
    }
  }
  const { DefaultAzureCredential } = await installed<Identity>('@azure/identity', 'azure-blob', context.folder)
  return new BlobServiceClient(account_url, new DefaultAzureCredential(), options)
}
