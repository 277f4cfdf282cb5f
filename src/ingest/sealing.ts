/** What the seal is told of a batch: read from the batch's own manifest, so that a crash leaves nothing untold. */
import { readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { type Manifest, manifestPath, type Taking } from '../collect/ledger.ts'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { EVENTS_TABLE } from '../lake/spec.ts'
import type { BatchLookup } from '../seal/commits.ts'
import type { ObjectRecord } from '../seal/entry.ts'
import { sha256 } from '../seal/merkle.ts'
import { TXN_APP } from './batch.ts'

/** Finds the batch behind a commit of the events; other tables and other writers have none. */
export const batchLookup =
  (home: Home): BatchLookup =>
  async (table, { appId, version }) => {
    if (table !== EVENTS_TABLE.name || appId !== TXN_APP) return undefined
    const path = manifestPath(home, version)
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new AppError('BAD_LAKE', `The manifest of batch ${version} is missing.`, { where: path, cause })
    })
    const manifest = JSON.parse(bytes.toString('utf8')) as Manifest
    const { batchId, objects } = manifest
    const digest = Buffer.from(sha256(bytes)).toString('hex')
    return {
      batch: batchId,
      batchFile: { path: relative(home.root, path).replaceAll(sep, '/'), bytes: bytes.length, sha256: digest },
      counts: {
        records: sum(objects, 'records'),
        events: sum(objects, 'events'),
        duplicates: sum(objects, 'duplicates'),
        rejects: sum(objects, 'rejects'),
      },
      objects: objects.map((taking) => objectRecord(taking, manifest)),
    }
  }

const sum = (takings: readonly Taking[], field: 'records' | 'events' | 'duplicates' | 'rejects'): number =>
  takings.reduce((total, taking) => total + taking[field], 0)

const objectRecord = (taking: Taking, { raw }: Manifest): ObjectRecord => ({
  key: taking.object_key,
  bytes: taking.size_bytes,
  sha256: taking.sha256,
  modified: new Date(taking.modified_ms).toISOString(),
  form: taking.form,
  firstByte: taking.first_byte,
  lastByte: taking.last_byte,
  records: taking.records,
  events: taking.events,
  duplicates: taking.duplicates,
  rejects: taking.rejects,
  raw: raw?.[taking.object_key] ?? { sha256: taking.sha256, bytes: taking.size_bytes },
})
