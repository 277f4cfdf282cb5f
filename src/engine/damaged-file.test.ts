import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { damagedFile } from './damaged-file.ts'
import { Engine } from './duckdb.ts'

let folder: string
let engine: Engine
let good: Buffer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-damaged-'))
  engine = await Engine.open({ threads: 1 })
  const path = join(folder, 'good.parquet')
  await engine.run(`COPY (SELECT i, md5(i::VARCHAR) AS t FROM range(50000) r(i)) TO '${path}' (COMPRESSION zstd)`)
  good = await readFile(path)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

const failureOf = (sql: string): Promise<unknown> => engine.rows(sql).then(() => undefined, damagedFile)

/** What is told of a file of these bytes beside a good one, and its path. */
async function toldOf(bytes: Buffer) {
  const path = join(folder, 'damaged.parquet')
  await writeFile(path, bytes)
  const sql = `SELECT sum(i), max(t) FROM read_parquet(['${join(folder, 'good.parquet')}', '${path}'])`
  return { path, told: await failureOf(sql) }
}

const filled = (from: number, to: number) => Buffer.from(good).fill(0, from, to)

it.each([
  ['was never filled', () => Buffer.alloc(0)],
  ['ends in the middle', () => good.subarray(0, good.length / 2)],
  ['is something else', () => Buffer.from('this is no data of a table')],
])('names a file that %s', async (_, bytes) => {
  const { path, told } = await toldOf(bytes())
  expect(told).toMatchObject({ code: 'BAD_LAKE', where: path, message: `The data file ${path} is damaged.` })
})

it.each([
  ['pages', () => filled(4, good.length - 2000)],
  ['its values', () => Buffer.from(good).fill(0x5a, 4, good.length - 2000)],
  ['a footer', () => filled(good.length - 400, good.length - 100)],
])('tells of a file without %s, whether or not the engine names it', async (_, bytes) => {
  const { told } = await toldOf(bytes())
  expect(told).toMatchObject({ code: 'BAD_LAKE', hint: expect.stringContaining('bricktrail verify') })
})

it('takes no other failure for one', async () => {
  expect(await failureOf("SELECT 'Out of buffer'::INTEGER")).toBeUndefined()
  expect(await failureOf("FROM read_parquet('/nowhere/at-all.parquet')")).toBeUndefined()
  expect(await failureOf('SELECT no_such_column')).toBeUndefined()
})
