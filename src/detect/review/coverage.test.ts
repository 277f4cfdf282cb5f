import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { catalogue } from '../../normalise/catalogue/catalogue.ts'
import { loadPack } from '../pack/load.ts'
import { type Coverage, coverageOf, isUncovered } from './coverage.ts'
import { navigatorLayer } from './navigator.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-coverage-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const RULES = `title: By name
tags: [attack.persistence, attack.t1098.003]
logsource: { product: databricks }
detection:
  selection:
    serviceName: accounts
    actionName: [setAdmin, 'setAccountAdm?n']
  condition: selection
---
title: By category, but not all of it
tags: [attack.credential-access, attack.t1555.006, attack.t1098.003]
logsource: { product: databricks }
detection:
  selection:
    category: secret
  filter:
    actionName: listScopes
  condition: selection and not filter
---
title: Anything that has an action
logsource: { product: databricks }
detection:
  selection:
    actionName|exists: true
    sourceIPAddress: 192.0.2.1
  condition: selection
---
title: Counted
name: base
logsource: { product: databricks }
detection:
  selection:
    serviceName: tokens
  condition: selection
bricktrail: { feeds: true }
---
title: Many
tags: [attack.persistence, attack.t1098.001]
correlation:
  type: event_count
  rules: [base]
  timespan: 1h
  condition: { gte: 5 }
`

async function coverage(): Promise<Coverage> {
  await writeFile(join(folder, 'rules.yml'), RULES)
  const pack = await loadPack({ shipped: false, folders: [folder] })
  expect(pack.problems).toEqual([])
  return coverageOf(pack)
}

it('actions are covered by name, or by the kind of action they are', async () => {
  const { actions, services } = await coverage()
  expect(actions).toHaveLength(catalogue().length)
  const of = (service: string, action: string) => {
    const found = actions.find(({ entry }) => entry.service === service && entry.action === action)
    return [...(found?.named ?? []), ...(found?.byKind ?? [])].map(({ rule }) => rule.meta.title)
  }
  expect(of('accounts', 'setAdmin')).toEqual(['By name'])
  expect(of('accounts', 'setAccountAdmin')).toEqual(['By name'])
  expect(actions.find(({ entry }) => entry.action === 'setAccountAdmin')?.named).toEqual([])
  expect(of('secrets', 'getSecret')).toEqual(['By category, but not all of it'])
  expect(of('secrets', 'listScopes')).toEqual([])
  expect(of('accounts', 'login')).toEqual([])
  const named = services.find(({ service }) => service === 'accounts')
  expect(named?.named).toBe(1)
  expect(named?.byKind).toBeGreaterThanOrEqual(1)
  for (const { actions: all, named: n, byKind, uncovered } of services) expect(n + byKind + uncovered).toBe(all)
})

it('what a correlation counts, it covers', async () => {
  const { actions } = await coverage()
  const tokens = actions.filter(({ entry }) => entry.service === 'tokens')
  expect(tokens.length).toBeGreaterThan(0)
  expect(tokens.some(isUncovered)).toBe(false)
  expect(tokens[0]?.byKind.map(({ rule }) => rule.meta.title)).toEqual(['Many'])
})

it('techniques are those of rules that make findings, each with its rules', async () => {
  const { techniques, tactics, rules } = await coverage()
  expect(rules).toHaveLength(4)
  expect(techniques.map(({ id, rules: own }) => [id, own.length])).toEqual([
    ['T1098.001', 1],
    ['T1098.003', 2],
    ['T1555.006', 1],
  ])
  expect([...tactics]).toEqual([
    ['persistence', 2],
    ['credential-access', 1],
  ])
})

const text = { type: 'string' }
const truth = { type: 'boolean' }
const named = (name: string, value: string) => ({
  type: 'array',
  items: {
    type: 'object',
    required: [name, value],
    additionalProperties: false,
    properties: { [name]: text, [value]: text },
  },
})

/** The format of layers, version 4.5, as its page defines it. */
const LAYER = {
  type: 'object',
  required: ['name', 'domain'],
  additionalProperties: false,
  properties: {
    name: text,
    description: text,
    domain: { enum: ['enterprise-attack', 'mobile-attack', 'ics-attack'] },
    versions: {
      type: 'object',
      required: ['navigator', 'layer'],
      additionalProperties: false,
      properties: {
        attack: text,
        navigator: { type: 'string', pattern: '^(4\\.9|[5-9]\\.)' },
        layer: { const: '4.5' },
      },
    },
    filters: { type: 'object' },
    sorting: { enum: [0, 1, 2, 3] },
    hideDisabled: truth,
    layout: {
      type: 'object',
      additionalProperties: false,
      properties: {
        layout: { enum: ['side', 'flat', 'mini'] },
        showID: truth,
        showName: truth,
        showAggregateScores: truth,
        countUnscored: truth,
        aggregateFunction: { enum: ['average', 'min', 'max', 'sum'] },
        expandedSubtechniques: { enum: ['none', 'all', 'annotated'] },
      },
    },
    techniques: {
      type: 'array',
      items: {
        type: 'object',
        required: ['techniqueID'],
        additionalProperties: false,
        properties: {
          techniqueID: { type: 'string', pattern: '^T\\d{4}(\\.\\d{3})?$' },
          tactic: text,
          comment: text,
          enabled: truth,
          score: { type: 'number' },
          color: text,
          metadata: named('name', 'value'),
          links: named('label', 'url'),
          showSubtechniques: truth,
        },
      },
    },
    gradient: {
      type: 'object',
      required: ['colors', 'minValue', 'maxValue'],
      additionalProperties: false,
      properties: {
        colors: { type: 'array', minItems: 2, items: { type: 'string', pattern: '^#[0-9a-f]{6}$' } },
        minValue: { type: 'number' },
        maxValue: { type: 'number' },
      },
    },
    legendItems: named('label', 'color'),
    metadata: named('name', 'value'),
    links: named('label', 'url'),
    showTacticRowBackground: truth,
    tacticRowBackground: text,
    selectTechniquesAcrossTactics: truth,
    selectSubtechniquesWithParent: truth,
    selectVisibleTechniques: truth,
  },
}

it('the layer is one that the Navigator reads, and opens what has sub-techniques', async () => {
  const layer = navigatorLayer(await coverage(), 'Test')
  const validate = new Ajv2020({ strict: false }).compile(LAYER)
  expect([validate(JSON.parse(JSON.stringify(layer))), validate.errors]).toEqual([true, null])
  const { techniques, gradient } = layer as {
    techniques: readonly { techniqueID: string; score?: number; comment?: string; showSubtechniques?: boolean }[]
    gradient: { minValue: number; maxValue: number }
  }
  expect(gradient.maxValue).toBeGreaterThan(gradient.minValue)
  expect(techniques.find(({ techniqueID }) => techniqueID === 'T1098.003')).toMatchObject({
    score: 2,
    comment: 'By name\nBy category, but not all of it',
  })
  const opened = techniques.filter(({ showSubtechniques }) => showSubtechniques).map(({ techniqueID }) => techniqueID)
  expect(opened.sort()).toEqual(['T1098', 'T1555'])
  expect(new Set(techniques.map(({ techniqueID }) => techniqueID)).size).toBe(techniques.length)
})
