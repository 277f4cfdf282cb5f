/** A sandbox over a home: `events`, `rejects` and `findings` from the lake as it is now, and `objects` from the source ledger. */
import { access, constants, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { objectsRelation } from '../collect/ledger.ts'
import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { nearest } from '../core/nearest.ts'
import { Engine } from '../engine/duckdb.ts'
import { openSandbox, type Sandbox } from '../engine/sandbox.ts'
import { lit } from '../engine/sql.ts'
import { filesBetween, scanSql } from '../lake/read.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE, type TableSpec } from '../lake/table.ts'
import type { TimeRange } from './times.ts'

/** What of a home a sandbox shows. */
export interface LakeSandboxOptions {
  /** Only data files that can hold events in this range are read; the query must still filter by it. */
  readonly range?: TimeRange
  /** True to have the relation `objects` too. The ledger is copied at opening, so only where it is asked about. */
  readonly objects?: boolean
  readonly memoryLimitMb?: number
}

/** Opens a sandbox over the newest state of a home; throws NO_LAKE where nothing was ever ingested. */
export async function openLakeSandbox(home: Home, options: LakeSandboxOptions = {}): Promise<Sandbox> {
  const events = await scanned(home.events, EVENTS_TABLE, options.range)
  const rejects = await scanned(home.rejects, REJECTS_TABLE)
  const findings = await scanned(home.findings, FINDINGS_TABLE)
  if (!events.exists && !rejects.exists) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
  const { memoryLimitMb } = options
  return openSandbox({
    relations: { events: events.relation, rejects: rejects.relation, findings: newestSql(findings.relation) },
    allowedPaths: [...events.paths, ...rejects.paths, ...findings.paths],
    tempDir: await writableFolder(home),
    ...(options.objects ? { copies: { objects: (path: string) => copyObjects(home, path) } } : {}),
    ...(memoryLimitMb === undefined ? {} : { memoryLimitMb }),
  })
}

/** Whether an answer can depend on `objects`: the statement names it, or lists what there is. */
export const mentionsObjects = (sql: string): boolean => /\b(objects|show|describe)\b/i.test(sql)

/** What a query may read, by name. */
export const LAKE_TABLES = ['events', 'rejects', 'findings', 'objects'] as const

/**
 * A query's failure in words that name all tables: a sandbox without `objects` knows only of the others, and a name that is
 * nearly one of them says which was meant. Anything else comes back as it is.
 *
 * @param tables that whoever asks may read
 */
export function namingTables(cause: unknown, tables: readonly string[] = LAKE_TABLES): unknown {
  const name = isAppError(cause) ? /^There is no table (.+) here\.$/.exec(cause.message)?.[1] : undefined
  if (!isAppError(cause) || name === undefined) return cause
  const [meant] = nearest(name, tables)
  const hint = `${meant === undefined ? '' : `Did you mean ${meant}? `}The tables are ${tables.join(', ')}; files and system tables cannot be read.`
  return new AppError(cause.code, cause.message, { hint, cause })
}

/** A finding that grew was told again: the last that was told of it is the finding. */
const newestSql = (rows: string): string =>
  `(SELECT * FROM ${rows} QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY revision DESC, detected_time DESC) = 1)`

async function scanned(root: string, spec: TableSpec, range: TimeRange = {}) {
  const table = DeltaTable.at(root, spec)
  const snapshot = await table.snapshot()
  const files = filesBetween(snapshot, range.fromMs, range.toMs)
  return { exists: snapshot.version >= 0, relation: scanSql(table, files), paths: table.absolutePaths(files) }
}

/** Writes the ledger's objects as Parquet: it is a database of its own, which the sandbox must not open. */
export async function copyObjects(home: Home, path: string): Promise<void> {
  const engine = await Engine.open()
  try {
    await engine.run(`COPY (SELECT * FROM ${await objectsRelation(home, engine)}) TO ${lit(path)} (FORMAT parquet)`)
  } finally {
    engine.close()
  }
}

/** Whoever may only read a home can still ask questions of it. */
async function writableFolder(home: Home): Promise<string> {
  try {
    await mkdir(home.tmp, { recursive: true })
    await access(home.tmp, constants.W_OK)
    return home.tmp
  } catch {
    return tmpdir()
  }
}
