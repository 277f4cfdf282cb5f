import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Asked, asked, simulatedHome } from '../read/asked.fixture.ts'
import type { EventDetail, EventPage, EventRow, FacetAnswer, Histogram, ValueList } from '../shapes/events.ts'
import { event } from './event.ts'
import { events } from './events.ts'

const EVENTS = 12_000

let server: Asked
beforeAll(async () => {
  server = await asked(await simulatedHome(EVENTS), [events, event])
}, 120_000)
afterAll(() => server.close())

const search = (params: Record<string, string | number>, path = '') =>
  `/api/v1/events${path}?${new URLSearchParams(Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]))}`

async function allPages(
  params: Record<string, string | number>,
  as: 'admin' | 'viewer' = 'admin',
): Promise<EventRow[]> {
  const found: EventRow[] = []
  let cursor: string | null = null
  do {
    const page: EventPage = await server.json(search({ ...params, ...(cursor === null ? {} : { cursor }) }), { as })
    found.push(...page.events)
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}

describe('the events page', () => {
  it('walks through all events once, in order, whichever way', async () => {
    const newest = await allPages({ limit: 500 })
    const oldest = await allPages({ limit: 477, order: 'oldest' })
    expect(newest).toHaveLength(EVENTS)
    expect(oldest.map(({ id }) => id).reverse()).toEqual(newest.map(({ id }) => id))
    const times = newest.map(({ time }) => time)
    expect([...times].sort().reverse()).toEqual(times)
  })

  it('gives the same once everything is counted', async () => {
    await server.reader.slots.settled()
    expect(server.reader.slots.size().rows).toBeGreaterThan(100)
    expect(await allPages({ limit: 500 })).toHaveLength(EVENTS)
  })

  it('finds what facets count, for every value of every field', async () => {
    const fields = 'category,service,status,actor_type,country,client,key_event,verb,workspace,form,target_type'
    const { facets, total } = await server.json<FacetAnswer>(search({ fields, most: 5 }, '/facets'))
    expect(total).toBe(EVENTS)
    for (const { field, values } of facets) {
      for (const { value, count } of values.slice(-2)) {
        const q = `${field}:"${value ?? ''}"`
        const answer = await server.json<FacetAnswer>(search({ q, fields: 'category' }, '/facets'))
        // Of several targets an event has several types.
        if (field !== 'target_type') expect([q, answer.total]).toEqual([q, count])
        else expect(answer.total).toBeGreaterThanOrEqual(count)
      }
    }
  })

  it('finds the same by counts, by scanning, and in the histogram', async () => {
    const q = 'status:unauthorized,failure -category:job'
    const { total } = await server.json<FacetAnswer>(search({ q, fields: 'status' }, '/facets'))
    const scanned = await server.json<FacetAnswer>(search({ q, fields: 'target' }, '/facets'))
    const pages = await allPages({ q, limit: 200 })
    const bars = await server.json<Histogram>(search({ q, by: 'status', buckets: 40 }, '/histogram'))
    expect(total).toBeGreaterThan(10)
    expect(pages).toHaveLength(total)
    expect(scanned.facets[0]?.values.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0)
    expect(bars.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(total)
    const byStatus = bars.buckets.reduce((sum, { by }) => sum + (by.UNAUTHORIZED ?? 0) + (by.FAILURE ?? 0), 0)
    expect(byStatus).toBe(total)
  })

  it('finds by single parameters, agents, codes and errors, and for a viewer nothing by what is hidden from them', async () => {
    const total = async (q: string, as: 'admin' | 'viewer') =>
      (await server.json<FacetAnswer>(search({ q, fields: 'status' }, '/facets'), { as })).total
    for (const q of ['user_agent:*mozilla*', 'status_code:4*', 'error:*denied*', '-params.commandText:""']) {
      const found = await total(q, 'admin')
      expect(found, q).toBeGreaterThan(0)
      expect(await total(q, 'viewer'), q).toBe(found)
    }
    expect((await total('status_code:2*', 'admin')) + (await total('-status_code:2*', 'admin'))).toBe(EVENTS)
    for (const q of ['params.commandText:*select*', 'params.user:*.*@*'])
      expect([q, (await total(q, 'admin')) > 0, await total(q, 'viewer')]).toEqual([q, true, 0])
  })

  it('has exact ends of a span, also in the middle of what is counted together', async () => {
    const [from, to] = ['2026-11-11T07:07:07.007Z', '2026-11-13T22:13:31Z']
    const pages = await allPages({ from, to, limit: 500 })
    const { total } = await server.json<FacetAnswer>(search({ from, to, fields: 'status' }, '/facets'))
    const bars = await server.json<Histogram>(search({ from, to, buckets: 30 }, '/histogram'))
    const fine = await server.json<Histogram>(search({ from, to, buckets: 500 }, '/histogram'))
    expect(pages.every(({ time }) => time >= from && time < to)).toBe(true)
    expect(total).toBe(pages.length)
    for (const each of [bars, fine]) expect(each.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(total)
    expect(fine.intervalSeconds).toBeLessThan(bars.intervalSeconds)
  })

  it('completes values, those that begin so first', async () => {
    const { values } = await server.json<ValueList>(search({ field: 'action', prefix: 'get' }, '/values'))
    expect(values.length).toBeGreaterThan(3)
    expect(values[0]?.value?.toLowerCase().startsWith('get')).toBe(true)
    const targets = await server.json<ValueList>(search({ field: 'target', prefix: 'main.' }, '/values'))
    expect(targets.values.length).toBeGreaterThan(0)
  })

  it('says where a search goes wrong, and how to go on', async () => {
    const response = await server.fetch(search({ q: 'status:success acter:ana' }), { as: 'admin' })
    const problem = (await response.json()) as { code: string; hint: string; errors: unknown }
    expect(response.status).toBe(422)
    expect(problem.hint).toContain('Did you mean actor')
    expect(problem.errors).toEqual([{ in: 'query', name: 'q', message: 'There is no field acter.', from: 15, to: 21 }])
  })

  it('refuses times that are none, and spans that are empty', async () => {
    for (const params of [{ from: 'noon-ish' }, { to: '2026-13-01' }, { from: '2026-11-12', to: '2026-11-10' }]) {
      const response = await server.fetch(search(params), { as: 'viewer' })
      expect([params, response.status]).toEqual([params, 422])
    }
  })
})

describe('one event', () => {
  it('is explained, with what is related, where it came from, and its leaf', async () => {
    const page = await server.json<EventPage>(search({ q: 'action:getTable status:unauthorized', limit: 1 }))
    const id = page.events[0]?.id ?? ''
    const detail = await server.json<EventDetail>(`/api/v1/events/${id}`)
    expect(detail.id).toBe(id)
    expect(detail.event.event_id).toBe(id)
    expect(detail.masked).toEqual([])
    expect(detail.explanation.sentence).toMatch(/did unityCatalog\.getTable on table .+; it was refused \(403\)/)
    expect(detail.explanation.catalogue?.description).toBeTruthy()
    expect(detail.related.actor).toBeGreaterThan(0)
    expect(detail.provenance.batch).toMatch(/^b000000001-/)
    expect(detail.seal?.file).toContain('event_date=')
    expect(detail.seal?.leaf).toBeGreaterThanOrEqual(0)
  })

  it('is found where no page has shown it', async () => {
    const { rows } = await server.reader.rows<{ id: string }>(
      { masks: [], rows: {} },
      (relations) => `SELECT event_id AS id FROM ${relations.events} ORDER BY event_id LIMIT 1 OFFSET 77`,
      { signal: AbortSignal.timeout(20_000) },
    )
    expect((await server.json<EventDetail>(`/api/v1/events/${rows[0]?.id}`)).id).toBe(rows[0]?.id)
  })

  it('lists what its actor did around it, the oldest first', async () => {
    const page = await server.json<EventPage>(search({ q: 'category:authentication', limit: 1 }))
    const [first] = page.events
    const related = await server.json<EventPage>(`/api/v1/events/${first?.id}/related?by=actor&limit=20`)
    expect(related.events.length).toBeGreaterThan(0)
    expect(related.events.every(({ actor }) => actor === first?.actor)).toBe(true)
    expect(related.events.map(({ time }) => time)).toEqual(related.events.map(({ time }) => time).sort())
  })

  it('gives the received record', async () => {
    const page = await server.json<EventPage>(search({ q: 'action:getTable', limit: 1 }))
    const [row] = page.events
    const response = await server.fetch(`/api/v1/events/${row?.id}/raw`, { as: 'auditor' })
    expect(response.status).toBe(200)
    const record = JSON.parse((await response.text()).split('\n')[0] ?? '')
    expect(record).toMatchObject({ requestId: row?.requestId, actionName: 'getTable' })
    expect((await server.fetch(`/api/v1/events/${row?.id}/raw`, { as: 'analyst' })).status).toBe(403)
  })

  it('gives a proof that stands', async () => {
    const page = await server.json<EventPage>(search({ limit: 1 }))
    const id = page.events[0]?.id ?? ''
    const response = await server.fetch(`/api/v1/events/${id}/proof`, { as: 'auditor' })
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${id}.tlog-proof"`)
    expect(await response.text()).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra /)
    expect((await server.fetch(`/api/v1/events/${id}/proof`, { as: 'viewer' })).status).toBe(403)
  })

  it('is not found by an id that is none', async () => {
    for (const id of ['ffffffffffffffffffffffffffffffff', "x' OR 1=1 --", '%00', '..%2f..%2fetc']) {
      const response = await server.fetch(`/api/v1/events/${encodeURIComponent(id)}`, { as: 'admin' })
      expect([id, response.status]).toEqual([id, 404])
    }
  })
})
