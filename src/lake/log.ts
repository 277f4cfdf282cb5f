/** Names and actions of a Delta log. */
import { AppError } from '../core/errors.ts'

/** Folder of the log, under the table's root. */
export const LOG_PREFIX = '_delta_log/'

/** Pointer to the newest checkpoint. */
export const LAST_CHECKPOINT_KEY = `${LOG_PREFIX}_last_checkpoint`

const padded = (version: number): string => String(version).padStart(20, '0')

/** Key of the commit that made `version`. */
export const commitKey = (version: number): string => `${LOG_PREFIX}${padded(version)}.json`

/** Key of the single-part checkpoint of `version`. */
export const checkpointKey = (version: number): string => `${LOG_PREFIX}${padded(version)}.checkpoint.parquet`

/** Which log file a key is, if it is one we read. */
export function logEntry(
  key: string,
): { readonly kind: 'commit' | 'checkpoint'; readonly version: number } | undefined {
  const [, digits, ending] = /^_delta_log\/(\d{20})\.(json|checkpoint\.parquet)$/.exec(key) ?? []
  if (digits === undefined) return undefined
  return { kind: ending === 'json' ? 'commit' : 'checkpoint', version: Number(digits) }
}

/** The `protocol` action. */
export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
}

/** The `metaData` action. */
export interface MetaData {
  readonly id: string
  readonly name?: string | null
  readonly format: { readonly provider: string; readonly options?: Readonly<Record<string, string>> | null }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly createdTime?: number | null
  readonly configuration?: Readonly<Record<string, string>> | null
}

/** The `add` action, as far as we read it. */
export interface AddFile {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  readonly modificationTime: number
  readonly dataChange: boolean
  readonly stats?: string | null
  readonly tags?: Readonly<Record<string, string>> | null
}

/** The `remove` action, as far as we read it. */
export interface RemoveFile {
  readonly path: string
  readonly deletionTimestamp?: number | null
  readonly dataChange: boolean
}

/** The `txn` action. */
export interface Txn {
  readonly appId: string
  readonly version: number
  readonly lastUpdated?: number | null
}

/** One line of a commit, or one row of a checkpoint: one of these is set. */
export interface Action {
  readonly protocol?: Protocol | null
  readonly metaData?: MetaData | null
  readonly add?: AddFile | null
  readonly remove?: RemoveFile | null
  readonly txn?: Txn | null
  readonly commitInfo?: Readonly<Record<string, unknown>> | null
}

/** The key a log path stands for: percent-decoded; undefined if it is malformed or leads out of the table's folder. */
export function keyOfPath(path: string): string | undefined {
  try {
    const key = decodeURIComponent(path)
    const inside = !/^([A-Za-z][A-Za-z0-9+.-]*:|\/)/.test(path) && !key.split('/').includes('..')
    return inside ? key : undefined
  } catch {
    return undefined
  }
}

/** The text of a commit: one action a line. */
export const commitText = (actions: readonly Action[]): string =>
  `${actions.map((action) => JSON.stringify(action)).join('\n')}\n`

/** Reads a commit; throws BAD_LAKE naming `where` if a line is no action. */
export function parseCommit(bytes: Uint8Array, where: string): Action[] {
  const lines = decoded(bytes, where)
    .split('\n')
    .filter((line) => line.trim() !== '')
  if (lines.length === 0) throw damaged(where, 'it is empty')
  return lines.map((line, index) => parseAction(line, `${where}:${index + 1}`))
}

function decoded(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw damaged(where, 'it is not UTF-8', cause)
  }
}

/** Reads one action; throws BAD_LAKE naming `where` if it is none. */
export function parseAction(text: string, where: string): Action {
  let action: Action
  try {
    action = JSON.parse(text)
  } catch (cause) {
    throw damaged(where, 'it is not JSON', cause)
  }
  if (!isObject(action) || !isSound(action)) throw damaged(where, 'it is no Delta action')
  return action
}

/** The error for a log file that cannot be read. */
export const damaged = (where: string, why: string, cause?: unknown): AppError =>
  new AppError('BAD_LAKE', `The log file ${where} is damaged: ${why}.`, { where, cause })

/** What the rest of the room relies on; unknown actions are passed over, as the protocol asks. */
function isSound({ protocol, metaData, add, remove, txn }: Action): boolean {
  if (protocol && !(Number.isInteger(protocol.minReaderVersion) && Number.isInteger(protocol.minWriterVersion))) {
    return false
  }
  if (metaData && !(typeof metaData.schemaString === 'string' && Array.isArray(metaData.partitionColumns))) return false
  if (add && !(typeof add.path === 'string' && isObject(add.partitionValues) && Number.isFinite(add.size))) return false
  if (remove && typeof remove.path !== 'string') return false
  return !txn || (typeof txn.appId === 'string' && Number.isFinite(txn.version))
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null
