import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../../core/home.ts'
import { type Served, served } from '../served.fixture.ts'
import { searches } from './searches.ts'

const SEARCH = { name: 'mine', q: 'verb:login' }

let home: Home
let at: Served

beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'bricktrail-searches-')))
  at = served(home, [searches])
})
afterEach(async () => {
  await at.close()
  await rm(home.root, { recursive: true })
})

describe('saved searches', () => {
  it('are seen by who keeps them, and by all where they are shared', async () => {
    const keep = (as: 'viewer' | 'analyst', json: object) => at.fetch('/api/v1/searches', { method: 'POST', as, json })
    const own = (await (await keep('viewer', SEARCH)).json()) as { id: string }
    const shared = (await (await keep('viewer', { ...SEARCH, name: 'ours', shared: true })).json()) as { id: string }
    const seen = async (as: 'viewer' | 'analyst') =>
      ((await (await at.fetch('/api/v1/searches', { as })).json()) as { searches: { name: string }[] }).searches.map(
        ({ name }) => name,
      )
    expect(await seen('viewer')).toEqual(['mine', 'ours'])
    expect(await seen('analyst')).toEqual(['ours'])
    const forget = (as: 'viewer' | 'analyst' | 'admin', id: string) =>
      at.fetch(`/api/v1/searches/${id}`, { method: 'DELETE', as }).then(({ status }) => status)
    expect(await forget('analyst', own.id)).toBe(404)
    expect(await forget('analyst', shared.id)).toBe(404)
    expect(await forget('admin', own.id)).toBe(404)
    expect(await forget('admin', shared.id)).toBe(204)
    expect(await forget('viewer', own.id)).toBe(204)
    expect(await seen('viewer')).toEqual([])
  })
})
