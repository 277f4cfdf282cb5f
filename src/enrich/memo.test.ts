import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { enrichment, learn, prepareEnrichment } from './memo.ts'
import { ENRICHERS } from './registry.ts'

/** Compiled networks stay here between runs, as compiling them takes seconds. */
const CACHE_HOME = join(import.meta.dirname, '../../node_modules/.cache/bricktrail')

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
  await prepareEnrichment(engine, homeAt(CACHE_HOME))
})
afterAll(() => engine.close())

const ADDRESSES = ['8.8.8.8', '1.1.1.1', '2001:4860:4860::8888', '10.1.2.3', '2003:c7:8f00::1', 'nowhere', null]
const AGENTS = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', '', null]

async function events(addresses: readonly (string | null)[], agents: readonly (string | null)[]): Promise<void> {
  const rows = addresses.flatMap((source_ip) => agents.map((user_agent) => ({ source_ip, user_agent })))
  await engine.tableOf('some_events', rows, ['source_ip', 'user_agent'])
}

const learnEvents = (): Promise<void> => learn(engine, (input) => `SELECT ${input} FROM some_events`)

async function enriched(): Promise<Record<string, unknown>[]> {
  const { join: joins, columns, unknown } = enrichment()
  const facts = Object.entries(columns).map(([name, sql]) => `${sql} AS ${name}`)
  return engine.rows(
    `SELECT e.source_ip, e.user_agent, ${facts.join(', ')}, ${unknown} AS unknown FROM some_events e ${joins} ORDER BY ALL`,
  )
}

describe('what enrichers remember', () => {
  it('is nothing of values not learnt, which it says', async () => {
    await events(['192.0.2.77'], ['never/1.0', null])
    expect(await enriched()).toMatchObject([
      { geo: null, client: null, unknown: true },
      { geo: null, client: null, unknown: true },
    ])
  })

  it('is the same as the facts worked out in place', async () => {
    await events(ADDRESSES, AGENTS)
    await learnEvents()
    const remembered = await enriched()
    expect(remembered).toHaveLength(ADDRESSES.length * AGENTS.length)
    expect(remembered.every((row) => row.unknown === false)).toBe(true)
    for (const enricher of ENRICHERS) {
      const value = `e.${enricher.input}`
      const inPlace = await engine.rows(
        `SELECT e.source_ip, e.user_agent, ${enricher.fact(value)} AS fact FROM ${enricher.from('some_events', enricher.input)} ORDER BY e.source_ip, e.user_agent`,
      )
      expect(remembered.map((row) => row[enricher.output])).toEqual(inPlace.map(({ fact }) => fact))
    }
  })

  it('places well-known addresses', async () => {
    await events(ADDRESSES, ['curl/8.5.0'])
    await learnEvents()
    const geo = new Map((await enriched()).map((row) => [row.source_ip, row.geo]))
    expect(geo.get('8.8.8.8')).toMatchObject({ country: 'US', asn: '15169', as_org: 'Google LLC', scope: 'public' })
    expect(geo.get('1.1.1.1')).toMatchObject({ asn: '13335', as_org: 'Cloudflare, Inc.' })
    expect(geo.get('2001:4860:4860::8888')).toMatchObject({ asn: '15169', scope: 'public' })
    // An unbroken /19, the widest allocation there is.
    expect(geo.get('2003:c7:8f00::1')).toMatchObject({ country: 'DE', asn: '3320', as_org: 'Deutsche Telekom AG' })
    expect(geo.get('10.1.2.3')).toMatchObject({ country: null, asn: null, scope: 'private' })
    expect(geo.get('nowhere')).toMatchObject({ country: null, scope: 'invalid' })
    expect(geo.get(null)).toBeNull()
    expect(geo.get('8.8.8.8')).toMatchObject({
      provider: expect.stringContaining('DB-IP'),
      built: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    })
  })

  it('doubles no event when values are learnt again', async () => {
    await events(ADDRESSES, AGENTS)
    await learnEvents()
    await learnEvents()
    expect(await enriched()).toHaveLength(ADDRESSES.length * AGENTS.length)
  })

  it('is never a text that holds a secret: its events stay unknown', async () => {
    const agent = `tool/1.0 ${['da', 'pi', '0123456789abcdef'.repeat(2)].join('')}`
    await events([null], [agent])
    await learnEvents()
    expect(await enriched()).toMatchObject([{ client: null, unknown: true }])
  })
})
