/** Which leaf of the seal tells of a data file. */
import { basename } from 'node:path'
import { commitLeaves, type Leaves } from '../../seal/leaves.ts'
import type { LeafLookup } from './keep.ts'

/** Leaves looked through for a file: what findings are about is new, nearly always. */
const LEAVES_LOOKED_AT = 5000

/** Looks up files of the table `events` in a log, from its newest leaf backwards. */
export function leafLookup(log: Leaves): LeafLookup {
  return async (files) => {
    const byBatch = Map.groupBy(files, (file) => /^b\d+-[0-9a-f]{8}/.exec(basename(file))?.[0] ?? '')
    byBatch.delete('')
    const found = new Map<string, number>()
    if (byBatch.size === 0) return found
    const first = log.size - BigInt(LEAVES_LOOKED_AT)
    for await (const { leaf, entry } of commitLeaves(log, '"batch":')) {
      if (leaf < first) break
      if (entry.table !== 'events' || entry.batch === undefined) continue
      for (const file of byBatch.get(entry.batch) ?? []) found.set(file, Number(leaf))
      byBatch.delete(entry.batch)
      if (byBatch.size === 0) break
    }
    return found
  }
}
