import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasClient, withClient } from '../clients.fixture.ts'
import { describeSink } from '../sink.suite.ts'
import { storeRig } from '../store.fixture.ts'
import { azureBlob } from './azure-blob.ts'

const CLIENT = '@azure/storage-blob'
const KEY = Buffer.from('planted key of an account of azure').toString('base64')

const says = (status: number, code: string) => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>About ${KEY}</Message></Error>`,
})

const connection = (url: string) =>
  `DefaultEndpointsProtocol=http;AccountName=acme;AccountKey=${KEY};BlobEndpoint=${url}/acme;`

describe.skipIf(!hasClient(CLIENT))(`with ${CLIENT}`, () => {
  describeSink({
    kind: 'azure-blob',
    without: {
      refuse: 'a container takes any bytes',
      'refuse the second': 'one object a request',
    },
    start: async (manner, folder) => {
      await withClient(folder, CLIENT)
      // The client cannot be closed: it keeps a connection for some seconds, which holds up nothing.
      const { connections: _, ...rig } = await storeRig(manner, {
        settings: (url) => ({
          section: { container: 'audit', prefix: 'dbx', connection: 'env:BLOB' },
          secrets: { 'env:BLOB': connection(url) },
        }),
        nameOf: ({ url = '', headers }) => {
          if (headers['if-none-match'] !== '*' || headers['x-ms-blob-type'] !== 'BlockBlob')
            throw new Error('It may overwrite.')
          return new URL(url, 'http://localhost').pathname
        },
        words: {
          busy: says(503, 'ServerBusy'),
          broken: says(500, 'InternalError'),
          'refuse credentials': says(403, 'AuthenticationFailed'),
          taken: says(409, 'BlobAlreadyExists'),
        },
      })
      return rig
    },
  })

  it('what is no connection string is told at once, and not quoted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bricktrail-blob-'))
    try {
      await withClient(folder, CLIENT)
      const context = { name: 'blob', secret: () => 'hunter2', timeoutMs: 1000, folder }
      const opening = azureBlob.open({ container: 'audit', connection: 'env:BLOB' }, context)
      await expect(opening).rejects.toMatchObject({ code: 'BAD_HOME', message: expect.not.stringContaining('hunter2') })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
