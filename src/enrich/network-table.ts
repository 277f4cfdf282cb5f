/**
 * The table of networks: who announces an address, in which country. Two databases that npm ships, as lists of ranges,
 * are cut into a million disjoint ranges once per build of theirs and kept as Parquet in the home's cache.
 *
 * A range is found by bucket: all ranges of a bucket stand in one row, as sorted starts, so that the table to probe has
 * a fifth of the rows. Most ranges are narrow and a few very wide, so there are two bucket sizes, and each range stands in the one
 * where it touches few buckets; repeating wide ranges in every narrow bucket would make the table three times as long.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Home } from '../core/home.ts'
import type { Engine } from '../engine/duckdb.ts'
import { lit } from '../engine/sql.ts'

const COUNTRY = { package: '@ip-location-db/dbip-country', stem: 'dbip-country' }
const ASN = { package: '@ip-location-db/asn', stem: 'asn' }
const PROVIDER = 'DB-IP, RouteViews, NRO'

/** Goes into the folder's name: a table compiled in another layout is not read. */
const LAYOUT = 3

/** A bucket size, as bits of the key that are cut off; `first` keeps the bucket numbers of the levels and versions apart. */
interface Level {
  readonly first: number
  readonly v4Bits: number
  readonly v6Bits: number
}

/** /18, where 80 ranges at most share a bucket, and /38, where 1,300 do at most and 5 as a rule. */
const NARROW: Level = { first: 0, v4Bits: 14, v6Bits: 26 }
/** /10 and /26. */
const WIDE: Level = { first: 2 ** 40, v4Bits: 22, v6Bits: 38 }

/** Ranges that touch more narrow buckets than this are kept by wide bucket. */
const MAX_NARROW_BUCKETS = 4

/**
 * No registry hands out more than a /19 of IPv6; wider ranges that nobody announces are space not yet given to anyone, and the
 * country that the database fills in for it means nothing.
 */
const UNALLOCATED_FROM = 2 ** 46

const BUCKETS = 'geo_buckets'
const FACTS = 'geo_facts'
const BUILD = 'geo_build'

const bucketSql = ({ first, v4Bits, v6Bits }: Level, key: string): string =>
  `(${first} + CASE WHEN ${key} < 4294967296 THEN ${key} >> ${v4Bits} ELSE ${key} >> ${v6Bits} END)`

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

/** SQL for the range list of one database: lo and hi as keys, and a value. */
function rangesSql(files: readonly [string, string], value: string): string {
  const [v4, v6] = files
  const read = (file: string) => `read_csv(${lit(file)}, header = false, all_varchar = true, nullstr = '')`
  return `SELECT column0::UBIGINT AS lo, column1::UBIGINT AS hi, ${value} AS v FROM ${read(v4)}
    UNION ALL
    SELECT (column0::UHUGEINT >> 64)::UBIGINT, (column1::UHUGEINT >> 64)::UBIGINT, ${value} FROM ${read(v6)}`
}

/** Where two ranges start at one key, as networks longer than /64 do, the wider one counts. */
const distinctRangesSql = (files: readonly [string, string], value: string): string =>
  `SELECT lo, max(hi) AS hi, arg_max(v, hi) AS v FROM (${rangesSql(files, value)}) WHERE hi >= lo GROUP BY lo`

/** Disjoint ranges of the public internet with what both databases say: (lo, hi, country, asn, as_org). */
const DISJOINT = `
  WITH edges AS (
    SELECT DISTINCT x FROM (
      SELECT lo AS x FROM geo_country UNION ALL SELECT hi + 1 FROM geo_country
      UNION ALL SELECT lo FROM geo_asn UNION ALL SELECT hi + 1 FROM geo_asn)
  ),
  spans AS (SELECT x AS lo, lead(x) OVER (ORDER BY x) - 1 AS hi FROM edges),
  placed AS (
    SELECT s.lo, s.hi, CASE WHEN c.hi >= s.lo THEN c.v END AS country, CASE WHEN a.hi >= s.lo THEN a.v END AS a
    FROM spans s ASOF LEFT JOIN geo_country c ON s.lo >= c.lo ASOF LEFT JOIN geo_asn a ON s.lo >= a.lo
    WHERE s.hi < 4294967296 OR (s.lo >> 61 = 1 AND (a.hi >= s.lo OR s.hi - s.lo < ${UNALLOCATED_FROM}))
  )
  SELECT lo, hi, country, a.asn AS asn, a.org AS as_org FROM placed WHERE country IS NOT NULL OR a IS NOT NULL`

/** The ranges of one level by bucket; where the next range does not adjoin, a start without a fact ends the last. */
const bucketsSql = (level: Level, condition: string): string => `
  WITH ranges AS (SELECT *, lead(lo) OVER (ORDER BY lo) IS DISTINCT FROM hi + 1 AS gap FROM geo_disjoint WHERE ${condition}),
  buckets AS (
    SELECT unnest(range((${bucketSql(level, 'lo')})::BIGINT, (${bucketSql(level, 'hi')})::BIGINT + 1))::UBIGINT AS bucket, lo, hi, fact, gap
    FROM ranges
  ),
  starts AS (
    SELECT bucket, lo AS start, fact FROM buckets
    UNION ALL SELECT bucket, hi + 1, NULL FROM buckets WHERE gap AND ${bucketSql(level, '(hi + 1)')} = bucket
  )
  SELECT bucket, list(start ORDER BY start) AS starts, list(fact ORDER BY start) AS facts FROM starts GROUP BY bucket`

/** Takes a few seconds; done once per build of the databases. Processes that do it at once do not disturb each other. */
async function compile(engine: Engine, country: Database, asn: Database, folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}.tmp`
  await mkdir(temporary, { recursive: true })
  const write = (table: string, query: string) =>
    engine.run(`COPY (${query}) TO ${lit(join(temporary, `${table}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`)
  const touched = `${bucketSql(NARROW, 'hi')} - ${bucketSql(NARROW, 'lo')} + 1`
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_country AS ${distinctRangesSql(country.files, 'column2')}`)
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE geo_asn AS ${distinctRangesSql(asn.files, '{asn: column2::BIGINT, org: column3}')}`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_disjoint AS
    SELECT *, (dense_rank() OVER (ORDER BY country, asn))::UINTEGER AS fact FROM (${DISJOINT})`)
  await write(
    BUCKETS,
    `(${bucketsSql(NARROW, `${touched} <= ${MAX_NARROW_BUCKETS}`)}) UNION ALL (${bucketsSql(WIDE, `${touched} > ${MAX_NARROW_BUCKETS}`)}) ORDER BY bucket`,
  )
  await write(
    FACTS,
    'SELECT fact, any_value(country) AS country, any_value(asn) AS asn, any_value(as_org) AS as_org FROM geo_disjoint GROUP BY fact',
  )
  for (const table of ['geo_country', 'geo_asn', 'geo_disjoint']) await engine.run(`DROP TABLE ${table}`)
  await rename(temporary, folder).catch(async (cause: unknown) => {
    await rm(temporary, { recursive: true })
    if (!existsSync(folder)) throw cause
  })
}

const NO_TABLES: Readonly<Record<string, string>> = {
  [BUCKETS]: 'SELECT NULL::UBIGINT AS bucket, NULL::UBIGINT[] AS starts, NULL::UINTEGER[] AS facts LIMIT 0',
  [FACTS]:
    'SELECT NULL::UINTEGER AS fact, NULL::VARCHAR AS country, NULL::BIGINT AS asn, NULL::VARCHAR AS as_org LIMIT 0',
  [BUILD]: 'SELECT NULL::VARCHAR AS provider, NULL::VARCHAR AS built',
}

/** Makes the tables that {@link networkJoinSql} joins; empty ones where the databases are not installed. */
export async function loadNetworks(engine: Engine, home: Home): Promise<void> {
  const country = findDatabase(COUNTRY)
  const asn = findDatabase(ASN)
  const tables = { ...NO_TABLES }
  if (country !== undefined && asn !== undefined) {
    await mkdir(home.cache, { recursive: true })
    const folder = join(home.cache, `networks-${LAYOUT}-${country.version}-${asn.version}`)
    if (!existsSync(folder)) await compile(engine, country, asn, folder)
    for (const table of [BUCKETS, FACTS]) {
      tables[table] = `SELECT * FROM read_parquet(${lit(join(folder, `${table}.parquet`))})`
    }
    tables[BUILD] = `SELECT ${lit(PROVIDER)} AS provider, ${lit(builtFrom(asn.version))} AS built`
  }
  for (const [table, query] of Object.entries(tables)) {
    await engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${query}`)
  }
}

/**
 * The fact of the last range of a bucket that starts at or before the key. The key comes through a list of one: written into the
 * inner lambda, its expression would be worked out for every element.
 */
const foundSql = (bucket: string, key: string): string =>
  `${bucket}.facts[list_transform([${key}], lambda k: len(list_filter(${bucket}.starts, lambda s: s <= k)))[1]]`

/**
 * JOIN clauses that find a key's network: `geo.country`, `geo.asn`, `geo.as_org`, and `geo_build.provider` and `.built`.
 * Every join is by a unique key, so no row is doubled.
 */
export const networkJoinSql = (
  key: string,
): string => `LEFT JOIN ${BUCKETS} geo_n ON geo_n.bucket = ${bucketSql(NARROW, key)}
  LEFT JOIN ${BUCKETS} geo_w ON geo_w.bucket = ${bucketSql(WIDE, key)}
  LEFT JOIN ${FACTS} geo ON geo.fact = coalesce(${foundSql('geo_n', key)}, ${foundSql('geo_w', key)})
  CROSS JOIN ${BUILD}`
