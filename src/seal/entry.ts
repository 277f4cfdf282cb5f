/** What the leaves of the log say and what the manifests list: the formats of docs/design/005-seal.md. */
import { canonicalize } from 'json-canonicalize'
import { AppError } from '../core/errors.ts'

/** Form of the entries; another number means another page of rules. */
export const ENTRY_VERSION = 1

/** Names of the lists a manifest may have. */
export type ListName = 'log' | 'adds' | 'removes' | 'objects' | 'deleted'

/** How many records a list has and the root over them ({@link listRoot}), 64 hex digits. */
export interface ListSummary {
  readonly count: number
  readonly root: string
}

/** A file of a table's log that a commit wrote. */
export interface LogRecord {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** A data file that a commit added. Paths are keys inside the table's folder. */
export interface AddRecord {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly rows: number
  /** Root over the pages of row digests, 64 hex digits. */
  readonly rowsRoot: string
  /** Such as `row/2`; an older or newer program's may be another. */
  readonly rowForm: string
  /** SHA-256 of the canonical JSON array of the names of a row's values. */
  readonly columns: string
}

/** A data file that a commit removed. */
export interface RemoveRecord {
  readonly path: string
}

/** What was done to received bytes before they were stored, in order; `pack`: they stand among others, and the pack says how. */
export type RawEncoding = readonly ('zstd' | 'pack' | 'aes-256-gcm')[]

/** Received bytes: their digest, and where they are kept unless only digests are. */
export interface RawRecord {
  readonly sha256: string
  readonly bytes: number
  readonly stored?: {
    readonly path: string
    readonly bytes: number
    readonly sha256: string
    readonly encoding: RawEncoding
  }
}

/** A source object that a commit took records from. Records = events + duplicates + rejects. */
export interface ObjectRecord {
  readonly key: string
  readonly bytes: number
  readonly sha256: string
  /** ISO time; null where the source does not tell. */
  readonly modified: string | null
  readonly form: string
  /** First and last byte taken. */
  readonly firstByte: number
  readonly lastByte: number
  readonly records: number
  readonly events: number
  readonly duplicates: number
  readonly rejects: number
  readonly raw: RawRecord
}

/** A file that was deleted from disk. */
export interface DeletedRecord {
  readonly path: string
  readonly bytes: number
}

/** The records of each list. */
export interface ManifestLists {
  readonly log?: readonly LogRecord[]
  readonly adds?: readonly AddRecord[]
  readonly removes?: readonly RemoveRecord[]
  readonly objects?: readonly ObjectRecord[]
  readonly deleted?: readonly DeletedRecord[]
}

/** Up to which version of each table the log goes. */
export type SealedVersions = Readonly<Record<string, number>>

interface EntryBase {
  readonly v: typeof ENTRY_VERSION
  /** ISO with milliseconds. */
  readonly time: string
  /** How much earlier than the entry before; only where the clock was set back. */
  readonly clockBackMs?: number
  /** Name and version of the program. */
  readonly generator: string
  /** Digest and length of the manifest's canonical text. */
  readonly manifest?: { readonly sha256: string; readonly bytes: number }
  readonly lists?: Readonly<Partial<Record<ListName, ListSummary>>>
}

/** The first leaf. */
export interface OpenEntry extends EntryBase {
  readonly kind: 'open'
  readonly origin: string
  readonly vkey: string
  readonly home: string
}

/** The operation of a `commit` entry that tells of a table as it stood when its seal began, earlier commits being gone. */
export const BASE = 'BASE'

/** A version of a Delta table. */
export interface CommitEntry extends EntryBase {
  readonly kind: 'commit'
  readonly table: string
  readonly version: number
  readonly operation: string
  readonly sealed: SealedVersions
  readonly batch?: string
  /** The batch's own manifest, from which the ledger can be made again; its path is inside the home. */
  readonly batchFile?: LogRecord
  readonly counts?: {
    readonly records: number
    readonly events: number
    readonly duplicates: number
    readonly rejects: number
  }
  /** Sealed after a crash, not with the commit. */
  readonly late?: true
  /**
   * What was gone before it could be sealed: keys of data files that the commit added, or merged and removed, and the path in the
   * home of its batch's manifest.
   */
  readonly lost?: readonly string[]
}

/** Files deleted from disk because nothing needs them. */
export interface CleanEntry extends EntryBase {
  readonly kind: 'clean'
  readonly table: string
  readonly reason: 'vacuum' | 'log-retention' | 'raw-retention'
  readonly sealed: SealedVersions
}

/** An operator put the lake back to an earlier state on purpose. */
export interface RestoreEntry extends EntryBase {
  readonly kind: 'restore'
  readonly table: string
  /** What it was put back to; -1: no table. */
  readonly version: number
  /** How many versions that undid. */
  readonly undone: number
  readonly reason: string
  readonly sealed: SealedVersions
}

/** Settings that bear on evidence changed. */
export interface ConfigEntry extends EntryBase {
  readonly kind: 'config'
  readonly settings: Readonly<Record<string, unknown>>
}

/** A key takes over; both keys sign the checkpoint that holds this entry last. */
export interface KeyEntry extends EntryBase {
  readonly kind: 'key'
  readonly vkey: string
  readonly previous: string
}

/** What a leaf of the log says. */
export type Entry = OpenEntry | CommitEntry | CleanEntry | RestoreEntry | ConfigEntry | KeyEntry

/** Kinds of entries, by the text that names them. */
export const ENTRY_KINDS: readonly Entry['kind'][] = ['open', 'commit', 'clean', 'restore', 'config', 'key']

/** A value as canonical JSON (RFC 8785). Undefined fields are left out. */
export function canonical(value: unknown): string {
  const text = JSON.stringify(value)
  // A copy first: the library takes an object that stands in two places for a circle.
  return isInOrder(value) ? text : canonicalize(JSON.parse(text))
}

/**
 * True where all there is to canonical JSON is done by writing it: strings and numbers are spelt as in ECMAScript, so that the
 * order of fields is all that is left. What was read from canonical JSON is in order.
 */
function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value !== undefined
  if (Array.isArray(value)) return value.every(isInOrder)
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false
  let last = ''
  for (const name in value) {
    const field = (value as Readonly<Record<string, unknown>>)[name]
    if (name < last || !(field === undefined || isInOrder(field))) return false
    last = name
  }
  return true
}

/** The bytes of an entry: a leaf's data. */
export const entryBytes = (entry: Entry): Uint8Array => Buffer.from(canonical(entry))

/**
 * Reads a leaf. Other spellings of the same JSON are refused; what the kind's own fields hold is for the reader to judge.
 *
 * @throws AppError BAD_SEAL
 */
export function parseEntry(bytes: Uint8Array): Entry {
  const value = parseCanonical(bytes)
  const { v, kind, time, generator } = value as Partial<EntryBase & { kind: string }>
  if (v !== ENTRY_VERSION) throw bad(`version ${JSON.stringify(v)} is not known`)
  if (!ENTRY_KINDS.some((known) => known === kind)) throw bad(`kind ${JSON.stringify(kind)} is not known`)
  if (typeof time !== 'string' || !ISO_TIME.test(time) || Number.isNaN(Date.parse(time))) throw bad('it has no time')
  if (typeof generator !== 'string') throw bad('it has no generator')
  return value as unknown as Entry
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const bad = (message: string): AppError => new AppError('BAD_SEAL', `Not an entry of the seal: ${message}.`)

/**
 * Reads a JSON object of which the bytes are its canonical text.
 *
 * @throws AppError BAD_SEAL
 */
export function parseCanonical(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (cause) {
    throw new AppError('BAD_SEAL', 'Not an entry of the seal: it is not JSON.', { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('it is not a JSON object')
  if (isDeep(value)) throw bad(`it is nested more than ${DEEPEST} times`)
  if (Buffer.compare(Buffer.from(canonical(value)), bytes) !== 0) throw bad('its JSON is not canonical')
  return value as Record<string, unknown>
}

/** Nothing that the seal writes is nested half as much; what goes on without an end would end the program. */
const DEEPEST = 100

/** True for what was read from JSON in which more lists and objects stand in one another than are looked at here. */
const isDeep = (value: unknown, levels = DEEPEST): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((item) => isDeep(item, levels - 1)))

/** Clocks are set by this much all the time, back too, to keep them right. */
const SMALL_STEP_MS = 2000

/**
 * The time of a new entry, and how far the clock was set back since the one before, if it was: a small step is none, and the entry
 * takes the time of the one before.
 */
export function entryTime(nowMs: number, previous?: Pick<Entry, 'time'>): Pick<EntryBase, 'time' | 'clockBackMs'> {
  const previousMs = previous === undefined ? Number.NEGATIVE_INFINITY : Date.parse(previous.time)
  const backMs = previousMs - nowMs
  if (backMs > 0 && backMs <= SMALL_STEP_MS) return { time: new Date(previousMs).toISOString() }
  return { time: new Date(nowMs).toISOString(), ...(backMs > 0 ? { clockBackMs: backMs } : {}) }
}
