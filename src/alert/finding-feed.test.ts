import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeBatch } from '../deliver/lake.fixture.ts'
import { DeltaTable, EVENTS_TABLE, keyOf } from '../lake/table.ts'
import { alertsLike } from './alert.ts'
import { type FindingRow, newFindings } from './finding-feed.ts'
import { AlertBench, aFinding, NOON } from './findings.fixture.ts'

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
})
afterEach(() => bench.close())

async function read(after: number): Promise<FindingRow[]> {
  const rows: FindingRow[] = []
  for await (const page of (await newFindings(bench.home, bench.engine, after)).pages()) rows.push(...page)
  return rows
}

const idOf = (n: number): string => createHash('md5').update(`event ${n}`).digest('hex')

async function fileOf(): Promise<string> {
  const { files } = await DeltaTable.at(bench.home.events, EVENTS_TABLE).snapshot()
  return keyOf(files[0] as (typeof files)[number])
}

describe('new findings', () => {
  it('come with their newest revision each, and only once', async () => {
    await bench.found(aFinding('f1'), aFinding('f2'))
    await bench.found(aFinding('f1', { revision: 2, events: 4 }), aFinding('f1', { revision: 3, events: 5 }))
    expect((await read(-1)).map(({ id, revision }) => [id, revision])).toEqual([
      ['f1', 3],
      ['f2', 1],
    ])
    expect((await read(0)).map(({ id, events }) => [id, events])).toEqual([['f1', 5]])
    expect(await read(1)).toEqual([])
    expect(await read(99)).toHaveLength(2)
  })

  it('are all there, however many pages they take', async () => {
    await bench.foundMany(4500, 100)
    expect(new Set((await read(-1)).map(({ id }) => id)).size).toBe(4500)
  })

  it('say who did it where, from the events they name', async () => {
    await writeBatch(bench.home, 1, { from: 0, to: 30, people: 5 })
    await bench.found({ ...aFinding('f1'), eventIds: [idOf(1), idOf(3)], file: await fileOf() })
    expect(await read(-1)).toMatchObject([
      { workspaces: ['42'], actors: ['person1@example.com', 'person3@example.com'], assets: [] },
    ])
  })

  it('find events again whose file was merged into another', async () => {
    await writeBatch(bench.home, 1, { from: 0, to: 30, people: 5 })
    await bench.found({ ...aFinding('f1'), eventIds: [idOf(1)], file: 'event_date=2026-11-12/long-gone.parquet' })
    expect(await read(-1)).toMatchObject([{ actors: ['person1@example.com'] }])
  })

  it('are matched by the environment of their workspace', async () => {
    await writeBatch(bench.home, 1, { from: 0, to: 30, people: 5 })
    await bench.file('detect.yaml', 'environments: [{ name: prod, workspaces: ["4?"] }]')
    await bench.file('alerts.yaml', 'routes: [{ when: { environment: prod }, to: [pager] }]')
    await bench.found(
      { ...aFinding('f1'), eventIds: [idOf(1)], file: await fileOf() },
      aFinding('f2', { entity: 'bob' }),
    )
    expect(await bench.run(NOON)).toMatchObject({ opened: 2, messages: 1 })
    expect(bench.told('pager')).toMatchObject([{ findings: ['f1'] }])
    expect(bench.look((file) => alertsLike(file, { kind: 'alert', entity: 'ana', most: 1 }))).toMatchObject([
      { facts: { workspaces: ['42'] } },
    ])
  })
})
