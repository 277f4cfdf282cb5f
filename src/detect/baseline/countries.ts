/** Where countries are, and how large: centres to a tenth of a degree, areas in square kilometres. */
import { lit } from '../../engine/sql.ts'
import table from './countries.json' with { type: 'json' }

/** A country as a circle of its area around its centre. */
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
  ([code, [lat = 0, lon = 0, areaKm2 = 0]]) => ({ code, lat, lon, radiusKm: Math.sqrt(areaKm2 / Math.PI) }),
)

/** SELECT of `code` (in lower case), `lat`, `lon`, `radius`. */
export const countriesSql = (): string =>
  `SELECT * FROM (VALUES ${COUNTRIES.map(
    ({ code, lat, lon, radiusKm }) =>
      `(${lit(code.toLowerCase())}, ${lat}::DOUBLE, ${lon}::DOUBLE, ${radiusKm.toFixed(1)}::DOUBLE)`,
  ).join(', ')}) AS countries(code, lat, lon, radius)`
