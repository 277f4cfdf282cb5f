import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { fileSql } from '../../engine/sql.ts'
import type { Batch, Item, Sink } from '../contract.ts'
import { fitted, MARK } from '../fit.ts'
import { NASTY } from '../sink.suite.ts'
import { parquet } from './parquet.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

let home: string
let sink: Sink
const context = () => ({ name: 'lake', secret: () => '', timeoutMs: 5000, folder: home })
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-parquet-'))
  sink = await parquet.open({ folder: 'out [1]' }, context())
})
afterEach(async () => {
  await sink.close?.()
  await rm(home, { recursive: true, force: true })
})

const item = (n: number, text = `words ${n}`): Item => ({
  id: `e-${n}`,
  key: 'ana',
  timeMs: Date.UTC(2026, 10, 12, 9, 6, n),
  text: JSON.stringify({
    workspace_id: '42',
    event_time: `2026-11-12T09:06:${String(n).padStart(2, '0')}.000000Z`,
    event_date: '2026-11-12',
    user_identity: { email: 'ana@example.com', subject_name: null },
    request_params: { text, n: String(n) },
    response: { status_code: 200, error_message: null, result: '{}' },
    event_id: `e-${n}`,
  }),
})

const batch = (items: readonly Item[], id = 'a'.repeat(32)): Batch => ({ id, items, attempt: 1 })
const send = (...args: Parameters<typeof batch>) => sink.send(batch(...args), AbortSignal.timeout(20_000))
const files = async () =>
  (await readdir(join(home, 'out [1]'), { recursive: true })).filter((name) => name !== '.bricktrail').sort()

const rows = () =>
  engine.rows<{ event_id: string; text: string; mark: string | null }>(
    `SELECT event_id, request_params['text'] AS text, ${MARK} AS mark
     FROM read_parquet(${fileSql(join(home, 'out [1]'))} || '/*/*.parquet') ORDER BY event_id`,
  )

describe('a folder of Parquet files', () => {
  it('gets a file a batch, with the columns and types of system.access.audit', async () => {
    expect(await send([item(2), item(1)])).toEqual({ kind: 'delivered' })
    expect(await files()).toEqual(['date=2026-11-12', `date=2026-11-12/20261112T090602000Z-${'a'.repeat(32)}.parquet`])
    const path = join(home, 'out [1]', (await files())[1] ?? '')
    const types = await engine.rows<{ column_name: string; column_type: string }>(
      `DESCRIBE FROM read_parquet(${fileSql(path)})`,
    )
    const typeOf = Object.fromEntries(types.map(({ column_name, column_type }) => [column_name, column_type]))
    expect(typeOf).toMatchObject({
      event_time: 'TIMESTAMP WITH TIME ZONE',
      event_date: 'DATE',
      request_params: 'MAP(VARCHAR, VARCHAR)',
      user_identity: 'STRUCT(email VARCHAR, subject_name VARCHAR)',
    })
    expect(
      await engine.rows(
        `FROM (SELECT event_time::VARCHAR AS time, response.status_code AS status FROM read_parquet(${fileSql(path)}))`,
      ),
    ).toEqual([
      { time: '2026-11-12 09:06:01+00', status: 200 },
      { time: '2026-11-12 09:06:02+00', status: 200 },
    ])
  })

  it('gets a batch that is sent again no second time', async () => {
    for (let time = 0; time < 3; time++) expect(await send([item(1)])).toEqual({ kind: 'delivered' })
    expect((await rows()).length).toBe(1)
    expect((await files()).length).toBe(2)
  })

  it('gets several batches at once', async () => {
    const outcomes = await Promise.all([1, 2, 3].map((n) => send([item(n)], String(n).repeat(32))))
    expect(outcomes.every(({ kind }) => kind === 'delivered')).toBe(true)
    expect((await rows()).map(({ event_id }) => event_id)).toEqual(['e-1', 'e-2', 'e-3'])
  })

  it('gets letters of all kinds', async () => {
    expect(await send([item(1, NASTY)])).toEqual({ kind: 'delivered' })
    expect((await rows())[0]?.text).toBe(NASTY)
  })

  it('gets what is far too long shortened, and marked', async () => {
    const huge = item(1, 'long 東京 '.repeat(2_000_000))
    expect(await send([fitted(huge, sink.limits)])).toEqual({ kind: 'delivered' })
    const [row] = await rows()
    expect(row?.text.startsWith('long 東京 long')).toBe(true)
    expect(Number(row?.mark)).toBe(Buffer.byteLength(huge.text))
  })

  it('that a crash left half a file in does not show it, and is rid of it in time', async () => {
    const staged = join(home, 'out [1]', '.bricktrail')
    await mkdir(staged, { recursive: true })
    for (const name of ['old.part', 'new.part']) await writeFile(join(staged, name), 'PAR1')
    await utimes(join(staged, 'old.part'), 0, 0)
    expect(await send([item(1)])).toEqual({ kind: 'delivered' })
    expect((await rows()).length).toBe(1)
    await (await parquet.open({ folder: 'out [1]' }, context())).close?.()
    expect(await readdir(staged)).toEqual(['new.part'])
  })

  it('that cannot be made is told as a matter of the settings, and gets all of it once it can', async () => {
    await writeFile(join(home, 'out [1]'), 'a file stands there')
    expect(await send([item(1)])).toMatchObject({ kind: 'misconfigured' })
    await rm(join(home, 'out [1]'))
    expect(await send([item(1)])).toEqual({ kind: 'delivered' })
  })

  it('refuses for good what is no JSON, and leaves nothing behind', async () => {
    expect(await send([{ ...item(1), text: '{"event_id": ' }])).toMatchObject({ kind: 'dead' })
    expect(await files()).toEqual(['date=2026-11-12'])
  })
})
