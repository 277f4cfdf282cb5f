/** JSON Schema of `alerts.yaml`, for editors. The program reads the file itself, and says more of what is wrong. */
import { LEVELS } from '../detect/sigma/rule.ts'
import { MATCHED } from './match.ts'

type Schema = Readonly<Record<string, unknown>>

const text = (description: string): Schema => ({ type: ['string', 'number'], description })
const span = (description: string): Schema => ({ type: 'string', pattern: '^(\\d{1,9}[smhdw]|0)$', description })
const number = (description: string): Schema => ({ type: 'number', minimum: 0, description })
const texts = (description: string, items: Schema = { type: ['string', 'number', 'boolean'] }): Schema => ({
  anyOf: [items, { type: 'array', items }],
  description,
})
const map = (description: string, properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => ({
  type: 'object',
  description,
  additionalProperties: false,
  properties,
  ...more,
})
const list = (description: string, items: Schema): Schema => ({ type: 'array', description, items })

const LABEL: Schema = { type: 'string', enum: MATCHED }
const LEVEL: Schema = { type: 'string', enum: LEVELS }

const HOURS = {
  hours: { type: 'string', pattern: '^\\d{1,2}:\\d{2}-\\d{1,2}:\\d{2}$', description: 'Such as 08:00-18:00.' },
  days: texts('Such as mon-fri.', { type: 'string' }),
  time_zone: text('Time zone, such as Europe/Berlin.'),
}

/** Which alerts. */
const matcher = (
  description: string,
  without: readonly string[] = [],
  also: Readonly<Record<string, Schema>> = {},
): Schema => {
  const words: Readonly<Record<string, Schema>> = {
    kind: { type: 'string', enum: ['alert', 'incident'] },
    level: LEVEL,
  }
  const labels = MATCHED.filter((label) => !without.includes(label))
  const properties = labels.map((label) => [label, texts(`Its ${label}; \`*\` stands for anything.`, words[label])])
  return map(description, {
    ...Object.fromEntries(properties),
    at_least: { ...LEVEL, description: 'Its level or a higher one.' },
    ...also,
  })
}

const escalation = map(
  'Who is told if nobody took it on.',
  {
    after: span('How long after it was told.'),
    to: texts('Destinations.', { type: 'string' }),
    repeat: span('Told again after this long.'),
    times: number('How often in all; 3 where absent.'),
  },
  { required: ['after', 'to'] },
)

const route = map(
  'One route.',
  {
    name: text('Its name.'),
    when: matcher('Which alerts, and at what hours.', [], HOURS),
    to: texts('Destinations of deliver.yaml; none where empty.', { type: 'string' }),
    continue: { type: 'boolean', description: 'True lets the routes below have it too.' },
    group: map(
      'Alerts that are alike go as one message.',
      {
        by: texts('What they are alike in.', LABEL),
        wait: span('How long the first waits for others; 30s where absent.'),
        interval: span('How long until the next message; 5m where absent.'),
      },
      { required: ['by'] },
    ),
    update_every: span('How long between two messages on one alert; 1h where absent.'),
    digest: map(
      'All of it once a day.',
      {
        at: { type: 'string', pattern: '^\\d{1,2}:\\d{2}$', description: "Time of day, in quotes: '08:00'." },
        time_zone: HOURS.time_zone,
      },
      { required: ['at'] },
    ),
    limit: map(
      'What is beyond goes as one message when there is room.',
      {
        messages: { type: 'integer', minimum: 1, description: 'Messages at most.' },
        per: span('Within this time; 1h where absent.'),
      },
      { required: ['messages'] },
    ),
    escalate: { anyOf: [escalation, { type: 'array', items: escalation }], description: 'One step, or several.' },
  },
  { required: ['to'] },
)

/** The schema of the whole file. */
export const alertsSchema = (): Schema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Bricktrail: what becomes of alerts',
  ...map('alerts.yaml of the home.', {
    time_zone: text('Time zone of all hours; UTC where absent.'),
    url: {
      type: 'string',
      pattern: '^https?://',
      description: 'Link to an alert: {id}, {kind}, {rule} and {entity} are filled in.',
    },
    routes: list('Which alerts go where: the first that fits.', route),
    inhibit: list(
      'Alerts that keep others quiet while they are open.',
      map(
        'One inhibition.',
        {
          name: text('Its name.'),
          source: matcher('Alerts that quiet others.'),
          target: matcher('Alerts that stay quiet.'),
          equal: texts('What both are alike in.', LABEL),
        },
        { required: ['source', 'target'] },
      ),
    ),
    maintenance: list(
      'Times in which what is expected to happen is quiet.',
      map('One such time.', {
        name: text('Its name.'),
        when: matcher('Which alerts; all where absent.'),
        from: text('Beginning, such as 2026-12-01 22:00.'),
        to: text('End.'),
        ...HOURS,
      }),
    ),
    teams: {
      type: 'object',
      description: 'Teams by name, and whose alerts are theirs.',
      additionalProperties: matcher('Which alerts.', ['team']),
    },
    quiet_after: map('How long new evidence is only counted.', {
      benign: span('After benign; 1d where absent.'),
      false_positive: span('After a false positive; 7d where absent.'),
    }),
    reopen_within: span('How long new evidence opens the old alert again; 7d where absent.'),
    history_after: span('Older evidence is told to nobody; 7d where absent.'),
    risk: map('How risk adds up.', {
      levels: map('Score of each level.', Object.fromEntries(LEVELS.map((level) => [level, number(`Of ${level}.`)]))),
      rules: {
        type: 'object',
        description: 'Score of rules by name; `*` stands for anything.',
        additionalProperties: number('Score.'),
      },
      most_per_rule: number('What one rule adds in a day at most.'),
      day_score: number('More than this in 24 hours is an incident.'),
      week_tactics: number('So many tactics in 7 days are one.'),
      week_rules: number('By so many rules.'),
    }),
  }),
})
