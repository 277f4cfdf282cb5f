import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Home, homeAt } from '../core/home.ts'
import { recordLines } from './records.fixture.ts'
import { accessRoutes } from './routes/access.ts'
import { sql } from './routes/sql.ts'
import { type Served, served } from './served.fixture.ts'

let home: Home
let there: Served

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'door-')))
  there = served(home, [sql, accessRoutes])
})
afterEach(async () => {
  await there.close()
  await rm(home.root, { recursive: true, force: true })
})

const told = async () =>
  (await recordLines(home)).map(({ actionName, userIdentity, response }) => [
    actionName,
    userIdentity?.email,
    response?.statusCode,
    response?.errorMessage?.split(':')[0],
  ])

const POST = { method: 'POST', as: 'analyst', headers: { 'content-type': 'application/json' } } as const

it('records who sent too much, and where to', async () => {
  const long = { ...POST, headers: { ...POST.headers, 'content-length': '99999999' }, body: '{}' }
  expect((await there.fetch('/api/v1/sql', long)).status).toBe(413)
  const { as: _, ...stranger } = long
  expect((await there.fetch('/api/v1/sql', stranger)).status).toBe(413)
  expect((await there.fetch('/nothing', long)).status).toBe(413)
  expect(await told()).toEqual([
    ['runSql', 'a analyst', 413, 'TOO_LARGE'],
    ['runSql', 'unknown', 413, 'TOO_LARGE'],
    ['unknownRoute', 'a analyst', 413, 'TOO_LARGE'],
  ])
})

it('records the same code as it answers where a body is no JSON', async () => {
  const answer = await there.fetch('/api/v1/sql', { ...POST, body: '{"sql":' })
  expect(await answer.json()).toMatchObject({ code: 'BAD_ARGUMENT' })
  expect(await told()).toEqual([['runSql', 'a analyst', 422, 'BAD_ARGUMENT']])
})

it('records a wrong method as what the path is about, and never as a change', async () => {
  expect((await there.fetch('/api/v1/sql', { as: 'analyst' })).status).toBe(405)
  expect((await there.fetch('/api/v1/tokens', { as: 'admin', method: 'PUT' })).status).toBe(405)
  expect(await told()).toEqual([
    ['runSql', 'a analyst', 405, 'WRONG_METHOD'],
    ['searchTokens', 'a admin', 405, 'WRONG_METHOD'],
  ])
})

it('records who asked by a name that is not ours', async () => {
  const headers = { host: 'evil.example' }
  const answer = await there.fetch('/api/v1/tokens', { as: 'admin', headers })
  expect(answer.status).toBe(421)
  expect(await told()).toEqual([['unknownRoute', 'a admin', 421, 'WRONG_HOST']])
})
