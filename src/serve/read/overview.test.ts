import { expect, it } from 'vitest'
import { NOON } from '../../alert/findings.fixture.ts'
import { alerted, digest } from '../routes/alerted.fixture.ts'
import { overviewRoutes } from '../routes/overview.ts'
import type { Overview } from '../shapes/entities.ts'

it('an event dated in the future hides neither the newest one nor how long ago that was', async () => {
  const at = (ms: number) => ({ firstMs: NOON.getTime() + ms, lastMs: NOON.getTime() + ms })
  const server = await alerted([overviewRoutes], [{ id: digest(1), ...at(-3_600_000) }])
  try {
    await server.tell({ id: digest(2), ...at(30 * 86_400_000) })
    const told = (await (await server.fetch('/api/v1/overview', { as: 'admin' })).json()) as Overview
    expect(told).toMatchObject({ newestEvent: '2026-11-12T11:00:00.000Z', lagSeconds: 3600, to: NOON.toISOString() })
    await server.tell({ id: digest(3), ...at(120_000) })
    // The lake is looked at anew a few times a second.
    const soon = async () => (await (await server.fetch('/api/v1/overview', { as: 'admin' })).json()) as Overview
    await expect.poll(soon, { timeout: 20_000 }).toMatchObject({ newestEvent: NOON.toISOString(), lagSeconds: 0 })
  } finally {
    await server.close()
  }
}, 60_000)
