/** Storage paths in one form, so that a prefix says which paths lie below it: in settings, and in SQL over events. */

/** Names of one and the same store. */
const SCHEMES: Readonly<Record<string, string>> = { s3a: 's3', s3n: 's3', abfs: 'abfss', wasb: 'wasbs' }

/** Paths without a scheme that are the Databricks file system's. */
const DBFS_STARTS = ['/dbfs/', '/mnt/'] as const

/**
 * `scheme://authority/folders` with scheme and authority in small letters, without `.` and `..`, without doubled slashes or one at the end.
 * Undefined for what is no storage path; volumes are none, since they are named by schema.
 */
export function storageKey(path: string): string | undefined {
  const whole = path.trim()
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(\/.*)$/.exec(withScheme(whole)) ?? []
  if (scheme === '') return undefined
  const store = SCHEMES[scheme.toLowerCase()] ?? scheme.toLowerCase()
  const [, authority = '', folders = ''] = /^\/\/([^/]*)(.*)$/.exec(rest) ?? [undefined, '', rest]
  const key = `${store}://${authority.toLowerCase()}${resolved(folders)}`
  return /^dbfs:\/\/\/Volumes(\/|$)/.test(key) ? undefined : key
}

const withScheme = (path: string): string => {
  if (path.startsWith('/dbfs/')) return `dbfs:${path.slice('/dbfs'.length)}`
  return path.startsWith('/mnt/') ? `dbfs:${path}` : path
}

function resolved(folders: string): string {
  const steps: string[] = []
  for (const step of folders.split('/')) {
    if (step === '..') steps.pop()
    else if (step !== '' && step !== '.') steps.push(step)
  }
  return steps.map((step) => `/${step}`).join('')
}

/** SQL: true of texts that look like a storage path or one of a volume, told fast and not finally. */
export const looksLikePathSql = (x: string): string =>
  `(strpos(${x}, ':/') BETWEEN 2 AND 8 OR ${['/Volumes/', ...DBFS_STARTS].map((start) => `starts_with(${x}, '${start}')`).join(' OR ')})`

/** SQL of {@link storageKey}; NULL where that is undefined. */
export function storageKeySql(x: string): string {
  const path = `regexp_replace(regexp_replace(trim(${x}), '^/dbfs/', 'dbfs:/'), '^/mnt/', 'dbfs:/mnt/')`
  const parts = `regexp_extract(${path}, '(?s)^([A-Za-z][A-Za-z0-9+.-]*):(?://([^/]*))?(/.*)?$', ['scheme', 'authority', 'folders'])`
  const scheme = Object.entries(SCHEMES).reduce(
    (cases, [from, to]) => `${cases} WHEN '${from}' THEN '${to}'`,
    'CASE lower(storage.scheme)',
  )
  const steps = `list_prepend('', list_filter(string_split(storage.folders, '/'), lambda step: step NOT IN ('', '.')))`
  const folders = `list_reduce(${steps}, lambda before, step: CASE WHEN step = '..' THEN regexp_replace(before, '/[^/]*$', '') ELSE before || '/' || step END)`
  const key = `${scheme} ELSE lower(storage.scheme) END || '://' || lower(storage.authority) || ${folders}`
  const found = `list_transform([${parts}], lambda storage: CASE WHEN storage.scheme <> '' AND (storage.authority <> '' OR storage.folders <> '') THEN ${key} END)[1]`
  return `nullif(regexp_replace(${found}, '^dbfs:///Volumes(/.*)?$', ''), '')`
}

/** SQL: `catalog.schema` of a volume's path in small letters; NULL for other paths. */
export const volumeSchemaSql = (x: string): string =>
  `nullif(lower(regexp_replace(regexp_extract(${x}, '^(?:dbfs:)?(?:/dbfs)?/+Volumes/+([^/]+/+[^/]+)', 1), '/+', '.')), '')`
