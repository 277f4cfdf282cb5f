/** What an event says, in words. */
import { catalogue } from '../../normalise/catalogue/catalogue.ts'
import { spellings } from '../../normalise/catalogue/spellings.ts'
import type { EventDetail } from '../shapes/events.ts'

/** Columns of an event as plain values. */
export type EventColumns = Readonly<Record<string, unknown>>

type Explanation = EventDetail['explanation']

/** Says who did what to what, from where, and how it ended. */
export function explain(event: EventColumns): Explanation {
  const entry = entryOf(event)
  const [who, what, toWhat, fromWhere, outcome] = [
    whoOf(event),
    [text(event.service), text(event.action)].filter(Boolean).join('.') || 'something',
    targetsOf(event),
    whereOf(event),
    outcomeOf(event),
  ]
  const parts = [
    `${who} did ${what}`,
    ...(toWhat === null ? [] : [`on ${toWhat}`]),
    ...(fromWhere === null ? [] : [`from ${fromWhere}`]),
  ]
  return {
    sentence: `${parts.join(' ')}; ${outcome}.`,
    who,
    what: entry === undefined ? what : `${what}: ${entry.description}`,
    toWhat,
    fromWhere,
    outcome,
    catalogue: entry === undefined ? null : { description: entry.description, evidence: entry.evidence },
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const fields = (value: unknown): EventColumns =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EventColumns) : {}

let byName: ReadonlyMap<string, ReturnType<typeof catalogue>[number]> | undefined

function entryOf(event: EventColumns) {
  byName ??= new Map(
    catalogue().flatMap((entry) =>
      spellings(entry).map(({ service, action }) => [`${service}.${action}`.toLowerCase(), entry] as const),
    ),
  )
  return byName.get(`${text(event.service)}.${text(event.action)}`.toLowerCase())
}

const KINDS: Readonly<Record<string, string>> = {
  service_principal: 'a service principal',
  system: 'the platform itself',
  vendor_support: 'Databricks personnel',
}

function whoOf(event: EventColumns): string {
  const actor = fields(event.actor)
  const name = text(actor.email) || text(actor.name) || text(actor.id)
  const kind = KINDS[text(actor.type)]
  const who = name === '' ? (kind ?? 'Somebody unnamed') : kind === undefined ? name : `${name} (${kind})`
  const as = text(actor.run_as)
  return as === '' || as === name ? who : `${who}, as ${as},`
}

/** Named one by one up to here. */
const NAMED_TARGETS = 3

function targetsOf({ targets }: EventColumns): string | null {
  if (!Array.isArray(targets) || targets.length === 0) return null
  const named = targets.slice(0, NAMED_TARGETS).map((each) => targetOf(fields(each)))
  const more = targets.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function targetOf(target: EventColumns): string {
  const type = text(target.type).replaceAll('_', ' ')
  const name = text(target.name) || text(target.id)
  const privilege = text(target.privilege)
  const principal = text(target.principal)
  const what = [type, name].filter(Boolean).join(' ') || 'something unnamed'
  return `${what}${privilege === '' ? '' : `: ${privilege}`}${principal === '' ? '' : ` for ${principal}`}`
}

function whereOf(event: EventColumns): string | null {
  const address = text(event.source_ip)
  const geo = fields(event.geo)
  const about = [text(geo.country), text(geo.as_org)].filter(Boolean).join(', ')
  const client = text(event.client)
  const by = client === '' || client === 'unknown' ? '' : ` with ${client.replaceAll('_', ' ')}`
  if (address === '') return by === '' ? null : `an unknown address${by}`
  return `${address}${about === '' ? '' : ` (${about})`}${by}`
}

const OUTCOMES: Readonly<Record<string, string>> = {
  SUCCESS: 'it succeeded',
  UNAUTHORIZED: 'it was refused',
  FAILURE: 'it failed',
}

/** Longer error texts are shown by themselves. */
const SHORT_ERROR = 200

function outcomeOf(event: EventColumns): string {
  const code = typeof event.status_code === 'number' ? ` (${event.status_code})` : ''
  const known = OUTCOMES[text(event.status)]
  if (known === undefined) return 'the log does not say how it ended'
  const why = text(event.status_reason) || text(event.error_message)
  const said = why === '' || text(event.status) === 'SUCCESS' ? '' : `: ${cut(why)}`
  return `${known}${code}${said}`
}

const cut = (words: string): string => {
  const [line = ''] = words.trim().split('\n', 1)
  const short = line.length > SHORT_ERROR ? `${line.slice(0, SHORT_ERROR)}…` : line
  return short.replace(/[.]+$/, '')
}
