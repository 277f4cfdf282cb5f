import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { scanSql } from './read.ts'
import { answers, makeFolder, rowsSql, SMALL_TABLE } from './small-table.fixture.ts'
import { DeltaTable } from './table.ts'
import { vacuum } from './vacuum.ts'

const KILLS = 8
const CHILD = fileURLToPath(new URL('crash.fixture.ts', import.meta.url))

let engine: Engine
let folder: Awaited<ReturnType<typeof makeFolder>>

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
  folder = await makeFolder()
})
afterAll(async () => {
  engine.close()
  await folder.remove()
})

/** Lets a writer and compactor work until it has made some commits, then kills it `delayMs` later. */
async function killAtWork(delayMs: number): Promise<void> {
  const { version } = await DeltaTable.at(folder.path, SMALL_TABLE).snapshot()
  const child = spawn(process.execPath, [CHILD, folder.path], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  const table = DeltaTable.at(folder.path, SMALL_TABLE)
  while ((await table.snapshot()).version < version + 3 && child.exitCode === null) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  await exited
  expect(child.signalCode).toBe('SIGKILL')
}

test('a writer and compactor killed at any moment loses no row and doubles none', async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    await killAtWork((kill * 7) % 40)
    const table = DeltaTable.at(folder.path, SMALL_TABLE)
    const snapshot = await table.snapshot()
    const committed = snapshot.txnVersion('crash') ?? 0
    const { n, ids } = await engine.row<{ n: string; ids: string }>(
      `SELECT count(*) AS n, count(DISTINCT id) AS ids FROM ${scanSql(table, snapshot.files)}`,
    )
    expect([n, ids]).toEqual([String(committed * 50), String(committed * 50)])
  }
  const table = DeltaTable.at(folder.path, SMALL_TABLE)
  await vacuum(table, { graceMs: 0, nowMs: Date.now() + 1000 })
  const { files } = await table.snapshot()
  const kept = (await table.store.list('')).filter((key) => !key.startsWith('_delta_log/'))
  expect(kept).toEqual(files.map(({ path }) => path).sort())
  const rows = ((await table.snapshot()).txnVersion('crash') ?? 0) * 50
  const source = await engine.rows<{ row: string }>(
    `SELECT to_json(r)::VARCHAR AS row FROM (${rowsSql('2026-11-12', 0, rows)}) r ORDER BY 1`,
  )
  expect(await answers(engine, table)).toEqual(source.map(({ row }) => row))
})
