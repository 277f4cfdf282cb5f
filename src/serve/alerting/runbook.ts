/** Queries of a runbook, ready to be run: their time and whom they are about are filled in. */
import { filledIn } from '../../alert/message.ts'
import type { Facet } from '../shapes/events.ts'

/** A step of a runbook, as the page opens it. */
export interface RunbookStep {
  readonly title: string
  readonly sql: string | null
  /** What to type into the search box. */
  readonly q: string | null
  readonly from: string
  readonly to: string
}

/** What is looked into. */
export interface Subject {
  readonly entity: string
  readonly entityField: string
  readonly firstMs: number
  readonly lastMs: number
}

const HOUR_MS = 3_600_000

/** Around a finding the reader wants to see what led to it and what came of it. */
const AROUND_MS = 12 * HOUR_MS

/** Times are kept to the millisecond and events to the microsecond: the last event is within the one after. */
const LAST_MS = 1

/** Fields of rules, and what the search box calls them. */
const SEARCHED: Readonly<Record<string, Facet | 'session'>> = {
  'actor.email': 'actor',
  'actor.id': 'actor',
  'actor.name': 'actor',
  'userIdentity.email': 'actor',
  actor: 'actor',
  source_ip: 'ip',
  sourceIPAddress: 'ip',
  workspace_id: 'workspace',
  workspaceId: 'workspace',
  'geo.country': 'country',
  'geo.as_org': 'as_org',
  client: 'client',
  service: 'service',
  serviceName: 'service',
  action: 'action',
  actionName: 'action',
  category: 'category',
  'targets.name': 'target',
  session_id: 'session',
}

/** The steps of a rule's runbook about one subject; before them the search for all that it did around that time. */
export function runbookSteps(
  queries: readonly { readonly title: string; readonly sql: string }[],
  subject: Subject,
): RunbookStep[] {
  const { firstMs, lastMs, entity } = subject
  const window = { from: iso(firstMs - AROUND_MS), to: iso(lastMs + AROUND_MS) }
  const q = searchFor(subject)
  const filled = { firstMs, lastMs: lastMs + LAST_MS, facts: { entity } }
  return [
    ...(q === undefined ? [] : [{ title: 'What it did around that time', sql: null, q, ...window }]),
    ...queries.map(({ title, sql }) => ({ title, sql: filledIn(sql, filled), q: null, ...window })),
  ]
}

function searchFor({ entity, entityField }: Subject): string | undefined {
  if (entity === '') return undefined
  const field = SEARCHED[entityField]
  if (field !== undefined) return `${field}:${quoted(entity)}`
  // A bare text is looked for in parameters.
  return entityField.startsWith('request_params.') ? quoted(entity) : undefined
}

const quoted = (value: string): string =>
  /^[\w.@/-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`

const iso = (ms: number): string => new Date(ms).toISOString()
