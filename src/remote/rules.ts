/** Rules in force on a server. */
import { basename, extname } from 'node:path'
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

/** What a rule goes by in lists: the name of its file. */
export const calledOnServer = ({ file, id }: RuleRow): string => basename(file, extname(file)) || id

/** Throws BAD_ARGUMENT unless a rule goes by that id or file, or has it in its title. */
export async function checkServerRule(api: ApiClient, name: string): Promise<void> {
  const rules = await serverRules(api)
  const text = name.toLowerCase()
  const isKnown = (rule: RuleRow): boolean =>
    rule.title.toLowerCase().includes(text) ||
    [rule.id, calledOnServer(rule)].some((each) => each.toLowerCase() === text)
  if (!rules.some(isKnown)) throw noRule(rules, name)
}

function ruleNamed(rules: readonly RuleRow[], name: string): RuleRow {
  const isCalled = (rule: RuleRow) =>
    [rule.id, calledOnServer(rule), rule.title].some((each) => each.toLowerCase() === name.toLowerCase())
  const rule = rules.find(isCalled)
  if (rule === undefined) throw noRule(rules, name)
  return rule
}

/** A rule by the name of its file, its id or its title. @throws AppError BAD_ARGUMENT */
export async function serverRule(api: ApiClient, name: string): Promise<RuleDetail> {
  const rule = ruleNamed(await serverRules(api), name)
  return api.get<RuleDetail>(`/api/v1/rules/${encodeURIComponent(rule.id)}`, 'yaml')
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
  const chosen = names.map((name) => ruleNamed(rules, name))
  const tried: FoundRow[] = []
  for (const rule of new Set(chosen)) {
    const path = `/api/v1/rules/${encodeURIComponent(rule.id)}/backtest`
    const { findings, events, perDay, examples } = await api.ask<Backtest>('POST', path, 'perDay', {
      body: spanOf(range),
      silentMs: BACKTEST_SILENT_MS,
    })
    const samples = examples.map(({ eventId, ...rest }) => ({ ...rest, eventIds: [eventId] }))
    tried.push({
      called: calledOnServer(rule),
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
  const meant = nearest(name, rules.map(calledOnServer))
  return new AppError('BAD_ARGUMENT', `There is no rule ${name}.`, {
    hint: `${meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `}Run \`bricktrail rules list\` to see all.`,
  })
}
