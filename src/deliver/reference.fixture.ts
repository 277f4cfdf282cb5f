/** The reference of destinations, written from their schemas; `reference.test.ts` compares the page with it. */
import type { SinkKind } from './contract.ts'
import { EVENT_NOTES } from './event-notes.fixture.ts'
import { SINKS } from './registry.ts'
import { destinationSchema } from './settings.ts'
import { TEMPLATE_FIELDS, TEMPLATE_PROPERTIES } from './template.ts'

interface Property {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly items?: Property
  readonly description?: string
}

type Properties = Readonly<Record<string, Property>>

/** What cannot be seen in a schema: what repeats are told by, what is cut where, and what it was tried against. */
const NOTES: Readonly<Record<string, readonly string[]>> = {
  ...EVENT_NOTES,
  webhook: [
    'Repeats have the same `webhook-id`. Answers of 2xx are success; redirects are not followed.',
    'Signatures are those of Standard Webhooks: `v1` for secrets (`whsec_`), `v1a` for keys (`whsk_`).',
  ],
  slack: [
    'Slack tells no repeats apart: a message whose answer was lost may show twice. Both show the same message id at the end.',
    'All words are plain text, so nothing that an event holds mentions anybody or becomes a link. Titles are cut at 150 characters, texts at 3,000.',
    'Slack takes about one message a second; `per_minute: 60` keeps to that, and where it answers 429, its `Retry-After` is kept to.',
    'Tried against a server of our own, after the published limits and errors.',
  ],
  teams: [
    'Make a workflow that starts when a Teams webhook request is received, and posts the card. It belongs to a person: if their account goes, so does the workflow.',
    'All words are text runs, in which Teams reads no Markdown. A card is kept below 28 KB, by cutting its longest texts first.',
    'Teams tells no repeats apart; the message id stands at the end of the card.',
    'Tried against a server of our own, after the published limits and errors.',
  ],
  pagerduty: [
    "The alert's key is the `dedup_key`, so a repeat is the same incident. Acknowledging and resolving an alert does so with the incident.",
    'Levels become severities: critical, high → error, medium → warning, low and informational → info.',
    'Tried against a server of our own, after the published limits and errors.',
  ],
  jsm: [
    "The alert's key is the `alias`, so a repeat is the same alert. Reopened alerts are created anew, as closed ones cannot be opened again.",
    'Levels become priorities: critical is P1, informational P5.',
    'The service takes a request before it acts on it, and says so only; what it refuses afterwards shows in the log of the integration.',
    'Tried against a server of our own, after the published limits and errors.',
  ],
  jira: [
    'An issue has a label that follows from the alert, and is looked for before one is made. Where it is unknown whether one was made, nothing is made for 20 seconds: searches find new issues late.',
    'A comment names its message, and is not made twice.',
    'If the issue was deleted, news makes another; that the alert is over does not.',
    'Tried against a server of our own, after the published limits and errors.',
  ],
  email: [
    'The Message-ID follows from the message, so programs that tell repeats drop them. Mails of one alert are one thread.',
    'Each recipient is served by itself. 4xx is tried again, for those who do not have it yet; 5xx is given up.',
    'STARTTLS is required: without it neither mail nor password is sent. With `tls: none` no password can be given.',
    'Tried against the server `smtp-server`, with TLS and a login.',
  ],
  alertmanager: [
    'Alertmanager tells alerts by their labels, so a repeat changes nothing. Labels are `alertname`, `severity`, `rule_id`, `alert_key`, `entity`, `entity_field` and `threat`; all else are annotations.',
    'Alertmanager ends alerts that are not sent over and over. Bricktrail gives each alert an end of its own instead: `keep` after it was last heard of, and at once when it is resolved.',
    'Alertmanager keeps alerts in memory. After it was restarted it knows of an alert again with the next message about it.',
    'Tests use a server of our own; tried by hand with Alertmanager 0.25, which fires, changes level and ends as it should.',
  ],
  syslog: [
    'The text is the whole message as JSON; with `title` or `body`, it is these, on one line. The structured data name `id`, `action`, `alert`, `key`, `level`, `status`, `rule` and `entity`.',
    'Syslog has no answers. By default each batch has a connection of its own, and is delivered once the receiver has read its end and closes it. Receivers that never close need `confirm: false`.',
    'Messages are framed by their length (octet counting), facility 13, log audit. A receiver must take messages as long as `longest`; rsyslog takes 8 KB unless told otherwise.',
    'Tests use a receiver of our own, which reads by the grammar of RFC 5424; tried by hand with rsyslog 8.2302 over TLS.',
  ],
  'event-syslog': [
    'As `syslog`; the text is the event in the format asked for, and the structured data name its `id` and `key`. With CEF, most receivers want `bom: false`.',
  ],
  file: [
    'A line that a crash cut off is ended before the next one. Lines may repeat after a crash; they have the same id.',
  ],
}

const TEMPLATES = Object.keys(TEMPLATE_PROPERTIES)

/** The whole page. */
export function destinationsPage(): string {
  const messages = SINKS.filter(({ takes }) => takes === 'messages')
  const events = SINKS.filter(({ takes }) => takes === 'events')
  const [message, event] = [messages[0], events[0]] as [SinkKind, SinkKind]
  const inCommon: Properties = {
    ...allOf(message),
    kind: { description: 'What it is: one of those below.' },
    connections: {
      type: 'integer',
      description: 'Requests at once; where absent 4 for events, 1 for messages, objects and files.',
    },
  }
  const common = Object.entries(inCommon).filter(([key]) => key in allOf(event) && !(key in ownOf(message)))
  const only = (kind: SinkKind) =>
    Object.entries(allOf(kind)).filter(([key]) => !(key in ownOf(kind)) && !common.some(([each]) => each === key))
  return [
    '# Destinations',
    '',
    'Where alerts and events go stands in `deliver.yaml` of the home. [Deliver alerts and events](../how-to/deliver.md) shows how.',
    'A key that is not listed here is an error, as is a secret that stands in the file: secrets are references, `env:NAME` or',
    '`file:/absolute/path`. For editors there is a JSON Schema, [deliver.schema.json](deliver.schema.json): name it in the first line,',
    '`# yaml-language-server: $schema=PATH`.',
    '',
    '| key | what |',
    '| --- | --- |',
    '| `destinations` | Map of names to destinations. |',
    '| `most_waiting` | Messages that may wait, of all destinations together; 100000 where absent. |',
    '',
    '## Keys of every destination',
    '',
    ...table(common, ['kind']),
    '',
    '## Alert destinations',
    '',
    'They also have:',
    '',
    ...table(only(message), []),
    '',
    'Where `title` and `body` are listed, they are words of your own, in which `{{field}}` stands for a field of the alert:',
    `${TEMPLATE_FIELDS.map((field) => `\`${field}\``).join(', ')}.`,
    'What a field holds is never read as markup, and never as a template.',
    '',
    ...messages.flatMap(sectionOf),
    '## Event destinations',
    '',
    'They also have:',
    '',
    ...table(
      only(event).map(([key, property]) => [
        key,
        key === 'format'
          ? {
              description:
                'How events are written: one of the formats of the kind, the first where absent. [Exports](exports.md) says what is in them; `raw` is the record as delivered, with its secrets cut out.',
            }
          : property,
      ]),
      [],
    ),
    '',
    ...events.flatMap(sectionOf),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

const ownOf = (kind: SinkKind): Properties => (kind.schema as { properties: Properties }).properties
const allOf = (kind: SinkKind): Properties => (destinationSchema(kind) as { properties: Properties }).properties

function sectionOf(kind: SinkKind): readonly string[] {
  const { required = [] } = kind.schema as { required?: readonly string[] }
  const own = Object.entries(ownOf(kind)).filter(([key]) => !TEMPLATES.includes(key))
  const templates = TEMPLATES.filter((key) => key in ownOf(kind))
  const formats = kind.takes === 'events' ? ['', `Formats: ${(kind.formats ?? []).join(', ')}.`] : []
  return [
    `### ${kind.kind}`,
    '',
    kind.doc,
    ...formats,
    '',
    ...table(own, required),
    ...(templates.length === 0
      ? []
      : [`| ${templates.map((key) => `\`${key}\``).join(', ')} | template | | Words of your own. |`]),
    '',
    ...(NOTES[kind.kind] ?? []).map((note) => `- ${note}`),
    ...(NOTES[kind.kind] === undefined ? [] : ['']),
  ]
}

const table = (
  properties: readonly (readonly [string, Property])[],
  required: readonly string[],
): readonly string[] => [
  '| key | is a | needed | what |',
  '| --- | --- | --- | --- |',
  ...properties.map(
    ([key, property]) =>
      `| \`${key}\` | ${typeOf(property)} | ${required.includes(key) ? 'yes' : ''} | ${property.description ?? ''} |`,
  ),
]

const NAMES: Readonly<Record<string, string>> = {
  reference: 'secret',
  'web-address': 'address',
  file: 'file',
  duration: 'time',
  object: 'map',
  integer: 'number',
  boolean: 'true or false',
  string: 'text',
}

function typeOf({ type = '', format, enum: values, items }: Property): string {
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeOf(items)}`
  if (values !== undefined) return values.length > 6 ? 'text' : values.map((value) => `\`${value}\``).join(', ')
  return NAMES[format ?? ''] ?? NAMES[type] ?? 'text'
}
