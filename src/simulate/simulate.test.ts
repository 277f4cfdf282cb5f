import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnyRecord, digest, labelsIn, logFiles, records } from './read-back.suite.ts'
import { SCENARIOS, SIMULATE_DEFAULTS, type SimulateOptions, simulate } from './simulate.ts'

let root: string
let delivered: AnyRecord[]

const BASE: Omit<SimulateOptions, 'out'> = {
  ...SIMULATE_DEFAULTS,
  events: 40_000,
  days: 5,
  form: 'delivery',
  gzip: false,
  scenarios: 'all',
}

const at = (name: string) => join(root, name)
const run = (name: string, options: Partial<SimulateOptions> = {}) => simulate({ ...BASE, ...options, out: at(name) })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'simulate-'))
  await run('delivery')
  delivered = await records(at('delivery'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('the same options', () => {
  it('give the same bytes', async () => {
    await run('again')
    expect(await digest(at('again'))).toBe(await digest(at('delivery')))
  })

  it('give the same bytes when compressed', async () => {
    const small = { events: 3000, days: 1, gzip: true }
    await run('gzip-1', small)
    await run('gzip-2', small)
    expect(await digest(at('gzip-1'))).toBe(await digest(at('gzip-2')))
    expect((await logFiles(at('gzip-1'))).every((path) => path.endsWith('.json.gz'))).toBe(true)
    expect(await records(at('gzip-1'))).toHaveLength(3000)
  })

  it('give other events for another seed', async () => {
    await run('seed', { seed: 2, events: 3000, days: 1 })
    const ids = new Set(delivered.map((record) => record.requestId))
    expect((await records(at('seed'))).filter((record) => ids.has(record.requestId))).toEqual([])
  })
})

describe('the number of events', () => {
  it.each([
    [1, 1],
    [777, 2],
    [5001, 30],
  ])('is exactly %i over %i days without scenarios', async (events, days) => {
    const report = await run(`count-${events}`, { events, days, scenarios: 'none' })
    expect(report.events).toBe(events)
    expect(await records(at(`count-${events}`))).toHaveLength(events)
  })

  it('is exact with scenarios, and equals what the labels say', async () => {
    expect(delivered).toHaveLength(BASE.events)
    const { scenarios, benign } = await labelsIn(at('delivery'))
    expect(scenarios.reduce((sum, { events }) => sum + events, benign.events)).toBe(BASE.events)
    expect(Object.values(benign.services).reduce((sum, n) => sum + n, 0)).toBe(benign.events)
  })

  it('must leave room for the scenarios', async () => {
    await expect(run('tight', { events: 500 })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      hint: expect.stringMatching(/--events \d+/),
    })
  })

  it('stays within the days asked for', () => {
    const days = new Set(delivered.map((record) => new Date(record.timestamp).toISOString().slice(0, 10)))
    expect([...days].sort()).toEqual(['2026-11-09', '2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13'])
  })
})

describe('labels', () => {
  it('name every scenario, each with events that are in the logs under its actor and time', async () => {
    const { scenarios } = await labelsIn(at('delivery'))
    expect(scenarios.map(({ id }) => id)).toEqual(SCENARIOS.map(({ id }) => id))
    const byId = Map.groupBy(delivered, (record) => record.requestId as string)
    for (const { id, requestIds, events, start, end, actor } of scenarios) {
      const own = requestIds.flatMap((requestId) => byId.get(requestId) ?? [])
      expect(own, id).toHaveLength(events)
      const times = own.map((record) => record.timestamp)
      expect([Math.min(...times), Math.max(...times)], id).toEqual([Date.parse(start), Date.parse(end)])
      expect(
        own.map((record) => record.userIdentity.email),
        id,
      ).toContain(actor)
    }
  })

  it('hold only the scenarios chosen, which play the same alone', async () => {
    const wanted = ['secrets-sweep', 'impossible-travel']
    await run('two', { scenarios: wanted })
    const all = await labelsIn(at('delivery'))
    const two = await labelsIn(at('two'))
    expect(two.scenarios).toEqual(all.scenarios.filter(({ id }) => wanted.includes(id)))
  })

  it('leave ordinary life as it is: attacks only take the place of machine chatter', async () => {
    await run('benign', { scenarios: 'none' })
    const { scenarios } = await labelsIn(at('delivery'))
    const attack = new Set(scenarios.flatMap(({ requestIds }) => requestIds))
    const benign = new Set((await records(at('benign'))).map((record) => JSON.stringify(record)))
    const strange = delivered.filter((record) => !attack.has(record.requestId) && !benign.has(JSON.stringify(record)))
    expect(strange).toEqual([])
    expect(await labelsIn(at('benign'))).toMatchObject({ scenarios: [], benign: { events: BASE.events } })
  })
})

describe('bad arguments', () => {
  it.each([
    ['events', { events: 0 }],
    ['events', { events: 1.5 }],
    ['events', { events: 999_999_999_999 }],
    ['days', { days: 0 }],
    ['days', { days: 10_000 }],
    ['seed', { seed: Number.NaN }],
    ['start', { startDate: '2026-02-30' }],
    ['start', { startDate: 'yesterday' }],
    ['nonsense', { scenarios: ['nonsense'] }],
  ])('names --%s', async (word, options) => {
    await expect(run('bad', options)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(word),
    })
  })
})

describe('the output folder', () => {
  it('is refilled when it holds an earlier simulation', async () => {
    await run('refill', { events: 900, days: 2, scenarios: 'none' })
    await run('refill', { events: 300, days: 1, scenarios: 'none' })
    expect(await records(at('refill'))).toHaveLength(300)
  })

  it('is left alone when it holds anything else', async () => {
    await run('mixed', { events: 300, days: 1, scenarios: 'none' })
    await writeFile(join(at('mixed'), 'thesis.txt'), 'years of work')
    await expect(run('mixed', { events: 100 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(await readFile(join(at('mixed'), 'thesis.txt'), 'utf8')).toBe('years of work')
    expect(await labelsIn(at('mixed'))).toMatchObject({ events: 300 })
  })

  it('is refused when it is a file', async () => {
    await writeFile(at('file'), '')
    await expect(run('file', { events: 100 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})
