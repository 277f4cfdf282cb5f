/** The files of a version with their digests, as its leaf tells them. */

import { existsSync } from 'node:fs'
import type { Engine } from '../engine/duckdb.ts'
import { keyOfPath } from '../lake/log.ts'
import { schemaTag } from '../lake/schema.ts'
import { SCHEMA_TAG } from '../lake/snapshot.ts'
import type { TableSpec } from '../lake/spec.ts'
import type { DeltaTable } from '../lake/table.ts'
import type { AddRecord } from './entry.ts'
import { fileColumns } from './file-columns.ts'
import { type FileDigest, fileDigests } from './file-digest.ts'
import { hexOf } from './merkle.ts'
import { type RowForm, rowForm } from './row-form.ts'
import { AT_ONCE_BYTES, digestFiles, type FileRows } from './rows.ts'
import type { DigestedFile, RowsAhead } from './rows-ahead.ts'

/** Finds what the newest leaf about it says of a data file of a table. */
export type SealedLookup = (table: string, key: string) => Promise<AddRecord | undefined>

const forms = new Map<string, RowForm>()

/** What digesting files asks for. */
export interface DigestContext {
  readonly engine: () => Promise<Engine>
  readonly ahead?: RowsAhead | undefined
}

/** Files of this program's own columns need no look at their schema. */
async function formOf(engine: Engine, { spec }: DeltaTable, path: string, tag: string | undefined): Promise<RowForm> {
  return tag === schemaTag(spec.columns) ? ownForm(spec) : rowForm(spec.name, await fileColumns(engine, path))
}

/** How the rows of a file that this program writes now become bytes. */
export function ownForm(spec: TableSpec): RowForm {
  const known = forms.get(spec.name)
  if (known !== undefined) return known
  const inFile = spec.columns.filter(({ name }) => name !== spec.partitionColumn)
  const form = rowForm(spec.name, inFile)
  forms.set(spec.name, form)
  return form
}

/** A data file as the log of its table tells of it. */
export interface Added {
  /** Percent-encoded. */
  readonly path: string
  readonly size: number
  readonly tags?: Readonly<Record<string, string>> | null
}

/** Digests the files, in their order, down to their rows; `lost` are the keys of those that are not there. */
export async function addRecords(
  table: DeltaTable,
  adds: readonly Added[],
  context: DigestContext,
): Promise<{ readonly adds: AddRecord[]; readonly lost: string[] }> {
  const isThere = ({ path }: Added): boolean => existsSync(table.store.locate(keyOfPath(path) ?? path))
  const lost = adds.filter((add) => !isThere(add)).map(({ path }) => keyOfPath(path) ?? path)
  return { adds: await digested(table, adds.filter(isThere), context), lost }
}

async function digested(
  table: DeltaTable,
  adds: readonly Added[],
  { engine: engineOf, ahead }: DigestContext,
): Promise<AddRecord[]> {
  if (adds.length === 0) return []
  const engine = await engineOf()
  const records: AddRecord[] = []
  for (const some of inGroups(adds)) {
    const files: { add: Added; key: string; path: string; form: RowForm }[] = []
    for (const add of some) {
      const key = keyOfPath(add.path) ?? add.path
      const path = table.store.locate(key)
      files.push({ add, key, path, form: await formOf(engine, table, path, add.tags?.[SCHEMA_TAG]) })
    }
    const found = await digestedAhead(files, ahead)
    const left = files.filter(({ path }) => !found.has(path))
    // The engine reads the files while they are digested whole. Both have ended before either fails.
    const [wholes, byRows] = await Promise.allSettled([digestsOf(left), rowsOf(engine, left)])
    const [digests, rows] = [settled(wholes), settled(byRows)]
    for (const { key, path, form } of files) {
      const whole = found.get(path)?.whole ?? (digests.get(path) as FileDigest)
      const ofRows = found.get(path)?.rows ?? (rows.get(path) as FileRows)
      const rowsRoot = hexOf(ofRows.root)
      records.push({ path: key, ...whole, rows: ofRows.rows, rowsRoot, rowForm: form.name, columns: form.columns })
    }
  }
  return records
}

function* inGroups(adds: readonly Added[]): Generator<Added[]> {
  let group: Added[] = []
  let bytes = 0
  for (const add of adds) {
    if (group.length > 0 && bytes + add.size > AT_ONCE_BYTES) {
      yield group
      group = []
      bytes = 0
    }
    group.push(add)
    bytes += add.size
  }
  yield group
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

interface FormedFile {
  readonly path: string
  readonly form: RowForm
}

/** Of what is digested already, by path; all of it has ended then. */
async function digestedAhead(
  files: readonly FormedFile[],
  ahead: RowsAhead | undefined,
): Promise<Map<string, DigestedFile>> {
  const found = new Map<string, DigestedFile>()
  for (const { path, form } of files) {
    const digested = await ahead?.of(path, form)
    if (digested !== undefined) found.set(path, digested)
  }
  await ahead?.settled()
  return found
}

async function rowsOf(engine: Engine, files: readonly FormedFile[]): Promise<Map<string, FileRows>> {
  const found = new Map<string, FileRows>()
  for (const some of Map.groupBy(files, ({ form }) => form.bytes).values()) {
    const paths = some.map(({ path }) => path)
    const ofRows = await digestFiles(engine, paths, (some[0] as FormedFile).form)
    for (const [index, path] of paths.entries()) found.set(path, ofRows[index] as FileRows)
  }
  return found
}

async function digestsOf(files: readonly FormedFile[]): Promise<Map<string, FileDigest>> {
  const paths = files.map(({ path }) => path)
  const digests = await fileDigests(paths)
  return new Map(paths.map((path, at) => [path, digests[at] as FileDigest]))
}
