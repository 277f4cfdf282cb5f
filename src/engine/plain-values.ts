/** DuckDB values as plain JSON values that lose nothing: exact integers, ISO times, text for the rest. */
import {
  createDuckDBValueConverter,
  DuckDBBlobValue,
  type DuckDBMapType,
  type DuckDBMapValue,
  type DuckDBStructType,
  type DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValueConverter,
  JsonDuckDBValueConverter,
} from '@duckdb/node-api'

/** A value as it stands in JSON. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain }

const MICROS_PER_MS = 1000n
/** The last instants a JavaScript date can name; DuckDB's own text serves beyond them. */
const MAX_DATE_MS = 8_640_000_000_000_000n

const id = DuckDBTypeId
const asPlain = (value: unknown): Plain => value as Plain
const text = (value: unknown): Plain => String(value)

/** A whole number as a number while JSON readers keep it exact, as text beyond 2^53. */
const integer = (value: unknown): Plain => {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : String(value)
}

/** A decimal as a number while 15 digits hold it, as text beyond. */
const decimal = (value: unknown): Plain => {
  const exact = String(value)
  return exact.replace(/[-.]/g, '').length <= 15 ? Number(exact) : exact
}

/** `2026-11-12T08:15:30.123`, with six digits where the microseconds are not zero. */
function isoFromMicros(micros: bigint): string | undefined {
  const ms = micros / MICROS_PER_MS - (micros % MICROS_PER_MS < 0n ? 1n : 0n)
  if (ms > MAX_DATE_MS || ms < -MAX_DATE_MS) return undefined
  const rest = micros - ms * MICROS_PER_MS
  const iso = new Date(Number(ms)).toISOString().slice(0, -1)
  return rest === 0n ? iso : iso + String(rest).padStart(3, '0')
}

const instant = (value: unknown): Plain => {
  const iso = value instanceof DuckDBTimestampTZValue ? isoFromMicros(value.micros) : undefined
  return iso === undefined ? String(value) : `${iso}Z`
}

const localTime = (value: unknown): Plain =>
  (value instanceof DuckDBTimestampValue ? isoFromMicros(value.micros) : undefined) ?? String(value)

const blob = (value: unknown): Plain =>
  value instanceof DuckDBBlobValue ? Buffer.from(value.bytes).toString('base64') : String(value)

// Keys come from logs, so a key may be `__proto__`: fromEntries defines it, assignment would not.
const struct: DuckDBValueConverter<Plain> = (value, type, converter) =>
  Object.fromEntries(
    Object.entries((value as DuckDBStructValue).entries).map(([key, entry]) => [
      key,
      converter(entry, (type as DuckDBStructType).typeForEntry(key), converter),
    ]),
  )

const map: DuckDBValueConverter<Plain> = (value, type, converter) => {
  const { keyType, valueType } = type as DuckDBMapType
  const entries = (value as DuckDBMapValue).entries.map(
    (entry) => [converter(entry.key, keyType, converter), converter(entry.value, valueType, converter)] as const,
  )
  return Object.fromEntries(entries.map(([key, item]) => [typeof key === 'string' ? key : JSON.stringify(key), item]))
}

const overrides: Partial<Record<DuckDBTypeId, DuckDBValueConverter<Plain>>> = {
  [id.BIGINT]: integer,
  [id.UBIGINT]: integer,
  [id.HUGEINT]: integer,
  [id.UHUGEINT]: integer,
  [id.DECIMAL]: decimal,
  [id.TIMESTAMP]: localTime,
  [id.TIMESTAMP_TZ]: instant,
  [id.INTERVAL]: text,
  [id.BLOB]: blob,
  [id.STRUCT]: struct,
  [id.MAP]: map,
}

const TYPE_IDS = Object.values(DuckDBTypeId).filter((value): value is DuckDBTypeId => typeof value === 'number')

/** Converts one value of a result: pass it to `convertRowValues` of a chunk. */
export const plainValue: DuckDBValueConverter<Plain> = createDuckDBValueConverter<Plain>(
  Object.fromEntries(
    TYPE_IDS.map((typeId): [DuckDBTypeId, DuckDBValueConverter<Plain>] => [
      typeId,
      overrides[typeId] ??
        ((value, type, converter) =>
          asPlain(JsonDuckDBValueConverter(value, type, converter as Parameters<typeof JsonDuckDBValueConverter>[2]))),
    ]),
  ) as Record<DuckDBTypeId, DuckDBValueConverter<Plain>>,
)

/** About how many bytes a value holds: enough to bound an answer, not exact. */
export function plainBytes(value: Plain): number {
  if (typeof value === 'string') return value.length + 8
  if (value === null || typeof value !== 'object') return 8
  let bytes = 16
  for (const [key, item] of Object.entries(value)) bytes += key.length + plainBytes(item)
  return bytes
}
