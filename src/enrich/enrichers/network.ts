/**
 * Where an address is: country and autonomous system, from the databases that npm ships (CC BY 4.0: DB-IP, RouteViews,
 * NRO; see NOTICE), and whether it is one of the public internet at all.
 */
import { keySql, scopeSql } from '../address.ts'
import type { Enricher } from '../contract.ts'
import { loadNetworks, networkFromSql } from '../network-table.ts'

const GEO_TYPE =
  'STRUCT(country VARCHAR, region VARCHAR, city VARCHAR, asn BIGINT, as_org VARCHAR, scope VARCHAR, provider VARCHAR, built VARCHAR)'

/** Country, autonomous system and scope of the source address. */
export const network: Enricher = {
  name: 'network',
  doc: 'Country and autonomous system from the databases npm ships; private and reserved ranges marked.',
  input: 'source_ip',
  output: 'geo',
  type: GEO_TYPE,
  prepare: (engine, home) => loadNetworks(engine, home),
  from: (relation, value) =>
    networkFromSql(`(SELECT *, ${keySql(value)} AS network_key FROM ${relation})`, 'network_key'),
  fact: (
    value,
  ) => `CASE WHEN ${value} IS NULL THEN NULL ELSE {'country': geo.country, 'region': NULL, 'city': NULL, 'asn': geo.asn,
      'as_org': geo.as_org, 'scope': ${scopeSql(value)}, 'provider': geo_build.provider, 'built': geo_build.built}::${GEO_TYPE} END`,
}
