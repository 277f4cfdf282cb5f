import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { CACHE_HOME } from '../../normalise/read-records.fixture.ts'
import { loadPack } from '../pack/load.ts'
import type { RulePack } from '../pack/pack.ts'
import { backtest, reachSecs } from './backtest.ts'
import { chosenRules, packOf } from './chosen.ts'
import { EXAMPLE_EVENTS, loadExamples, prepareExamples } from './example-events.ts'
import { tracedRule } from './explain.ts'

const RULES = `title: Refused
name: refused
logsource: { product: databricks }
detection:
  selection:
    actionName: getSecret
    response.statusCode: 403
  condition: selection
level: low
---
title: Refused often
correlation:
  type: event_count
  rules: [refused]
  group-by: [actor.email]
  timespan: 2h
  condition: { gte: 2 }
  generate: true
---
title: New reader
logsource: { product: databricks }
baseline:
  type: first_seen
  select:
    selection:
      actionName: getSecret
    keywords:
      - payroll
    condition: selection and keywords
  by: [account_id]
  value: [actor.email]
  learn: 2d
`

let folder: string
let engine: Engine
let pack: RulePack

const read = (day: number, hour: number, email: string, status = 403) => ({
  timestamp: `2026-11-0${day}T${String(hour).padStart(2, '0')}:00:00Z`,
  serviceName: 'secrets',
  actionName: 'getSecret',
  userIdentity: { email },
  requestParams: { scope: 'Payroll', key: 'k' },
  response: { statusCode: status },
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-backtest-'))
  await writeFile(join(folder, 'rules.yml'), RULES)
  pack = await loadPack({ shipped: false, folders: [folder] })
  expect(pack.problems).toEqual([])
  engine = await Engine.open({ threads: 2 })
  await prepareExamples(engine, homeAt(CACHE_HOME))
  const records = [
    read(1, 9, 'ada@x.io'),
    read(3, 9, 'ada@x.io'),
    read(5, 9, 'ada@x.io'),
    read(5, 10, 'ada@x.io'),
    read(6, 9, 'ben@x.io'),
    read(7, 9, 'ada@x.io', 200),
  ]
  expect(await loadExamples(engine, [{ id: 'lake', records }])).toEqual([])
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

const now = new Date('2026-11-10T00:00:00Z')

describe('a backtest', () => {
  it('counts findings by rule and by day, and shows the latest with events', async () => {
    const { rows, rules, days, leftOut } = await backtest(engine, pack, EXAMPLE_EVENTS, { now })
    expect(leftOut).toEqual([])
    expect(rules).toBe(3)
    expect(rows.map(({ rule, findings, events, days: own }) => [rule.rule.meta.title, findings, events, own])).toEqual([
      [
        'Refused',
        4,
        5,
        [
          { day: '2026-11-01', findings: 1 },
          { day: '2026-11-03', findings: 1 },
          { day: '2026-11-05', findings: 1 },
          { day: '2026-11-06', findings: 1 },
        ],
      ],
      expect.arrayContaining(['New reader', 1]),
      expect.arrayContaining(['Refused often', 1, 2]),
    ])
    expect(days.map(({ findings }) => findings)).toEqual([1, 1, 2, 2])
    const [first] = rows
    expect(first?.samples).toHaveLength(3)
    expect(first?.samples[0]?.time).toBe('2026-11-06T09:00:00Z')
    expect(first?.samples[0]?.eventIds).toHaveLength(1)
  })

  it('takes what is before its range for history: it is compared with and not counted', async () => {
    const { rows } = await backtest(engine, pack, EXAMPLE_EVENTS, { now, from: new Date('2026-11-05T09:30:00Z') })
    const found = rows.map(({ rule, findings }) => `${rule.rule.meta.title} ${findings}`).sort()
    expect(found).toEqual(['New reader 1', 'Refused 2', 'Refused often 1'])
  })

  it('looks as far back as its rules do', () => {
    expect(reachSecs({ rules: [] })).toBe(0)
    const [often] = chosenRules(pack, ['Refused often'])
    expect(reachSecs(packOf(pack, often === undefined ? [] : [often]))).toBe(7200)
    expect(reachSecs(pack)).toBe(4 * 86_400)
  })

  it('of chosen rules leaves those that they count without findings of their own', async () => {
    const chosen = packOf(pack, chosenRules(pack, ['Refused often']))
    const { rows, rules } = await backtest(engine, chosen, EXAMPLE_EVENTS, { now })
    expect(rules).toBe(1)
    expect(rows.map(({ rule }) => rule.rule.meta.title)).toEqual(['Refused often'])
  })
})

describe('a rule asked of one event', () => {
  const event = `(SELECT * FROM ${EXAMPLE_EVENTS} ORDER BY event_time DESC LIMIT 1)`
  const asked = async (title: string) => {
    const [rule] = chosenRules(pack, [title])
    if (rule === undefined) throw new Error(`no ${title}`)
    return tracedRule(engine, pack, rule, event)
  }

  it('tells part by part, with what the event has there', async () => {
    const [traced] = await asked('Refused')
    expect(traced).toEqual({
      title: 'Refused',
      matches: false,
      parts: [
        { depth: 0, text: 'selection', holds: false, isLine: false },
        { depth: 1, text: 'actionName is getSecret', holds: true, isLine: true, observed: 'getSecret' },
        { depth: 1, text: 'response.statusCode is 403', holds: false, isLine: true, observed: '200' },
      ],
    })
  })

  it('asks the rules that a correlation counts, and the selection of a baseline, keywords too', async () => {
    expect((await asked('Refused often')).map(({ title, matches }) => [title, matches])).toEqual([['Refused', false]])
    const [traced] = await asked('New reader')
    expect(traced?.matches).toBe(true)
    expect(traced?.parts.at(-1)).toEqual({ depth: 2, text: 'any value contains payroll', holds: true, isLine: true })
  })
})
