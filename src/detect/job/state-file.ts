/** The state of a home: a database file with where detection stands, attached while a job runs. */
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { attachState, STATE, STATE_HABITS, STATE_MATCHES, STATE_PROGRESS, STATE_RULES } from '../state.ts'
import { makeBursts, STATE_BURSTS } from './bursts.ts'
import { cutMissed, makeMissed } from './missed.ts'

/** Passes of late: versions of `events` with the digest of their commit, and what they told, so that a lake that was put back is noticed. */
const PASSES = `${STATE}.passes`

/** So many passes are looked through for where a lake that was put back agrees with what was seen. */
const PASSES_KEPT = 1000

/** Where detection stands. */
export interface Progress {
  /** Version of `events` up to which it goes; -1: before the first. */
  readonly version: number
  /** Counts up each time the lake was put back: versions after that are others of the same number. */
  readonly lineage: number
}

/** Place of the state's file. */
export const stateFile = (home: Home): string => join(home.detect, 'state.duckdb')

/** Attaches the state of a home; one that cannot be read is set aside, and an empty one takes its place. */
export async function attachHome(engine: Engine, home: Home): Promise<void> {
  await mkdir(home.detect, { recursive: true })
  const path = stateFile(home)
  try {
    await attachAll(engine, path)
  } catch (cause) {
    if (!isAppError(cause) || cause.code !== 'ENGINE') throw cause
    await engine.run(`DETACH DATABASE IF EXISTS ${STATE}`)
    await rename(path, `${path}.broken`).catch(() => undefined)
    await rm(`${path}.wal`, { force: true })
    await attachAll(engine, path)
  }
}

async function attachAll(engine: Engine, path: string): Promise<void> {
  await attachState(engine, path)
  await makeBursts(engine)
  await engine.run(
    `CREATE TABLE IF NOT EXISTS ${PASSES} (events_version BIGINT, commit_digest VARCHAR, lineage INTEGER, pass_time TIMESTAMPTZ, found BIGINT)`,
  )
  await makeMissed(engine)
}

/** Writes what is still in memory to the file and lets go of it. */
export const detachHome = (engine: Engine): Promise<void> => engine.run(`DETACH DATABASE IF EXISTS ${STATE}`)

/** Where the state stands; undefined for an empty one. */
export async function progressOf(engine: Engine): Promise<Progress | undefined> {
  const [row] = await engine.rows<{ version: string; lineage: number }>(
    `SELECT events_version AS version, lineage FROM ${PASSES} ORDER BY lineage DESC, events_version DESC LIMIT 1`,
  )
  return row === undefined ? undefined : { version: Number(row.version), lineage: Number(row.lineage) }
}

/** The newest version of a lineage of which the state knows findings to be told; -1 for none. */
export async function lastTold(engine: Engine, lineage: number): Promise<number> {
  const { version } = await engine.row<{ version: string }>(
    `SELECT coalesce(max(events_version), -1) AS version FROM ${PASSES} WHERE lineage = ${lineage} AND found > 0`,
  )
  return Number(version)
}

/** Puts down that a pass is done; in the transaction of what it remembered. */
export async function writeProgress(
  engine: Engine,
  { version, lineage }: Progress,
  { digest = '', now, found }: { readonly digest: string | undefined; readonly now: Date; readonly found: number },
): Promise<void> {
  await engine.run(
    `INSERT INTO ${PASSES} VALUES (${version}, ${lit(digest)}, ${lineage}, ${lit(now.toISOString())}::TIMESTAMPTZ, ${found})`,
  )
  await engine.run(`DELETE FROM ${STATE_PROGRESS}`)
  await engine.run(`INSERT INTO ${STATE_PROGRESS} VALUES (${version})`)
}

/** Passes that were made, newest first. */
export async function passesOf(engine: Engine): Promise<{ readonly version: number; readonly digest: string }[]> {
  const rows = await engine.rows<{ version: string; digest: string }>(
    `SELECT events_version AS version, commit_digest AS digest FROM ${PASSES} ORDER BY lineage DESC, events_version DESC LIMIT ${PASSES_KEPT}`,
  )
  return rows.map(({ version, digest }) => ({ version: Number(version), digest }))
}

/** Forgets everything but which rules missed events up to there, and begins again at a version. */
export async function beginAgain(
  engine: Engine,
  progress: Progress,
  digest: string | undefined,
  now: Date,
): Promise<void> {
  await engine.run('BEGIN')
  for (const table of [STATE_MATCHES, STATE_HABITS, STATE_RULES, STATE_BURSTS, PASSES])
    await engine.run(`DELETE FROM ${table}`)
  await cutMissed(engine, progress.version)
  await writeProgress(engine, progress, { digest, now, found: 0 })
  await engine.run('COMMIT')
}

/** Rules that the state has, with the versions it has them by. */
export async function knownVersions(engine: Engine): Promise<Map<string, string>> {
  const rows = await engine.rows<{ rule: string; version: string }>(`SELECT rule, version FROM ${STATE_RULES}`)
  return new Map(rows.map(({ rule, version }) => [rule, version]))
}

/** Forgets what the state has of rules. */
export async function forgetRules(engine: Engine, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const list = keys.map(lit).join(', ')
  await engine.run(`DELETE FROM ${STATE_RULES} WHERE rule IN (${list})`)
  await engine.run(`DELETE FROM ${STATE_MATCHES} WHERE rule IN (${list})`)
  await engine.run(`DELETE FROM ${STATE_HABITS} WHERE baseline IN (${list})`)
}

/** Puts down that the state has rules by these versions. */
export async function writeVersions(engine: Engine, versions: ReadonlyMap<string, string>): Promise<void> {
  if (versions.size === 0) return
  const rows = [...versions].map(([key, version]) => `(${lit(key)}, ${lit(version)})`).join(', ')
  await engine.run(`INSERT OR REPLACE INTO ${STATE_RULES} VALUES ${rows}`)
}

/** Keeps the list of passes short. */
export const forgetPasses = (engine: Engine, version: number): Promise<void> =>
  engine.run(`DELETE FROM ${PASSES} WHERE events_version < ${version - PASSES_KEPT}`)
