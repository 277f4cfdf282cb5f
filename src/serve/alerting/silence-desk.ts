/** Silences: what people asked not to be told of, as one who may see only a part. */
import { existsSync } from 'node:fs'
import { AlertsFile } from '../../alert/alerts-file.ts'
import { silenceView } from '../../alert/describe.ts'
import { type Matcher, patternFor } from '../../alert/match.ts'
import { addSilence, allSilences, endSilence, type Silence } from '../../alert/silences.ts'
import { parseDuration } from '../../ask/times.ts'
import { AppError } from '../../core/errors.ts'
import type { Principal, RowLimits, ServeDeps } from '../contract.ts'
import { isLimitedByLists } from '../read/visible.ts'
import type { NewSilence, SilenceRow } from '../shapes/alerts.ts'
import type { AlertAsking, AlertDesk } from './alert-desk.ts'
import { masked, type TextMask } from './text-mask.ts'

/** Silences shown, the newest first. */
const MOST_SHOWN = 1000

/** The silences of a home. */
export class SilenceDesk {
  readonly #deps: ServeDeps
  readonly #alerts: AlertDesk

  constructor(deps: ServeDeps, alerts: AlertDesk) {
    this.#deps = deps
    this.#alerts = alerts
  }

  /** Those the asker may see, the newest first. */
  async list({ principal, signal }: AlertAsking): Promise<SilenceRow[]> {
    if (!existsSync(this.#deps.home.alerts)) return []
    const all = this.#within(allSilences)
    const seen = all.filter((each) => isVisible(each, principal)).slice(0, MOST_SHOWN)
    return masked(this.#deps.lake, principal, signal, (mask) => seen.map((each) => this.#row(each, mask)))
  }

  /** @throws AppError BAD_ARGUMENT, NOT_FOUND for an alert that is not there, FORBIDDEN where the asker cannot bound it */
  async add(asking: AlertAsking, { alert, rule, entity, duration, reason }: NewSilence): Promise<SilenceRow> {
    const { principal, signal } = asking
    const about = alert === undefined ? undefined : await this.#alerts.matched(asking, alert)
    const nowMs = this.#deps.now().getTime()
    const lastsMs = parseDuration(duration)
    const matcher: Matcher = {
      ...(about === undefined ? {} : { rule: [patternFor(about.ruleId)], entity: [patternFor(about.entity)] }),
      ...(rule === undefined || rule.trim() === '' ? {} : { rule: [rule.trim()] }),
      ...(entity === undefined || entity.trim() === '' ? {} : { entity: [entity.trim()] }),
    }
    const { name: who, id: owner } = principal
    const wanted = { matcher: within(matcher, principal), endsMs: nowMs + lastsMs, who, owner, reason, nowMs }
    if (Object.keys(matcher).length === 0)
      throw new AppError('BAD_ARGUMENT', 'This would silence everything.', {
        hint: 'Name a rule, an entity or an alert.',
      })
    const made = this.#within((file) => addSilence(file, wanted))
    return masked(this.#deps.lake, principal, signal, (mask) => this.#row(made, mask))
  }

  /** Ends one now. @throws AppError NOT_FOUND; CONFLICT for one that is over */
  async end({ principal }: AlertAsking, id: string): Promise<void> {
    const nowMs = this.#deps.now().getTime()
    const none = new AppError('NOT_FOUND', 'There is no silence of this id.')
    if (!existsSync(this.#deps.home.alerts)) throw none
    this.#within((file) =>
      file.atOnce(() => {
        const found = allSilences(file).find((each) => each.id === id && isVisible(each, principal))
        if (found === undefined) throw none
        if (!mayEnd(found, principal))
          throw new AppError('FORBIDDEN', 'This silence holds for more than the workspaces that you see.')
        if (found.endsMs <= nowMs) throw new AppError('CONFLICT', 'This silence is over already.')
        endSilence(file, id, nowMs)
      }),
    )
    await this.#alerts.tell()
  }

  #row(silence: Silence, mask: TextMask): SilenceRow {
    const { id, about, who, reason, created, ends, inForce, quieted } = silenceView(silence, this.#deps.now().getTime())
    return {
      id,
      about: mask.text(about),
      who: mask.colleague(who),
      reason: mask.text(reason),
      created,
      ends,
      inForce,
      quieted,
    }
  }

  #within<T>(work: (file: AlertsFile) => T): T {
    const file = AlertsFile.open(this.#deps.home.alerts)
    try {
      return work(file)
    } finally {
      file.close()
    }
  }
}

/**
 * One who sees some rows only is shown nobody that is silenced elsewhere, nor what is silenced in workspaces that are not theirs; what is
 * silenced everywhere only where they see what is of no workspace.
 */
function isVisible(silence: Silence, principal: Principal): boolean {
  const { matcher } = silence
  if (!isLimitedByLists(principal.rows) || isOwn(silence, principal)) return true
  const namesNobody = [matcher.entity, matcher.actor, matcher.asset].every((names) => (names ?? []).length === 0)
  const isEverywhere = (matcher.workspace ?? []).length === 0
  return namesNobody && (isEverywhere ? seesAccount(principal.rows) : isWithin(silence, principal))
}

/** One who sees some rows only ends what is theirs: the rest keeps others from being told, too. */
const mayEnd = (silence: Silence, principal: Principal): boolean =>
  !isLimitedByLists(principal.rows) || isOwn(silence, principal) || isWithin(silence, principal)

/** Events that are of the account and of no workspace have this for one. */
const ACCOUNT = '0'

const seesAccount = ({ workspaces }: RowLimits): boolean => workspaces?.includes(ACCOUNT) !== false

/** By id: tokens may be called as others are. */
const isOwn = ({ owner }: Silence, { id }: Principal): boolean => owner === id

/** True for one that is bounded to workspaces, all of which are theirs. */
function isWithin({ matcher: { workspace = [] } }: Silence, { rows }: Principal): boolean {
  const own = rows.workspaces?.map(patternFor)
  return workspace.length > 0 && own !== undefined && workspace.every((each) => own.includes(each))
}

/** One who sees some workspaces only silences what is of these and of no other. */
function within(matcher: Matcher, principal: Principal): Matcher {
  const { workspaces, categories } = principal.rows
  if (categories !== undefined)
    throw new AppError('FORBIDDEN', 'A silence is of whole alerts, and you see events of some categories only.')
  return workspaces === undefined ? matcher : { ...matcher, workspace: workspaces.map(patternFor), within: workspaces }
}
