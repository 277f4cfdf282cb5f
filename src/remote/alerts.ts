/** Alerts and incidents of a server. */
import type { AlertFilter, AlertKind } from '../alert/alert.ts'
import { AppError } from '../core/errors.ts'
import { LEVELS } from '../detect/sigma/rule.ts'
import type { AlertDeed, AlertDetail, AlertPage, SilenceRow } from '../serve/shapes/alerts.ts'
import { byBeginning } from './by-beginning.ts'
import type { ApiClient } from './client.ts'
import type { AlertBook, AlertLine, AlertWhole, Deeded, SilenceLine, SilenceWish } from './contract.ts'

/** Most alerts that a server lists. */
const MOST = 1000
/** Digits of a whole id. */
const ID_DIGITS = 16

/** See above. */
export class ServerAlerts implements AlertBook {
  readonly #api: ApiClient
  readonly #now: () => Date

  constructor(api: ApiClient, now: () => Date) {
    this.#api = api
    this.#now = now
  }

  async list({ kind, which = 'open', states = [], atLeast, sinceMs, most, ...texts }: AlertFilter) {
    const query = {
      ...texts,
      kind,
      which,
      state: states.length === 0 ? undefined : states.join(','),
      level: atLeast === undefined ? undefined : LEVELS[atLeast],
      since: sinceMs === undefined ? undefined : new Date(sinceMs).toISOString(),
      limit: Math.max(1, Math.min(most, MOST)),
    }
    const { alerts, hasMore } = await this.#api.get<AlertPage>('/api/v1/alerts', 'alerts', { query })
    return { alerts, hasMore }
  }

  async one(kind: AlertKind, id: string): Promise<AlertWhole> {
    const { runbook: _, ...whole } = await this.#whole(kind, (await this.#named(kind, id)).id)
    return whole
  }

  async act(kind: AlertKind, ids: readonly string[], deed: AlertDeed): Promise<readonly Deeded[]> {
    const before: AlertLine[] = []
    for (const id of ids) before.push(await this.#named(kind, id))
    const sent = await this.#withWholeIds(kind, deed)
    const done: Deeded[] = []
    for (const alert of before) done.push(await this.#do(alert, sent, done.length))
    return done
  }

  async silence({ alert, matcher, endsMs, reason }: SilenceWish): Promise<SilenceLine> {
    const { rule = [], entity = [] } = matcher
    const body = {
      ...(alert === undefined ? {} : { alert: (await this.#named('alert', alert)).id }),
      ...(rule[0] === undefined ? {} : { rule: rule[0] }),
      ...(entity[0] === undefined ? {} : { entity: entity[0] }),
      duration: `${Math.ceil((endsMs - this.#now().getTime()) / 1000)}s`,
      reason,
    }
    return this.#api.ask<SilenceRow>('POST', '/api/v1/silences', 'id', { body })
  }

  async silences(): Promise<readonly SilenceLine[]> {
    const { silences } = await this.#api.get<{ silences: SilenceRow[] }>('/api/v1/silences', 'silences')
    return silences
  }

  async unsilence(id: string): Promise<SilenceLine> {
    const inForce = (await this.silences()).filter((each) => each.inForce)
    const silence = byBeginning('silence', inForce, id)
    await this.#api.act('DELETE', `/api/v1/silences/${encodeURIComponent(silence.id)}`)
    return { ...silence, inForce: false, ends: this.#now().toISOString() }
  }

  async #whole(kind: AlertKind, id: string): Promise<AlertDetail> {
    const whole = await this.#api.get<AlertDetail>(`/api/v1/alerts/${encodeURIComponent(id)}`, 'history')
    if (whole.kind === kind) return whole
    throw new AppError('BAD_ARGUMENT', `There is no ${kind} ${id}.`, {
      hint: `It is an ${whole.kind}: use \`bricktrail ${whole.kind}s\`.`,
    })
  }

  async #named(kind: AlertKind, typed: string): Promise<AlertLine> {
    const id = typed.toLowerCase()
    if (/^[0-9a-f]+$/.test(id) && id.length === ID_DIGITS) return this.#whole(kind, id)
    const { alerts, hasMore } = await this.list({ kind, which: 'all', most: MOST })
    // What is not among the first may still be there.
    if (hasMore && !alerts.some((each) => each.id.startsWith(id)))
      throw new AppError('BAD_ARGUMENT', `None of the first ${MOST} ${kind}s has an id that begins with ${typed}.`, {
        hint: `Type all ${ID_DIGITS} digits of it.`,
      })
    return byBeginning(kind, alerts, typed)
  }

  async #withWholeIds(kind: AlertKind, deed: AlertDeed): Promise<AlertDeed> {
    if (deed.deed !== 'resolve' || deed.duplicateOf === undefined) return deed
    return { ...deed, duplicateOf: (await this.#named(kind, deed.duplicateOf)).id }
  }

  /** The server does one at a time: what fails halfway is told with what was done. */
  async #do(before: AlertLine, deed: AlertDeed, doneBefore: number): Promise<Deeded> {
    try {
      const alert = await this.#api.ask<AlertDetail>(
        'POST',
        `/api/v1/alerts/${encodeURIComponent(before.id)}/deeds`,
        'history',
        { body: deed },
      )
      return { isDone: changed(deed, before, alert), alert: lineOf(alert) }
    } catch (cause) {
      if (!(cause instanceof AppError) || doneBefore === 0) throw cause
      const { code, message, hint } = cause
      throw new AppError(code, `${message} ${doneBefore} before it ${doneBefore === 1 ? 'is' : 'are'} done.`, {
        hint,
        cause,
      })
    }
  }
}

/** Doing again what is done changes nothing; the rest leaves its line in the history. */
function changed({ deed }: AlertDeed, before: AlertLine, after: AlertLine): boolean {
  if (deed === 'acknowledge' || deed === 'start') return before.state !== after.state
  return deed !== 'assign' || before.assignee !== after.assignee
}

const lineOf = ({
  history: _h,
  findingList: _f,
  timeline: _t,
  alerts: _a,
  runbook: _r,
  because: _b,
  ...line
}: AlertDetail): AlertLine => line
