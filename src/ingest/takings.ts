/** What a batch came to, object by object, as the ledger keeps it. */
import type { Taking } from '../collect/ledger.ts'
import type { Work } from './plan.ts'

/** Numbers by object key. */
export type ByObject = ReadonlyMap<string, number>

/** What became of a batch's records. */
export interface Outcome {
  readonly events: ByObject
  readonly duplicates: ByObject
  readonly rejects: ByObject
}

/** Which batch it was. */
export interface BatchName {
  readonly batchId: string
  readonly seq: number
  readonly ingestTime: Date
}

/** The ledger's rows for a batch. */
export function takingsOf(works: readonly Work[], outcome: Outcome, { batchId, seq, ingestTime }: BatchName): Taking[] {
  return works.map(({ inspected, form, firstByte }) => {
    const { object, shape, compression, lastBreak } = inspected
    const counts = {
      events: outcome.events.get(object.key) ?? 0,
      duplicates: outcome.duplicates.get(object.key) ?? 0,
      rejects: outcome.rejects.get(object.key) ?? 0,
    }
    const resumable = shape === 'lines' && compression === 'none' && lastBreak > 0
    return {
      object_key: object.key,
      sha256: inspected.sha256,
      size_bytes: inspected.sizeBytes,
      modified_ms: object.modifiedMs,
      form,
      shape,
      compression,
      batch_id: batchId,
      batch_seq: seq,
      ingested_at: ingestTime.toISOString(),
      first_byte: firstByte,
      last_byte: inspected.sizeBytes,
      records: counts.events + counts.duplicates + counts.rejects,
      ...counts,
      resume_byte: resumable ? lastBreak : null,
      resume_sha256: resumable ? inspected.breakSha256 : null,
      resume_lines: resumable ? inspected.lineBreaks : null,
    }
  })
}
