/** Checks of a home and the machine under it: what `doctor` prints, and later what the service reports. */
import { existsSync } from 'node:fs'
import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Ledger } from '../collect/ledger.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { scanSql } from '../lake/read.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE, type TableSpec } from '../lake/table.ts'
import type { Check } from './check.ts'
import { openHome } from './open-home.ts'
import { checkSeal } from './seal-state.ts'

/** The sources need type stripping and the SQLite module as they are from here on. */
const LEAST_NODE = 24
/** Below this much free space a day's ingestion may not fit. */
const LEAST_FREE_BYTES = 1024 ** 3
/** A clock before this release was made is wrong, and with it every ingest time. */
const RELEASED = Date.parse('2026-11-01T00:00:00Z')
/** More files a day than this slow readers down. */
const MANY_FILES_PER_DAY = 50

/** Runs every check; none of them throws. */
export async function checkHealth(home: Home, now: Date): Promise<Check[]> {
  return [
    runtime(),
    clock(now),
    await folder(home),
    await disk(home),
    await engine(),
    await table(home.events, EVENTS_TABLE),
    await table(home.rejects, REJECTS_TABLE),
    await table(home.findings, FINDINGS_TABLE),
    await checkSeal(home),
    await ledger(home),
    await network(),
  ]
}

function runtime(): Check {
  const major = Number(process.versions.node.split('.')[0])
  const finding = `Node ${process.versions.node}, ${process.platform} ${process.arch}`
  if (major >= LEAST_NODE) return { name: 'runtime', state: 'ok', finding }
  return {
    name: 'runtime',
    state: 'failed',
    finding,
    hint: `Node ${LEAST_NODE} or newer is needed: run \`npm ci\` and start through npm or npx.`,
  }
}

function clock(now: Date): Check {
  const finding = now.toISOString()
  if (now.getTime() > RELEASED) return { name: 'clock', state: 'ok', finding }
  return {
    name: 'clock',
    state: 'failed',
    finding: `${finding} is before this release was made`,
    hint: 'Set the clock of this machine.',
  }
}

async function folder(home: Home): Promise<Check> {
  const place = nearest(home.root)
  try {
    await access(place, constants.W_OK)
  } catch (cause) {
    return {
      name: 'home',
      state: 'failed',
      finding: `${home.root}: ${messageOf(cause)}`,
      hint: 'Name a writable folder with --home DIR or BRICKTRAIL_HOME.',
    }
  }
  const there = existsSync(home.root)
  const open = await openHome(home)
  if (open !== undefined) return { name: 'home', state: 'warning', ...open }
  return { name: 'home', state: 'ok', finding: there ? home.root : `${home.root} (not made yet)` }
}

/** The folder itself, or the first above it that exists. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

async function disk(home: Home): Promise<Check> {
  const { bavail, bsize } = await statfs(nearest(home.root))
  const free = bavail * bsize
  const finding = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  if (free >= LEAST_FREE_BYTES) return { name: 'disk', state: 'ok', finding }
  return { name: 'disk', state: 'warning', finding, hint: 'Free some space, or move the home and name it with --home.' }
}

async function engine(): Promise<Check> {
  try {
    const opened = await Engine.open()
    const { version } = await opened.row<{ version: string }>('SELECT version() AS version')
    opened.close()
    return { name: 'engine', state: 'ok', finding: `DuckDB ${version}` }
  } catch (cause) {
    return {
      name: 'engine',
      state: 'failed',
      finding: messageOf(cause),
      hint: 'Run `npm ci` again; the engine comes as a package for this platform.',
    }
  }
}

/** Every file of the snapshot is there, is as long as the log says, and holds as many rows. */
async function table(root: string, spec: TableSpec): Promise<Check> {
  const name = `lake: ${spec.name}`
  try {
    const delta = DeltaTable.at(root, spec)
    const { version, files } = await delta.snapshot()
    if (version < 0) return { name, state: 'ok', finding: 'nothing there yet' }
    for (const file of files) {
      const info = await stat(join(root, decodeURIComponent(file.path))).catch(() => undefined)
      const wrong =
        info === undefined
          ? 'is missing'
          : info.size === file.sizeBytes
            ? undefined
            : `has ${info.size} bytes, not ${file.sizeBytes}`
      if (wrong === undefined) continue
      return {
        name,
        state: 'failed',
        finding: `${file.path} ${wrong}`,
        hint: 'Restore the file from a backup, or ingest its sources into a new home.',
      }
    }
    const logged = files.reduce((sum, file) => sum + file.rows, 0)
    const stored = await countRows(scanSql(delta, files))
    if (stored !== logged) {
      return {
        name,
        state: 'failed',
        finding: `${stored} rows stored, ${logged} in the log`,
        hint: 'Restore the table from a backup.',
      }
    }
    const days = new Set(files.map((file) => file.partition)).size
    const finding = `version ${version}, ${logged} rows in ${files.length} files, ${days} days`
    if (files.length <= days * MANY_FILES_PER_DAY) return { name, state: 'ok', finding }
    return { name, state: 'warning', finding, hint: 'Run `bricktrail compact`.' }
  } catch (cause) {
    return {
      name,
      state: 'failed',
      finding: messageOf(cause),
      hint: isAppError(cause) ? cause.hint : 'Report this as a bug.',
    }
  }
}

async function countRows(relation: string): Promise<number> {
  const opened = await Engine.open()
  try {
    const { n } = await opened.row<{ n: string }>(
      `SELECT count(event_or_reject) AS n FROM (SELECT 1 AS event_or_reject FROM ${relation})`,
    )
    return Number(n)
  } finally {
    opened.close()
  }
}

/** In every taking, records = events + duplicates + rejects; and the lake holds as many events as the ledger says. */
async function ledger(home: Home): Promise<Check> {
  if (!existsSync(home.ledger)) return { name: 'ledger', state: 'ok', finding: 'nothing there yet' }
  try {
    const opened = await Ledger.open(home)
    let takings = 0
    let events = 0
    let unequal: string | undefined
    for (const page of opened.pages()) {
      for (const taking of page) {
        takings++
        events += taking.events
        if (taking.records !== taking.events + taking.duplicates + taking.rejects) unequal = taking.object_key
      }
    }
    opened.close()
    if (unequal !== undefined)
      return {
        name: 'ledger',
        state: 'failed',
        finding: `the counts of ${unequal} do not add up`,
        hint: 'Report this as a bug.',
      }
    const stored = (await DeltaTable.at(home.events, EVENTS_TABLE).snapshot()).files.reduce(
      (sum, file) => sum + file.rows,
      0,
    )
    if (stored !== events) {
      return {
        name: 'ledger',
        state: 'warning',
        finding: `${events} events taken, ${stored} in the lake`,
        hint: 'A crash may have come between; run `bricktrail ingest` once and look again.',
      }
    }
    return { name: 'ledger', state: 'ok', finding: `${takings} objects taken, ${events} events` }
  } catch (cause) {
    return {
      name: 'ledger',
      state: 'failed',
      finding: messageOf(cause),
      hint: isAppError(cause) ? cause.hint : 'Report this as a bug.',
    }
  }
}

/** Country and network of addresses need two optional packages. */
async function network(): Promise<Check> {
  const missing = ['@ip-location-db/asn', '@ip-location-db/dbip-country'].filter((name) => {
    try {
      import.meta.resolve(`${name}/package.json`)
      return false
    } catch {
      return true
    }
  })
  if (missing.length === 0)
    return { name: 'network data', state: 'ok', finding: 'country and autonomous system databases installed' }
  return {
    name: 'network data',
    state: 'warning',
    finding: `missing: ${missing.join(', ')}`,
    hint: `Run \`npm install ${missing.join(' ')}\`; until then events have no country.`,
  }
}
