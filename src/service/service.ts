/** The loop: every stage on its schedule, each by itself, over one home. */
import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { runAlerts } from '../alert/run.ts'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { deliverWork } from './deliver-stage.ts'
import { Figures } from './figures.ts'
import { diskHold } from './hold.ts'
import { Intake, type Taken } from './intake.ts'
import { LakeWatch } from './lake-watch.ts'
import type { ServiceSettings, SourceSettings } from './settings.ts'
import { SourceStage } from './source-stage.ts'
import { NewestEvents, SourceLedger } from './sources.ts'
import { type Outcome, type RunContext, Stage } from './stage.ts'
import type { ServiceChange, ServiceFigures, ServiceView, SourceHealth, StageHealth } from './view.ts'

/** How a service is started. */
export interface ServiceOptions {
  readonly home: Home
  readonly settings: ServiceSettings
  readonly now: () => Date
  /** Told of each failure, with the stage. */
  readonly onFailure?: (stage: string, cause: unknown) => void
  /** Called when another process holds the writer's place, and it is waited for. */
  readonly onWait?: () => void
}

/** How often the lake is looked at for what others added. */
const LAKE_MS = 1000

/** Rules that were changed need not wait for the next event, but a stat of each of their files need not be had every second. */
const LOOKS_PER_RULES = 10

/** Work that takes longer to end is left as a crash would leave it, which costs nothing but doing it again. */
const STOP_MS = 20_000

/** A day with so many small files makes readers slow … */
const CROWDED_FILES = 16
/** … of less than this. */
const SMALL_BYTES = 16 * 1024 * 1024
/** Files past their grace are deleted at least this often. */
const CLEAN_MS = 86_400_000

/** While rules about silence wait for sources, these are looked at so often. */
const WAITING_MS = 10_000

/** While nothing else comes, the record of use is taken in so many times more seldom. */
const RESTS = 4

/** The source whose files are the record of use. */
const OWN_LOG = 'own-log'

/** A home that is looked after. Only one may run on a home: see `lock.ts`. */
export class Service implements ServiceView {
  readonly startedMs = Date.now()
  readonly #options: ServiceOptions
  readonly #figures = new Figures()
  readonly #intake: Intake
  readonly #lake: LakeWatch
  readonly #ledger: SourceLedger
  readonly #newest: NewestEvents
  readonly #stages: Stage[] = []
  readonly #watched: Watched[] = []
  readonly #listeners = new Set<(change: ServiceChange) => void>()
  readonly #ending = new AbortController()
  #served: Promise<unknown> = Promise.resolve()
  #cleanedMs = 0
  /** True while nothing came since the record of use was taken in. */
  #isQuiet = true

  private constructor(options: ServiceOptions, newest: NewestEvents) {
    const { home, settings, now, onWait } = options
    this.#options = options
    this.#newest = newest
    this.#intake = new Intake({ home, now, figures: this.#figures, ...(onWait === undefined ? {} : { onWait }) })
    this.#ledger = new SourceLedger(home)
    this.#lake = new LakeWatch(home, (change) => {
      if (change.kind === 'findings') this.nudge('alert')
      this.#tell(change)
    })
    for (const source of settings.sources) this.#addSource(source)
    this.#addOwnLog()
    const { alert, silence, compact } = settings.schedules
    this.#add('detect', silence, (run) => this.#detect(run))
    this.#add('alert', alert, () => this.#alert())
    if (settings.delivers) this.#add('deliver', { everyMs: 60_000 }, deliverWork(home))
    this.#add('compact', compact, () => this.#compact())
  }

  /** Makes the stages; none runs yet. */
  static async open(options: ServiceOptions): Promise<Service> {
    await mkdir(options.home.root, { recursive: true })
    return new Service(options, await NewestEvents.read(options.home, options.now()))
  }

  /** Starts every stage. */
  begin(): void {
    const { signal } = this.#ending
    this.#served = Promise.all([...this.#stages.map((stage) => stage.serve(signal)), this.#watchLake(signal)])
  }

  /** Ends: nothing new is begun, and what runs is waited for, for a bounded time. True if all of it ended. */
  async stop(withinMs = STOP_MS): Promise<boolean> {
    this.#ending.abort()
    for (const { source } of this.#watched) source.close()
    const ended = this.#served.then(() => this.#intake.close()).then(() => true)
    const isEnded = await Promise.race([ended, sleep(withinMs, false, { ref: false })])
    this.#listeners.clear()
    return isEnded
  }

  stages(): readonly StageHealth[] {
    return this.#stages.map((stage) => stage.health())
  }

  async sources(): Promise<readonly SourceHealth[]> {
    return this.#options.settings.sources.map(({ name, specs }) => {
      const newestMs = this.#newest.of(name)
      return {
        name,
        spec: specs.join(', '),
        stage: this.#stageNamed(sourceStage(name)).health(),
        ...this.#ledger.counts(name, specs),
        ...(newestMs === undefined
          ? {}
          : {
              newestEvent: new Date(newestMs).toISOString(),
              lagSeconds: Math.max(0, Math.round((this.#options.now().getTime() - newestMs) / 1000)),
            }),
      }
    })
  }

  figures(): ServiceFigures {
    return this.#figures.now()
  }

  nudge(stage: string): void {
    for (const each of this.#stages) if (each.name === stage || each.name.startsWith(`${stage}:`)) each.nudge()
  }

  listen(listener: (change: ServiceChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(change: ServiceChange): void {
    for (const listener of this.#listeners) listener(change)
  }

  #stageNamed(name: string): Stage {
    const stage = this.#stages.find((each) => each.name === name)
    if (stage === undefined) throw new TypeError(`There is no stage ${name}.`)
    return stage
  }

  #add(
    name: string,
    schedule: ConstructorParameters<typeof Stage>[0]['schedule'],
    work: (run: RunContext) => Promise<Outcome | undefined>,
  ): Stage {
    const stage = new Stage({
      name,
      schedule,
      work,
      onChange: (health) => this.#tell({ kind: 'stage', stage: health }),
      onFailure: (failed, cause) => {
        this.#figures.failed(failed)
        this.#options.onFailure?.(failed, cause)
      },
    })
    this.#stages.push(stage)
    return stage
  }

  #addSource({ name, specs, form, everyMs }: SourceSettings): void {
    this.#addTaking(sourceStage(name), { specs, form, schedule: { everyMs }, isOutside: true }, async (taken) => {
      if (taken.report.events > 0) this.#isQuiet = false
      if (taken.newestMs !== undefined) await this.#newest.saw(name, taken.newestMs, this.#options.now())
    })
  }

  #addOwnLog(): void {
    const { home, settings } = this.#options
    const { ownLog: schedule } = settings.schedules
    const resting = {
      around: (take: () => Promise<Taken>) => this.#lake.takeOwn(take),
      restUntilMs: () => this.#ownRestsUntilMs(),
    }
    const source = { specs: [home.own], form: 'delivery', schedule, isOutside: false, ...resting }
    this.#addTaking(OWN_LOG, source, async () => {})
  }

  /** Where nothing else comes, a page that is looked at must not make a small file of events for each of its questions. */
  #ownRestsUntilMs(): number {
    const { ownLog } = this.#options.settings.schedules
    const wasQuiet = this.#isQuiet
    this.#isQuiet = true
    return wasQuiet && 'everyMs' in ownLog ? Date.now() + ownLog.everyMs * RESTS : 0
  }

  #addTaking(
    stageName: string,
    source: Pick<
      ConstructorParameters<typeof SourceStage>[0],
      'specs' | 'form' | 'schedule' | 'isOutside' | 'around' | 'restUntilMs'
    >,
    onTaken: (taken: Taken) => Promise<void>,
  ): void {
    const { home, settings } = this.#options
    const taking = new SourceStage({
      ...source,
      home,
      intake: this.#intake,
      diskFloorBytes: settings.diskFloorBytes,
      onHint: () => stage.nudge(true),
      onTaken: async (taken) => {
        await onTaken(taken)
        this.#tellAlarms(taken)
        if (this.#intake.failure !== undefined) this.nudge('detect')
        await this.#lake.look()
      },
    })
    const stage = this.#add(stageName, source.schedule, taking.work)
    this.#watched.push({ stage: stageName, source: taking })
  }

  /** What an anchor holds against the home is for people to see at once. */
  #tellAlarms({ report }: Taken): void {
    for (const { id, outcome, detail = '' } of report.anchors ?? []) {
      if (outcome !== 'alarm') continue
      this.#figures.failed('seal')
      this.#options.onFailure?.('seal', new AppError('SEAL_FORKED', `ALARM: ${id}: ${detail}`))
    }
  }

  /** Rules about silence, once nothing is left to take in; what failed after an ingestion; and rules that were changed. */
  async #detect({ note }: RunContext): Promise<Outcome> {
    await this.#lake.look()
    const outside = this.#watched.filter(({ source }) => source.isOutside)
    const behind = outside.filter(({ source }) => !source.isCaughtUp)
    const isClockDue = outside.length > 0 && behind.length === 0
    const isOwed = this.#intake.failure !== undefined || (await this.#intake.areRulesChanged())
    if (!this.#lake.hasEvents || !(isClockDue || isOwed)) return outside.length === 0 ? { did: false } : waiting(behind)
    note(undefined)
    const report = await this.#intake.detect(isClockDue)
    await this.#lake.look()
    const left = report?.leftOut ?? []
    const failing = outside.filter(({ source }) => source.isFailing).map(({ stage }) => stage)
    if (left.length === 0)
      return failing.length === 0 ? {} : { note: `ran without what ${failing.join(', ')} cannot read` }
    return { note: `${left.length} rules did not run, such as ${left[0]?.title}: ${left[0]?.message}` }
  }

  async #alert(): Promise<Outcome> {
    const { home, now } = this.#options
    const { rules } = this.#intake
    const report = await runAlerts(home, { now: now(), ...(rules === undefined ? {} : { rules }) })
    const { opened, reopened, updated, setAside, nextMs } = report
    this.#figures.alerted(report)
    const did = opened + reopened + updated + report.messages > 0
    if (opened + reopened + updated > 0) this.#tell({ kind: 'alerts', opened: opened + reopened, updated })
    return {
      did,
      ...(nextMs === undefined ? {} : { nextMs: Math.max(nextMs, Date.now() + 1000) }),
      ...(setAside > 0 ? { note: `${setAside} messages were set aside, as more waited than most_waiting` } : {}),
    }
  }

  async #compact(): Promise<Outcome> {
    const { home, settings, now } = this.#options
    await this.#lake.look()
    const isCrowded = (await this.#lake.crowdedDays(CROWDED_FILES, SMALL_BYTES)) > 0
    const isDirty = this.#lake.hasEvents && now().getTime() - this.#cleanedMs > CLEAN_MS && this.#cleanedMs > 0
    if (this.#cleanedMs === 0) this.#cleanedMs = now().getTime()
    if (!isCrowded && !isDirty) return { did: false }
    const held = await diskHold(home, settings.diskFloorBytes)
    if (held !== undefined) return { state: 'held', note: held }
    const results = Object.values(await this.#intake.compact(settings.graceMs))
    this.#cleanedMs = now().getTime()
    const [before, after] = [results.map((each) => each.filesBefore), results.map((each) => each.filesAfter)].map(sum)
    return { note: `${before} files became ${after}` }
  }

  async #watchLake(signal: AbortSignal): Promise<void> {
    for (let looks = 1; !signal.aborted; looks++) {
      await this.#lake.look().catch((cause: unknown) => this.#options.onFailure?.('lake', cause))
      if (looks % LOOKS_PER_RULES === 0 && (await this.#intake.areRulesChanged()))
        this.#stageNamed('detect').nudge(true)
      await sleep(LAKE_MS, undefined, { signal }).catch(() => {})
    }
  }
}

/** A source with the name of its stage. */
interface Watched {
  readonly stage: string
  readonly source: SourceStage
}

/** Silence is told of once everything that came is taken in: until then that is no news of nothing. */
function waiting(behind: readonly Watched[]): Outcome {
  if (behind.length === 0) return { did: false }
  const names = behind.map(({ stage }) => stage).join(', ')
  return { did: false, waits: true, note: `waits until all is taken in: ${names}`, nextMs: Date.now() + WAITING_MS }
}

const sourceStage = (name: string): string => `ingest:${name}`
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
