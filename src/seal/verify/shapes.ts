/** Shapes of what was written by whoever wrote the files: nothing in them is taken on trust before it is looked at. */

import type { AddRecord, Entry, ListName, ListSummary, ManifestLists } from '../entry.ts'
import { parsePackPath, parseStoredPath } from '../raw/stored.ts'

type Fields = Readonly<Record<string, unknown>>
type Test = (value: unknown) => boolean

const text: Test = (value) => typeof value === 'string'
const whole: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const version: Test = (value) => Number.isSafeInteger(value) && (value as number) >= -1
const digest: Test = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const object: Test = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value)
const shaped = (fields: Readonly<Record<string, Test>>): Test => {
  const tests = Object.entries(fields)
  return (value) => object(value) && tests.every(([name, test]) => test((value as Fields)[name]))
}

/** True for a key that stays inside its folder: no empty part, no `.` or `..`, no drive, no backslash. */
export const isInside = (key: string): boolean =>
  key !== '' && !/[\\\0]|^[A-Za-z]:/.test(key) && key.split('/').every((part) => !['', '.', '..'].includes(part))

const key: Test = (value) => typeof value === 'string' && isInside(value)
const name: Test = (value) => typeof value === 'string' && isInside(value) && !value.includes('/')

const file = { path: key, bytes: whole, sha256: digest }
const versions: Test = (value) => object(value) && Object.values(value as Fields).every(version)
const counts = { records: whole, events: whole, duplicates: whole, rejects: whole }
const isStoredPath: Test = (value) => (parseStoredPath(String(value)) ?? parsePackPath(String(value))) !== undefined
const stored: Test = (value) => shaped(file)(value) && isStoredPath((value as Fields).path)

const ENTRY_SHAPES: Readonly<Record<Entry['kind'], Readonly<Record<string, Test>>>> = {
  open: { origin: text, vkey: text, home: text },
  commit: {
    table: name,
    version: whole,
    operation: text,
    sealed: versions,
    counts: optional(shaped(counts)),
    batchFile: optional(shaped(file)),
    lost: optional((value) => Array.isArray(value) && value.every(key)),
    manifest: object,
  },
  clean: { table: name, reason: text, sealed: versions, manifest: object },
  restore: { table: name, version, undone: whole, reason: text, sealed: versions },
  config: { settings: object },
  key: { vkey: text, previous: text },
}

const ENTRY_SHAPE: Readonly<Record<string, Test>> = {
  clockBackMs: optional(whole),
  manifest: optional(shaped({ sha256: digest, bytes: whole })),
  lists: optional(
    (value) => object(value) && Object.values(value as Fields).every(shaped({ count: whole, root: digest })),
  ),
}

const RECORD_SHAPES: Readonly<Record<ListName, Test>> = {
  log: shaped(file),
  adds: shaped({ ...file, rows: whole, rowsRoot: digest, rowForm: text, columns: digest }),
  removes: shaped({ path: key }),
  objects: shaped({ key: text, ...counts, raw: shaped({ sha256: digest, bytes: whole, stored: optional(stored) }) }),
  deleted: shaped({ path: key, bytes: whole }),
}

const faultOf = (value: Fields, fields: Readonly<Record<string, Test>>): string | undefined =>
  Object.keys(fields).find((field) => !fields[field]?.(value[field]))

/** The field of an entry that is not as the format has it; undefined if all are. */
export const entryFault = (entry: Entry): string | undefined =>
  faultOf(entry as unknown as Fields, { ...ENTRY_SHAPES[entry.kind], ...ENTRY_SHAPE })

/** True for the summary of a list. */
export const isSummary = (value: unknown): value is ListSummary => shaped({ count: whole, root: digest })(value)

/** The record of a data file; undefined for anything else. */
export const addRecordOf = (value: unknown): AddRecord | undefined =>
  RECORD_SHAPES.adds(value) ? (value as AddRecord) : undefined

/** Why these are not the lists of a manifest; undefined if they are. */
export function manifestFault(value: unknown): string | undefined {
  if (!object(value)) return 'it is no JSON object'
  for (const [list, records] of Object.entries(value as Fields)) {
    const test = RECORD_SHAPES[list as ListName]
    if (test === undefined) return `it has a list ${JSON.stringify(list)}, which is not known`
    const at = Array.isArray(records) ? records.findIndex((record) => !test(record)) : 0
    if (at >= 0) return `record ${at} of ${list} is not as the format has it`
  }
  return undefined
}

/** The lists of a manifest that {@link manifestFault} has nothing against. */
export const asManifest = (value: unknown): ManifestLists => value as ManifestLists
