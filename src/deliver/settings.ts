/** Where alerts and events go: `deliver.yaml` of the home. Each kind of destination brings the schema of its own keys. */

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { nearest } from '../core/nearest.ts'
import { isYamlMap, type YamlDocument, type YamlMap } from '../core/yaml/documents.ts'
import type { Place, ValuePath } from '../core/yaml/place.ts'
import { settingsFrom, settingsText } from '../core/yaml/settings.ts'
import { timespanSecs } from '../detect/sigma/timespan.ts'
import type { SinkKind } from './contract.ts'
import { SINKS, sinkKind } from './registry.ts'
import { referenceFault } from './secrets.ts'

/** One destination, as written. */
export interface DestinationSettings {
  readonly name: string
  readonly kind: SinkKind
  /** Its own keys, checked. */
  readonly section: YamlMap
  readonly connections: number
  readonly timeoutMs: number
  /** Items a request holds at most; as many as the destination takes where absent. */
  readonly batch?: number
  /** Of messages. */
  readonly giveUpMs: number
  readonly perMinute?: number
  /** Of events. */
  readonly format?: string
  /** Where a new stream of events begins. */
  readonly from: 'now' | 'beginning'
  /** What events it wants, as filters of `bricktrail events`. */
  readonly only: Readonly<Record<string, string>>
  readonly place: Place
}

/** The settings. */
export interface DeliverSettings {
  readonly destinations: readonly DestinationSettings[]
  /** Messages that may wait. */
  readonly mostWaiting: number
}

const DURATION = { type: 'string', format: 'duration' } as const

/** Keys that every destination has. */
const COMMON = {
  kind: { type: 'string', enum: SINKS.map(({ kind }) => kind), description: 'What it is.' },
  connections: { type: 'integer', minimum: 1, maximum: 32 },
  batch: { type: 'integer', minimum: 1, description: 'Items in a request at most; as many as it takes where absent.' },
  timeout: { ...DURATION, description: 'How long one request may take; 30s where absent.' },
} as const

const OF_MESSAGES = {
  give_up: { ...DURATION, description: 'Messages older than this are set aside; 3d where absent.' },
  per_minute: { type: 'integer', minimum: 1, description: 'Messages a minute at most.' },
} as const

const FILTERS = [
  'actor',
  'action',
  'service',
  'category',
  'verb',
  'target',
  'status',
  'ip',
  'text',
  'workspace',
  'keyEvent',
]

const OF_EVENTS = {
  format: { type: 'string', description: 'How events are written.' },
  from: {
    type: 'string',
    enum: ['now', 'beginning'],
    description: 'Where it begins the first time; `now` where absent.',
  },
  only: {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(FILTERS.map((name) => [name, { type: 'string' }])),
    description: 'Which events, as the filters of `bricktrail events`.',
  },
} as const

/** JSON Schema of the whole file, for editors. */
export const deliverSchema = (): Readonly<Record<string, unknown>> => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Bricktrail: where alerts and events go',
  type: 'object',
  additionalProperties: false,
  properties: {
    destinations: {
      type: 'object',
      description: 'Names and, below each, a destination.',
      additionalProperties: { oneOf: SINKS.map((kind) => withPatterns(destinationSchema(kind))) },
    },
    most_waiting: {
      type: 'integer',
      minimum: 1,
      description: 'Messages that may wait, of all destinations together; 100000 where absent.',
    },
  },
})

/** What the formats of the schemas are to an editor, which does not know them. */
const PATTERNS: Readonly<Record<string, string>> = {
  duration: '^\\d{1,9}[smhdw]$',
  reference: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$',
  'web-address': '^https?://',
  file: '\\S',
}

/** The same schema, with patterns for formats. */
function withPatterns(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withPatterns)
  if (typeof schema !== 'object' || schema === null) return schema
  const { format, ...rest } = schema as Readonly<Record<string, unknown>>
  const pattern = typeof format === 'string' ? PATTERNS[format] : undefined
  const kept = pattern === undefined ? schema : { ...rest, pattern }
  return Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, withPatterns(value)]))
}

/** JSON Schema of one destination of a kind. */
export function destinationSchema(kind: SinkKind): Readonly<Record<string, unknown>> {
  const { properties, required, ...rest } = kind.schema as { properties: object; required?: readonly string[] }
  const own =
    kind.takes === 'messages' ? OF_MESSAGES : { ...OF_EVENTS, format: { ...OF_EVENTS.format, enum: kind.formats } }
  return {
    ...rest,
    description: kind.doc,
    required: ['kind', ...(required ?? [])],
    properties: {
      ...COMMON,
      kind: { const: kind.kind, description: kind.doc },
      connections: { ...COMMON.connections, description: `Requests at once; ${connectionsOf(kind)} where absent.` },
      ...own,
      ...properties,
    },
  }
}

/** Requests at once where the settings do not say. */
const connectionsOf = ({ takes, connections = takes === 'messages' ? 1 : 4 }: SinkKind): number => connections

/**
 * The settings of a file; no destinations where there is none.
 * @throws AppError BAD_HOME with file, line and column
 */
export const readDeliverSettings = async (file: string): Promise<DeliverSettings> =>
  deliverSettingsOf(await settingsText(file), file)

/**
 * Settings from a text.
 * @throws AppError BAD_HOME with file, line and column
 */
export const deliverSettingsOf = (text: string, file: string): DeliverSettings =>
  settingsFrom(text, file, fromDocument, () => ({ destinations: [], mostWaiting: MOST_WAITING }))

const MOST_WAITING = 100_000

function fromDocument(document: YamlDocument): DeliverSettings {
  const { destinations = {}, most_waiting: mostWaiting, ...rest } = document.value
  for (const key of Object.keys(rest)) unknownKey(document, [key], key, ['destinations', 'most_waiting'])
  if (
    mostWaiting !== undefined &&
    !(typeof mostWaiting === 'number' && Number.isInteger(mostWaiting) && mostWaiting > 0)
  )
    document.error(['most_waiting'], 'most_waiting is no number of messages.', 'Write a whole number, such as 100000.')
  if (!isYamlMap(destinations))
    document.error(['destinations'], 'destinations is no map.', 'Write a name and below it `kind:`.')
  const entries = isYamlMap(destinations) ? Object.entries(destinations) : []
  return {
    destinations: entries.flatMap(([name, section]) => destinationOf(document, name, section) ?? []),
    mostWaiting: typeof mostWaiting === 'number' ? mostWaiting : MOST_WAITING,
  }
}

function destinationOf(document: YamlDocument, name: string, section: unknown): DestinationSettings | undefined {
  const path = ['destinations', name]
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(name))
    return document.error(path, `${name} is no name of a destination.`, 'Use letters, digits, _, . and -.') as undefined
  if (!isYamlMap(section as YamlMap))
    return document.error(path, `${name} is no map.`, 'Write `kind:` below it.') as undefined
  const value = section as YamlMap
  const kind = typeof value.kind === 'string' ? sinkKind(value.kind) : undefined
  if (kind === undefined) {
    const kinds = SINKS.map((each) => each.kind)
    const [near] = nearest(String(value.kind ?? ''), kinds)
    const hint = near === undefined ? `Kinds: ${kinds.join(', ')}.` : `Did you mean ${near}?`
    const at = value.kind === undefined ? path : [...path, 'kind']
    return document.error(
      at,
      value.kind === undefined ? `${name} has no kind.` : `There is no destination of the kind ${String(value.kind)}.`,
      hint,
    ) as undefined
  }
  if (!isGood(document, path, kind, value)) return undefined
  const { kind: _, connections, batch, timeout, give_up, per_minute, format, from, only, ...own } = value
  const ms = (span: unknown, otherwise: number) =>
    typeof span === 'string' ? (timespanSecs(span) ?? 0) * 1000 : otherwise
  return {
    name,
    kind,
    section: own,
    connections: typeof connections === 'number' ? connections : connectionsOf(kind),
    ...(typeof batch === 'number' ? { batch } : {}),
    timeoutMs: ms(timeout, 30_000),
    giveUpMs: ms(give_up, 3 * 86_400_000),
    ...(typeof per_minute === 'number' ? { perMinute: per_minute } : {}),
    ...(kind.takes === 'events' ? { format: typeof format === 'string' ? format : (kind.formats?.[0] ?? 'uam') } : {}),
    from: from === 'beginning' ? 'beginning' : 'now',
    only: (only ?? {}) as Record<string, string>,
    place: document.placeOf(path),
  }
}

const validators = new Map<string, ValidateFunction>()

function isGood(document: YamlDocument, path: ValuePath, kind: SinkKind, value: YamlMap): boolean {
  const validate = validators.get(kind.kind) ?? ajv().compile(destinationSchema(kind))
  validators.set(kind.kind, validate)
  if (validate(value)) return true
  for (const fault of validate.errors ?? []) report(document, path, fault)
  return false
}

function ajv(): Ajv2020 {
  const made = new Ajv2020({ allErrors: true, verbose: true, strict: false })
  made.addFormat('duration', (text) => timespanSecs(text) !== undefined)
  made.addFormat('reference', (text) => referenceFault(text) === undefined)
  made.addFormat('web-address', (text) => webAddressFault(text) === undefined)
  made.addFormat('file', (text) => text.trim() !== '')
  return made
}

function webAddressFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    return 'Write an address that begins with https:// or http://.'
  if (url.username !== '' || url.password !== '') return 'Leave out user name and password: secrets do not belong here.'
  return undefined
}

const HINTS: Readonly<Record<string, (text: string) => string>> = {
  duration: () => 'Write 90s, 15m, 24h or 7d.',
  reference: (text) => referenceFault(text) ?? '',
  'web-address': (text) => webAddressFault(text) ?? '',
  file: () => 'Write the path of a file.',
}

/** A fault in plain words. A value is never quoted: it may be a secret that was pasted there. */
function report(document: YamlDocument, path: ValuePath, fault: ErrorObject): void {
  const at = [...path, ...fault.instancePath.split('/').slice(1).map(unescaped)]
  const last = at.at(-1)
  const key = typeof last === 'number' ? `entry ${last + 1} of ${String(at.at(-2))}` : String(last)
  const params = fault.params as Readonly<Record<string, unknown>>
  const { format } = params
  switch (fault.keyword) {
    case 'additionalProperties': {
      const unknown = String(params.additionalProperty)
      unknownKey(
        document,
        [...at, unknown],
        unknown,
        Object.keys((fault.parentSchema as { properties?: object }).properties ?? {}),
      )
      return
    }
    case 'required':
      document.error(
        at,
        `${at.length === path.length ? String(path.at(-1)) : key} has no ${String(params.missingProperty)}.`,
        `Add \`${String(params.missingProperty)}:\`.`,
      )
      return
    case 'format':
      document.error(
        at,
        `${key} is no ${FORMAT_NAMES[String(format)] ?? String(format)}.`,
        HINTS[String(format)]?.(String(fault.data)) ?? '',
      )
      return
    case 'enum':
      document.error(
        at,
        `${key} is none of what it can be.`,
        `Use one of ${(params.allowedValues as readonly unknown[]).join(', ')}.`,
      )
      return
    case 'type':
      document.error(at, `${key} is no ${String(params.type)}.`, `Write a ${String(params.type)}.`)
      return
    default:
      document.error(at, `${key} ${fault.message ?? 'is wrong'}.`, 'See the reference of destinations.')
  }
}

const FORMAT_NAMES: Readonly<Record<string, string>> = {
  duration: 'span of time',
  reference: 'reference to a secret',
  'web-address': 'web address',
  file: 'path',
}

const unescaped = (part: string): string | number =>
  /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')

function unknownKey(document: YamlDocument, at: ValuePath, key: string, known: readonly string[]): void {
  const [near] = nearest(key, known)
  document.error(
    at,
    `${key} is no key here.`,
    near === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${near}?`,
  )
}
