/**
 * Where countries are, and how large, roughly: a circle for each. It has the country's area, and is wider for long and scattered ones; that
 * of Russia lies where most of its people live.
 */
import { lit } from '../../engine/sql.ts'
import table from './countries.json' with { type: 'json' }

/** A country as a circle. */
export interface Country {
  /** ISO 3166-1 alpha-2, and XK. */
  readonly code: string
  /** Degrees, north and east positive. */
  readonly lat: number
  readonly lon: number
  readonly radiusKm: number
}

/** All of them. */
export const COUNTRIES: readonly Country[] = Object.entries(table as Readonly<Record<string, readonly number[]>>).map(
  ([code, [lat = 0, lon = 0, radiusKm = 0]]) => ({ code, lat, lon, radiusKm }),
)

/** SELECT of `code` (in lower case), `lat`, `lon`, `radius`. */
export const countriesSql = (): string =>
  `SELECT * FROM (VALUES ${COUNTRIES.map(
    ({ code, lat, lon, radiusKm }) =>
      `(${lit(code.toLowerCase())}, ${lat}::DOUBLE, ${lon}::DOUBLE, ${radiusKm}::DOUBLE)`,
  ).join(', ')}) AS countries(code, lat, lon, radius)`
