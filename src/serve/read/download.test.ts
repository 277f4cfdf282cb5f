import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import { downloads } from '../routes/download.ts'
import { searchOf } from '../search/to-sql.ts'
import { type Asked, asked, smallHome } from './asked.fixture.ts'
import { download } from './download.ts'
import { checkDisk } from './download-places.ts'

const { signal } = new AbortController()
const ALL = { masks: [], rows: {} } as const

let server: Asked
beforeAll(async () => {
  server = await asked(await smallHome(), [downloads])
})
afterAll(() => server.close())

/** Starts a download that nobody reads. */
const start = (secret: string, method = 'GET') =>
  server.fetch('/api/v1/events/download', { method, headers: { authorization: `Bearer ${secret}` } })

const token = (name: string): string => server.token({ role: 'analyst', name })
const folders = async () => (await readdir(server.home.tmp)).filter((name) => name.startsWith('download-'))

it('one who asks has two at once, all have four, and an end makes room', async () => {
  const [one, other, third] = [token('one'), token('other'), token('third')]
  const running = [await start(one), await start(one), await start(other), await start(other)]
  expect(running.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const full = await start(third)
  expect([full.status, await full.json()]).toMatchObject([503, { code: 'BUSY', detail: /four|4/ }])
  await running[2]?.body?.cancel()
  const refused = await start(one)
  expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('one has 2 downloads running')])
  expect((await (await start(third)).text()).trim().split('\n')).toHaveLength(3)
  for (const { body } of [running[0], running[1], running[3]].filter((each) => each !== undefined)) await body?.cancel()
  for (let nth = 0; nth < 5; nth++) expect((await start(third, 'HEAD')).status).toBe(200)
  expect((await start(third)).status).toBe(200)
  await expect.poll(folders, { timeout: 2000 }).toHaveLength(1)
})

it('ends before a piece for which the disk has no room, and leaves nothing', async () => {
  const before = await folders()
  const { version } = (await server.reader.snapshots.newest()).events
  const question = { search: searchOf(''), format: 'ndjson', limit: 10, found: 10, version } as const
  let pieces = 0
  const hasRoom = async () => {
    pieces += 1
    if (pieces > 1) throw new AppError('DISK_FULL', 'full')
  }
  const read = async () => {
    for await (const chunk of download(server.reader, ALL, question, signal, hasRoom))
      expect(chunk.length).toBeGreaterThan(0)
  }
  await expect(read()).rejects.toMatchObject({ code: 'DISK_FULL' })
  expect([pieces, await folders()]).toEqual([2, before])
  await expect(checkDisk(server.home, Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: 'DISK_FULL' })
  await checkDisk(server.home, 1)
})

it('has all there are where more were counted meanwhile than its version has', async () => {
  const { version } = (await server.reader.snapshots.newest()).events
  const chunks: Buffer[] = []
  const question = { search: searchOf(''), format: 'parquet', limit: 10, found: 11, version } as const
  for await (const chunk of download(server.reader, ALL, question, signal)) chunks.push(chunk)
  const path = join(server.home.tmp, 'counted-meanwhile.parquet')
  await writeFile(path, Buffer.concat(chunks))
  const engine = await Engine.open()
  const { n } = await engine.row<{ n: string }>(`SELECT count(*) AS n FROM read_parquet(${lit(path)})`)
  engine.close()
  expect(n).toBe('3')
})
