/** `docs/reference/catalogue.md`, made from the data so that it cannot say anything else. */
import {
  type ActionEntry,
  catalogue,
  type OverrideCase,
  overrides,
  services,
  sources,
  type TargetSpec,
  targetPlans,
} from './catalogue.ts'
import { CATEGORIES, EVIDENCE, KEY_EVENTS, TARGET_TYPES, type Term, VERBS } from './vocabulary.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const code = (text: string | null): string => (text === null || text === '' ? '' : `\`${text}\``)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

const termTable = (name: string, terms: readonly Term[]): string =>
  table(
    [name, 'meaning'],
    terms.map((term) => [code(term.name), term.doc]),
  )

const INTRO = `# Catalogue of services and actions

What Bricktrail knows of the actions Databricks logs. The knowledge is data: one file a service in
\`src/normalise/catalogue/actions/\`, one action a line. This page is made from it, and a test fails when the two differ.
\`bricktrail catalogue\` prints the same on a terminal, \`bricktrail catalogue --json\` with everything an entry has, and
\`bricktrail catalogue --unknown\` lists the actions in your lake that are not here.

An action that is not listed is never lost: its category is that of its service, its verb that of the first word of its
name (\`createGadget\` → \`create\`), it has no key event and no targets, and all it carried stays in \`request_params\` and
\`response_result\`. Services and actions are compared without case.

Evidence matters: the vendor publishes no machine-readable list, and public detection rules contradict each other. Every
entry says how it is known and from where; parameters of \`recalled\` entries are hypotheses.`

const GRAMMAR = `A plan lists what a record's targets are called by. Each field is a list of alternatives, and the first that is
there counts: \`key\` is a request parameter; \`a.b.c\` are parameters joined by dots, counted only if the last is there,
without leading ones that are missing; \`param:a.b\` is one parameter with dots in its name; \`key:$.path\` is a JSON path
into a parameter's text and \`result:$.path\` into the response, where \`[*]\` joins all it finds by commas; \`key~last\` and
\`key~first\` are the parts behind the last and before the first slash; \`"text"\` stands for itself where a principal was
found. A type in braces is the record's own word, in lower case. Targets with neither id nor name are left out.`

function caseText({ param, matches, verb, keyEvent, category }: OverrideCase): string {
  const becomes = Object.entries({ verb, 'key event': keyEvent, category }).flatMap(([name, word]) =>
    word === undefined ? [] : [`${name} ${code(word)}`],
  )
  return `${param.map(code).join(' or ')} matches ${code(matches)}: ${becomes.join(', ')}`
}

function targetText(spec: TargetSpec): string {
  const type = typeof spec.type === 'string' ? spec.type : `{${spec.type.from}} or ${spec.type.else}`
  const fields = (['id', 'name', 'principal', 'privilege'] as const).flatMap((field) =>
    spec[field] === undefined ? [] : [`${field} ${spec[field].map(code).join(', ')}`],
  )
  return `**${type}**: ${fields.join('; ')}`
}

function actionRow(entry: ActionEntry): string[] {
  const marks = [
    entry.level,
    ...(entry.verbose ? ['verbose only'] : []),
    ...(entry.legacy ? ['legacy'] : []),
    ...entry.clouds.map((cloud) => `${cloud} only`),
  ]
  return [
    [entry.action, ...entry.aliases].map(code).join(', '),
    entry.description,
    `${entry.category}, ${entry.verb}`,
    entry.keyEvent ?? '',
    entry.plan ?? '',
    entry.override ?? '',
    `${entry.uam.action} ${entry.uam.targetType}`,
    `${entry.ocsf.classUid}/${entry.ocsf.activityId}`,
    marks.join(', '),
    entry.evidence,
    entry.params.map(code).join(', '),
    entry.sources.join(', '),
  ]
}

const ACTION_HEAD = [
  'action',
  'what happened',
  'category, verb',
  'key event',
  'targets',
  'override',
  'UAM',
  'OCSF',
  'level',
  'evidence',
  'known parameters',
  'sources',
]

function serviceSection(service: ReturnType<typeof services>[number]): string {
  const entries = catalogue().filter((entry) => entry.service === service.service)
  const also = service.aliases.length === 0 ? '' : ` Also logged as ${service.aliases.map(code).join(', ')}.`
  const intro = `### ${service.service}\n\n${service.doc}. Unlisted actions count as \`${service.category}\`.${also}`
  return entries.length === 0 ? intro : `${intro}\n\n${table(ACTION_HEAD, entries.map(actionRow))}`
}

/** The whole page. */
export function catalogueMarkdown(): string {
  const counts = EVIDENCE.map(({ name }) => `${catalogue().filter((e) => e.evidence === name).length} ${name}`)
  return `${[
    INTRO,
    `${catalogue().length} actions of ${services().length} services: ${counts.join(', ')}.`,
    '## Evidence',
    termTable('evidence', EVIDENCE),
    '## Categories',
    termTable('category', CATEGORIES),
    '## Verbs',
    termTable('verb', VERBS),
    '## Key events',
    termTable('key event', KEY_EVENTS),
    '## Overrides',
    "Parameters that change what an action means. For each of verb, key event and category the first matching case that names it counts; patterns are RE2's.",
    table(
      ['override', 'why', 'cases'],
      overrides().map(({ override, doc, cases }) => [code(override), doc, cases.map(caseText).join('<br>')]),
    ),
    '## Target types',
    termTable('type', TARGET_TYPES),
    '## Target plans',
    GRAMMAR,
    table(
      ['plan', 'targets'],
      targetPlans().map(({ plan, targets }) => [code(plan), targets.map(targetText).join('<br>')]),
    ),
    '## Services and actions',
    'OCSF is class and activity in schema 1.8.0 that a complete record of the action is exported as; UAM is action and target type.',
    ...services().map(serviceSection),
    '## Sources',
    table(
      ['source', 'what it is'],
      Object.entries(sources()).map(([id, title]) => [id, title]),
    ),
  ].join('\n\n')}\n`
}
