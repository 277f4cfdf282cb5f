import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Alerted, alerted, digest } from './alerted.fixture.ts'
import { searches } from './searches.ts'

const SEARCH = { name: 'mine', q: 'verb:login' }

let at: Alerted

beforeAll(async () => {
  at = await alerted([searches], [{ id: digest(1) }])
}, 60_000)
afterAll(async () => at?.close())

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

  it('that could never be asked are refused', async () => {
    for (const [wrong, name] of [
      [{ q: 'acter:ana' }, 'q'],
      [{ q: 'verb:logn' }, 'q'],
      [{ from: 'noon-ish' }, 'from'],
      [{ from: '2026-11-12', to: '2026-11-10' }, 'from'],
    ] as const) {
      const answer = await at.fetch('/api/v1/searches', { method: 'POST', as: 'viewer', json: { ...SEARCH, ...wrong } })
      const { errors } = (await answer.json()) as { errors: { name: string }[] }
      expect([answer.status, errors[0]?.name]).toEqual([422, name])
    }
    const kept = { ...SEARCH, from: '7d ago', to: 'now' }
    const answer = await at.fetch('/api/v1/searches', { method: 'POST', as: 'viewer', json: kept })
    const { id } = (await answer.json()) as { id: string }
    expect(answer.status).toBe(201)
    expect((await at.fetch(`/api/v1/searches/${id}`, { method: 'DELETE', as: 'viewer' })).status).toBe(204)
  })

  it('that one keeps for oneself tell nothing, either, that is hidden since', async () => {
    const json = { name: 'of bo@example.com', q: 'bo@example.com verb:login' }
    expect((await at.fetch('/api/v1/searches', { method: 'POST', as: 'viewer', json })).status).toBe(201)
    const told = await (await at.fetch('/api/v1/searches', { as: 'viewer' })).text()
    expect(told).not.toContain('bo@')
    expect(told).toMatch(/"q":"p-[0-9a-f]{12}@example\.com/)
  })

  it('that are shared tell nobody what is hidden from them', async () => {
    const q = 'actor:ana@example.com params.query:"SELECT secret"'
    const json = { name: 'of ana@example.com', q, shared: true }
    expect((await at.fetch('/api/v1/searches', { method: 'POST', as: 'admin', json })).status).toBe(201)
    const told = async (as: 'viewer' | 'analyst' | 'admin') => (await at.fetch('/api/v1/searches', { as })).text()
    expect(await told('admin')).toContain('SELECT secret')
    expect(await told('analyst')).toMatch(/ana@example.com params.query:\[15 characters\].*"owner":"a admin"/)
    const asViewer = await told('viewer')
    expect(asViewer).not.toMatch(/ana@|secret|a admin/)
    expect(asViewer).toMatch(/actor:p-[0-9a-f]{12}@example\.com/)
  })
})
