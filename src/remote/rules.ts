/** Rules in force on a server. */
import type { TimeRange } from '../ask/times.ts'
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { BacktestRow } from '../detect/review/backtest.ts'
import type { Backtest, RuleDetail, RuleList, RuleRow } from '../serve/shapes/rules.ts'
import type { ApiClient } from './client.ts'
import { spanOf } from './span.ts'

/** The rules that make findings, those that are off too. */
export async function serverRules(api: ApiClient): Promise<readonly RuleRow[]> {
  return (await api.get<RuleList>('/api/v1/rules', 'rules')).rules
}

/** Ids of the rules that are called so; none where it is only part of a title. @throws AppError BAD_ARGUMENT where it is nothing at all */
export async function idsOfServerRules(api: ApiClient, name: string): Promise<readonly string[]> {
  const rules = await serverRules(api)
  const called = rulesCalled(rules, name)
  if (called.length === 0 && !rules.some(({ title }) => title.toLowerCase().includes(name.toLowerCase())))
    throw noRule(rules, name)
  return called.map(({ id }) => id)
}

const rulesCalled = (rules: readonly RuleRow[], name: string): RuleRow[] =>
  rules.filter((rule) => [...rule.names, rule.title].some((each) => each.toLowerCase() === name.toLowerCase()))

function rulesNamed(rules: readonly RuleRow[], name: string): RuleRow[] {
  const found = rulesCalled(rules, name)
  if (found.length === 0) throw noRule(rules, name)
  return found
}

/** The rules of that id, name, file or title: a file may have several. @throws AppError BAD_ARGUMENT */
export async function serverRulesNamed(api: ApiClient, name: string): Promise<readonly RuleDetail[]> {
  const details: RuleDetail[] = []
  for (const { id } of rulesNamed(await serverRules(api), name))
    details.push(await api.get<RuleDetail>(`/api/v1/rules/${encodeURIComponent(id)}`, 'yaml'))
  return details
}

/** What a rule would have found, wherever it ran; a sample of a server has its first event only. */
export interface FoundRow extends Omit<BacktestRow, 'rule'> {
  readonly called: string
  readonly key: string
  readonly level: string
}

/** A server gives a rule two minutes at most. */
const BACKTEST_SILENT_MS = 200_000

/** Tries rules over a span of time, one after the other. @throws AppError BAD_ARGUMENT for a name that no rule has, before any is tried */
export async function backtestOnServer(
  api: ApiClient,
  names: readonly string[],
  range: TimeRange,
): Promise<readonly FoundRow[]> {
  const rules = await serverRules(api)
  const chosen = names.flatMap((name) => rulesNamed(rules, name))
  const tried: FoundRow[] = []
  for (const rule of new Set(chosen)) {
    const path = `/api/v1/rules/${encodeURIComponent(rule.id)}/backtest`
    const { findings, events, perDay, examples } = await api.ask<Backtest>('POST', path, 'perDay', {
      body: spanOf(range),
      silentMs: BACKTEST_SILENT_MS,
    })
    const samples = examples.map(({ eventId, ...rest }) => ({ ...rest, eventIds: [eventId] }))
    tried.push({
      called: rule.name,
      key: rule.id,
      level: rule.level,
      findings,
      events,
      days: perDay,
      samples,
    })
  }
  return tried
}

function noRule(rules: readonly RuleRow[], name: string): AppError {
  const meant = nearest(
    name,
    rules.map((rule) => rule.name),
  )
  return new AppError('BAD_ARGUMENT', `There is no rule ${name}.`, {
    hint: `${meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `}Run \`bricktrail rules list\` to see all.`,
  })
}
