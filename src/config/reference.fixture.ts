/** The reference of `bricktrail.yaml`, written from its schema; `reference.test.ts` compares the page with it. */
import { commentedConfig } from './commented.ts'
import { configJsonSchema } from './schema.ts'

interface Part {
  readonly title?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Part>>
  readonly items?: Part
  readonly additionalProperties?: Part | boolean
  readonly propertyNames?: Part
  readonly required?: readonly string[]
}

/** The whole page. */
export const configPage = (): string =>
  [
    '# bricktrail.yaml',
    '',
    'Settings of `bricktrail serve`: `bricktrail.yaml` of the home, or the file that `--config` names. It is read once, at the start. Every key is',
    'optional. A key that is not listed here is an error, told with file, line and column, as is a secret that stands in the file: secrets are',
    'references, `env:NAME` or `file:/absolute/path`. Paths are relative to the file.',
    '',
    '`bricktrail init` writes a commented file, `bricktrail config check` tells whether it can be used, and `bricktrail config schema` prints its',
    '[JSON Schema](bricktrail.schema.json), by which editors with the YAML language server complete keys. This page is made from that schema.',
    'Alerts, destinations, rules and the seal have files of their own: [alerts](../how-to/work-with-alerts.md),',
    '[destinations](destinations.md), [rules](../how-to/tune-rules.md), [seal](../how-to/seal-settings.md).',
    '',
    '| key | value | what |',
    '| --- | --- | --- |',
    ...rows(configJsonSchema() as Part, ''),
    '',
    'Lists of addresses hold addresses and networks, such as `10.0.0.7` and `10.0.0.0/8`. A length of time is `500ms`, `30s`, `15m`, `12h` or `7d`; a size `512MiB` or `2GiB`; a schedule either a length of time or a cron pattern of',
    'five or six fields in UTC. Roles are `viewer`, `analyst`, `auditor` and `admin`; what each may is in',
    '[Sign in](../how-to/sign-in.md).',
    '',
    '## Where it may listen',
    '',
    'On addresses of this machine it always may. On any other it starts only with a certificate (`serve.tls`) or behind a proxy that has one',
    '(`serve.behind_proxy`), and only if somebody could sign in: with `access.oidc`, or with a token that was made before.',
    '',
    '## The commented file',
    '',
    '```yaml',
    commentedConfig('docs/reference/bricktrail.schema.json').trimEnd(),
    '```',
    '',
  ].join('\n')

function rows(part: Part, before: string): string[] {
  return Object.entries(part.properties ?? {}).flatMap(([key, child]) => {
    const name = `${before}${key}`
    const row = `| \`${name}\` | ${kindOf(child)} | ${cell(child.description ?? '')} |`
    const item = child.items?.properties === undefined ? [] : rows(child.items, `${name}[].`)
    const more = child.additionalProperties
    const entry = typeof more === 'object' && more.properties !== undefined ? rows(more, `${name}.*.`) : []
    return [row, ...rows(child, `${name}.`), ...item, ...entry]
  })
}

function kindOf(part: Part): string {
  const { title, type, items, examples = [], additionalProperties: more } = part
  if (title !== undefined) return title
  if (part.enum !== undefined) return part.enum.map((word) => `\`${word}\``).join(', ')
  if (type === 'array') return items?.properties === undefined ? `list of ${kindOf(items ?? {})}` : 'list of maps'
  if (type === 'object') return typeof more === 'object' && more.enum !== undefined ? 'map of names to roles' : 'map'
  if (type === 'boolean') return '`true` or `false`'
  if (type === 'integer' || type === 'number') return 'number'
  const [example] = examples
  return example === undefined ? 'text' : `such as \`${String(example)}\``
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
