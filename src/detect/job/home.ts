/** Detection on a home: what was added to `events` since the last pass becomes findings, exactly once. */
import type { Home } from '../../core/home.ts'
import type { Problem } from '../../core/yaml/place.ts'
import type { Engine } from '../../engine/duckdb.ts'
import type { DataFile, Snapshot } from '../../lake/snapshot.ts'
import type { DeltaTable } from '../../lake/table.ts'
import type { RulePack } from '../pack/pack.ts'
import type { Environment } from '../segment/environments.ts'
import { duckdb } from '../sql/duckdb.ts'
import { eventShape } from '../sql/event-fields.ts'
import type { RecordShape } from '../sql/fields.ts'
import { forget } from './forget.ts'
import { FILE_FIELD } from './gather.ts'
import { keepFindings, type LeafLookup, toldUpTo, txnApp } from './keep.ts'
import { type Added, addedBetween, addedRows, batchOf, commitDigest, filedShape, rowsOf } from './lake-changes.ts'
import { filesMissed, makeUp } from './make-up.ts'
import { missedRanges, writeMissed } from './missed.ts'
import { USUAL_ENTITY } from './over.ts'
import { Detector, type LeftOut, type PassReport } from './pass.ts'
import { LATE_SECS, type Reaches, reachesOf, versionsOf } from './reach.ts'
import { recallBursts, refill } from './refill.ts'
import {
  attachHome,
  beginAgain,
  detachHome,
  forgetPasses,
  forgetRules,
  knownVersions,
  lastTold,
  type Progress,
  passesOf,
  progressOf,
  writeProgress,
  writeVersions,
} from './state-file.ts'

/** Rows a pass takes at once: commits are put together up to so many, and one alone may have more. */
const ROWS_A_PASS = 1_000_000

/** Rows after which what is beyond every reach is let go of; on small batches that would cost more than it saves. */
const ROWS_TO_FORGET = 100_000

/** Name of the `txn` actions of findings that the clock alone brought about. */
const CLOCK_APP = 'bricktrail-detect-clock'

/** What {@link HomeDetection} works with. The caller holds the writer's place of the home. */
export interface HomeDetectionOptions {
  readonly home: Home
  readonly engine: Engine
  readonly events: DeltaTable
  readonly findings: DeltaTable
  readonly pack: Pick<RulePack, 'rules' | 'problems'>
  readonly environments?: readonly Environment[]
  readonly now: () => Date
  /** For evidence; without it findings name data files only. */
  readonly leavesOf?: LeafLookup
  /** Seconds after which a rule is left out. */
  readonly timeoutSecs?: number
  readonly rowsAPass?: number
}

/** How one run goes about it. */
export interface RunOptions {
  /** Forgets what is remembered, and works it out again from the lake. What was told stays told. */
  readonly rebuild?: boolean
  /** Asks what the clock alone brings about: silence. Not while logs are still to be taken in. */
  readonly clock?: boolean
  readonly onProgress?: (doneRows: number, totalRows: number) => void
}

/** What a run came to. */
export interface DetectionReport {
  /** Events looked at. */
  readonly events: number
  readonly passes: number
  /** Rows told: findings that are new or have grown. */
  readonly findings: number
  readonly seconds: number
  readonly rules: number
  readonly leftOut: readonly LeftOut[]
  /** What is wrong with rule files. */
  readonly problems: readonly Problem[]
  /** Why the state was worked out again, where it was. */
  readonly rebuilt?: 'asked' | 'lost' | 'lake put back' | 'findings put back' | 'commits gone'
}

/** Detection on one home, with an engine and a pack made ready. Not for concurrent use. */
export class HomeDetection {
  readonly #options: HomeDetectionOptions
  readonly #detector: Detector
  readonly #shape: RecordShape
  readonly #reaches: Reaches

  private constructor(options: HomeDetectionOptions, detector: Detector, shape: RecordShape) {
    this.#options = options
    this.#detector = detector
    this.#shape = shape
    this.#reaches = reachesOf(detector.programme)
  }

  /** Makes the pack ready; touches no disk. */
  static async open(options: HomeDetectionOptions): Promise<HomeDetection> {
    const { engine, events, pack, environments, timeoutSecs } = options
    const shape = filedShape(eventShape(duckdb), events, duckdb)
    const detector = await Detector.open(engine, {
      pack,
      shape,
      entity: USUAL_ENTITY,
      always: [FILE_FIELD],
      ...(environments === undefined ? {} : { environments }),
      ...(timeoutSecs === undefined ? {} : { timeoutSecs }),
    })
    return new HomeDetection(options, detector, shape)
  }

  /** Looks at everything that is new. */
  async run(options: RunOptions = {}): Promise<DetectionReport> {
    const started = performance.now()
    const { engine, events, home } = this.#options
    const snapshot = await events.snapshot()
    const tally = new Tally()
    if (snapshot.version >= 0) {
      await attachHome(engine, home)
      try {
        await this.#run(snapshot, options, tally)
      } finally {
        await detachHome(engine)
      }
    }
    return {
      ...tally.report(),
      seconds: (performance.now() - started) / 1000,
      rules: this.#detector.programme.rules.filter(({ tells }) => tells).length,
      problems: [...this.#options.pack.problems, ...this.#detector.problems],
    }
  }

  async #run(snapshot: Snapshot, options: RunOptions, tally: Tally): Promise<void> {
    const { engine, events, findings } = this.#options
    const place = await this.#place(snapshot, options, tally)
    let added = await addedBetween(events, place.version, snapshot.version)
    let { version } = place
    if (added === undefined) {
      // Before the first pass all there is is new; later nobody can tell any more what was.
      added = version < 0 ? [{ version: snapshot.version, files: snapshot.files }] : []
      if (version >= 0) {
        version = snapshot.version
        await this.#beginAgain({ ...place, version }, snapshot)
        tally.rebuilt = 'commits gone'
      }
    }
    const fresh = new Set(added.flatMap(({ files }) => files))
    const freshPaths = new Set([...fresh].map(({ path }) => path))
    let newestMs = newestOf(snapshot.files.filter(({ path }) => !freshPaths.has(path)))
    await this.#learn(version, snapshot, [...fresh], new Date(newestMs), tally)
    const told = await toldUpTo(findings)
    const through = told !== undefined && told.lineage === place.lineage ? told.version : -1
    await this.#makeUp(place, new Date(newestMs), tally)
    const totalRows = rowsIn([...fresh])
    for (const chunk of chunksOf(added, through, this.#options.rowsAPass ?? ROWS_A_PASS)) {
      const files = chunk.flatMap((each) => each.files)
      newestMs = Math.max(newestMs, newestOf(files))
      const firstVersion = version + 1
      version = chunk.at(-1)?.version ?? version
      await this.#pass(files, { version, lineage: place.lineage, firstVersion }, new Date(newestMs), tally)
      options.onProgress?.(tally.events, totalRows)
    }
    if (options.clock === true) await this.#silence(version, tally)
    if (tally.events >= ROWS_TO_FORGET || version % 20 === 0) {
      await forget(engine, this.#detector, this.#reaches, this.#capped(newestMs))
      await forgetPasses(engine, version)
    }
  }

  /** Where to go on from. A state that is lost, or of a lake that was put back, begins again. */
  async #place(snapshot: Snapshot, { rebuild }: RunOptions, tally: Tally): Promise<Progress> {
    const { engine, findings } = this.#options
    const state = await progressOf(engine)
    const told = await toldUpTo(findings)
    if (state !== undefined) {
      const ancestor = await this.#ancestor(state, snapshot)
      if (ancestor !== state.version) {
        tally.rebuilt = 'lake put back'
        return this.#beginAgain({ version: ancestor, lineage: state.lineage + 1 }, snapshot)
      }
      const toldVersion = told?.lineage === state.lineage ? told.version : -1
      if (toldVersion < (await lastTold(engine, state.lineage))) {
        tally.rebuilt = 'findings put back'
        return this.#beginAgain({ version: toldVersion, lineage: state.lineage }, snapshot)
      }
      if (rebuild !== true) return state
      tally.rebuilt = 'asked'
      const isAhead = told !== undefined && told.lineage === state.lineage && told.version > state.version
      return this.#beginAgain(isAhead ? told : state, snapshot)
    }
    if (told === undefined) return this.#beginAgain({ version: -1, lineage: 0 }, snapshot)
    tally.rebuilt = 'lost'
    const isBehind = told.version > snapshot.version
    return this.#beginAgain(isBehind ? { version: snapshot.version, lineage: told.lineage + 1 } : told, snapshot)
  }

  /** The newest version that the state has seen and the lake still has: the state's own, unless the lake was put back. */
  async #ancestor(state: Progress, snapshot: Snapshot): Promise<number> {
    const { engine, events } = this.#options
    if (state.version < 0) return state.version
    for (const { version, digest } of await passesOf(engine)) {
      if (version < 0) break
      if (version > snapshot.version) continue
      const found = await commitDigest(events, version)
      if (found === undefined || found === digest) return version
    }
    return -1
  }

  async #beginAgain(progress: Progress, snapshot: Snapshot): Promise<Progress> {
    const { engine, events, findings, now } = this.#options
    const digest = progress.version < 0 ? undefined : await commitDigest(events, progress.version)
    await beginAgain(engine, progress, digest, now())
    const longest = Math.max(0, ...this.#reaches.bursts.values()) + LATE_SECS
    const newest = this.#capped(newestOf(snapshot.files)).getTime()
    if ((await findings.snapshot()).version >= 0)
      await recallBursts(engine, findings, new Date(newest - longest * 1000))
    return progress
  }

  /** Works out what the state lacks of rules that are new or changed. */
  async #learn(
    version: number,
    snapshot: Snapshot,
    fresh: readonly DataFile[],
    newest: Date,
    tally: Tally,
  ): Promise<void> {
    const { engine, events } = this.#options
    const wanted = versionsOf(this.#detector.programme, this.#reaches)
    const known = await knownVersions(engine)
    const changed = new Map([...wanted].filter(([key, text]) => known.get(key) !== text))
    const gone = [...known.keys()].filter((key) => !wanted.has(key))
    if (changed.size === 0 && gone.length === 0) return
    await forgetRules(engine, [...changed.keys(), ...gone])
    if (version >= 0 && changed.size > 0) {
      const context = {
        engine,
        detector: this.#detector,
        shape: this.#shape,
        events,
        reaches: this.#reaches,
        newest: this.#capped(newest.getTime()),
        timeoutSecs: this.#options.timeoutSecs,
      }
      const paths = new Set(fresh.map(({ path }) => path))
      const files = snapshot.files.filter(({ path }) => !paths.has(path))
      const missed = await missedRanges(engine)
      const ranges = (key: string): string => JSON.stringify(missed.get(key) ?? [])
      for (const keys of Map.groupBy(changed.keys(), ranges).values()) {
        const unseen = [...fresh, ...((await filesMissed(events, missed.get(keys[0] ?? '') ?? [])) ?? [])]
        const slow = await refill(context, new Set(keys), files, [...new Set(unseen.map(batchOf))])
        for (const each of slow) tally.leave(each)
      }
    }
    await writeVersions(engine, changed)
  }

  /** Lets rules that were left out see what they missed. */
  async #makeUp({ version }: Progress, newest: Date, tally: Tally): Promise<void> {
    const context = { ...this.#options, detector: this.#detector, asOf: this.#capped(newest.getTime()), pass: version }
    for (const report of await makeUp(context)) tally.add(0, report)
  }

  async #pass(
    files: readonly DataFile[],
    at: Progress & { readonly firstVersion: number },
    newest: Date,
    tally: Tally,
  ): Promise<void> {
    const { engine, events, findings, leavesOf, now } = this.#options
    const digest = await commitDigest(events, at.version)
    if (files.length === 0) return writeProgress(engine, at, { digest, now: now(), found: 0 })
    const report = await this.#detector.pass(await addedRows(events, files), {
      now: now(),
      asOf: this.#capped(newest.getTime()),
      pass: at.version,
      settle: async (found, leftOut) => {
        const txn = { appId: txnApp(at.lineage), version: at.version }
        if (found > 0) await keepFindings(engine, findings, txn, leavesOf)
        await writeMissed(engine, leftOut, { firstVersion: at.firstVersion, lastVersion: at.version })
        await writeProgress(engine, at, { digest, now: now(), found })
      },
    })
    tally.add(rowsIn(files), report)
  }

  async #silence(version: number, tally: Tally): Promise<void> {
    const { engine, events, findings, leavesOf, now } = this.#options
    const at = now()
    const report = await this.#detector.pass(rowsOf(events, []), {
      now: at,
      asOf: at,
      pass: version,
      settle: async (found) => {
        const txn = { appId: CLOCK_APP, version: Math.floor(at.getTime() / 1000) }
        if (found > 0) await keepFindings(engine, findings, txn, leavesOf)
      },
    })
    tally.add(0, report)
  }

  /** A time in the future is a broken clock's, and no reason to let go of what is now. */
  #capped(ms: number): Date {
    return new Date(Math.min(Math.max(0, ms), this.#options.now().getTime()))
  }
}

const newestOf = (files: readonly DataFile[]): number =>
  files.reduce((newest, { maxTimeMs = 0 }) => Math.max(newest, maxTimeMs), 0)

const rowsIn = (files: readonly DataFile[]): number => files.reduce((sum, { rows }) => sum + rows, 0)

/** Commits put together to passes. What was told by a pass that a crash cut short is a pass again. */
function chunksOf(added: readonly Added[], through: number, rowsAPass: number): Added[][] {
  const chunks: Added[][] = []
  let open: Added[] = []
  let rows = 0
  for (const each of added) {
    open.push(each)
    rows += rowsIn(each.files)
    const isCut = each.version < through
    if (each.version === through || (!isCut && rows >= rowsAPass)) {
      chunks.push(open)
      open = []
      rows = 0
    }
  }
  return open.length === 0 ? chunks : [...chunks, open]
}

/** Adds up passes. */
class Tally {
  events = 0
  rebuilt: DetectionReport['rebuilt']
  #passes = 0
  #findings = 0
  readonly #leftOut = new Map<string, LeftOut>()

  add(rows: number, { findings, leftOut }: Pick<PassReport, 'findings' | 'leftOut'>): void {
    this.events += rows
    this.#passes += rows > 0 ? 1 : 0
    this.#findings += findings
    for (const each of leftOut) this.leave(each)
  }

  leave(each: LeftOut): void {
    this.#leftOut.set(each.key, each)
  }

  report(): Pick<DetectionReport, 'events' | 'passes' | 'findings' | 'leftOut' | 'rebuilt'> {
    return {
      events: this.events,
      passes: this.#passes,
      findings: this.#findings,
      leftOut: [...this.#leftOut.values()],
      ...(this.rebuilt === undefined ? {} : { rebuilt: this.rebuilt }),
    }
  }
}
