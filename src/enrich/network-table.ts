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
import { fileSql, lit } from '../engine/sql.ts'

const COUNTRY = { package: '@ip-location-db/dbip-country', stem: 'dbip-country' }
const ASN = { package: '@ip-location-db/asn', stem: 'asn' }
const PROVIDER = 'DB-IP, RouteViews, NRO'

/** Goes into the folder's name: a table compiled in another layout is not read. */
const LAYOUT = 2

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

/** A start, counted from its bucket's first address, and its fact are one number, the fact in the lower bits; 0 is none. */
const FACT_BITS = 24
const FACT_MASK = 2 ** FACT_BITS - 1

const startCodeSql = (offset: string, fact: string | number): string => `((${offset}) << ${FACT_BITS} | ${fact})`

const BUCKETS = 'geo_buckets'
const FACTS = 'geo_facts'
const BUILD = 'geo_build'

const bucketSql = ({ first, v4Bits, v6Bits }: Level, key: string): string =>
  `(${first} + CASE WHEN ${key} < 4294967296 THEN ${key} >> ${v4Bits} ELSE ${key} >> ${v6Bits} END)`

/** Place of a key in its bucket. */
const offsetSql = ({ v4Bits, v6Bits }: Level, key: string): string =>
  `CASE WHEN ${key} < 4294967296 THEN ${key} & ${2 ** v4Bits - 1} ELSE ${key} & ${2 ** v6Bits - 1} END`

/** One installed database. */
export interface Database {
  readonly version: string
  /** Range lists of IPv4 and IPv6: first and last address as numbers, then what is said of them. */
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

/** The databases that npm installed; they are optional dependencies. */
export const installedDatabases = (): { readonly country?: Database; readonly asn?: Database } => {
  const [country, asn] = [findDatabase(COUNTRY), findDatabase(ASN)]
  return { ...(country === undefined ? {} : { country }), ...(asn === undefined ? {} : { asn }) }
}

/** `2.3.2026061719` carries the build date; anything else is kept as the version itself. */
const builtFrom = (version: string): string => version.replace(/^.*\.(\d{4})(\d{2})(\d{2})\d*$/, '$1-$2-$3')

const csvSql = (files: readonly string[]): string =>
  `read_csv([${files.map(lit).join(', ')}], header = false, all_varchar = true, nullstr = '')`

/** SQL for the range list of one database: lo and hi as keys, whether others may share the last /64, and a value. */
const rangesSql = ([v4, v6]: readonly [string, string], value: string): string => `
  SELECT column0::UBIGINT AS lo, column1::UBIGINT AS hi, false AS shared, ${value} AS v FROM ${csvSql([v4])}
  UNION ALL
  SELECT (column0::UHUGEINT >> 64)::UBIGINT AS lo, (column1::UHUGEINT >> 64)::UBIGINT AS hi,
    (column1::UHUGEINT + 1) >> 64 = column1::UHUGEINT >> 64 AS shared, ${value} FROM ${csvSql([v6])}`

/**
 * Where what one database says changes, with what it says from there on; `nothing` where a range ends and none adjoins.
 * Of networks that share a /64 the one that goes on counts, else the last.
 */
const changesSql = (files: readonly [string, string], value: string, nothing: string): string => `
  WITH ranges AS MATERIALIZED (${rangesSql(files, value)}),
  changes AS (
    SELECT lo AS x, hi, v FROM ranges
    UNION ALL SELECT hi + 1, 0, NULL FROM ranges WHERE NOT shared
    UNION ALL SELECT hi + 1, 0, NULL FROM ranges WHERE shared AND hi NOT IN (SELECT lo FROM ranges WHERE hi > lo)
  )
  SELECT x, coalesce(arg_max(v, hi), ${nothing}) AS v FROM changes GROUP BY x`

/**
 * The number line cut where either database changes: (lo, hi, country, asn), without facts where nothing is known and where
 * the space is not in use.
 */
const LINE = `
  WITH edges AS (
    SELECT coalesce(c.x, a.x) AS lo, c.v AS country, a.v AS asn FROM geo_country c FULL JOIN geo_asn a ON a.x = c.x
  ),
  spans AS (
    SELECT lo, lead(lo) OVER line - 1 AS hi, last_value(country IGNORE NULLS) OVER line AS country, last_value(asn IGNORE NULLS) OVER line AS asn
    FROM edges WINDOW line AS (ORDER BY lo)
  )
  SELECT lo, hi, CASE WHEN used THEN nullif(country, '') END AS country, CASE WHEN used THEN nullif(asn, 0) END AS asn
  FROM (SELECT *, hi < 4294967296 OR (lo >> 61 = 1 AND (asn > 0 OR hi - lo < ${UNALLOCATED_FROM})) AS used FROM spans)
  WHERE hi IS NOT NULL`

const TOUCHED = `${bucketSql(NARROW, 'hi')} - ${bucketSql(NARROW, 'lo')} + 1`

/** Starts of ranges in every bucket that they touch: a range that comes from the bucket before starts with the bucket. */
const startsSql = (level: Level, lastKey: string, fact: string, relation: string): string => `
  SELECT bucket, ${startCodeSql(`CASE WHEN bucket = first THEN ${offsetSql(level, 'lo')} ELSE 0 END`, `coalesce(${fact}, 0)::UBIGINT`)} AS start FROM (
    SELECT *, unnest(range(first, (${bucketSql(level, lastKey)})::BIGINT + 1)) AS bucket
    FROM (SELECT *, (${bucketSql(level, 'lo')})::BIGINT AS first FROM ${relation}))`

/** What lies between narrow ranges is a start without a fact. */
const NARROW_STARTS = startsSql(
  NARROW,
  'CASE WHEN here THEN hi ELSE lo END',
  'CASE WHEN here THEN fact END',
  '(SELECT *, fact IS NOT NULL AND NOT wide AS here FROM geo_line)',
)

/** Wide ranges are few, so the ends of those that adjoin no other are told one by one. */
const WIDE_STARTS = `${startsSql(WIDE, 'hi', 'fact', 'wides')}
  UNION ALL
  SELECT ${bucketSql(WIDE, 'hi')}, ${startCodeSql(offsetSql(WIDE, '(hi + 1)'), 0)}
  FROM wides WHERE gap AND ${bucketSql(WIDE, '(hi + 1)')} = ${bucketSql(WIDE, 'hi')}`

/** Takes a few seconds; done once per build of the databases. Processes that do it at once do not disturb each other. */
async function compile(engine: Engine, country: Database, asn: Database, folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}.tmp`
  await mkdir(temporary, { recursive: true })
  const write = (table: string, query: string) =>
    engine.run(`COPY (${query}) TO ${lit(join(temporary, `${table}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_country AS ${changesSql(country.files, 'column2', "''")}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_asn AS ${changesSql(asn.files, 'column2::BIGINT', '0')}`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_cut AS ${LINE}`)
  await write(
    FACTS,
    `SELECT (row_number() OVER ())::UINTEGER AS fact, country, asn, as_org
    FROM (SELECT DISTINCT country, asn FROM geo_cut WHERE country IS NOT NULL OR asn IS NOT NULL)
      LEFT JOIN (SELECT column2::BIGINT AS asn, any_value(column3) AS as_org FROM ${csvSql(asn.files)} GROUP BY ALL) USING (asn)`,
  )
  await engine.run(`CREATE OR REPLACE TEMP TABLE geo_line AS
    SELECT l.lo, l.hi, f.fact, ${TOUCHED} > ${MAX_NARROW_BUCKETS} AS wide
    FROM geo_cut l LEFT JOIN read_parquet(${fileSql(join(temporary, `${FACTS}.parquet`))}) f
      ON f.country IS NOT DISTINCT FROM l.country AND f.asn IS NOT DISTINCT FROM l.asn`)
  await write(
    BUCKETS,
    `WITH wides AS (SELECT *, lead(lo) OVER (ORDER BY lo) IS DISTINCT FROM hi + 1 AS gap FROM geo_line WHERE wide AND fact IS NOT NULL)
    SELECT bucket::UBIGINT AS bucket, list_sort(list(start)) AS starts
    FROM (${NARROW_STARTS} UNION ALL ${WIDE_STARTS}) GROUP BY bucket HAVING max(start & ${FACT_MASK}) > 0`,
  )
  for (const table of ['geo_country', 'geo_asn', 'geo_cut', 'geo_line']) await engine.run(`DROP TABLE ${table}`)
  await rename(temporary, folder).catch(async (cause: unknown) => {
    await rm(temporary, { recursive: true })
    if (!existsSync(folder)) throw cause
  })
}

const NO_TABLES: Readonly<Record<string, string>> = {
  [BUCKETS]: 'SELECT NULL::UBIGINT AS bucket, NULL::UBIGINT[] AS starts LIMIT 0',
  [FACTS]:
    'SELECT NULL::UINTEGER AS fact, NULL::VARCHAR AS country, NULL::BIGINT AS asn, NULL::VARCHAR AS as_org LIMIT 0',
  [BUILD]: 'SELECT NULL::VARCHAR AS provider, NULL::VARCHAR AS built',
}

/** Makes the tables that {@link networkFromSql} joins; empty ones where the databases are not installed. */
export async function loadNetworks(engine: Engine, home: Home, { country, asn } = installedDatabases()): Promise<void> {
  const tables = { ...NO_TABLES }
  if (country !== undefined && asn !== undefined) {
    await mkdir(home.cache, { recursive: true })
    const folder = join(home.cache, `networks-${LAYOUT}-${country.version}-${asn.version}`)
    if (!existsSync(folder)) await compile(engine, country, asn, folder)
    for (const table of [BUCKETS, FACTS]) {
      tables[table] = `SELECT * FROM read_parquet(${fileSql(join(folder, `${table}.parquet`))})`
    }
    tables[BUILD] = `SELECT ${lit(PROVIDER)} AS provider, ${lit(builtFrom(asn.version))} AS built`
  }
  for (const [table, query] of Object.entries(tables)) {
    await engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS ${query}`)
  }
}

/**
 * The fact of the last range of a bucket that starts at or before the key. What to compare with comes through a list of
 * one: written into the inner lambda, its expression would be worked out for every element.
 */
const foundSql = (alias: string, level: Level, key: string): string =>
  `list_transform([${startCodeSql(offsetSql(level, key), FACT_MASK)}], lambda k: list_filter(${alias}.starts, lambda s: s <= k)[-1] & ${FACT_MASK})[1]`

/**
 * FROM clause that gives a relation as alias `e`, with the network of its column `key`: `geo.country`, `geo.asn`, `geo.as_org`, and
 * `geo_build.provider` and `.built`. Every join is by a unique key, so no row is doubled. The large tables are on the left: run as
 * written, they stream past the few rows of the relation.
 */
export const networkFromSql = (relation: string, key: string): string =>
  `${FACTS} geo RIGHT JOIN (${BUCKETS} geo_w RIGHT JOIN (${BUCKETS} geo_n RIGHT JOIN ${relation} e
    ON geo_n.bucket = ${bucketSql(NARROW, `e.${key}`)}) ON geo_w.bucket = ${bucketSql(WIDE, `e.${key}`)})
    ON geo.fact = coalesce(nullif(${foundSql('geo_n', NARROW, `e.${key}`)}, 0), ${foundSql('geo_w', WIDE, `e.${key}`)})
  CROSS JOIN ${BUILD}`
