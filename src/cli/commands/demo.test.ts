import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { verified } from '../../ingest/sealed-home.fixture.ts'
import { scanSql } from '../../lake/read.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerDemo } from './demo.ts'
import { registerIngest } from './ingest.ts'

const SMALL = ['--events', '2000', '--days', '2']
const RECORD = `${JSON.stringify({
  version: '2.0',
  timestamp: Date.parse('2026-11-12T08:00:00Z'),
  serviceName: 'accounts',
  actionName: 'tokenLogin',
  requestId: 'r-1',
  userIdentity: { email: 'ada@example.com' },
  requestParams: {},
  response: { statusCode: 200 },
})}\n`

let folder: string
let home: string
let demoHome: string
let logs: string
let simulated: Recorded
let own: Recorded
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-demo-'))
  home = join(folder, 'data')
  demoHome = join(folder, 'demo')
  logs = join(folder, 'own.json')
  await writeFile(logs, RECORD)
  simulated = await demo(...SMALL)
  own = await demo(logs)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const demo = (...argv: string[]): Promise<Recorded> => runCommand(registerDemo, ['demo', ...argv], { home, demoHome })

async function eventsIn(root: string): Promise<number> {
  const table = DeltaTable.at(homeAt(root).events, EVENTS_TABLE)
  const engine = await Engine.open()
  try {
    const { n } = await engine.row<{ n: string }>(
      `SELECT count(*) AS n FROM ${scanSql(table, (await table.snapshot()).files)}`,
    )
    return Number(n)
  } finally {
    engine.close()
  }
}

it('keeps simulated events and logs of the user in homes of their own', async () => {
  expect(simulated.out).toMatch(/^Simulated a Databricks account: 2,000 events/)
  expect(simulated.out).toContain(`The lake is ${homeAt(demoHome).lake}:`)
  expect(own.out).toContain(`The lake is ${homeAt(home).lake}:`)
  expect([await eventsIn(demoHome), await eventsIn(home)]).toEqual([2000, 1])
})

it('refuses a home that holds the other kind, and changes nothing in it', async () => {
  const refused = { code: 'BAD_HOME', exit: 3, hint: expect.stringContaining('--home') }
  await expect(runCommand(registerDemo, ['demo', ...SMALL], { home, demoHome: home })).rejects.toMatchObject({
    ...refused,
    message: `${home} holds logs that are not the demo's.`,
  })
  const message = `${demoHome} holds the simulated account of a demo.`
  await expect(runCommand(registerDemo, ['demo', logs], { home: demoHome })).rejects.toMatchObject({
    ...refused,
    message,
  })
  await expect(runCommand(registerIngest, ['ingest', logs], { home: demoHome })).rejects.toMatchObject({
    ...refused,
    message,
  })
  expect([await eventsIn(demoHome), await eventsIn(home)]).toEqual([2000, 1])
})

it('may be run again, which adds nothing', async () => {
  const again = JSON.parse((await demo('--json', ...SMALL)).out)
  expect(again.ingest).toMatchObject({ records: 2000, events: 0, duplicates: 2000 })
  expect(again.lake).toBe(homeAt(demoHome).lake)
})

it('names the home in the commands it proposes', () => {
  expect(own.out).toMatch(/Ask it: {2}npx bricktrail --home \S*data events --category permission\n/)
})

it('ends with how far the seal goes, and how to check it', async () => {
  expect(own.out).toMatch(/It is sealed: 3 leaves of .* Check it: {2}npx bricktrail --home \S*data verify\n$/)
  expect((await verified(homeAt(home))).findings).toEqual([])
})

it('removes the logs that an interrupted demo left behind, and those of no running one', async () => {
  const { pid: ended } = spawnSync(process.execPath, ['-e', '0'])
  const uuid = '0f0e0d0c-0b0a-4908-8706-050403020100'
  const leftovers = [`demo-logs-${ended}-${uuid}`, `demo-logs-${uuid}`]
  const running = `demo-logs-${process.pid}-${uuid}`
  for (const name of [...leftovers, running]) {
    await mkdir(join(demoHome, name))
    await writeFile(join(demoHome, name, 'auditlogs.json'), RECORD)
  }
  await demo(...SMALL)
  expect((await readdir(demoHome)).filter((name) => name.startsWith('demo-logs-'))).toEqual([running])
})

it('refuses options that mean nothing for logs of the user', async () => {
  await expect(demo(logs, '--events', '5')).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: '--events is about the simulated account, and a path names your own logs.',
  })
})

it('refuses numbers it cannot read before it makes a home', async () => {
  const none = join(folder, 'none')
  const refused = runCommand(registerDemo, ['demo', '--events', 'many'], { home: none })
  await expect(refused).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  expect(existsSync(none)).toBe(false)
})
