/** Alerts of a home: new findings are taken in, what is due is told, and messages go into the outbox. */
import { join } from 'node:path'
import type { Home } from '../core/home.ts'
import { DELIVER_FILE } from '../deliver/open.ts'
import { Outbox } from '../deliver/outbox.ts'
import { readDeliverSettings } from '../deliver/settings.ts'
import { commitDigest } from '../detect/job/lake-changes.ts'
import { loadPack } from '../detect/pack/load.ts'
import type { PackRule } from '../detect/pack/pack.ts'
import { readSettings } from '../detect/pack/settings.ts'
import { readEnvironments } from '../detect/segment/environments.ts'
import type { Engine } from '../engine/duckdb.ts'
import { spillingEngine } from '../ingest/scratch.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { DeltaTable } from '../lake/table.ts'
import { AlertsFile } from './alerts-file.ts'
import { newFindings } from './finding-feed.ts'
import { flush, nextDueMs } from './flush.ts'
import { gather } from './gather.ts'
import { reckon } from './incidents.ts'
import type { Surroundings } from './match.ts'
import { Quiet } from './quiet.ts'
import { route } from './route.ts'
import { ALERTS_FILE, type AlertSettings, readAlertSettings } from './settings.ts'
import { forgetOutgoing, outgoing } from './told.ts'

/** How alerts are run. */
export interface RunAlertsOptions {
  /** What counts as now; nothing else tells the time. */
  readonly now: Date
  /** Used to read findings; one is opened for them where absent. */
  readonly engine?: Engine
  /** For runbooks; loaded where absent, once there is something to tell. */
  readonly rules?: readonly PackRule[]
}

/** What a run came to. */
export interface AlertsReport {
  /** Findings that were new, each counted with its newest revision. */
  readonly findings: number
  readonly opened: number
  readonly reopened: number
  readonly updated: number
  /** Findings that only added to the count of a resolved alert. */
  readonly counted: number
  /** Incidents opened. */
  readonly incidents: number
  /** Of alerts and incidents opened, those whose evidence is older than `history_after`: they are listed, and nobody is told. */
  readonly history: number
  /** Messages put into the outbox. */
  readonly messages: number
  /** Messages that were set aside since more waited than `most_waiting` of deliver.yaml. */
  readonly setAside: number
  /** Unix ms at which something is due even if no finding comes. */
  readonly nextMs?: number
}

/** Memory for reading findings; they are few. */
const ENGINE_MEMORY_MB = 300

/** Messages that go into the outbox at once. */
const DRAINED = 500

/**
 * Takes in what detection found since the last run, and tells what is due. Running it again changes nothing; killed at any
 * moment it loses nothing.
 *
 * @throws AppError BAD_HOME for settings that cannot be used
 */
export async function runAlerts(home: Home, options: RunAlertsOptions): Promise<AlertsReport> {
  const settings = await settingsOf(home)
  const surroundings = await surroundingsOf(home, settings)
  const file = AlertsFile.open(home.alerts)
  try {
    const before = historyCount(file)
    const taken = await takeIn(file, home, settings, options)
    const runbookOf = await runbooks(file, home, settings, options)
    const { incidents } = file.atOnce(() => {
      const nowMs = options.now.getTime()
      if (taken.place !== undefined) file.setMeta('findings', taken.place)
      const reckonings = reckon(file, { scores: settings.risk, lasting: settings.lasting, nowMs })
      const quiet = new Quiet(file, settings, surroundings, nowMs)
      const telling = { nowMs, runbookOf, ...(settings.url === undefined ? {} : { url: settings.url }) }
      const routing = { routes: settings.routes, surroundings, quiet, telling }
      route(file, routing)
      flush(file, routing)
      return { incidents: reckonings.opened }
    })
    const { messages, setAside } = await drain(file, home, options.now)
    const nextMs = nextDueMs(file)
    const { place: _, ...counts } = taken
    const history = Math.max(0, historyCount(file) - before)
    return { ...counts, incidents, history, messages, setAside, ...(nextMs === undefined ? {} : { nextMs }) }
  } finally {
    file.close()
  }
}

const historyCount = (file: AlertsFile): number =>
  file.first<{ n: number }>("SELECT count(*) AS n FROM alerts WHERE quiet = 'history'")?.n ?? 0

/** The settings of a home. @throws AppError BAD_HOME */
export async function settingsOf(home: Pick<Home, 'root'>): Promise<AlertSettings> {
  const { destinations } = await readDeliverSettings(join(home.root, DELIVER_FILE))
  const taking = (takes: 'messages' | 'events') =>
    destinations.filter(({ kind }) => kind.takes === takes).map(({ name }) => name)
  const keepOpen = destinations.filter(({ kind }) => kind.keepsOpen === true).map(({ name }) => name)
  const known = { messages: taking('messages'), events: taking('events'), keepOpen }
  return readAlertSettings(join(home.root, ALERTS_FILE), known)
}

/** What alerts can be matched by besides their findings. */
export async function surroundingsOf(
  home: Pick<Home, 'detectSettings'>,
  { teams }: Pick<AlertSettings, 'teams'>,
): Promise<Surroundings> {
  const { environments } = await readSettings(home.detectSettings)
  return { teams, environments: readEnvironments(environments) }
}

type Counts = Pick<AlertsReport, 'findings' | 'opened' | 'reopened' | 'updated' | 'counted'>

/** Takes in findings, page by page. A page that was taken in before changes nothing, so only the end is written down. */
async function takeIn(
  file: AlertsFile,
  home: Home,
  { lasting, risk }: AlertSettings,
  { now, engine }: RunAlertsOptions,
): Promise<Counts & { readonly place?: string }> {
  const counts = { findings: 0, opened: 0, reopened: 0, updated: 0, counted: 0 }
  const table = DeltaTable.at(home.findings, FINDINGS_TABLE)
  const { version } = await table.snapshot()
  const before = placeOf(file.meta('findings'))
  const digest = version < 0 ? undefined : await commitDigest(table, version)
  if (version < 0 || (version === before?.version && digest === before.digest)) return counts
  // A table that was put back is another one: all of it is read, and what is known of it changes nothing.
  const isSame = before !== undefined && version > before.version && (await isStill(table, before))
  const spilling = { memoryLimitMb: ENGINE_MEMORY_MB, threads: 2 }
  const own = engine === undefined ? await spillingEngine(home, spilling) : { engine, close: undefined }
  try {
    const found = await newFindings(home, own.engine, isSame ? before.version : -1)
    counts.findings = found.findings
    for await (const page of found.pages()) {
      const done = file.atOnce(() => gather(file, page, { lasting, scores: risk, nowMs: now.getTime() }))
      counts.opened += done.opened
      counts.reopened += done.reopened
      counts.updated += done.updated
      counts.counted += done.counted
    }
    const place = { version: found.version, digest: await commitDigest(table, found.version) }
    return { ...counts, place: JSON.stringify(place) }
  } finally {
    await own.close?.()
  }
}

interface FindingsPlace {
  readonly version: number
  readonly digest?: string
}

const placeOf = (text: string | undefined): FindingsPlace | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as FindingsPlace)

/** False if the commit that was read last is another by now. One that is gone by age is no sign of that. */
async function isStill(table: DeltaTable, { version, digest }: FindingsPlace): Promise<boolean> {
  const found = await commitDigest(table, version)
  return found === undefined || found === digest
}

/** Queries of rules. Loading the rules takes longer than all else, so it is done only where something may be told. */
async function runbooks(
  file: AlertsFile,
  home: Home,
  { routes }: AlertSettings,
  { now, rules }: RunAlertsOptions,
): Promise<(ruleId: string) => PackRule['content']['runbook']> {
  const due = nextDueMs(file)
  const isSomething =
    routes.length > 0 && ((due !== undefined && due <= now.getTime()) || file.first('SELECT 1 FROM notices LIMIT 1'))
  const known = isSomething ? (rules ?? (await loadedRules(home))) : []
  const byKey = new Map(known.map((rule) => [rule.key, rule.content.runbook]))
  return (ruleId) => byKey.get(ruleId) ?? []
}

const loadedRules = async (home: Home): Promise<readonly PackRule[]> =>
  (await loadPack({ settingsFile: home.detectSettings, examples: false })).rules

/** Puts messages into the outbox, where one that is put again is one, and only then forgets them. */
async function drain(file: AlertsFile, home: Home, now: Date): Promise<{ messages: number; setAside: number }> {
  if (outgoing(file, 1).length === 0) return { messages: 0, setAside: 0 }
  const { mostWaiting } = await readDeliverSettings(join(home.root, DELIVER_FILE))
  const outbox = Outbox.open(home.outbox)
  try {
    let messages = 0
    for (let some = outgoing(file, DRAINED); some.length > 0; some = outgoing(file, DRAINED)) {
      messages += outbox.put(some.map(({ seq: _, ...message }) => message))
      forgetOutgoing(file, Math.max(...some.map(({ seq }) => seq)))
    }
    return { messages, setAside: outbox.makeRoom(mostWaiting, now.getTime()) }
  } finally {
    outbox.close()
  }
}
