/** Findings of a pass as rows of the Delta table `findings`. */
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import type { DataFile } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { FOUND } from './tell.ts'

/** Leaves of the seal that tell of data files, by the key of the file. */
export type LeafLookup = (files: readonly string[]) => Promise<ReadonlyMap<string, number>>

/** Name of the `txn` actions of a lineage: what makes a pass tell its findings once. */
export const txnApp = (lineage: number): string =>
  lineage === 0 ? 'bricktrail-detect' : `bricktrail-detect-${lineage}`

/** The highest lineage whose findings the table has, and up to which version of `events` they go. */
export async function toldUpTo(
  findings: DeltaTable,
): Promise<{ readonly lineage: number; readonly version: number } | undefined> {
  const snapshot = await findings.snapshot()
  let told: { lineage: number; version: number } | undefined
  // A lineage in which nothing was found left no trace.
  for (let lineage = 0; lineage <= (told?.lineage ?? 0) + LINEAGES_LOOKED_AT; lineage++) {
    const version = snapshot.txnVersion(txnApp(lineage))
    if (version !== undefined) told = { lineage, version }
  }
  return told
}

const LINEAGES_LOOKED_AT = 20

/** Commits {@link FOUND}; once for a transaction, however often it is called. */
export async function keepFindings(
  engine: Engine,
  findings: DeltaTable,
  txn: { readonly appId: string; readonly version: number },
  leavesOf: LeafLookup | undefined,
): Promise<void> {
  if (((await findings.snapshot()).txnVersion(txn.appId) ?? -1) >= txn.version) return
  await addLeaves(engine, leavesOf)
  const days = await engine.rows<{ day: string }>(
    `SELECT DISTINCT finding_date::VARCHAR AS day FROM ${FOUND} ORDER BY day`,
  )
  const adds: DataFile[] = []
  for (const { day } of days) {
    const file = await writePartition(engine, findings, {
      select: `SELECT * FROM ${FOUND}`,
      partition: day,
      stem: `f${String(txn.version).padStart(8, '0')}`,
      orderBy: 'first_time, finding_id, revision',
    })
    if (file !== undefined) adds.push(file)
  }
  await findings.commit({ adds, operation: 'WRITE', txn })
}

async function addLeaves(engine: Engine, leavesOf: LeafLookup | undefined): Promise<void> {
  if (leavesOf === undefined) return
  const files = await engine.rows<{ file: string }>(`SELECT DISTINCT unnest(evidence).file AS file FROM ${FOUND}`)
  const leaves = await leavesOf(files.map(({ file }) => file))
  const rows = [['', '0'], ...[...leaves].map(([file, leaf]) => [file, String(leaf)])]
  const known = `MAP([${rows.map(([file = '']) => lit(file)).join(', ')}], [${rows.map(([, leaf]) => leaf).join(', ')}]::BIGINT[])`
  await engine.run(
    `UPDATE ${FOUND} SET evidence = list_transform(evidence, lambda e: {'event_id': e.event_id, 'file': e.file, 'leaf': ${known}[e.file]})`,
  )
}
