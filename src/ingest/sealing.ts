/**
 * The seal of a home while something is written to it. What it is told of a batch is read from the batch's own manifest, so
 * that a crash leaves nothing untold.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type Manifest, manifestPath, type Taking } from '../collect/ledger.ts'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { EVENTS_TABLE } from '../lake/spec.ts'
import type { DeltaTable } from '../lake/table.ts'
import type { AnchorResult } from '../seal/anchors/run.ts'
import type { BatchLookup } from '../seal/commits.ts'
import { ownForm } from '../seal/commits-files.ts'
import type { ObjectRecord } from '../seal/entry.ts'
import { SealKeys } from '../seal/keys.ts'
import { hexOf, sha256 } from '../seal/merkle.ts'
import { type EventProof, proveEvent } from '../seal/prove.ts'
import { RawArchive } from '../seal/raw/archive.ts'
import { RowsAhead } from '../seal/rows-ahead.ts'
import { Sealer } from '../seal/sealer.ts'
import { type SealSettings, sealSettings, settingsDigest, settingsPath } from '../seal/settings.ts'

/** Application name of the `txn` actions: what makes a batch happen once. */
export const TXN_APP = 'bricktrail-ingest'

/** Name and version of the program, as manifests and entries have it. */
export const GENERATOR = 'bricktrail 0.1.0'

/** Digest of the settings that the log was told last; safe to delete. */
const TOLD_SETTINGS = 'settings.told'

/** What sealing needs to know of the home it is for. */
export interface SealingOptions {
  readonly home: Home
  readonly now: () => Date
  /** For the rows of new files; asked for only where there are any. What is digested ahead has connections of its own. */
  readonly engine: () => Promise<Engine>
  /** The tables, in the order in which a batch commits to them. */
  readonly tables: readonly DeltaTable[]
}

/** What became of a checkpoint at one anchor, in short. */
export interface AnchorLine {
  readonly id: string
  /** `alarm`: it holds what contradicts this home. `done` and `waiting`: nothing was asked, since it has it, or failed just now. */
  readonly outcome: 'anchored' | 'done' | 'waiting' | 'failed' | 'alarm'
  readonly detail?: string
}

function anchorLine({ id, outcome }: AnchorResult): AnchorLine {
  const { kind } = outcome
  if (kind === 'failed') return { id, outcome: kind, detail: outcome.reason }
  if (kind === 'alarm') return { id, outcome: kind, detail: outcome.error.message }
  return {
    id,
    outcome: kind,
    ...(kind === 'anchored' && outcome.detail !== undefined ? { detail: outcome.detail } : {}),
  }
}

/** What a restore undid of each table, and the seal that says so. */
export interface Restored {
  readonly sealing: Sealing
  readonly restored: readonly { readonly table: string; readonly undone: number }[]
}

/** The open seal of a home. For the holder of the writer's place. */
export class Sealing {
  readonly sealer: Sealer
  readonly raw: RawArchive
  readonly #options: SealingOptions
  readonly #settings: SealSettings
  readonly #ahead = new RowsAhead()

  private constructor(sealer: Sealer, raw: RawArchive, options: SealingOptions, settings: SealSettings) {
    this.sealer = sealer
    this.raw = raw
    this.#options = options
    this.#settings = settings
  }

  /**
   * Opens the seal, or begins it, and seals what a crash left unsealed.
   *
   * @throws AppError SEAL_FORKED if the tables are not what was sealed; BAD_SEAL, BAD_KEY, BAD_HOME, BAD_LAKE
   */
  static async open(options: SealingOptions): Promise<Sealing> {
    const sealing = await Sealing.#opened(options)
    await sealing.sealer.check(options.tables)
    await sealing.follow(true)
    return sealing
  }

  /**
   * Opens the seal of a home whose tables were put back to an earlier state on purpose, and says so in it.
   *
   * @throws AppError as {@link open}
   */
  static async restore(options: SealingOptions, reason: string): Promise<Restored> {
    const sealing = await Sealing.#opened(options)
    const restored = await sealing.sealer.restore(options.tables, reason)
    await sealing.follow(true)
    return { sealing, restored }
  }

  static async #opened(options: SealingOptions): Promise<Sealing> {
    const { home, now } = options
    const settings = await sealSettings(home)
    const { signingKey, origin } = settings
    const keys = await SealKeys.load(home.seal, {
      ...(signingKey === null ? {} : { reference: signingKey }),
      ...(origin === null ? {} : { origin }),
    })
    const raw = await RawArchive.open(home, settings, `rawKey in ${settingsPath(home)}`)
    const sealer = await Sealer.open({ folder: home.seal, keys, now, generator: GENERATOR })
    const sealing = new Sealing(sealer, raw, options, settings)
    await sealing.#tellSettings()
    return sealing
  }

  /** Seals what the tables have got since the last call. */
  async follow(late = false): Promise<void> {
    const { engine, home, tables } = this.#options
    await this.sealer.follow(tables, { engine, batchOf: batchLookup(home), ahead: this.#ahead }, late)
  }

  /** Begins to digest finished files of events that are to be committed soon. */
  async digestAhead(paths: readonly string[]): Promise<void> {
    await this.#ahead.begin(await this.#options.engine(), paths, ownForm(EVENTS_TABLE))
  }

  /** Ends what was begun; to be called before files are removed. */
  async endAhead(): Promise<void> {
    await this.#ahead.end()
  }

  /** Number of the newest batch that a leaf tells of, undone or not; 0 for none. */
  async lastSeq(): Promise<number> {
    const { batchFile } = (await this.sealer.lastBatch()) ?? {}
    return Number(/(\d+)\.json$/.exec(batchFile?.path ?? '')?.[1] ?? 0)
  }

  /**
   * Takes the newest checkpoint to the witnesses, authorities and places the settings name; undefined if they name none. Needs no
   * writer's place.
   */
  async anchor(): Promise<AnchorLine[] | undefined> {
    const { witnesses, timestamps, copies } = this.#settings
    if (witnesses.length + timestamps.length + copies.length === 0) return undefined
    const { home, now } = this.#options
    // Loaded where there are any: what reads timestamps takes a while.
    const { anchorCheckpoint } = await import('../seal/anchors/run.ts')
    const { anchors } = await anchorCheckpoint({
      folder: home.seal,
      config: this.#settings,
      log: this.sealer.log,
      now,
    })
    return anchors.map(anchorLine)
  }

  /**
   * Proves an event of the lake.
   * @throws AppError as {@link proveEvent}
   */
  async prove(id: string): Promise<EventProof> {
    const { engine, home, tables } = this.#options
    const events = tables.find(({ spec }) => spec.name === EVENTS_TABLE.name)
    if (events === undefined) throw new AppError('NO_LAKE', `There is no lake in ${home.root}.`)
    return proveEvent(id, { engine: await engine(), events, log: this.sealer.log, folder: home.seal })
  }

  async #tellSettings(): Promise<void> {
    const digest = settingsDigest(this.#settings)
    const path = join(this.#options.home.seal, TOLD_SETTINGS)
    const told = await readFile(path, 'utf8').catch(() => '')
    if (told === digest) return
    await this.sealer.configure({ ...this.#settings })
    await writeFile(path, digest)
  }
}

/** Finds the batch behind a commit of the events; other tables and other writers have none. */
export const batchLookup =
  (home: Home): BatchLookup =>
  async (table, { appId, version }) => {
    if (table !== EVENTS_TABLE.name || appId !== TXN_APP) return undefined
    const path = manifestPath(home, version)
    const inHome = relative(home.root, path).replaceAll(sep, '/')
    if (!existsSync(path)) return { lost: inHome }
    const bytes = await readFile(path)
    const manifest = parsed(bytes, path)
    const { batchId, objects } = manifest
    const digest = hexOf(sha256(bytes))
    return {
      batch: batchId,
      batchFile: { path: inHome, bytes: bytes.length, sha256: digest },
      counts: {
        records: sum(objects, 'records'),
        events: sum(objects, 'events'),
        duplicates: sum(objects, 'duplicates'),
        rejects: sum(objects, 'rejects'),
      },
      objects: objects.map((taking) => objectRecord(taking, manifest)),
    }
  }

function parsed(bytes: Buffer, path: string): Manifest {
  try {
    return JSON.parse(bytes.toString('utf8')) as Manifest
  } catch (cause) {
    throw new AppError('BAD_LAKE', `The record of a batch, ${path}, is damaged.`, { where: path, cause })
  }
}

const sum = (takings: readonly Taking[], field: 'records' | 'events' | 'duplicates' | 'rejects'): number =>
  takings.reduce((total, taking) => total + taking[field], 0)

const objectRecord = (taking: Taking, { raw }: Manifest): ObjectRecord => ({
  key: taking.object_key,
  bytes: taking.size_bytes,
  sha256: taking.sha256,
  modified: new Date(taking.modified_ms).toISOString(),
  form: taking.form,
  firstByte: taking.first_byte,
  lastByte: taking.last_byte,
  records: taking.records,
  events: taking.events,
  duplicates: taking.duplicates,
  rejects: taking.rejects,
  raw: raw?.[taking.object_key] ?? { sha256: taking.sha256, bytes: taking.size_bytes },
})
