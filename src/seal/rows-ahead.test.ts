import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { appendFile, link, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { rowForm } from './row-form.ts'
import { digestRows } from './rows.ts'
import { RowsAhead } from './rows-ahead.ts'

const form = rowForm('events', [{ name: 'event_id', type: 'string', doc: '' }])

let folder: string
let engine: Engine
let beside: Engine

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rows-ahead-'))
  engine = await Engine.open({ tempDir: join(folder, 'spill') })
  beside = await engine.beside()
})
afterAll(async () => {
  beside.close()
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

async function write(name: string, rows: number): Promise<string> {
  const path = join(folder, name)
  await engine.run(`COPY (SELECT 'e' || range AS event_id FROM range(${rows})) TO ${lit(path)} (FORMAT parquet)`)
  return path
}

function shaOf(path: string): { bytes: number; sha256: string } {
  const bytes = readFileSync(path)
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** What this process has open, where the system tells. */
const openFiles = (): string[] => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').flatMap(linkOf) : [])

function linkOf(descriptor: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${descriptor}`)]
  } catch {
    return []
  }
}

/** As a file gets its final name. */
async function published(path: string): Promise<string> {
  const to = `${path}.published`
  await link(path, to)
  await rm(path)
  return to
}

it('knows the rows of files by their final names, though the names it was told are gone', async () => {
  const ahead = new RowsAhead()
  const paths = [await write('a[1].parquet', 30_000), await write('b.parquet', 3)]
  const expected = await Promise.all(
    paths.map(async (path) => ({ rows: await digestRows(engine, path, form), whole: shaOf(path) })),
  )
  await ahead.begin(beside, paths, form)
  const [a, b] = [await published(paths[0] as string), await published(paths[1] as string)]
  await engine.run('SELECT sum(range) FROM range(1000000)')
  expect([await ahead.of(a, form), await ahead.of(b, form)]).toEqual(expected)
  await ahead.end()
})

it('takes more while it is at work, and nothing twice', async () => {
  const ahead = new RowsAhead()
  const [first, second] = [await write('c.parquet', 20_000), await write('d.parquet', 5)]
  await ahead.begin(beside, [first], form)
  await ahead.begin(beside, [first, second], form)
  expect((await ahead.of(second, form))?.rows.rows).toBe(5)
  expect((await ahead.of(first, form))?.rows.rows).toBe(20_000)
  await ahead.end()
})

it('knows nothing of a file that was written again or changed, in another form, or that it was not told of', async () => {
  const ahead = new RowsAhead()
  const [again, changed, other] = [
    await write('e.parquet', 4),
    await write('f.parquet', 4),
    await write('g.parquet', 4),
  ]
  await ahead.begin(beside, [again, changed], form)
  await ahead.settled()
  await rm(again)
  await write('e.parquet', 4)
  await appendFile(changed, 'x')
  for (const path of [again, changed, other, join(folder, 'none.parquet')])
    expect(await ahead.of(path, form)).toBeUndefined()
  const otherForm = rowForm('events', [
    { name: 'event_id', type: 'string', doc: '' },
    { name: 'form', type: 'string', doc: '' },
  ])
  await ahead.begin(beside, [other], form)
  expect(await ahead.of(other, otherForm)).toBeUndefined()
  expect((await ahead.of(other, form))?.rows.rows).toBe(4)
  await ahead.end()
})

it('leaves what cannot be read to who reads it later', async () => {
  const ahead = new RowsAhead()
  const path = join(folder, 'h.parquet')
  await appendFile(path, 'no Parquet')
  await ahead.begin(beside, [path, join(folder, 'none.parquet')], form)
  expect(await ahead.of(path, form)).toBeUndefined()
  await ahead.end()
})

it('has let go of files and connections when it is ended', async () => {
  const many = await Promise.all(Array.from({ length: 8 }, (_, at) => write(`k${at}.parquet`, 300_000)))
  const opened = vi.spyOn(Engine.prototype, 'beside')
  const closed = vi.spyOn(Engine.prototype, 'close')
  try {
    for (let round = 0; round < 4; round++) {
      const ahead = new RowsAhead()
      await ahead.begin(engine, many, form)
      await ahead.end()
      expect(closed.mock.calls).toHaveLength(opened.mock.calls.length)
      expect(openFiles().filter((path) => path.startsWith(folder))).toEqual([])
      for (const path of many) await rm(`${path}.ahead`, { force: true })
    }
  } finally {
    vi.restoreAllMocks()
  }
})

it('leaves off when it is ended, knows nothing any more, and can begin anew', async () => {
  const ahead = new RowsAhead()
  const long = await write('i.parquet', 2_000_000)
  await ahead.begin(beside, [long], form)
  const known = ahead.of(long, form)
  await ahead.end()
  expect(await known).toBeUndefined()
  expect(await ahead.of(long, form)).toBeUndefined()
  const short = await write('j.parquet', 2)
  await ahead.begin(beside, [short], form)
  expect((await ahead.of(short, form))?.rows.rows).toBe(2)
  await ahead.end()
})
