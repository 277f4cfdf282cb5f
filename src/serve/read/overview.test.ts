import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { NOON } from '../../alert/findings.fixture.ts'
import { ingest } from '../../ingest/ingest.ts'
import { alerted, digest } from '../routes/alerted.fixture.ts'
import { overviewRoutes } from '../routes/overview.ts'
import type { Overview } from '../shapes/entities.ts'
import { asked, emptyHome } from './asked.fixture.ts'

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

it('counts what was set aside up to now where the logs are old, since they came after their last event', async () => {
  const home = await emptyHome()
  const record = {
    version: '2.0',
    timestamp: Date.parse('2026-11-10T08:00:00Z'),
    serviceName: 'accounts',
    actionName: 'login',
    requestId: 'r',
  }
  const text = `${JSON.stringify(record)}\nno record\n`
  const now = () => new Date('2026-11-16T11:00:00Z')
  await ingest({ home, specs: ['-'], form: 'auto', stdin: Readable.from([text]), now })
  const server = await asked(home, [overviewRoutes])
  try {
    const { from, to, figures } = await server.json<Overview>('/api/v1/overview')
    expect([to, figures.events.value]).toEqual(['2026-11-10T08:15:00.000Z', 1])
    expect(figures.rejects).toEqual({ value: 1, before: null, q: null })
    const closed = await server.json<Overview>(`/api/v1/overview?from=${from}&to=${to}`)
    expect(closed.figures.rejects).toEqual({ value: 0, before: 0, q: null })
  } finally {
    await server.close()
  }
}, 60_000)
