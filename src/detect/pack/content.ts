/** The `bricktrail` block of a rule: what Sigma has no place for. Format: docs/design/006-rule-files.md. */
import { isYamlList, isYamlMap, type YamlDocument, type YamlValue } from '../../core/yaml/documents.ts'
import { Shape } from '../../core/yaml/shape.ts'
import type { Example, RuleContent, RunbookQuery } from './pack.ts'

/** Threats that rules are filed by. */
export const THREATS = [
  'account-takeover',
  'privilege-escalation',
  'persistence',
  'defense-evasion',
  'exfiltration',
  'data-access',
  'destruction',
  'credential-access',
  'discovery',
  'sharing',
  'ai',
  'compute',
  'supply-chain',
  'log-health',
] as const

/** A parameter as its rule declares it. */
export interface DeclaredParameter {
  readonly name: string
  readonly value: YamlValue
  readonly reason: string
}

/** What a block says, before a site's settings. */
export interface DeclaredContent extends Omit<RuleContent, 'parameters'> {
  readonly feeds: boolean
  readonly declared: readonly DeclaredParameter[]
}

const KEYS = [
  'threat',
  'covers',
  'controls',
  'entity',
  'parameters',
  'runbook',
  'examples',
  'unlisted',
  'feeds',
] as const

const NONE: DeclaredContent = {
  covers: [],
  controls: {},
  runbook: [],
  fires: [],
  silent: [],
  unlisted: [],
  feeds: false,
  declared: [],
}

/** Reads the block. What is wrong in it is a warning: a rule still detects where its runbook is broken. */
export function readContent(document: YamlDocument): DeclaredContent {
  const report = { ...document, error: document.warning }
  const block = Shape.of(document.value.bricktrail, ['bricktrail'], report)?.only(KEYS)
  if (block === undefined) return NONE
  const threat = block.choice('threat', THREATS)
  const entity = block.text('entity')
  const examples = block.map('examples')?.only(['fires', 'silent'])
  return {
    ...(threat === undefined ? {} : { threat }),
    ...(entity === undefined ? {} : { entity }),
    covers: block.texts('covers'),
    controls: controlsOf(block.map('controls')),
    runbook: block.maps('runbook').flatMap(queryOf),
    unlisted: block.maps('unlisted').flatMap((entry) => {
      const { name, reason } = { name: entry.only(['name', 'reason']).needed('name'), reason: entry.needed('reason') }
      return name === undefined || reason === undefined ? [] : [{ name, reason }]
    }),
    fires: examples?.maps('fires').flatMap(exampleOf) ?? [],
    silent: examples?.maps('silent').flatMap(exampleOf) ?? [],
    feeds: block.truth('feeds') ?? false,
    declared: block.maps('parameters').flatMap(parameterOf),
  }
}

const controlsOf = (controls: Shape | undefined): Record<string, readonly string[]> =>
  Object.fromEntries(controls?.keys.map((framework) => [framework, controls.texts(framework)] as const) ?? [])

function queryOf(entry: Shape): RunbookQuery[] {
  const title = entry.only(['title', 'sql']).needed('title')
  const sql = entry.needed('sql')
  return title === undefined || sql === undefined ? [] : [{ title, sql }]
}

function exampleOf(entry: Shape): Example[] {
  const name = entry.only(['name', 'records', 'as_of']).needed('name')
  const records = entry.raw('records')
  const asOf = entry.text('as_of')
  if (!isYamlList(records) || records.length === 0) {
    entry.error('records', 'An example has no list of records.', 'Write records, as delivered.')
    return []
  }
  return name === undefined ? [] : [{ name, records, ...(asOf === undefined ? {} : { asOf }) }]
}

function parameterOf(entry: Shape): DeclaredParameter[] {
  const name = entry.only(['name', 'value', 'reason']).needed('name')
  const reason = entry.text('reason') ?? ''
  const value = entry.raw('value')
  if (name !== undefined && !/^[\w.-]+$/.test(name)) {
    entry.error('name', `${name} is no name of a parameter.`, 'Use letters, digits, _, . and -.')
    return []
  }
  if (value === undefined || value === null || isYamlMap(value)) {
    entry.error('value', 'A parameter has no value.', 'Write a number, a text or a list.')
    return []
  }
  return name === undefined ? [] : [{ name, value, reason }]
}
