import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../core/home.ts'
import { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'
import { type Database, installedDatabases, loadNetworks, networkFromSql } from './network-table.ts'

let engine: Engine
const root = mkdtempSync(join(tmpdir(), 'bricktrail-networks-'))
const home = homeAt(root)
const { country, asn } = installedDatabases() as { country: Database; asn: Database }

beforeAll(async () => {
  engine = await Engine.open({ threads: 2 })
  await loadNetworks(engine, home)
})
afterAll(() => {
  engine.close()
  rmSync(root, { recursive: true })
})

const SAMPLE = 20_000

/** First and last keys of some ranges of a list, which hold whole /64 networks, with what the list says of them. */
async function edges(file: string, shift: number): Promise<void> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE edges AS
    SELECT DISTINCT unnest([(lo >> ${shift})::UBIGINT, (hi >> ${shift})::UBIGINT]) AS key, said
    FROM (SELECT column0::UHUGEINT AS lo, column1::UHUGEINT AS hi, column2 AS said
      FROM read_csv(${lit(file)}, header = false, all_varchar = true, nullstr = ''))
    WHERE lo >> ${shift} << ${shift} = lo AND (hi + 1) >> ${shift} << ${shift} = hi + 1
      AND (${shift} = 0 OR hi - lo < ${2 ** 46}::UHUGEINT << 64) USING SAMPLE ${SAMPLE} ROWS (reservoir, 3)`)
}

describe('the table of networks', () => {
  it.each([
    ['country of IPv4', country.files[0], 0, 'geo.country'],
    ['country of IPv6', country.files[1], 64, 'geo.country'],
    ['system of IPv4', asn.files[0], 0, 'geo.asn::VARCHAR'],
    ['system of IPv6', asn.files[1], 64, 'geo.asn::VARCHAR'],
  ])('says of first and last addresses what the database says: %s', async (_what, file, shift, column) => {
    await edges(file, shift)
    const got = await engine.row<{ n: string; wrong: string }>(`
      SELECT count(*) AS n, count(*) FILTER (${column} IS DISTINCT FROM e.said) AS wrong FROM ${networkFromSql('edges', 'key')}`)
    expect(Number(got.n)).toBeGreaterThan(SAMPLE / 2)
    expect(got.wrong).toBe('0')
  })

  it('doubles no row and drops none', async () => {
    const got = await engine.row<{ n: string; keys: string }>(
      `SELECT count(*) AS n, count(DISTINCT e.key) AS keys FROM ${networkFromSql('(SELECT DISTINCT key FROM edges)', 'key')}`,
    )
    expect(got.n).toBe(got.keys)
  })

  it('is small: joining it costs every statement that many rows', async () => {
    const got = await engine.row<{ rows: string; starts: string; longest: string }>(
      'SELECT count(*) AS rows, sum(len(starts)) AS starts, max(len(starts)) AS longest FROM geo_buckets',
    )
    expect(Number(got.rows)).toBeLessThan(250_000)
    expect(Number(got.starts)).toBeLessThan(1_500_000)
    expect(Number(got.longest)).toBeLessThan(2000)
  })

  it('is compiled once and read again', async () => {
    const [folder = ''] = readdirSync(home.cache)
    expect(readdirSync(home.cache)).toHaveLength(1)
    const before = await engine.row('SELECT count(*) AS n FROM geo_buckets')
    await loadNetworks(engine, home)
    expect(readdirSync(home.cache)).toEqual([folder])
    expect(await engine.row('SELECT count(*) AS n FROM geo_buckets')).toEqual(before)
  })

  it('is empty where the databases are not installed, and joins all the same', async () => {
    const bare = await Engine.open({ threads: 1 })
    await loadNetworks(bare, home, {})
    const got = await bare.row(
      `SELECT e.key::INTEGER AS key, geo.country, geo.asn, geo_build.built FROM ${networkFromSql('(SELECT 134744072::UBIGINT AS key)', 'key')}`,
    )
    bare.close()
    expect(got).toEqual({ key: 134744072, country: null, asn: null, built: null })
  })
})
