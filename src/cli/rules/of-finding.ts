/** What the rules in force say of findings: which rules go by a name, and what to ask next. */
import { filledIn } from '../../alert/message.ts'
import type { Home } from '../../core/home.ts'
import { loadPack } from '../../detect/pack/load.ts'
import type { PackRule, RunbookQuery } from '../../detect/pack/pack.ts'
import { keysOfFinders } from '../../detect/review/chosen.ts'
import { settingsFileOf } from './pack.ts'

/** Times are kept to the millisecond and events to the microsecond: the last event is within the one after. */
const LAST_MS = 1

/** Ids of the rules of that name; none where it is part of titles. Throws BAD_ARGUMENT where it is neither. */
export async function idsOfFinders(home: Home, name: string): Promise<readonly string[]> {
  return keysOfFinders(await loadPack({ settingsFile: settingsFileOf(home), examples: false }), name)
}

/** The queries of a finding's rule, with its time and whom it is about filled in; none where the rule is gone. */
export async function runbookOf(home: Home, finding: Readonly<Record<string, unknown>>): Promise<RunbookQuery[]> {
  const pack = await loadPack({ settingsFile: settingsFileOf(home), examples: false })
  const isOwn = ({ key }: PackRule): boolean => key === finding.rule_id
  const rule = [...pack.rules, ...pack.disabled, ...pack.elsewhere].find(isOwn)
  const facts = { entity: String(finding.entity ?? '') }
  const about = { firstMs: timeMs(finding.first_time), lastMs: timeMs(finding.last_time) + LAST_MS, facts }
  return (rule?.content.runbook ?? []).map(({ title, sql }) => ({ title, sql: filledIn(sql, about) }))
}

/** Of a time as the engine writes it in UTC. */
const timeMs = (time: unknown): number => Date.parse(String(time).replace(' ', 'T').replace(/\+00$/, 'Z'))
