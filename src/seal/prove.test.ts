/** Proofs of events in a lake that was ingested, and compacted; checked with the verifier that has nothing but file and key. */
import { createHash } from 'node:crypto'
import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { fileSql, lit } from '../engine/sql.ts'
import { vkeyOf } from '../ingest/sealed-home.fixture.ts'
import { Sealing } from '../ingest/sealing.ts'
import { deliveryLines, NOW, TakingBench } from '../ingest/taking.fixture.ts'
import { compact } from '../lake/compact.ts'
import { DeltaTable, EVENTS_TABLE, keyOf, REJECTS_TABLE } from '../lake/table.ts'
import { SealKeys } from './keys.ts'
import { SealLog } from './log.ts'
import { type EventProof, proveEvent } from './prove.ts'
import { verifyProof } from './verify.ts'

let bench: TakingBench
let engine: Engine
let key: string
beforeAll(async () => {
  bench = await TakingBench.open()
  engine = await Engine.open({ threads: 1 })
  await bench.take(await bench.file('a.json', deliveryLines(1, 100)))
  for (const n of [200, 300, 400]) await bench.take(await bench.file(`${n}.json`, deliveryLines(n, n + 4)))
  key = await vkeyOf(bench.home)
}, 60_000)
afterAll(async () => {
  engine.close()
  await bench.close()
})

const tables = () => [DeltaTable.at(bench.home.rejects, REJECTS_TABLE), events()] as const
const events = () => DeltaTable.at(bench.home.events, EVENTS_TABLE)

async function prove(id: string, lake = events()): Promise<EventProof> {
  const log = await SealLog.open(bench.home.seal, await SealKeys.load(bench.home.seal), { now: () => NOW })
  return proveEvent(id, { engine, events: lake, log, folder: bench.home.seal })
}

const idOf = async (request: string): Promise<string> => {
  const [row] = await bench.events<{ event_id: string }>('event_id', `WHERE request_id = ${lit(request)}`)
  return row?.event_id ?? expect.unreachable()
}

async function expectProven(request: string): Promise<EventProof> {
  const id = await idOf(request)
  const proof = await prove(id)
  const { findings, proven } = verifyProof(proof.text, { keys: key })
  expect(findings).toEqual([])
  expect(proven).toMatchObject({
    table: 'events',
    file: `lake/events/${proof.file}`,
    position: proof.position,
    leaf: Number(proof.leaf),
    values: {
      event_id: id,
      request_id: request,
      request_params: expect.stringContaining(`"cluster ${request.slice(8)}"`),
    },
  })
  return proof
}

const firstFile = async () => (await events().snapshot()).files.find(({ rows }) => rows === 100) ?? expect.unreachable()

/** Commits a copy of the first file to another table, its rows replaced. */
async function commitCopy(table: DeltaTable, replaced: string): Promise<void> {
  const file = await firstFile()
  const staged = await table.store.stage('parquet')
  const from = fileSql(events().store.locate(keyOf(file)))
  await bench.sql(
    `COPY (SELECT * REPLACE (${replaced}) FROM read_parquet(${from}, hive_partitioning = false)) TO ${lit(staged)} (FORMAT parquet)`,
  )
  const path = `event_date=${file.partition}/copy-0.parquet`
  await table.store.publish(staged, path)
  await table.commit({ adds: [{ ...file, path }], operation: 'WRITE' })
}

describe('a proof', () => {
  it('holds for events of every page of a file that was ingested', async () => {
    const proofs = [
      await expectProven('request-1'),
      await expectProven('request-64'),
      await expectProven('request-100'),
    ]
    expect(new Set(proofs.map(({ file }) => file)).size).toBe(1)
    expect(new Set(proofs.map(({ position }) => position)).size).toBe(3)
    expect((await expectProven('request-302')).leaf).toBeGreaterThan(proofs[0]?.leaf ?? 0n)
  })

  it('finds an event by the beginning of its id', async () => {
    const id = await idOf('request-7')
    expect(await prove(id.slice(0, 12))).toMatchObject({ eventId: id })
  })

  it('does not hold under another key, for another row, or for a leaf elsewhere', async () => {
    const { text, leaf } = await prove(await idOf('request-7'))
    const other = await SealKeys.load(join(bench.folder, 'other-seal'))
    expect(verifyProof(text, { keys: other.vkey }).findings).toMatchObject([{ kind: 'unverifiable' }])
    const moved = text.replace(`index ${leaf}\n`, `index ${leaf - 1n}\n`)
    expect(verifyProof(moved, { keys: key }).findings).toMatchObject([{ kind: 'changed', where: 'the leaf' }])
    const [, extra = ''] = /^extra (.*)$/m.exec(text) ?? []
    const evidence = Buffer.from(extra, 'base64').toString('utf8')
    const forged = Buffer.from(evidence.replace('cluster 7', 'cluster 8')).toString('base64')
    expect(verifyProof(text.replace(extra, forged), { keys: key }).findings).toMatchObject([
      { kind: 'changed', where: 'the row' },
    ])
  })

  it.each([
    ['00000000000000000000000000000000', /No event has the id/],
    ['abc', /32 hex digits, or at least the first 8/],
    ["' OR 1=1 --", /32 hex digits/],
  ])('is refused for %j', async (id, message) => {
    await expect(prove(id)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringMatching(message) })
  })

  it('is refused for a beginning that several events have', async () => {
    const home = await bench.anotherHome('twins')
    const twins = DeltaTable.at(home.events, EVENTS_TABLE)
    await commitCopy(twins, "'0123456789abcdef' || right(event_id, 16) AS event_id")
    await expect(prove('0123456789ab', twins)).rejects.toMatchObject({
      message: expect.stringMatching(/Several events/),
      hint: expect.stringMatching(/32 digits/),
    })
  })

  it('is refused for an event that no leaf names', async () => {
    const home = await bench.anotherHome('unsealed')
    const unsealed = DeltaTable.at(home.events, EVENTS_TABLE)
    await commitCopy(unsealed, 'md5(event_id) AS event_id')
    const id = await idOf('request-7')
    await expect(prove(createHash('md5').update(id).digest('hex'), unsealed)).rejects.toMatchObject({
      code: 'BAD_SEAL',
      message: expect.stringMatching(/No leaf of the log names/),
    })
  })

  it('is refused where the file is not what was sealed', async () => {
    const home = await bench.anotherHome('edited')
    await cp(bench.home.lake, home.lake, { recursive: true })
    const edited = DeltaTable.at(home.events, EVENTS_TABLE)
    const id = await idOf('request-7')
    const path = edited.store.locate(keyOf(await firstFile()))
    const copy = join(bench.folder, 'edited.parquet')
    await bench.sql(
      `COPY (SELECT * REPLACE ('nobody' AS action) FROM read_parquet(${fileSql(path)}, hive_partitioning = false)) TO ${lit(copy)} (FORMAT parquet)`,
    )
    await rename(copy, path)
    await expect(prove(id, edited)).rejects.toMatchObject({
      code: 'BAD_SEAL',
      where: path,
      message: expect.stringMatching(/are not those that were sealed/),
    })
  })

  it('holds for an event in a file that was compacted', async () => {
    const before = await prove(await idOf('request-302'))
    const [rejects, lake] = tables()
    const sealing = await Sealing.open({
      home: bench.home,
      now: () => NOW,
      engine: async () => engine,
      tables: [rejects, lake],
    })
    await compact(engine, lake, { nowMs: NOW.getTime(), minFiles: 2, afterCommit: () => sealing.follow() })
    const after = await expectProven('request-302')
    expect(after.file).toMatch(/compact-/)
    expect(after.leaf).toBeGreaterThan(before.leaf)
    // The proof from before is as good as ever.
    expect(verifyProof(before.text, { keys: key }).findings).toEqual([])
  })
})
