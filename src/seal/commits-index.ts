/** Which leaf told of a data file last: an index over the leaves, made on first use and carried on. */
import { basename } from 'node:path'
import type { SealedLookup } from './commits-files.ts'
import { type AddRecord, parseEntry } from './entry.ts'
import type { SealLog } from './log.ts'
import type { Manifests } from './manifests.ts'

/** Files of an ingestion are called after its batch, so that the manifests of batches need not all be read. */
const BATCH = /^b\d+-[0-9a-f]{8}/

/**
 * Looks up data files in the leaves of a log. Reads each leaf once, and the manifests of commits that no batch made; those of
 * batches when one of their files is asked for.
 */
export function sealedFiles(log: SealLog, manifests: Manifests): SealedLookup {
  const batches = new Map<string, string>()
  const records = new Map<string, AddRecord>()
  let next = 0n

  async function take(table: string, digest: string): Promise<void> {
    for (const add of (await manifests.read(digest)).adds ?? []) records.set(`${table}/${add.path}`, add)
  }

  async function carryOn(): Promise<void> {
    for (; next < log.size; next++) {
      const entry = parseEntry(await log.entry(next))
      if (entry.kind !== 'commit' || entry.manifest === undefined) continue
      if (entry.batch === undefined) await take(entry.table, entry.manifest.sha256)
      else batches.set(`${entry.table}/${entry.batch}`, entry.manifest.sha256)
    }
  }

  return async (table, key) => {
    await carryOn()
    const batch = `${table}/${BATCH.exec(basename(key))?.[0]}`
    const digest = batches.get(batch)
    if (digest !== undefined) await take(table, digest)
    batches.delete(batch)
    return records.get(`${table}/${key}`)
  }
}
