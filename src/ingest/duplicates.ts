/** Exactly once: which staged rows are in the lake already, or stand in the batch twice. */
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import { deltaStats, timeBounds } from '../lake/stats.ts'
import { type DataFile, type DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { writePartition } from '../lake/write.ts'
import type { StagedFile } from '../lake/write-days.ts'
import { knowledgeSql, sameEventSql, sharedPartSql } from '../normalise/fingerprint.ts'
import type { RememberedIds } from './remembered-ids.ts'
import { stagedSql } from './staging.ts'
import { SCRATCH } from './tables.ts'

/** What was found. */
export interface Duplicates {
  /** Rows to leave out, by staged file; the rows themselves are in the table `drops`. */
  readonly byFile: ReadonlyMap<string, number>
  readonly eventsByObject: ReadonlyMap<string, number>
  readonly duplicatesByObject: ReadonlyMap<string, number>
  /** Secrets replaced in the rows that stay. */
  readonly redactions: number
}

const FRESH = `${SCRATCH}.fresh`
const DROPS = `${SCRATCH}.drops`

/** An event id is made of the whole second, so its twin lies within this of it. */
const SECOND_MS = 1000

const placedSql = (files: readonly StagedFile[]): string =>
  stagedSql(files, ", filename = '_f', file_row_number = true")

/** Up to so many rows, ids that were read before are remembered: reading them costs more than all else then. */
const FEW_ROWS = 20_000

/** Compares the staged rows with each other and with the lake. Only files of the lake that overlap in time are opened. */
export async function findDuplicates(
  engine: Engine,
  events: DeltaTable,
  files: readonly StagedFile[],
  remembered: RememberedIds,
): Promise<Duplicates> {
  if (files.length === 0)
    return { byFile: new Map(), eventsByObject: new Map(), duplicatesByObject: new Map(), redactions: 0 }
  await engine.run(
    `CREATE OR REPLACE TABLE ${FRESH} AS SELECT event_id, event_time, _f, file_row_number AS n FROM ${placedSql(files)}`,
  )
  const isFew = files.reduce((sum, { rows }) => sum + rows, 0) <= FEW_ROWS
  const known = await knownSql(events, files, (near) => (isFew ? remembered.withTwins(events, near, FRESH) : near))
  await engine.run(`CREATE OR REPLACE TABLE ${DROPS} AS
    WITH known AS (${known}),
    in_lake AS (
      SELECT DISTINCT f._f, f.n FROM ${FRESH} f JOIN known k ON ${sharedPartSql('f.event_id')} = ${sharedPartSql('k.event_id')}
        AND ${sameEventSql('f.event_id', 'k.event_id')}),
    shared AS (SELECT ${sharedPartSql('event_id')} AS part FROM ${FRESH} GROUP BY 1 HAVING count(*) > 1),
    crowd AS (
      SELECT f.*, s.part, row_number() OVER (PARTITION BY s.part ORDER BY ${knowledgeSql('f.event_id')} DESC, f._f, f.n) AS rank
      FROM ${FRESH} f JOIN shared s ON s.part = ${sharedPartSql('f.event_id')})
    SELECT _f, n FROM in_lake
    UNION
    SELECT later._f, later.n FROM crowd later JOIN crowd earlier ON later.part = earlier.part AND earlier.rank < later.rank
      AND ${sameEventSql('later.event_id', 'earlier.event_id')}`)
  const dropped = await engine.rows<{ f: string; n: string }>(`SELECT _f AS f, count(*) AS n FROM ${DROPS} GROUP BY 1`)
  const byFile = new Map(dropped.map(({ f, n }) => [f, Number(n)]))
  const rows = `SELECT s.source_object AS o, count(*) AS n, sum(s.redactions) AS redactions FROM ${placedSql(files)} s`
  const on = 'd._f = s._f AND d.n = s.file_row_number'
  const kept = await engine.rows<Counted>(
    dropped.length === 0 ? `${rows} GROUP BY 1` : `${rows} ANTI JOIN ${DROPS} d ON ${on} GROUP BY 1`,
  )
  const repeats =
    dropped.length === 0 ? [] : await engine.rows<Counted>(`${rows} SEMI JOIN ${DROPS} d ON ${on} GROUP BY 1`)
  await engine.run(`DROP TABLE ${FRESH}`)
  return {
    byFile,
    eventsByObject: new Map(kept.map(({ o, n }) => [o, Number(n)])),
    duplicatesByObject: new Map(repeats.map(({ o, n }) => [o, Number(n)])),
    redactions: kept.reduce((sum, { redactions }) => sum + Number(redactions ?? 0), 0),
  }
}

/** True if the lake holds no files that overlap in time with these. */
export async function isNearNone(events: DeltaTable, files: readonly StagedFile[]): Promise<boolean> {
  const snapshot = await events.snapshot()
  return files.every((file) => {
    const { fromMs, toMs } = secondsOf(file)
    return filesBetween(snapshot, fromMs, toMs).length === 0
  })
}

/** Whole seconds between which all events of a file lie. */
function secondsOf({ stats }: StagedFile): { readonly fromMs: number; readonly toMs: number } {
  const bounds = timeBounds(EVENTS_TABLE, deltaStats(EVENTS_TABLE, stats))
  const fromMs = Math.floor((bounds?.minTimeMs ?? Number.MIN_SAFE_INTEGER) / SECOND_MS) * SECOND_MS
  const toMs = Math.ceil(((bounds?.maxTimeMs ?? Number.MAX_SAFE_INTEGER) + 1) / SECOND_MS) * SECOND_MS
  return { fromMs, toMs }
}

type Counted = { o: string; n: string; redactions: string | null }

/**
 * Ids of the lake that stand near the staged rows in time.
 *
 * @param withTwins leaves out files that are known to hold none of the staged rows
 */
async function knownSql(
  events: DeltaTable,
  files: readonly StagedFile[],
  withTwins: (near: DataFile[]) => DataFile[] | Promise<DataFile[]>,
): Promise<string> {
  const snapshot = await events.snapshot()
  const near = new Set<DataFile>()
  const ranges: string[] = []
  for (const file of files) {
    const { fromMs, toMs } = secondsOf(file)
    const overlapping = filesBetween(snapshot, fromMs, toMs)
    for (const found of overlapping) near.add(found)
    if (overlapping.length > 0)
      ranges.push(`event_time BETWEEN epoch_ms(${fromMs})::TIMESTAMPTZ AND epoch_ms(${toMs})::TIMESTAMPTZ`)
  }
  const left = await withTwins([...near])
  if (left.length === 0) return 'SELECT NULL::VARCHAR AS event_id WHERE false'
  return `SELECT event_id FROM ${scanSql(events, left)} WHERE ${[...new Set(ranges)].join(' OR ')}`
}

/** Writes a staged file again without its rows in `drops`. */
export async function withoutDuplicates(
  engine: Engine,
  events: DeltaTable,
  file: StagedFile,
  day: { readonly partition: string; readonly stem: string },
): Promise<DataFile[]> {
  const select = `SELECT s.*, DATE ${lit(day.partition)} AS event_date FROM ${stagedSql([file], ', file_row_number = true')} s
    ANTI JOIN (SELECT n FROM ${DROPS} WHERE _f = ${lit(file.path)}) d ON d.n = s.file_row_number`
  const written = await writePartition(engine, events, { ...day, select })
  return written === undefined ? [] : [written]
}
