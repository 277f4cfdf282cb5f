/** Where the parts of an alert lead. */
import type { AlertRow, FindingDetail } from '../../../../src/serve/shapes/alerts.ts'
import { justAfter } from '../../times.ts'
import { entityUrl, explorerUrl, term } from '../../url-state.ts'

/** Fields of rules, and what the search box calls them. */
const SEARCH_FIELDS: Readonly<Record<string, string>> = {
  'actor.email': 'actor',
  'actor.id': 'actor',
  'actor.name': 'actor',
  actor: 'actor',
  source_ip: 'ip',
  workspace_id: 'workspace',
  client: 'client',
  service: 'service',
  action: 'action',
  category: 'category',
  'targets.name': 'target',
  'targets.id': 'target',
  asset: 'target',
  session_id: 'session',
}

/** What is said of parameters that name somebody. */
const PEOPLE = /^request_params\.(targetUserName|userName|user|service_principal)$/

/** The search for what an alert is about; null where the search box has no field for it and the text would find anything. */
export function searchFor({ field, value }: AlertRow['entity']): string | null {
  if (value === '') return null
  const known = SEARCH_FIELDS[field]
  if (known !== undefined) return term(known, value)
  return field.startsWith('request_params.') ? term('text', value).slice('text:'.length) : null
}

/** The page of whom or what an alert is about; null where there is none. */
export function entityPageOf({ field, value }: AlertRow['entity']): string | null {
  if (value === '') return null
  const known = SEARCH_FIELDS[field]
  if (known === 'actor' || known === 'ip' || known === 'target') return entityUrl(known, value)
  if (PEOPLE.test(field)) return entityUrl('actor', value)
  return field.startsWith('request_params.') ? entityUrl('target', value) : null
}

/** The explorer at what somebody or something did from the first to the last event of an alert. */
export function eventsOf(alert: Pick<AlertRow, 'entity' | 'firstTime' | 'lastTime'>): string | null {
  const q = searchFor(alert.entity)
  return q === null ? null : explorerUrl(q, { from: alert.firstTime, to: justAfter(alert.lastTime) })
}

/** A search is at most 4,000 characters long, and an id 33 with its comma. */
const MOST_IDS = 100

/** The explorer at exactly the events of a finding, or at the first hundred of them. */
export const eventsOfFinding = ({ eventIds, firstTime, lastTime }: FindingDetail): string =>
  explorerUrl(`id:${eventIds.slice(0, MOST_IDS).join(',')}`, { from: firstTime, to: justAfter(lastTime) })

/** The SQL page with a statement. */
export const sqlUrl = (sql: string): string => `/sql?${new URLSearchParams({ sql }).toString()}`

/** The page of a rule. */
export const ruleUrl = (id: string): string => `/rules/${encodeURIComponent(id)}`

/** Summaries begin with the title of their rule; left out where that stands above them. */
export const withoutTitle = (summary: string, title: string): string =>
  summary.startsWith(`${title}: `) ? summary.slice(title.length + 2) : summary

/** The technique or tactic of a tag, at MITRE; null for other tags. */
export function attackUrl(tag: string): string | null {
  const technique = /^attack\.(t\d{4})(?:\.(\d{3}))?$/i.exec(tag)
  if (technique === null) return null
  const [, id = '', part] = technique
  return `https://attack.mitre.org/techniques/${id.toUpperCase()}/${part === undefined ? '' : `${part}/`}`
}
