/** Alerts and incidents of a home. */
import { existsSync } from 'node:fs'
import { acknowledge, addNote, assign, reopen, resolve, start } from '../../alert/act.ts'
import { type Alert, type AlertFilter, type AlertKind, alertById, alertNamed, alertsLike } from '../../alert/alert.ts'
import { AlertsFile } from '../../alert/alerts-file.ts'
import { alertView, detailOf, silenceView } from '../../alert/describe.ts'
import { patternFor } from '../../alert/match.ts'
import { addSilence, allSilences, endSilence } from '../../alert/silences.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import type { AlertBook, AlertWhole, Deeded, SilenceLine, SilenceWish } from '../../remote/contract.ts'
import type { AlertDeed } from '../../serve/shapes/alerts.ts'
import type { CliContext } from '../contract.ts'

/** Opens the alerts of the home for a moment. @throws AppError NO_LAKE where there is nothing that could have any */
export function withAlerts<T>(cli: CliContext, work: (file: AlertsFile) => T): T {
  const home = cli.home()
  if (!existsSync(home.alerts) && !existsSync(home.lake))
    throw new AppError('NO_LAKE', `There are no alerts in ${home.root}.`, { where: home.root })
  const file = AlertsFile.open(home.alerts)
  try {
    return work(file)
  } finally {
    file.close()
  }
}

/** See above. */
export class HomeAlerts implements AlertBook {
  readonly #cli: CliContext
  readonly #who: string

  /** @param who in whose name things are done */
  constructor(cli: CliContext, who: string) {
    this.#cli = cli
    this.#who = who
  }

  async list(filter: AlertFilter) {
    const found = withAlerts(this.#cli, (file) => alertsLike(file, { ...filter, most: filter.most + 1 }))
    return { alerts: found.slice(0, filter.most).map(alertView), hasMore: found.length > filter.most }
  }

  async one(kind: AlertKind, id: string): Promise<AlertWhole> {
    return withAlerts(this.#cli, (file) => detailOf(file, alertNamed(file, kind, id)))
  }

  async act(kind: AlertKind, ids: readonly string[], deed: AlertDeed): Promise<readonly Deeded[]> {
    const results = withAlerts(this.#cli, (file) =>
      // All or none: a slip in the last name leaves nothing half done.
      file.atOnce(() =>
        ids
          .map((id) => alertNamed(file, kind, id))
          .map((alert) => {
            const isDone = this.#perform(file, alert, deed)
            return { isDone, alert: alertView(alertById(file, alert.id) ?? alert) }
          }),
      ),
    )
    if (results.some(({ isDone }) => isDone)) await this.#tellNow()
    return results
  }

  async silence({ alert, matcher: given, endsMs, reason }: SilenceWish): Promise<SilenceLine> {
    const nowMs = this.#cli.now().getTime()
    const added = withAlerts(this.#cli, (file) => {
      const facts = alert === undefined ? undefined : alertNamed(file, 'alert', alert).facts
      const about = facts === undefined ? {} : { rule: [patternFor(facts.ruleId)], entity: [patternFor(facts.entity)] }
      return addSilence(file, { matcher: { ...about, ...given }, endsMs, who: this.#who, reason, nowMs })
    })
    return silenceView(added, nowMs)
  }

  async silences(): Promise<readonly SilenceLine[]> {
    const nowMs = this.#cli.now().getTime()
    return withAlerts(this.#cli, allSilences).map((each) => silenceView(each, nowMs))
  }

  async unsilence(id: string): Promise<SilenceLine> {
    const nowMs = this.#cli.now().getTime()
    const ended = withAlerts(this.#cli, (file) => endSilence(file, id, nowMs))
    await this.#tellNow()
    return silenceView(ended, nowMs)
  }

  /** Returns false where it was so before. */
  #perform(file: AlertsFile, alert: Alert, deed: AlertDeed): boolean {
    const acting = { who: this.#who, nowMs: this.#cli.now().getTime(), why: deed.note }
    switch (deed.deed) {
      case 'acknowledge':
        return acknowledge(file, alert, acting)
      case 'start':
        return start(file, alert, acting)
      case 'assign':
        return assign(file, alert, deed.assignee, acting)
      case 'reopen':
        reopen(file, alert, acting)
        return true
      case 'note':
        addNote(file, alert, deed.note, acting)
        return true
      case 'resolve': {
        const { duplicateOf: other } = deed
        const of = other === undefined ? {} : { duplicateOf: alertNamed(file, alert.kind, other) }
        resolve(file, alert, deed.outcome, { ...acting, ...of })
        return true
      }
    }
  }

  /** Tells whoever is to be told of what was just done. It is done already: that telling fails is said and no more. */
  async #tellNow(): Promise<void> {
    const { runAlerts } = await import('../../alert/run.ts')
    try {
      await runAlerts(this.#cli.home(), { now: this.#cli.now() })
    } catch (cause) {
      if (!isAppError(cause)) throw cause
      this.#cli.note(`warning: it is done, and nobody is told of it yet: ${cause.message}`)
      this.#cli.note(`hint: ${cause.hint}`)
    }
  }
}
