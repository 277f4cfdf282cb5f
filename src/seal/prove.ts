/** Proof of an event: from its row in a data file up to the newest checkpoint, in one small file. */

import { basename } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { Engine } from '../engine/duckdb.ts'
import { fileSql, lit } from '../engine/sql.ts'
import { localStore } from '../lake/stores/local.ts'
import { type DeltaTable, keyOf } from '../lake/table.ts'
import type { AddRecord, CommitEntry } from './entry.ts'
import { fileColumns } from './file-columns.ts'
import { commitLeaves } from './leaves.ts'
import { listProof } from './lists.ts'
import type { SealLog } from './log.ts'
import { notePath } from './log-head.ts'
import { Manifests } from './manifests.ts'
import { hexOf, inclusionProof, inclusionProofFrom, leafHash } from './merkle.ts'
import { proofText } from './proof.ts'
import { sealedForm } from './row-form.ts'
import { digestRows, PAGE_ROWS, rowContent } from './rows.ts'

/** What proving needs. */
export interface ProveContext {
  readonly engine: Engine
  readonly events: DeltaTable
  readonly log: SealLog
  /** The home's `seal/` folder. */
  readonly folder: string
}

/** A proof, and where its event stands. */
export interface EventProof {
  readonly eventId: string
  /** Key of the data file inside the table's folder, and the row in it, from 0. */
  readonly file: string
  readonly position: number
  readonly leaf: bigint
  readonly size: bigint
  /** The text of the proof file. */
  readonly text: string
}

/** So much of an id tells an event apart in any lake. */
const SHORTEST_ID = 8

/**
 * Proves that an event stands in the lake, and since when.
 *
 * @param id the event's id, or enough of its beginning
 * @throws AppError BAD_ARGUMENT if no event or several have it; BAD_SEAL if its file is not sealed or not what was sealed
 */
export async function proveEvent(id: string, context: ProveContext): Promise<EventProof> {
  const { engine, events, log, folder } = context
  const found = await findEvent(id, context)
  const path = events.store.locate(found.key)
  const { leaf, entry, records, index } = await findAdd(found.key, context)
  const record = records[index] as AddRecord
  const form = sealedForm(events.spec.name, await fileColumns(engine, path), record)
  const { root, pages } = await digestRows(engine, path, form)
  if (record.rowsRoot !== hexOf(root)) {
    throw new AppError('BAD_SEAL', `The rows of ${found.key} are not those that were sealed.`, { where: path })
  }
  const page = Math.floor(found.position / PAGE_ROWS)
  const checkpoint = await log.checkpoint()
  const note = await newestNote(context)
  if (checkpoint === undefined || note === undefined)
    throw new AppError('BAD_SEAL', `There is no checkpoint in ${folder}.`)
  const pageHashes = pages.map((digests) => leafHash(digests))
  const text = proofText({
    evidence: {
      v: 1,
      entry,
      file: { record: { ...record }, index, path: listProof(records, index).map(hexOf) },
      row: {
        names: form.names,
        ...(await rowContent(engine, path, form, found.position)),
        position: found.position,
        page: pages[page]?.toString('hex') ?? '',
        path: inclusionProof(pageHashes, page).map(hexOf),
      },
    },
    index: leaf,
    path: await inclusionProofFrom(log.hashReader(), leaf, checkpoint.size),
    checkpoint: note,
  })
  return { eventId: found.eventId, file: found.key, position: found.position, leaf, size: checkpoint.size, text }
}

interface FoundEvent {
  readonly eventId: string
  readonly key: string
  readonly position: number
}

async function findEvent(id: string, { engine, events }: ProveContext): Promise<FoundEvent> {
  if (!new RegExp(`^[0-9a-f]{${SHORTEST_ID},32}$`).test(id)) {
    throw new AppError('BAD_ARGUMENT', `An event id is 32 hex digits, or at least the first ${SHORTEST_ID} of them.`)
  }
  const { files } = await events.snapshot()
  if (files.length === 0) throw new AppError('NO_LAKE', `There are no events in ${events.root}.`)
  const paths = new Map(files.map((file) => [events.store.locate(keyOf(file)), keyOf(file)]))
  const rows = await engine.rows<{ event_id: string; filename: string; position: string }>(
    `SELECT event_id, filename, file_row_number AS position
     FROM read_parquet([${[...paths.keys()].map(fileSql).join(', ')}], hive_partitioning = false, filename = true, file_row_number = true)
     WHERE starts_with(event_id, ${lit(id)}) LIMIT 2`,
  )
  const [row, another] = rows
  if (row === undefined) throw new AppError('BAD_ARGUMENT', `No event has the id ${id}.`)
  if (another !== undefined) {
    throw new AppError('BAD_ARGUMENT', `Several events have ids that begin with ${id}.`, {
      hint: 'Give all 32 digits.',
    })
  }
  const key = paths.get(row.filename)
  if (key === undefined) throw new AppError('ENGINE', `The engine read ${row.filename}, which was not asked for.`)
  return { eventId: row.event_id, key, position: Number(row.position) }
}

interface FoundAdd {
  readonly leaf: bigint
  readonly entry: CommitEntry
  readonly records: readonly AddRecord[]
  readonly index: number
}

/** The newest leaf that adds a file. Files of an ingestion are called after its batch, so few manifests are opened. */
async function findAdd(key: string, { events, log, folder }: ProveContext): Promise<FoundAdd> {
  const manifests = new Manifests(folder)
  for await (const { leaf, entry } of commitLeaves(log, `"table":${JSON.stringify(events.spec.name)}`)) {
    if (entry.table !== events.spec.name || entry.manifest === undefined) continue
    if (entry.batch !== undefined && !basename(key).startsWith(entry.batch)) continue
    const { adds = [] } = await manifests.read(entry.manifest.sha256)
    const index = adds.findIndex(({ path }) => path === key)
    if (index >= 0) return { leaf, entry, records: adds, index }
  }
  throw new AppError('BAD_SEAL', `No leaf of the log names ${key}.`, {
    where: key,
    hint: 'What a killed process committed is sealed by the next `bricktrail ingest`.',
  })
}

/** The newest checkpoint, with the cosignatures it has got. */
async function newestNote({ log, folder }: ProveContext): Promise<string | undefined> {
  const cosigned = await localStore(folder).read(notePath(log.size))
  return cosigned === undefined ? log.note() : Buffer.from(cosigned).toString('utf8')
}
