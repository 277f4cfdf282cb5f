/** What is said of an alert, or of several at once. */
import type { AlertMessage, MessageAction } from '../deliver/message.ts'
import type { RunbookQuery } from '../detect/pack/pack.ts'
import { LEVELS, type Level } from '../detect/sigma/rule.ts'
import { lit } from '../engine/sql.ts'
import type { Alert } from './alert.ts'
import type { AlertsFile } from './alerts-file.ts'

/** What messages are made with. */
export interface Telling {
  readonly nowMs: number
  /** See `url` of the settings. */
  readonly url?: string
  /** Queries of a rule, for who looks into it. */
  readonly runbookOf: (ruleId: string) => readonly RunbookQuery[]
}

/** Findings that a message names; the count of events has them all. */
const FINDINGS_NAMED = 50

/** Alerts that a message about several tells of, a line each. */
const ALERTS_NAMED = 20

/** The message about one alert. */
export function messageAbout(
  file: AlertsFile,
  alert: Alert,
  told: { readonly action: MessageAction; readonly dedupKey: string; readonly note?: string | undefined },
  telling: Telling,
): AlertMessage {
  const { facts, assignee } = alert
  const url = urlOf(alert, telling.url)
  return {
    action: told.action,
    alertId: alert.id,
    dedupKey: told.dedupKey,
    title: facts.title,
    summary: facts.summary,
    level: levelOf(alert),
    status: statusOf(alert),
    rule: { id: facts.ruleId, title: facts.ruleTitle },
    ...(facts.entity === '' ? {} : { entity: { field: facts.entityField, value: facts.entity } }),
    ...(facts.threat === undefined ? {} : { threat: facts.threat }),
    tags: facts.tags,
    firstTime: iso(alert.firstMs),
    lastTime: iso(alert.lastMs),
    sentTime: iso(telling.nowMs),
    events: alert.events,
    findings: findingsOf(file, alert),
    ...(assignee === null ? {} : { assignee }),
    ...(told.note === undefined ? {} : { note: told.note }),
    because: facts.because,
    runbook: telling.runbookOf(facts.ruleId).map(({ title, sql }) => ({ title, sql: filledIn(sql, alert) })),
    ...(url === undefined ? {} : { url }),
  }
}

/** The message about several alerts, the most severe first. */
export function messageAboutSeveral(
  alerts: readonly Alert[],
  told: { readonly action: MessageAction; readonly dedupKey: string },
  telling: Telling,
): AlertMessage {
  const sorted = [...alerts].sort((a, b) => b.level - a.level || a.firstMs - b.firstMs || (a.id < b.id ? -1 : 1))
  const [worst] = sorted as [Alert, ...Alert[]]
  const titles = [...new Set(sorted.map(({ facts }) => facts.title))]
  const entities = [...new Set(sorted.map(({ facts }) => facts.entity))]
  const isOneRule = sorted.every(({ facts }) => facts.ruleId === worst.facts.ruleId)
  const isOneEntity = entities.length === 1 && worst.facts.entity !== ''
  const rest = sorted.length - ALERTS_NAMED
  return {
    action: told.action,
    alertId: told.dedupKey,
    dedupKey: told.dedupKey,
    title: `${sorted.length} alerts: ${titles[0] ?? ''}${titles.length > 1 ? ` and ${titles.length - 1} more` : ''}`,
    summary: `${sorted.length} alerts of ${plural(titles.length, 'kind')} about ${entities.slice(0, 3).join(', ')}${
      entities.length > 3 ? ` and ${entities.length - 3} more` : ''
    }.`,
    level: levelOf(worst),
    status: sorted.every(({ state }) => state === 'resolved') ? 'resolved' : 'open',
    rule: isOneRule
      ? { id: worst.facts.ruleId, title: worst.facts.ruleTitle }
      : { id: 'bricktrail-several', title: 'Several rules' },
    ...(isOneEntity ? { entity: { field: worst.facts.entityField, value: worst.facts.entity } } : {}),
    tags: [...new Set(sorted.flatMap(({ facts }) => facts.tags))].sort(),
    firstTime: iso(Math.min(...sorted.map(({ firstMs }) => firstMs))),
    lastTime: iso(Math.max(...sorted.map(({ lastMs }) => lastMs))),
    sentTime: iso(telling.nowMs),
    events: sorted.reduce((sum, { events }) => sum + events, 0),
    findings: [],
    because: [
      ...sorted.slice(0, ALERTS_NAMED).map((each) => lineOf(each, telling.url)),
      ...(rest > 0 ? [`and ${rest} more`] : []),
    ],
    runbook: [],
  }
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`

function lineOf(alert: Alert, template: string | undefined): string {
  const { title, entity } = alert.facts
  return [`${levelOf(alert)}: ${title}`, entity, urlOf(alert, template) ?? alert.id]
    .filter((part) => part !== '')
    .join(' · ')
}

/** The level of an alert by name. */
export const levelOf = ({ level }: Pick<Alert, 'level'>): Level => LEVELS[level] ?? 'medium'

/** State and outcome in words. */
export const statusOf = ({ state, outcome }: Pick<Alert, 'state' | 'outcome'>): string =>
  outcome === null || state !== 'resolved' ? state : `${state} (${outcome.replaceAll('_', ' ')})`

const iso = (ms: number): string => new Date(ms).toISOString()

function findingsOf(file: AlertsFile, alert: Alert): string[] {
  const sql =
    alert.kind === 'alert'
      ? 'SELECT id FROM findings WHERE alert_id = ? AND superseded_by IS NULL ORDER BY last_ms DESC, id LIMIT ?'
      : 'SELECT finding_id AS id FROM risks WHERE incident_id = ? ORDER BY time_ms DESC, finding_id LIMIT ?'
  return file.all<{ id: string }>(sql, alert.id, FINDINGS_NAMED).map(({ id }) => id)
}

/** Where to look into an alert. */
export function urlOf({ id, kind, facts }: Alert, template: string | undefined): string | undefined {
  const values: Readonly<Record<string, string>> = { id, kind, rule: facts.ruleId, entity: facts.entity }
  return template?.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    values[name] === undefined ? whole : encodeURIComponent(values[name]),
  )
}

/** A query of a runbook, with its time and whom it is about filled in. */
export function filledIn(
  sql: string,
  { firstMs, lastMs, facts }: Pick<Alert, 'firstMs' | 'lastMs'> & { readonly facts: Pick<Alert['facts'], 'entity'> },
): string {
  const values: Readonly<Record<string, string>> = {
    from: `TIMESTAMPTZ ${lit(iso(firstMs))}`,
    to: `TIMESTAMPTZ ${lit(iso(lastMs))}`,
    entity: lit(facts.entity),
  }
  return sql.replaceAll(/:(from|to|entity)\b/g, (_, name: string) => values[name] ?? '')
}
