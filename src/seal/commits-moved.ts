/** A merge only moves rows: what it takes away and what it adds must be the same rows, and those that were sealed. */
import { existsSync } from 'node:fs'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { type Action, commitKey, keyOfPath } from '../lake/log.ts'
import { scanSql } from '../lake/read.ts'
import { type DataFile, SCHEMA_TAG } from '../lake/snapshot.ts'
import type { DeltaTable } from '../lake/table.ts'
import type { SealedLookup } from './commits-files.ts'
import { fileDigest } from './file-digest.ts'
import { rowForm } from './row-form.ts'

/** What {@link checkMoved} needs. */
export interface MovedContext {
  readonly engine: () => Promise<Engine>
  readonly sealedAs: SealedLookup
}

/**
 * Compares the rows that a version takes away with those it adds, day by day, every column, as often as each stands there.
 * Returns the keys of files taken away that are not there any more: then there is nothing to compare.
 *
 * @throws AppError SEAL_FORKED if rows were changed, added or left out, or a file taken away is not what was sealed of it
 */
export async function checkMoved(
  table: DeltaTable,
  version: number,
  actions: readonly Action[],
  { engine, sealedAs }: MovedContext,
): Promise<string[]> {
  const removed = actions.flatMap(({ remove }) => (remove ? [fileOf(table, remove)] : []))
  const added = actions.flatMap(({ add }) => (add ? [fileOf(table, add)] : []))
  const lost: string[] = []
  for (const { path } of removed) {
    const key = keyOfPath(path) ?? path
    if (!existsSync(table.store.locate(key))) lost.push(key)
    else await checkSealed(table, key, sealedAs)
  }
  const isGone = added.some(({ path }) => !existsSync(table.store.locate(keyOfPath(path) ?? path)))
  if (lost.length > 0 || isGone || removed.length + added.length === 0) return lost
  const { others } = await (await engine()).row<{ others: string }>(
    `SELECT count(*) AS others FROM (
       SELECT 1 FROM (${rowsSql(table, removed, 1)} UNION ALL ${rowsSql(table, added, -1)})
       GROUP BY row_digest HAVING sum(side) <> 0)`,
  )
  if (others !== '0') throw notMoved(table, version, others)
  return []
}

/** A digest for each row of all its columns, the day and those that are left out elsewhere among them. */
const rowsSql = (table: DeltaTable, files: readonly DataFile[], side: number): string =>
  `SELECT unhex(sha256(${rowForm('', table.spec.columns).bytes})) AS row_digest, ${side} AS side FROM ${scanSql(table, files)}`

interface Told {
  readonly path: string
  readonly partitionValues?: Readonly<Record<string, string | null>> | null
  readonly tags?: Readonly<Record<string, string>> | null
}

function fileOf({ spec }: DeltaTable, { path, partitionValues, tags }: Told): DataFile {
  const inPath = new RegExp(`(?:^|/)${spec.partitionColumn}=([^/]*)/`).exec(path)?.[1]
  const tag = tags?.[SCHEMA_TAG]
  return {
    path,
    sizeBytes: 0,
    rows: 0,
    partition: partitionValues?.[spec.partitionColumn] ?? inPath ?? '',
    stats: '',
    modificationTime: 0,
    ...(tag === undefined ? {} : { tags: { [SCHEMA_TAG]: tag } }),
  }
}

/** Or else both sides could be changed alike. */
async function checkSealed({ spec, store }: DeltaTable, key: string, sealedAs: SealedLookup): Promise<void> {
  const record = await sealedAs(spec.name, key)
  if (record === undefined) return
  const path = store.locate(key)
  const { bytes, sha256 } = await fileDigest(path)
  if (bytes === record.bytes && sha256 === record.sha256) return
  throw new AppError('SEAL_FORKED', `${path}, which a merge replaces, is not the file that was sealed.`, {
    where: path,
    hint: HINT,
  })
}

const HINT =
  'Nothing is sealed or ingested until the table is as it was before that version. Keep a copy, and find out: `bricktrail verify`.'

const notMoved = (table: DeltaTable, version: number, others: string): AppError =>
  new AppError(
    'SEAL_FORKED',
    `Version ${version} of the table ${table.spec.name} says that it merges files, but ${others} rows before and after it differ.`,
    { where: table.store.locate(commitKey(version)), hint: HINT },
  )
