/**
 * Where an address is: country and autonomous system, from the databases that npm ships (CC BY 4.0: DB-IP, RouteViews,
 * NRO; see NOTICE). The two range lists are merged once into disjoint ranges, kept as Parquet in the home's cache, and
 * joined by bucket: one hash probe and a few comparisons per event.
 *
 * An address is one 64-bit key: IPv4 as it is, IPv6 by its upper half (finer than /64 says nothing about place).
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Engine } from '../../engine/duckdb.ts'
import { lit } from '../../engine/sql.ts'
import type { Enricher } from '../contract.ts'

const COUNTRY = { package: '@ip-location-db/dbip-country', stem: 'dbip-country' }
const ASN = { package: '@ip-location-db/asn', stem: 'asn' }

/** A /18 of IPv4 holds 3.5 ranges on average; a smaller bucket repeats wide ranges too often. */
const V4_BUCKET_BITS = 14
/** A /32 of IPv6 is what registries hand out. */
const V6_BUCKET_BITS = 32
/** Ranges wider than this many buckets (unrouted space, mostly) are left out rather than repeated. */
const MAX_BUCKETS_PER_RANGE = 4096

const GEO_TYPE =
  'STRUCT(country VARCHAR, region VARCHAR, city VARCHAR, asn BIGINT, as_org VARCHAR, scope VARCHAR, provider VARCHAR, built VARCHAR)'

/** IPv4 text to its number; NULL if it is none. */
const v4KeySql = (ip: string): string =>
  `CASE WHEN regexp_full_match(${ip}, '(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)') THEN
     split_part(${ip}, '.', 1)::UBIGINT * 16777216 + split_part(${ip}, '.', 2)::UBIGINT * 65536 + split_part(${ip}, '.', 3)::UBIGINT * 256 + split_part(${ip}, '.', 4)::UBIGINT END`

/** IPv6 text to its upper 64 bits; NULL if it is none. */
const v6KeySql = (ip: string): string => {
  const filled = `CASE WHEN contains(${ip}, '::') THEN
      split_part(${ip}, '::', 1) || repeat(':0', 8 - len(list_filter(string_split(${ip}, ':'), lambda g: g <> ''))) || ':' || split_part(${ip}, '::', 2)
    ELSE ${ip} END`
  const groups = `list_filter(string_split(${filled}, ':'), lambda g: g <> '')`
  const hex = `array_to_string(list_transform((${groups})[1:4], lambda g: lpad(g, 4, '0')), '')`
  return `CASE WHEN regexp_full_match(${ip}, '[0-9a-f:]{2,39}') THEN try(('0x' || ${hex})::UBIGINT) END`
}

/** The 64-bit key of an address; NULL if the text is none. */
const keySql = (ip: string): string => `CASE WHEN contains(${ip}, ':') THEN ${v6KeySql(ip)} ELSE ${v4KeySql(ip)} END`

const bucketSql = (key: string): string =>
  `CASE WHEN ${key} < 4294967296 THEN ${key} >> ${V4_BUCKET_BITS} ELSE ${key} >> ${V6_BUCKET_BITS} END`

/** Private, loopback and other ranges that no database places (RFC 6890 registries). */
const scopeSql = (ip: string): string => {
  const key = keySql(ip)
  return `CASE
    WHEN ${key} IS NULL THEN 'invalid'
    WHEN NOT contains(${ip}, ':') THEN CASE
      WHEN ${key} >> 24 = 10 OR ${key} >> 20 = 2753 OR ${key} >> 16 = 49320 THEN 'private'
      WHEN ${key} >> 24 = 127 THEN 'loopback'
      WHEN ${key} >> 16 = 43518 THEN 'link_local'
      WHEN ${key} >> 22 = 401 THEN 'shared'
      WHEN ${key} >> 24 = 0 OR ${key} >> 24 >= 224 THEN 'reserved'
      ELSE 'public' END
    WHEN ${ip} = '::1' THEN 'loopback'
    WHEN ${key} >> 57 = 126 THEN 'private'
    WHEN ${key} >> 54 = 1018 THEN 'link_local'
    WHEN ${key} >> 61 = 1 THEN 'public'
    ELSE 'reserved' END`
}

/** SQL for the range list of one database: lo and hi as keys, and a value struct. */
function rangesSql(files: readonly [string, string], value: string): string {
  const [v4, v6] = files
  const read = (file: string) => `read_csv(${lit(file)}, header = false, all_varchar = true, nullstr = '')`
  return `SELECT column0::UBIGINT AS lo, column1::UBIGINT AS hi, ${value} AS v FROM ${read(v4)}
    UNION ALL
    SELECT (column0::UHUGEINT >> 64)::UBIGINT, (column1::UHUGEINT >> 64)::UBIGINT, ${value} FROM ${read(v6)}`
}

interface Database {
  readonly version: string
  readonly files: readonly [string, string]
}

function findDatabase(which: { package: string; stem: string }): Database | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${which.package}/package.json`)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    const at = (suffix: string) => join(dirname(manifest), `${which.stem}-${suffix}.csv`)
    return { version, files: [at('ipv4-num'), at('ipv6-num')] }
  } catch {
    return undefined
  }
}

/** `2.3.2026061719` carries the build date; anything else is kept as the version itself. */
const builtFrom = (version: string): string => version.replace(/^.*\.(\d{4})(\d{2})(\d{2})\d*$/, '$1-$2-$3')

/**
 * Merges the two databases into disjoint ranges, one row per bucket touched: (bucket, lo, hi, country, asn, as_org).
 * Takes about two seconds; done once per build of the databases.
 */
async function compile(engine: Engine, country: Database, asn: Database, path: string): Promise<void> {
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE geo_country AS SELECT lo, max(hi) AS hi, any_value(v) AS v FROM (${rangesSql(country.files, 'column2')}) WHERE hi >= lo GROUP BY lo`,
  )
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE geo_asn AS SELECT lo, max(hi) AS hi, any_value(v) AS v FROM (${rangesSql(asn.files, '{asn: column2::BIGINT, org: column3}')}) WHERE hi >= lo GROUP BY lo`,
  )
  const temporary = `${path}.${process.pid}.tmp`
  await engine.run(`COPY (
    WITH edges AS (
      SELECT DISTINCT x FROM (
        SELECT lo AS x FROM geo_country UNION ALL SELECT hi + 1 FROM geo_country
        UNION ALL SELECT lo FROM geo_asn UNION ALL SELECT hi + 1 FROM geo_asn)
    ),
    spans AS (SELECT x AS lo, lead(x) OVER (ORDER BY x) - 1 AS hi FROM edges),
    placed AS (
      SELECT s.lo, s.hi, CASE WHEN c.hi >= s.lo THEN c.v END AS country, CASE WHEN a.hi >= s.lo THEN a.v END AS a
      FROM spans s ASOF LEFT JOIN geo_country c ON s.lo >= c.lo ASOF LEFT JOIN geo_asn a ON s.lo >= a.lo
      WHERE s.hi IS NOT NULL
    ),
    known AS (SELECT lo, hi, country, a.asn AS asn, a.org AS as_org, ${bucketSql('lo')} AS b0, ${bucketSql('hi')} AS b1
      FROM placed WHERE country IS NOT NULL OR a IS NOT NULL)
    SELECT unnest(range(b0::BIGINT, b1::BIGINT + 1))::UBIGINT AS bucket, lo, hi, country, asn, as_org FROM known
    WHERE b1 - b0 < ${MAX_BUCKETS_PER_RANGE} ORDER BY bucket, lo
  ) TO ${lit(temporary)} (FORMAT parquet, COMPRESSION zstd)`)
  await engine.run('DROP TABLE geo_country')
  await engine.run('DROP TABLE geo_asn')
  await rename(temporary, path)
}

/** Country, autonomous system and scope of the source address. */
export const network: Enricher = {
  name: 'network',
  doc: 'Country and autonomous system from the databases npm ships; private and reserved ranges marked.',
  input: 'source_ip',
  output: 'geo',
  type: GEO_TYPE,
  async prepare(engine, home) {
    const country = findDatabase(COUNTRY)
    const asn = findDatabase(ASN)
    if (country === undefined || asn === undefined) {
      await engine.run(
        `CREATE OR REPLACE TEMP TABLE geo_ranges (bucket UBIGINT, lo UBIGINT, hi UBIGINT, country VARCHAR, asn BIGINT, as_org VARCHAR)`,
      )
      await engine.run(
        `CREATE OR REPLACE TEMP TABLE geo_build AS SELECT NULL::VARCHAR AS provider, NULL::VARCHAR AS built`,
      )
      return
    }
    await mkdir(home.cache, { recursive: true })
    const path = join(home.cache, `network-${country.version}-${asn.version}.parquet`)
    if (!existsSync(path)) await compile(engine, country, asn, path)
    await engine.run(`CREATE OR REPLACE TEMP TABLE geo_ranges AS SELECT * FROM read_parquet(${lit(path)})`)
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE geo_build AS SELECT ${lit('DB-IP, RouteViews, NRO')} AS provider, ${lit(builtFrom(asn.version))} AS built`,
    )
  },
  join: (
    value,
  ) => `LEFT JOIN geo_ranges geo ON geo.bucket = ${bucketSql(keySql(value))} AND ${keySql(value)} >= geo.lo AND ${keySql(value)} <= geo.hi
  CROSS JOIN geo_build`,
  fact: (
    value,
  ) => `CASE WHEN ${value} IS NULL THEN NULL ELSE {'country': geo.country, 'region': NULL, 'city': NULL, 'asn': geo.asn,
      'as_org': geo.as_org, 'scope': ${scopeSql(value)}, 'provider': geo_build.provider, 'built': geo_build.built}::${GEO_TYPE} END`,
}
