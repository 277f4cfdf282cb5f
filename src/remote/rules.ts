/** Rules in force on a server. */
import { basename, extname } from 'node:path'
import { AppError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { RuleDetail, RuleList, RuleRow } from '../serve/shapes/rules.ts'
import type { ApiClient } from './client.ts'

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

/** A rule by the name of its file, its id or its title. @throws AppError BAD_ARGUMENT */
export async function serverRule(api: ApiClient, name: string): Promise<RuleDetail> {
  const rules = await serverRules(api)
  const isCalled = (rule: RuleRow) =>
    [rule.id, calledOnServer(rule), rule.title].some((each) => each.toLowerCase() === name.toLowerCase())
  const rule = rules.find(isCalled)
  if (rule === undefined) throw noRule(rules, name)
  return api.get<RuleDetail>(`/api/v1/rules/${encodeURIComponent(rule.id)}`, 'yaml')
}

function noRule(rules: readonly RuleRow[], name: string): AppError {
  const meant = nearest(name, rules.map(calledOnServer))
  return new AppError('BAD_ARGUMENT', `There is no rule ${name}.`, {
    hint: `${meant.length === 0 ? '' : `Did you mean ${meant.join(' or ')}? `}Run \`bricktrail rules list\` to see all.`,
  })
}
