/** Quoting for SQL text. User values reach SQL only through these. */

/** A SQL string literal. */
export const lit = (value: string): string => `'${value.replaceAll("'", "''").replaceAll('\0', '')}'`

/** A SQL literal, `NULL` for null and undefined. */
export const litOrNull = (value: string | null | undefined): string => (value == null ? 'NULL' : lit(value))

/** A quoted SQL identifier. */
export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A list literal of strings, typed so that an empty list binds too. */
export const litList = (values: readonly string[]): string => `[${values.map(lit).join(', ')}]::VARCHAR[]`

/** A path as a pattern that matches the path alone: `[`, `*` and `?` mean more than themselves to DuckDB. */
export const patternOf = (path: string): string => path.replaceAll(/[[*?]/g, '[$&]')

/** A literal for the functions that read files: the path stands for itself, not for a pattern. */
export const fileSql = (path: string): string => lit(patternOf(path))
