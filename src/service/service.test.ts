import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { alertsLike } from '../alert/alert.ts'
import { AlertsFile } from '../alert/alerts-file.ts'
import { Outbox } from '../deliver/outbox.ts'
import { receiver } from '../deliver/receiver.fixture.ts'
import { Ingester, ingest } from '../ingest/ingest.ts'
import { verified } from '../ingest/sealed-home.fixture.ts'
import { OwnLog } from '../serve/own-log.ts'
import { eventually, logLine, ServiceBench } from './service.fixture.ts'

let bench: ServiceBench

beforeEach(async () => {
  bench = await ServiceBench.open()
})
afterEach(() => bench.close())

const openAlerts = (): number => {
  const file = AlertsFile.open(bench.home.alerts)
  try {
    return alertsLike(file, { kind: 'alert', which: 'open', most: 100 }).length
  } finally {
    file.close()
  }
}
const stateOf = (name: string) => bench.service?.stages().find((stage) => stage.name === name)

it('takes in files that are dropped into a folder, and alerts follow', async () => {
  const service = await bench.start()
  await eventually(() => stateOf('ingest:inbox')?.note === 'There are no files yet.')
  await bench.drop('a.json', [logLine({ n: 1 }), logLine({ n: 2, status: 401 })])
  await eventually(() => service.figures().alertsOpened === 1 && stateOf('ingest:inbox')?.runs === 1)
  expect(openAlerts()).toBe(1)
  expect(await bench.counted()).toEqual({ events: 2, different: 2 })
  const [source] = await service.sources()
  expect(source).toMatchObject({ name: 'inbox', spec: bench.inbox, objects: 1, events: 2, rejects: 0 })
  expect(source?.lagSeconds).toBeLessThan(120)
  expect(bench.changes).toContainEqual({ kind: 'events', added: 2, own: 0, rejects: 0, version: 0 })
  expect(bench.changes).toContainEqual({ kind: 'findings', added: 1 })
  expect(bench.changes).toContainEqual({ kind: 'alerts', opened: 1, updated: 0 })
  expect(service.figures()).toMatchObject({ records: 2, events: 2, findings: 1, alertsOpened: 1, rules: 1, errors: {} })
})

it('takes what a file has grown by, and nothing twice', async () => {
  await bench.drop('a.json', [logLine({ n: 1 })])
  await bench.start()
  await eventually(async () => (await bench.counted()).events === 1)
  await appendFile(join(bench.inbox, 'a.json'), `${logLine({ n: 2 })}\n`)
  await bench.drop('b.json', [logLine({ n: 1 }), logLine({ n: 3 })])
  await eventually(async () => (await bench.counted()).events === 3)
  await eventually(() => bench.service?.figures().records === 4)
  expect(bench.service?.figures()).toMatchObject({ events: 3, duplicates: 1 })
})

it('opens no engine where nothing is new, and counts no run', async () => {
  await bench.drop('a.json', [logLine({ n: 1 })])
  await bench.start()
  await eventually(async () => (await bench.counted()).events === 1)
  await bench.service?.stop()
  await bench.start()
  // The first look asks the ledger, since nothing is remembered from before.
  await eventually(() => stateOf('ingest:inbox')?.runs === 1 && stateOf('ingest:inbox')?.state === 'idle')
  const before = process.cpuUsage()
  await sleep(2000)
  const { user, system } = process.cpuUsage(before)
  expect(stateOf('ingest:inbox')?.runs).toBe(1)
  expect((user + system) / 1000).toBeLessThan(400)
})

it('goes on with the others where a source cannot be read, and with it once it can', async () => {
  const missing = join(bench.folder, 'later')
  const sources = [{ name: 'missing', specs: [missing], form: 'auto', everyMs: 200 }, ...bench.settings().sources]
  await bench.start({ sources })
  await bench.drop('a.json', [logLine({ n: 1 })])
  await eventually(async () => (await bench.counted()).events === 1)
  const failing = stateOf('ingest:missing')
  expect(failing).toMatchObject({ state: 'failing' })
  expect(failing?.lastFailure?.message).toBe(`${missing} is no file or folder, and no file matches it.`)
  expect(failing?.failuresInRow).toBeLessThan(8)
  await mkdir(missing)
  await writeFile(join(missing, 'b.json'), `${logLine({ n: 2 })}\n`)
  bench.service?.nudge('ingest')
  await eventually(async () => (await bench.counted()).events === 2)
  expect(stateOf('ingest:missing')).toMatchObject({ failuresInRow: 0 })
  expect(bench.service?.figures().errors['ingest:missing']).toBeGreaterThan(0)
})

it('tells of silence although a source cannot be read, and says so', async () => {
  const sources = [
    { name: 'missing', specs: [join(bench.folder, 'later')], form: 'auto', everyMs: 200 },
    ...bench.settings().sources,
  ]
  await bench.drop('a.json', [logLine({ n: 1 })])
  await bench.start({ sources, schedules: { ...bench.settings().schedules, silence: { everyMs: 300 } } })
  await eventually(() => stateOf('detect')?.note === 'ran without what ingest:missing cannot read')
  expect(stateOf('detect')?.runs).toBeGreaterThan(0)
  expect(stateOf('detect')?.lastSuccess).toBeDefined()
  const told = bench.changes.flatMap((change) => (change.kind === 'stage' ? [change.stage] : []))
  const waited = told.find(({ note }) => /^waits until all is taken in: .*ingest:missing/.test(note ?? ''))
  expect(waited).toMatchObject({ name: 'detect', state: 'idle', runs: 0 })
  expect(waited?.lastSuccess).toBeUndefined()
})

it('tells of what a command beside it added', async () => {
  await bench.start()
  await eventually(() => stateOf('ingest:inbox')?.state === 'idle')
  const beside = join(bench.folder, 'beside.json')
  await writeFile(beside, `${logLine({ n: 9 })}\n`)
  const stdin = process.stdin
  await ingest({ home: bench.home, specs: [beside], form: 'auto', stdin, now: () => new Date() })
  await eventually(() => bench.changes.some((change) => change.kind === 'events' && change.added === 1))
})

it('makes events of what Bricktrail itself was asked', async () => {
  const ownLog = new OwnLog(bench.home.own, () => new Date())
  await bench.start({ schedules: { ...bench.settings().schedules, ownLog: { everyMs: 200 } } })
  const record = { action: 'searchEvents', address: '127.0.0.1', userAgent: 'test', params: {}, status: 200 } as const
  await ownLog.append({ ...record, time: new Date(), requestId: 'r-1' })
  await eventually(async () => (await bench.counted()).events === 1)
  await ownLog.append({ ...record, time: new Date(), requestId: 'r-2' })
  await eventually(async () => (await bench.counted()).events === 2)
  await ownLog.close()
  await eventually(() => bench.changes.filter(({ kind }) => kind === 'events').length === 2)
  for (const change of bench.changes)
    if (change.kind === 'events') expect(change).toMatchObject({ added: 1, own: 1, rejects: 0 })
  expect(bench.service?.figures().rejects).toBe(0)
})

it('takes in what Bricktrail was asked more seldom while nothing else comes', async () => {
  const ownLog = new OwnLog(bench.home.own, () => new Date())
  const record = { action: 'searchEvents', address: '127.0.0.1', userAgent: 'test', params: {}, status: 200 } as const
  await ownLog.append({ ...record, time: new Date(), requestId: 'r-1' })
  await ownLog.close()
  await bench.start({ schedules: { ...bench.settings().schedules, ownLog: { everyMs: 10_000 } } })
  await eventually(() => stateOf('own-log')?.runs === 1 && stateOf('own-log')?.state === 'idle')
  const { lastSuccess, next } = stateOf('own-log') ?? {}
  expect(Date.parse(next ?? '') - Date.parse(lastSuccess ?? '')).toBeGreaterThan(30_000)
})

it('holds back loudly where the disk has too little room, and goes on once it has more', async () => {
  await bench.drop('a.json', [logLine({ n: 1 })])
  await bench.start({ diskFloorBytes: Number.MAX_SAFE_INTEGER })
  await eventually(() => stateOf('ingest:inbox')?.state === 'held')
  expect(stateOf('ingest:inbox')?.note).toMatch(
    /^held back: [\d,]+ MiB free on the disk of .* and disk_floor is [\d,]+ MiB$/,
  )
  expect(await bench.counted()).toEqual({ events: 0, different: 0 })
  await bench.service?.stop()
  await bench.start()
  await eventually(async () => (await bench.counted()).events === 1)
})

it('holds back while as many messages wait as may wait', async () => {
  await bench.deliverTo('http://127.0.0.1:9', 'most_waiting: 2\n')
  const outbox = Outbox.open(bench.home.outbox)
  const message = (id: string) => ({ destination: 'hook', id, key: id, body: '{}', weight: 1 })
  outbox.put([message('a'), message('b')])
  outbox.close()
  await bench.drop('a.json', [logLine({ n: 1 })])
  await bench.start({ delivers: false })
  await eventually(() => stateOf('ingest:inbox')?.state === 'held')
  expect(stateOf('ingest:inbox')?.note).toMatch(/^held back: 2 messages wait to be delivered/)
  await rm(join(bench.home.root, 'deliver.yaml'))
  await eventually(async () => (await bench.counted()).events === 1)
})

it('delivers alerts, to a destination that is named while it runs, too', async () => {
  const there = await receiver()
  try {
    await bench.start()
    await eventually(() => stateOf('deliver')?.state === 'off')
    await bench.deliverTo(there.url)
    await bench.drop('a.json', [logLine({ n: 1, status: 401 })])
    await eventually(() => there.posted.length === 1)
    expect(stateOf('deliver')).toMatchObject({ state: 'running', note: 'delivers to 1 destination' })
    await writeFile(join(bench.home.root, 'deliver.yaml'), 'destinations: 3\n')
    await eventually(() => stateOf('deliver')?.lastFailure !== undefined)
    expect(stateOf('deliver')).toMatchObject({ state: 'running' })
  } finally {
    await there.close()
  }
})

it('runs rules anew once they are changed, before anything new comes', async () => {
  await bench.drop('a.json', [logLine({ n: 1, status: 403 })])
  await bench.start()
  await eventually(() => bench.service?.figures().detectionPasses === 1 && stateOf('ingest:inbox')?.state === 'idle')
  const runs = stateOf('detect')?.runs ?? 0
  const rule = join(bench.folder, 'rules', 'refused.yml')
  await writeFile(rule, (await readFile(rule, 'utf8')).replace('401', '[401, 403]'))
  await eventually(() => (stateOf('detect')?.runs ?? 0) > runs)
  await bench.drop('b.json', [logLine({ n: 2, status: 403 })])
  await eventually(async () => (await bench.findings()) >= 1)
})

it('merges the small files of a day', async () => {
  const ingester = new Ingester({ home: bench.home, now: () => new Date() })
  for (let n = 0; n < 18; n++) {
    await bench.drop(`${n}.json`, [logLine({ n })])
    await ingester.ingest({ specs: [bench.inbox], form: 'auto', stdin: process.stdin })
  }
  await ingester.close()
  await bench.start()
  await eventually(() => stateOf('compact')?.runs === 1)
  expect(stateOf('compact')?.note).toMatch(/^\d+ files became \d+$/)
  expect(await bench.counted()).toEqual({ events: 18, different: 18 })
  expect((await verified(bench.home)).findings).toEqual([])
})

it('ends once what runs has ended, and leaves nothing behind', async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => logLine({ n }))
  await bench.drop('a.json', lines)
  await bench.start()
  await eventually(() => stateOf('ingest:inbox')?.state === 'running')
  const started = performance.now()
  expect(await bench.service?.stop()).toBe(true)
  expect(performance.now() - started).toBeLessThan(20_000)
  expect([0, 20_000]).toContain((await bench.counted()).events)
  expect((await readdir(bench.home.root)).includes('tmp') ? await readdir(bench.home.tmp) : []).toEqual([])
})
