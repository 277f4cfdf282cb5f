import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Engine } from '../engine/duckdb.ts'
import { formatNamed } from './registry.ts'
import { event, tableOfEvents } from './rows.fixture.ts'
import { exportTarget } from './target.ts'
import { exportFile, exportFolder } from './write.ts'

const cef = formatNamed('cef')
let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-write-'))
  engine = await Engine.open()
  await tableOfEvents(engine, 'events', [event({}), event({ event_date: '2026-03-05' }), event({})])
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

const day = (date: string) => ({ date, relation: `(SELECT * FROM events WHERE event_date = DATE '${date}')` })

it('replaces a file as a whole and leaves nothing else behind', async () => {
  const target = exportTarget(cef, join(folder, 'one', "it's.cef"))
  await exportFile(engine, cef, 'events', target)
  const file = await exportFile(engine, cef, '(SELECT * FROM events LIMIT 1)', target)
  const text = await readFile(target.path)
  expect(file).toEqual({ path: target.path, events: 1, bytes: text.length })
  expect(await readdir(join(folder, 'one'))).toEqual(["it's.cef"])
})

it('leaves the old file and no half one if the export fails', async () => {
  const target = exportTarget(cef, join(folder, 'old.cef'))
  await writeFile(target.path, 'old')
  await expect(exportFile(engine, cef, '(SELECT * FROM no_such_table)', target)).rejects.toMatchObject({
    code: 'ENGINE',
  })
  const failing = "(SELECT * REPLACE ((event_id || 'x')::INTEGER::VARCHAR AS event_id) FROM events)"
  await expect(exportFile(engine, cef, failing, target)).rejects.toMatchObject({ code: 'ENGINE' })
  expect(await readFile(target.path, 'utf8')).toBe('old')
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([])
})

it('writes events too large for memory all the same, more slowly', async () => {
  const path = join(folder, 'large.parquet')
  const large = "map(['p'], [repeat('x=y', 7000)])"
  await engine.run(`COPY (SELECT e.* REPLACE (md5(range::VARCHAR) AS event_id, ${large} AS request_params)
    FROM (SELECT * FROM events LIMIT 1) e, range(4096)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`)
  const small = await Engine.open({ memoryLimitMb: 300, threads: 2 })
  const relation = `read_parquet('${path}')`
  const target = exportTarget(cef, join(folder, 'large.cef'))
  await expect(small.run(`COPY (${cef.select(relation)}) TO '${target.path}' (${target.copyOptions})`)).rejects.toThrow(
    /Out of Memory/,
  )
  expect((await exportFile(small, cef, relation, target))?.events).toBe(4096)
  expect(await small.row("SELECT current_setting('threads')::INTEGER AS threads")).toEqual({ threads: 2 })
  small.close()
  const ids = (await readFile(target.path, 'utf8')).matchAll(/ externalId=(\w+) /g)
  expect(new Set([...ids].map(([, id]) => id)).size).toBe(4096)
})

it('writes no file where there is nothing to write', async () => {
  const target = exportTarget(cef, join(folder, 'none.cef'))
  expect(await exportFile(engine, cef, '(SELECT * FROM events LIMIT 0)', target)).toBeUndefined()
  expect(await readdir(folder)).not.toContain('none.cef')
})

it('writes one file a day into a folder, none for empty days', async () => {
  const target = exportTarget(cef, join(folder, 'days'))
  const days = ['2026-03-04', '2026-03-05', '2026-03-06'].map(day)
  const seen: string[] = []
  const files = await exportFolder(engine, cef, days, target, (done, date) => seen.push(`${done} ${date}`))
  expect(files.map(({ path, events }) => [path, events])).toEqual([
    [join(folder, 'days', 'cef', 'date=2026-03-04', 'cef-2026-03-04.cef'), 2],
    [join(folder, 'days', 'cef', 'date=2026-03-05', 'cef-2026-03-05.cef'), 1],
  ])
  expect(seen).toEqual(['0 2026-03-04', '1 2026-03-05', '2 2026-03-06'])
  expect((await readFile(files[0]?.path ?? '', 'utf8')).trimEnd().split('\n')).toHaveLength(2)
})

it('says which path it cannot write', async () => {
  await writeFile(join(folder, 'a-file'), '')
  const target = { ...exportTarget(cef, join(folder, 'x.cef')), path: join(folder, 'a-file', 'x.cef') }
  await expect(exportFile(engine, cef, 'events', target)).rejects.toMatchObject({ code: 'UNREADABLE' })
})
