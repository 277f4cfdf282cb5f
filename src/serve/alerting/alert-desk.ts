/** Questions about alerts and incidents, and what people do to them, each as one who may see only a part. */
import { existsSync } from 'node:fs'
import { acknowledge, addNote, assign, reopen, resolve, start } from '../../alert/act.ts'
import { type Alert, type AlertFilter, alertById, alertsLike } from '../../alert/alert.ts'
import { AlertsFile } from '../../alert/alerts-file.ts'
import { alertView, detailOf } from '../../alert/describe.ts'
import { runAlerts } from '../../alert/run.ts'
import { type Deed, stateAfter } from '../../alert/state.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { LEVELS } from '../../detect/sigma/rule.ts'
import type { Principal, ServeDeps } from '../contract.ts'
import { isLimited } from '../read/visible.ts'
import type { AlertDeed, AlertDetail, AlertPage, AlertRow } from '../shapes/alerts.ts'
import { alertDetail, alertRow } from './alert-views.ts'
import type { RunbookOf } from './finding-page.ts'
import { masked } from './text-mask.ts'
import { allVisible, visibleAmong } from './visible-findings.ts'

/** Who asks, and how to stop. */
export interface AlertAsking {
  readonly principal: Principal
  readonly signal: AbortSignal
}

/** Which alerts are wanted. */
export interface AlertQuestion extends AlertFilter {
  /** Id of a finding that they are made of. */
  readonly finding?: string
}

/** Alerts that are looked through for somebody who sees only some of them. */
const MOST_LOOKED_THROUGH = 20_000

const THERE_IS_NONE = 'There is no alert and no incident of this id.'

/** The alerts of a home. */
export class AlertDesk {
  readonly #deps: ServeDeps
  readonly #runbookOf: RunbookOf

  constructor(deps: ServeDeps, runbookOf: RunbookOf) {
    this.#deps = deps
    this.#runbookOf = runbookOf
  }

  /** Alerts, the most severe and newest first, with the numbers of all that the asker may see. */
  async page({ principal, signal }: AlertAsking, { finding, ...filter }: AlertQuestion): Promise<AlertPage> {
    const none = { alerts: [], hasMore: false, counts: countsOf([]) }
    return this.#within(none, async (file) => {
      const { most, entity, assignee } = filter
      const rowsOf = (alerts: readonly Alert[]): Promise<AlertRow[]> =>
        masked(this.#deps.lake, principal, signal, (mask) => alerts.map((each) => alertRow(alertView(each), mask)))
      const isPlain = finding === undefined && ((entity ?? assignee) === undefined || principal.masks.length === 0)
      const visible = isLimited(principal) ? await allVisible(this.#deps.lake, principal, signal) : undefined
      const seen = visible === undefined ? undefined : seenIds(file, visible)
      const counts = countsOf(numbersOf(file, filter.kind, seen))
      if (isPlain) {
        const found = firstSeen(file, filter, seen)
        return { alerts: await rowsOf(found.slice(0, most)), hasMore: found.length > most, counts }
      }
      const { entity: _, assignee: __, ...rest } = filter
      const ofFinding = finding === undefined ? undefined : alertsOfFinding(file, finding)
      const wanted = alertsLike(file, { ...rest, most: MOST_LOOKED_THROUGH }).filter(
        ({ id }) => (seen?.has(id) ?? true) && (ofFinding?.has(id) ?? true),
      )
      // What is asked about is what is shown: nobody finds out a hidden name by asking for it.
      const isAsked = (row: AlertRow) =>
        (entity === undefined || row.entity.value.toLowerCase().includes(entity.toLowerCase())) &&
        (assignee === undefined || row.assignee === assignee)
      const found = (await rowsOf(wanted)).filter(isAsked)
      return { alerts: found.slice(0, most), hasMore: found.length > most, counts }
    })
  }

  /** One in full. @throws AppError NOT_FOUND, also for what the asker may not see */
  async detail({ principal, signal }: AlertAsking, id: string): Promise<AlertDetail> {
    const whole = await this.#within(undefined, async (file) => {
      const alert = await this.#seen(file, id, { principal, signal })
      const detail = detailOf(file, alert)
      if (!isLimited(principal)) return detail
      const own = detail.alerts.flatMap((each) => alertById(file, each.id) ?? [])
      const seen = new Set((await this.#seenAmong(file, own, principal, signal)).map((each) => each.id))
      return { ...detail, alerts: detail.alerts.filter((each) => seen.has(each.id)) }
    })
    if (whole === undefined) throw new AppError('NOT_FOUND', THERE_IS_NONE)
    const queries = await this.#runbookOf(whole.rule.id)
    return masked(this.#deps.lake, principal, signal, (mask) => alertDetail(whole, mask, queries))
  }

  /**
   * Does something to an alert in the asker's name, and sees to it that people are told.
   * @throws AppError NOT_FOUND; CONFLICT where its state does not allow it
   */
  async act(asking: AlertAsking, id: string, deed: AlertDeed): Promise<AlertDetail> {
    const other = deed.deed === 'resolve' ? deed.duplicateOf : undefined
    if (deed.deed === 'resolve' && other !== undefined && deed.outcome !== 'duplicate')
      throw new AppError('BAD_ARGUMENT', 'Only a duplicate is one of another.', { hint: 'Leave `duplicateOf` out.' })
    if (deed.deed === 'resolve' && other === undefined && deed.outcome === 'duplicate')
      throw new AppError('BAD_ARGUMENT', 'A duplicate is one of another, and that is not named.', {
        hint: 'Name it with `duplicateOf`.',
      })
    const isDone = await this.#within(undefined, async (file) => {
      const alert = await this.#seen(file, id, asking)
      const duplicateOf = other === undefined ? undefined : await this.#seen(file, other, asking)
      if (duplicateOf !== undefined && duplicateOf.kind !== alert.kind)
        throw new AppError('BAD_ARGUMENT', 'An alert is no duplicate of an incident, nor an incident of an alert.')
      const nowMs = this.#deps.now().getTime()
      file.atOnce(() => perform(file, alert, deed, { who: asking.principal.name, nowMs, duplicateOf }))
      return true
    })
    if (isDone === undefined) throw new AppError('NOT_FOUND', THERE_IS_NONE)
    await this.tell()
    return this.detail(asking, id)
  }

  /** What a silence made of an alert is about. @throws AppError NOT_FOUND */
  async matched(asking: AlertAsking, id: string): Promise<{ ruleId: string; entity: string }> {
    const found = await this.#within(undefined, (file) => this.#seen(file, id, asking))
    if (found === undefined) throw new AppError('NOT_FOUND', THERE_IS_NONE)
    return found.facts
  }

  /** Sees to it that whoever is to be told is told. It is done already: that telling fails does not undo it. */
  async tell(): Promise<void> {
    const { service, home, now } = this.#deps
    if (service !== undefined) return service.nudge('alert')
    try {
      await runAlerts(home, { now: now(), rules: [] })
    } catch (cause) {
      if (!isAppError(cause)) throw cause
    }
  }

  /** Looks into the alerts; `none` where the home has none. */
  async #within<T>(none: T, work: (file: AlertsFile) => Promise<T>): Promise<T> {
    const { home } = this.#deps
    // Opening makes the file, and looking should not.
    if (!existsSync(home.alerts)) return none
    const file = AlertsFile.open(home.alerts)
    try {
      return await work(file)
    } finally {
      file.close()
    }
  }

  async #seen(file: AlertsFile, id: string, { principal, signal }: AlertAsking): Promise<Alert> {
    const alert = alertById(file, id)
    const [seen] = alert === undefined ? [] : await this.#seenAmong(file, [alert], principal, signal)
    if (seen === undefined) throw new AppError('NOT_FOUND', THERE_IS_NONE)
    return seen
  }

  /** Those whose findings the asker may see, all of them. */
  async #seenAmong(
    file: AlertsFile,
    alerts: readonly Alert[],
    principal: Principal,
    signal: AbortSignal,
  ): Promise<readonly Alert[]> {
    if (!isLimited(principal)) return alerts
    const findings = findingsOf(file, alerts)
    const ids = [...new Set([...findings.values()].flat())]
    const visible = await visibleAmong(this.#deps.lake, principal, ids, signal)
    return seenOf(alerts, findings, visible)
  }
}

/** Those of which every finding is visible. */
const seenOf = (
  alerts: readonly Alert[],
  findings: ReadonlyMap<string, readonly string[]>,
  visible: ReadonlySet<string>,
): readonly Alert[] =>
  alerts.filter(({ id }) => {
    const own = findings.get(id) ?? []
    return own.length > 0 && own.every((finding) => visible.has(finding))
  })

/** Ids of the alert and the incidents that a finding is a part of. */
const alertsOfFinding = (file: AlertsFile, finding: string): ReadonlySet<string> =>
  new Set(
    file
      .all<{ id: string }>(
        'SELECT alert_id AS id FROM findings WHERE id = ?1 UNION SELECT incident_id FROM risks WHERE finding_id = ?1 AND incident_id IS NOT NULL',
        finding,
      )
      .map(({ id }) => id),
  )

/** Ids of the findings that each is made of. */
function findingsOf(file: AlertsFile, alerts: readonly Alert[]): Map<string, string[]> {
  const rows = file.all<{ alert: string; id: string }>(
    `SELECT alert_id AS alert, id FROM findings WHERE superseded_by IS NULL AND alert_id IN (SELECT value FROM json_each(?1))
     UNION ALL SELECT incident_id, finding_id FROM risks WHERE incident_id IN (SELECT value FROM json_each(?1))`,
    JSON.stringify(alerts.map(({ id }) => id)),
  )
  const found = new Map<string, string[]>()
  for (const { alert, id } of rows) {
    const own = found.get(alert)
    if (own === undefined) found.set(alert, [id])
    else own.push(id)
  }
  return found
}

interface Acted {
  readonly who: string
  readonly nowMs: number
  readonly duplicateOf: Alert | undefined
}

const STEPS: Partial<Record<AlertDeed['deed'], Deed>> = {
  acknowledge: 'acknowledge',
  start: 'start',
  reopen: 'reopen',
  resolve: 'resolve',
}

function perform(file: AlertsFile, before: Alert, deed: AlertDeed, { who, nowMs, duplicateOf }: Acted): void {
  const alert = alertById(file, before.id) ?? before
  const step = STEPS[deed.deed]
  if (step !== undefined && stateAfter(alert.state, step) === undefined)
    throw new AppError('CONFLICT', `The ${alert.kind} is ${alert.state}: ${step} does nothing to it.`, {
      hint: alert.state === 'resolved' ? 'Open it again first.' : 'Only what is resolved can be opened again.',
    })
  const acting = { who, nowMs, why: deed.note }
  if (deed.deed === 'acknowledge') acknowledge(file, alert, acting)
  else if (deed.deed === 'start') start(file, alert, acting)
  else if (deed.deed === 'reopen') reopen(file, alert, acting)
  else if (deed.deed === 'assign') assign(file, alert, deed.assignee?.trim() || null, acting)
  else if (deed.deed === 'note') addNote(file, alert, deed.note, acting)
  else resolve(file, alert, deed.outcome, { ...acting, duplicateOf })
}

interface Numbers {
  readonly state: string
  readonly level: number
  readonly n: number
}

function numbersOf(file: AlertsFile, kind: string, seen: ReadonlySet<string> | undefined): Numbers[] {
  if (seen === undefined)
    return file.all<Numbers>(
      'SELECT state, level, count(*) AS n FROM alerts WHERE kind = ? GROUP BY state, level',
      kind,
    )
  return file
    .all<Numbers & { id: string }>('SELECT id, state, level, 1 AS n FROM alerts WHERE kind = ?', kind)
    .filter(({ id }) => seen.has(id))
}

/** Ids of the alerts and incidents of which every finding is visible: only ids are read, since a list is asked for all the time. */
function seenIds(file: AlertsFile, visible: ReadonlySet<string>): ReadonlySet<string> {
  const rows = file.all<{ alert: string; id: string }>(
    `SELECT alert_id AS alert, id FROM findings WHERE superseded_by IS NULL
     UNION ALL SELECT incident_id, finding_id FROM risks WHERE incident_id IS NOT NULL`,
  )
  const seen = new Set(rows.map(({ alert }) => alert))
  for (const { alert, id } of rows) if (!visible.has(id)) seen.delete(alert)
  return seen
}

/** The first alerts of a filter that are seen, one more than are wanted where there are more: few are read where few are hidden. */
export function firstSeen(file: AlertsFile, filter: AlertFilter, seen: ReadonlySet<string> | undefined): Alert[] {
  for (let most = filter.most + 1; ; most *= 4) {
    const read = alertsLike(file, { ...filter, most })
    const found = seen === undefined ? read : read.filter(({ id }) => seen.has(id))
    if (found.length > filter.most || read.length < most || most >= MOST_LOOKED_THROUGH) return found
  }
}

/** Numbers by state, and of open ones by level; every name is there, whether there is any or not. */
function countsOf(numbers: readonly Numbers[]): Record<string, number> {
  const counts: Record<string, number> = { all: 0, open: 0, resolved: 0 }
  for (const level of LEVELS) counts[level] = 0
  const add = (name: string, n: number) => {
    counts[name] = (counts[name] ?? 0) + n
  }
  for (const { state, level, n } of numbers) {
    add('all', n)
    if (state === 'resolved') {
      add('resolved', n)
      continue
    }
    add('open', n)
    add(state, n)
    add(LEVELS[level] ?? 'medium', n)
  }
  return counts
}
