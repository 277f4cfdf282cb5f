/**
 * How much an event matters, for formats that must say so. A ladder over what the event itself tells; findings come from
 * detection, not from here.
 */
import { lit } from '../engine/sql.ts'
import { anyOf } from './event-facts.ts'

/** A rung: its number in OCSF (1 Informational … 4 High), its CEF severity (0–10) and when an event stands on it. */
export interface SeverityRung {
  readonly ocsf: number
  readonly caption: string
  readonly cef: number
  readonly doc: string
  /** SQL condition over event columns; rungs are asked from the top. */
  readonly when: string
}

/** Categories in which a refused call may be someone trying to widen their reach or to cover their tracks. */
const SENSITIVE = ['permission', 'identity', 'token', 'secret', 'audit', 'network', 'configuration', 'sharing']

/** Key events that change who may do what, from where, or what leaves. */
const SECURITY_CHANGES = [
  'role_permission_update',
  'authentication_configuration',
  'network_policy',
  'privileged_setting',
  'data_policy_change',
  'data_sharing',
  'external_connection',
  'destructive_change',
  'vendor_access',
  'security_signal',
]

/** Key events that are the daily work of an account. */
const DAILY = ['job_execution', 'interactive_usage', 'data_access']

/** From the highest rung to the lowest; the last takes what is left. */
export const SEVERITY_LADDER: readonly SeverityRung[] = [
  {
    ocsf: 4,
    caption: 'High',
    cef: 8,
    doc: 'a successful change of what is logged, other than the first set-up',
    when: `status = 'SUCCESS' AND key_event = 'logging_configuration' AND verb <> 'create'`,
  },
  {
    ocsf: 3,
    caption: 'Medium',
    cef: 6,
    doc: `a refused call in ${SENSITIVE.join(', ')}; a successful ${SECURITY_CHANGES.join(', ')}; vendor support at work`,
    when: `(status = 'UNAUTHORIZED' AND ${anyOf('category', SENSITIVE)})
        OR (status = 'SUCCESS' AND (${anyOf('key_event', SECURITY_CHANGES)} OR actor.type = 'vendor_support'))`,
  },
  {
    ocsf: 2,
    caption: 'Low',
    cef: 4,
    doc: `any other refused call; a failed sign-in; any other key event but ${DAILY.join(', ')}`,
    when: `status = 'UNAUTHORIZED' OR (category = 'authentication' AND status = 'FAILURE')
        OR (key_event IS NOT NULL AND NOT ${anyOf('key_event', DAILY)})`,
  },
  { ocsf: 1, caption: 'Informational', cef: 2, doc: 'everything else', when: 'true' },
]

/** SQL giving a property of the rung an event stands on. */
export function severitySql(property: 'ocsf' | 'cef' | 'caption'): string {
  const value = (rung: SeverityRung) => (property === 'caption' ? lit(rung.caption) : String(rung[property]))
  return `CASE ${SEVERITY_LADDER.map((rung) => `WHEN ${rung.when} THEN ${value(rung)}`).join('\n      ')} END`
}
