/** The rule pack as data: what every file must have, said without running a rule. Format: docs/design/006-rule-files.md. */
import { basename, dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { EVENT_COLUMNS } from '../src/core/event.ts'
import { THREATS } from '../src/detect/pack/content.ts'
import { TACTICS } from '../src/detect/review/attack.ts'
import { Engine } from '../src/engine/duckdb.ts'
import { columnDefinitions } from '../src/engine/types.ts'
import { catalogue } from '../src/normalise/catalogue/catalogue.ts'
import { spellings } from '../src/normalise/catalogue/spellings.ts'
import { filesUnder, textOf } from './source-files.ts'

/** Everything that public rules for Databricks look for, by table and row; each must be in the `covers` of some rule. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  '1.1': [
    'Repeated failed login',
    'Multiple failed logins from one IP (spray/stuffing)',
    'Failed login trend',
    'Failed-auth spike vs baseline',
    'Non-SSO login',
    'Databricks employee logon',
    'Databricks support access to workspace',
    'Attempt from denied IP',
    'Source-IP inventories',
    'Geo of access',
    'Embargoed-geo access',
    'New source IP for user',
    'Session hijack, multi-device',
    'Session hijack, frequent logins',
    'Session hijack, session count',
    'Token scanning',
    'TruffleHog user agent',
    'PAT created long-lived',
    'PAT created (any) outside known IP/UA',
    'PAT revoked',
    'PAT activity',
    'Password changed',
    'MFA key added / deleted',
    'Access to many workspaces',
  ],
  '1.2': [
    'Account admin granted',
    'Workspace admin granted',
    'Admin change (add or remove)',
    'Metastore admin granted',
    'User role modified',
    'User created',
    'User deleted',
    'Group created / deleted',
    'Principal added to group',
    'Principal removed from group',
    'Potential privilege escalation',
    'Workspace permission changes',
    'Object shared with all account users',
    'Privileged non-IdP identities',
    'Inactive members per group',
    'Most privileged users',
    'Escalation paths / impersonation',
    'Service principal anomaly',
    'Permission change on critical assets',
  ],
  '1.3': [
    'Verbose audit logging disabled',
    'High-priority config change',
    'IP access list change',
    'Workspace config change',
    'Account setting change',
    'SSO config change',
    'Terms of service',
    'Global init script change',
    'Library on all clusters',
    'Mount creation',
    'DBFS use',
    'Production workspace / network object change',
    'Print statements in notebooks',
    'Verbose command mining',
    'Audit volume surge',
    'ClamAV infected files (count, name)',
    'Capsule8 container breakout',
    'Capsule8 host security changed',
    'Capsule8 kernel events',
    'Capsule8 suspicious host activity',
  ],
  '1.4': [
    'Control-plane downloads',
    'Explicit-credential data movement',
    'COPY INTO with credentials',
    'Unauthorised UC requests',
    'Unauthorised UC data requests',
    'High number of reads/writes',
    'Reads/writes, popular data products',
    'Off-hours sensitive access',
    'Exfiltration risk (model)',
    'Destructive activity',
    'Repeated secret access',
    'Secret discovery',
    'Secret reads out of hours',
    'Table-admin spike',
    'Recipient without IP ACL',
    'Delta Sharing IP denials',
    'Recipient token lifetime changed',
    'Share source IPs',
  ],
}

/** Techniques that version 19 withdrew; T1685 and T1686 took their place. */
const WITHDRAWN = /^attack\.t1562(\.|$)/

const FRAMEWORKS = ['soc2', 'iso27001', 'nist80053', 'pci', 'hipaa', 'gdpr']
const LEVELS = ['informational', 'low', 'medium', 'high', 'critical']
const BASELINES = ['first_seen', 'rare', 'spike', 'off_hours', 'impossible_travel', 'dormant', 'silent_source', 'drop']
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonMap = { readonly [key: string]: Json }

interface Doc {
  readonly path: string
  readonly body: JsonMap
  /** `bricktrail`, empty where it is missing. */
  readonly own: JsonMap
}

interface RuleFile {
  readonly path: string
  readonly faults: readonly string[]
  readonly docs: readonly Doc[]
  /** The document that fires. */
  readonly main: Doc
}

const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const mapOf = (value: Json | undefined): JsonMap => (isMap(value) ? value : {})
const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value as Json]
const textsOf = (value: Json | undefined): string[] => listOf(value).map(String)
const isText = (value: Json | undefined): value is string => typeof value === 'string' && value.trim() !== ''

function ruleFile(path: string): RuleFile {
  const parsed = parseAllDocuments(textOf(path))
  const documents = 'empty' in parsed ? [] : parsed
  const docs = documents.map((document) => {
    const body = mapOf(document.toJS() as Json)
    return { path, body, own: mapOf(body.bricktrail) }
  })
  const faults = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings].map(({ message }) => message))
  return { path, faults, docs, main: docs.at(-1) ?? { path, body: {}, own: {} } }
}

const FILES = filesUnder('rules', /\.ya?ml$/).map(ruleFile)
const DOCS = FILES.flatMap(({ docs }) => docs)

/** What is wrong with each of many things, as `path: fault`. */
const faultsOf = <T extends { readonly path: string }>(
  things: readonly T[],
  faults: (thing: T) => readonly string[],
): string[] => things.flatMap((thing) => faults(thing).map((fault) => `${thing.path}: ${fault}`))

const duplicates = (words: readonly string[]): string[] => [
  ...new Set(words.filter((word, at) => words.indexOf(word) !== at)),
]

/** Every map anywhere in a value: the selections of a detection, whatever lists they stand in. */
const mapsIn = (value: Json): JsonMap[] => {
  if (Array.isArray(value)) return value.flatMap(mapsIn)
  return isMap(value) ? [value, ...Object.values(value).flatMap(mapsIn)] : []
}

const detectionOf = ({ body }: Doc): JsonMap =>
  isMap(body.detection) ? body.detection : mapOf(mapOf(body.baseline).select)

const pair = (service: string, action: string): string => `${service}.${action}`.toLowerCase()
const KNOWN = new Set(
  catalogue().flatMap((entry) => spellings(entry).map(({ service, action }) => pair(service, action))),
)
const ACTIONS = new Set([...KNOWN].map((name) => name.slice(name.lastIndexOf('.') + 1)))
const SERVICES = new Set([...KNOWN].map((name) => name.slice(0, name.lastIndexOf('.'))))

/** Services and actions of one selection that no entry of the catalogue has, as `service.action`. */
function unknownNames(selection: JsonMap): string[] {
  const named = (field: string): string[] => textsOf(selection[field]).filter((name) => !/[*?%]/.test(name))
  const services = named('serviceName')
  const actions = named('actionName')
  if (services.length === 0) return actions.filter((action) => !ACTIONS.has(action.toLowerCase()))
  if (actions.length === 0) return services.filter((service) => !SERVICES.has(service.toLowerCase()))
  const known = (service: string, action: string): boolean => KNOWN.has(pair(service, action))
  // In a line of several services and actions each needs one partner; not every pair has to exist.
  const strayActions = actions.filter((action) => !services.some((service) => known(service, action)))
  const strayServices = services.filter((service) => !actions.some((action) => known(service, action)))
  return [
    ...strayActions.map((action) => `${services[0]}.${action}`),
    ...strayServices.map((service) => `${service}.${actions[0]}`),
  ]
}

const unlisted = ({ main }: RuleFile): string[] => listOf(main.own.unlisted).map((entry) => String(mapOf(entry).name))

const examplesOf = (file: RuleFile, side: 'fires' | 'silent'): readonly JsonMap[] =>
  listOf(mapOf(file.main.own.examples)[side]).map(mapOf)

/** Parameters that what picks the events names: `%list%` under `expand`, and values that are nothing else. */
const placeholdersIn = (value: Json): string[] => {
  if (typeof value === 'string') return [...value.matchAll(/^%([\w.-]+)%$/g)].map((match) => match[1] ?? '')
  return Array.isArray(value) ? value.flatMap(placeholdersIn) : Object.values(mapOf(value)).flatMap(placeholdersIn)
}

describe('the rule pack', () => {
  it('has files that are YAML', () => {
    expect(FILES.length).toBeGreaterThan(90)
    expect(faultsOf(FILES, ({ faults }) => faults)).toEqual([])
  })

  it('says in every firing document what a reader needs', () => {
    const faults = faultsOf(
      FILES.map(({ main }) => main),
      ({ body, own }) => [
        ...['title', 'status', 'description', 'author', 'date'].filter((key) => !isText(body[key])),
        ...(listOf(body.falsepositives).length === 0 ? ['falsepositives'] : []),
        ...(LEVELS.includes(String(body.level)) ? [] : ['level']),
        ...(isText(own.entity) ? [] : ['bricktrail.entity']),
        ...(own.feeds === undefined ? [] : ['bricktrail.feeds in the document that fires']),
        ...(own.covers === undefined ? ['bricktrail.covers'] : []),
        ...(isText(body.description) && body.description.length < 60 ? ['description is too short'] : []),
      ],
    )
    expect(faults).toEqual([])
  })

  it('has one kind in every document, and a log source where events are picked', () => {
    const faults = faultsOf(DOCS, ({ body }) => {
      const kinds = ['detection', 'correlation', 'baseline', 'filter'].filter((kind) => body[kind] !== undefined)
      const source = mapOf(body.logsource)
      return [
        ...(kinds.length === 1 ? [] : [`kinds: ${kinds.join(', ')}`]),
        ...(body.correlation === undefined && source.product !== 'databricks' ? ['logsource'] : []),
      ]
    })
    expect(faults).toEqual([])
  })

  it('gives every document an id of its own, and every name to one', () => {
    expect(faultsOf(DOCS, ({ body }) => (UUID_V4.test(String(body.id)) ? [] : [`id ${String(body.id)}`]))).toEqual([])
    expect(duplicates(DOCS.map(({ body }) => String(body.id)))).toEqual([])
    expect(duplicates(DOCS.flatMap(({ body }) => (body.name === undefined ? [] : [String(body.name)])))).toEqual([])
    expect(duplicates(FILES.map(({ main }) => String(main.body.title)))).toEqual([])
  })

  it('keeps base rules silent, before the correlation that names them', () => {
    const faults = faultsOf(FILES, ({ docs }) => [
      ...docs
        .slice(0, -1)
        .flatMap(({ own, body }) => (own.feeds === true ? [] : [`${String(body.title)} has no feeds`])),
      ...docs.flatMap(({ body }, at) => {
        const before = docs.slice(0, at).flatMap((doc) => [doc.body.name, doc.body.id])
        return textsOf(mapOf(body.correlation).rules).filter((name) => !before.includes(name))
      }),
    ])
    expect(faults).toEqual([])
  })

  it('is filed by threat, under names in kebab case', () => {
    const faults = faultsOf(FILES, ({ path, main }) => [
      ...((THREATS as readonly string[]).includes(String(main.own.threat))
        ? []
        : [`threat ${String(main.own.threat)}`]),
      ...(basename(dirname(path)) === main.own.threat ? [] : ['lies in another folder']),
      ...(/^[a-z0-9]+(-[a-z0-9]+)*\.yml$/.test(basename(path)) ? [] : ['is not named in kebab case']),
    ])
    expect(faults).toEqual([])
  })

  it('is tagged with tactics and techniques of ATT&CK', () => {
    const faults = faultsOf(
      FILES.map(({ main }) => main),
      ({ body }) => {
        const tags = textsOf(body.tags).filter((tag) => tag.startsWith('attack.'))
        const techniques = tags.filter((tag) => /^attack\.t\d{4}(\.\d{3})?$/.test(tag))
        const tactics = tags.filter((tag) => (TACTICS as readonly string[]).includes(tag.slice(7)))
        return [
          ...tags.filter((tag) => !techniques.includes(tag) && !tactics.includes(tag)),
          ...tags.filter((tag) => WITHDRAWN.test(tag)),
          ...(techniques.length > 0 && tactics.length === 0 ? ['a technique without its tactic'] : []),
        ]
      },
    )
    expect(faults).toEqual([])
  })

  it('serves controls of known frameworks', () => {
    const faults = faultsOf(FILES, ({ main }) => {
      const controls = mapOf(main.own.controls)
      const names = Object.keys(controls)
      return [
        ...names.filter((name) => !FRAMEWORKS.includes(name)),
        ...names.filter((name) => textsOf(controls[name]).some((control) => control.trim() === '')),
        ...(names.length < 3 ? ['fewer than three frameworks'] : []),
      ]
    })
    expect(faults).toEqual([])
  })

  it('uses services and actions of the catalogue, or says why not', () => {
    const faults = faultsOf(FILES, (file) => {
      const listed = unlisted(file).map((name) => name.toLowerCase())
      const unknown = file.docs.flatMap((doc) => mapsIn(detectionOf(doc)).flatMap(unknownNames))
      return [...new Set(unknown)].filter((name) => !listed.includes(name.toLowerCase()))
    })
    expect(faults).toEqual([])
    const reasons = faultsOf(FILES, ({ main }) =>
      listOf(main.own.unlisted).flatMap((entry) => (isText(mapOf(entry).reason) ? [] : ['unlisted without a reason'])),
    )
    expect(reasons).toEqual([])
  })

  it('gives a reason for every parameter, and uses each', () => {
    const faults = faultsOf(FILES, ({ main, docs }) => {
      const parameters = listOf(main.own.parameters).map(mapOf)
      const names = parameters.map(({ name }) => String(name))
      const used = docs.flatMap(({ body }) =>
        placeholdersIn([body.detection ?? null, body.correlation ?? null, body.baseline ?? null]),
      )
      return [
        ...parameters
          .filter(({ value, reason }) => value === undefined || !isText(reason))
          .map(({ name }) => `${name}: no value or reason`),
        ...names.filter((name) => !used.includes(name)).map((name) => `${name} is not used`),
        ...used.filter((name) => !names.includes(name)).map((name) => `%${name}% is not declared`),
        ...duplicates(names),
      ]
    })
    expect(faults).toEqual([])
  })

  it('knows the kind of every baseline and whose habit it is', () => {
    const faults = faultsOf(
      DOCS.filter(({ body }) => body.baseline !== undefined),
      ({ body }) => {
        const baseline = mapOf(body.baseline)
        const type = String(baseline.type)
        return [
          ...(BASELINES.includes(type) ? [] : [`type ${type}`]),
          ...(baseline.select === undefined ? ['select'] : []),
          ...(listOf(baseline.by).length === 0 ? ['by'] : []),
          ...(['first_seen', 'rare'].includes(type) && listOf(baseline.value).length === 0 ? ['value'] : []),
          ...(['spike', 'drop', 'silent_source'].includes(type) && !isText(baseline.window) ? ['window'] : []),
        ]
      },
    )
    expect(faults).toEqual([])
  })

  it('shows by records when each rule fires and when it does not', () => {
    const faults = faultsOf(FILES, (file) =>
      (['fires', 'silent'] as const).flatMap((side) => {
        const examples = examplesOf(file, side)
        const names = examples.map(({ name }) => String(name))
        return [
          ...(examples.length === 0 ? [`no example that ${side === 'fires' ? 'fires' : 'is silent'}`] : []),
          ...examples
            .filter(({ name, records }) => !isText(name) || listOf(records).length === 0)
            .map(() => `an empty example of ${side}`),
          ...duplicates(names),
        ]
      }),
    )
    expect(faults).toEqual([])
  })

  it('has examples of records that could be delivered', () => {
    const faults = faultsOf(FILES, (file) => {
      const listed = unlisted(file).map((name) => name.toLowerCase())
      const records = (['fires', 'silent'] as const).flatMap((side) =>
        examplesOf(file, side).flatMap(({ records }) => listOf(records).map(mapOf)),
      )
      return records.flatMap(({ timestamp, serviceName, actionName }) => {
        const name = pair(String(serviceName), String(actionName))
        return [
          ...(Number.isNaN(Date.parse(String(timestamp))) ? [`timestamp ${String(timestamp)}`] : []),
          ...(KNOWN.has(name) || listed.includes(name) ? [] : [`example of ${name}`]),
        ]
      })
    })
    expect([...new Set(faults)]).toEqual([])
  })

  it.each(Object.entries(ROWS))('covers what public rules look for, table %s', (table, rows) => {
    const covered = new Set(FILES.flatMap(({ main }) => textsOf(main.own.covers)))
    expect(rows.map((row) => `${table} ${row}`).filter((row) => !covered.has(row))).toEqual([])
  })

  it('names no row of those tables that does not exist', () => {
    const rows = new Set(Object.entries(ROWS).flatMap(([table, names]) => names.map((name) => `${table} ${name}`)))
    const faults = faultsOf(FILES, ({ main }) =>
      textsOf(main.own.covers).filter((row) => /^1\.[1-4] /.test(row) && !rows.has(row)),
    )
    expect(faults).toEqual([])
  })
})

describe('runbooks', () => {
  let engine: Engine

  beforeAll(async () => {
    engine = await Engine.open({ threads: 1 })
    await engine.run(`CREATE TABLE events (${columnDefinitions(EVENT_COLUMNS)})`)
  })
  afterAll(() => engine.close())

  const filled = (sql: string): string =>
    sql.replaceAll(/:(from|to)\b/g, "TIMESTAMPTZ '2026-11-02 00:00:00Z'").replaceAll(/:entity\b/g, "'somebody'")

  it('are one to four questions with a title, bounded in time', () => {
    const faults = faultsOf(FILES, ({ main }) => {
      const steps = listOf(main.own.runbook).map(mapOf)
      return [
        ...(steps.length >= 1 && steps.length <= 4 ? [] : [`${steps.length} queries`]),
        ...steps.filter(({ title, sql }) => !isText(title) || !isText(sql)).map(() => 'a step without title or SQL'),
        ...steps
          .filter(({ sql }) => !/:to\b|:from\b/.test(String(sql)) && !/:entity\b/.test(String(sql)))
          .map(({ title }) => `${String(title)} is not bounded`),
      ]
    })
    expect(faults).toEqual([])
  })

  it('are SQL over the columns of events', async () => {
    const steps = FILES.flatMap(({ path, main }) =>
      listOf(main.own.runbook).map((step) => ({ path, sql: String(mapOf(step).sql) })),
    )
    const faults: string[] = []
    for (const sql of new Set(steps.map((step) => step.sql))) {
      try {
        await engine.run(`EXPLAIN ${filled(sql)}`)
      } catch (cause) {
        const at = steps.filter((step) => step.sql === sql).map(({ path }) => path)
        faults.push(`${at[0]}: ${String(cause).split('\n')[0]}`)
      }
    }
    expect(faults).toEqual([])
  })
})
