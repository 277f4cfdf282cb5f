import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { prepareEnrichment } from '../enrich/memo.ts'
import { DeltaTable, EVENTS_TABLE } from '../lake/table.ts'
import { Ingester } from './ingest.ts'

const NOW = new Date('2026-11-20T12:00:00Z')

/** The network table takes seconds to compile, so once for all homes. */
let warm: string
beforeAll(async () => {
  warm = await mkdtemp(join(tmpdir(), 'ingester-warm-'))
  const engine = await Engine.open()
  await prepareEnrichment(engine, homeAt(warm))
  engine.close()
}, 120_000)
afterAll(() => rm(warm, { recursive: true, force: true }))

let folder: string
const opened: Ingester[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingester-'))
  if (existsSync(homeAt(warm).cache)) await cp(homeAt(warm).cache, home().cache, { recursive: true })
})
afterEach(async () => {
  for (const ingester of opened.splice(0)) await ingester.close()
  await rm(folder, { recursive: true, force: true })
})

const home = () => homeAt(join(folder, 'home'))

function ingester(): Ingester {
  const made = new Ingester({ home: home(), now: () => NOW })
  opened.push(made)
  return made
}

const take = (by: Ingester, ...specs: string[]) => by.ingest({ specs, form: 'auto', stdin: Readable.from([]) })

/** An object of `count` records, the first of them number `from`. */
async function object(name: string, from: number, count: number): Promise<string> {
  const records = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      version: '2.0',
      timestamp: Date.parse('2026-11-19T08:00:00Z') + (from + at) * 1000,
      workspaceId: '1',
      sourceIPAddress: `10.0.0.${from + at}`,
      userIdentity: { email: `person${from + at}@example.com` },
      serviceName: 'jobs',
      actionName: 'runNow',
      requestId: `request-${from + at}`,
      requestParams: { job_id: '7' },
      response: { statusCode: 200, result: '{}' },
    }),
  )
  const path = join(folder, name)
  await writeFile(path, `${records.join('\n')}\n`)
  return path
}

const snapshot = () => DeltaTable.at(home().events, EVENTS_TABLE).snapshot()
const rowsOf = async () => (await snapshot()).files.reduce((sum, { rows }) => sum + rows, 0)

describe('an ingester', () => {
  it('takes one object after another, each event once', async () => {
    const by = ingester()
    expect(await take(by, await object('a.json', 0, 5))).toMatchObject({ events: 5, duplicates: 0 })
    expect(await take(by, await object('b.json', 3, 5))).toMatchObject({ events: 3, duplicates: 2 })
    expect(await take(by, join(folder, 'a.json'), join(folder, 'b.json'))).toMatchObject({ unchanged: 2, events: 0 })
    expect(await rowsOf()).toBe(8)
  })

  it('goes on after input it could not use', async () => {
    const by = ingester()
    const good = await object('good.json', 0, 2)
    await expect(take(by, join(folder, 'absent.json'))).rejects.toMatchObject({ code: 'NO_SOURCE' })
    await writeFile(join(folder, 'bad.json'), 'no log at all\n')
    await expect(take(by, join(folder, 'bad.json'))).rejects.toMatchObject({ code: 'NO_RECORDS' })
    expect(await take(by, good)).toMatchObject({ events: 2 })
  })

  it('leaves the home to others between its ingestions', async () => {
    const [one, other] = [ingester(), ingester()]
    await take(one, await object('a.json', 0, 4))
    await take(other, await object('b.json', 2, 4))
    await take(one, await object('c.json', 4, 4))
    expect(await rowsOf()).toBe(8)
  })

  it('can be used again after it was closed', async () => {
    const by = ingester()
    await take(by, await object('a.json', 0, 1))
    await by.close()
    expect(await take(by, await object('b.json', 1, 1))).toMatchObject({ events: 1 })
  })

  it('makes no batch of the last few objects of many', async () => {
    await mkdir(join(folder, 'logs'))
    for (let n = 0; n < 2100; n++) await object(`logs/${n}.json`, n, 1)
    expect(await take(ingester(), join(folder, 'logs'))).toMatchObject({ events: 2100 })
    expect((await snapshot()).version).toBe(0)
  })

  it('leaves no folder behind', async () => {
    const by = ingester()
    await take(by, await object('a.json', 0, 1))
    await by.close()
    expect(existsSync(home().tmp) ? await readdir(home().tmp) : []).toEqual([])
  })
})
