/** How far the seal of a home goes, for people and for `doctor`. Needs no private key, and proves nothing: `verify` does. */

import { AppError, isAppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import { FINDINGS_TABLE } from '../lake/spec.ts'
import { localStore } from '../lake/stores/local.ts'
import { DeltaTable, EVENTS_TABLE, REJECTS_TABLE } from '../lake/table.ts'
import { type AnchorState, readAnchorStates } from '../seal/anchors/state.ts'
import { openCheckpoint } from '../seal/checkpoint.ts'
import { parseEntry, type SealedVersions } from '../seal/entry.ts'
import { publicKeys } from '../seal/keys.ts'
import { lastSealed } from '../seal/leaves.ts'
import { LOG_FOLDER } from '../seal/log.ts'
import { notePath } from '../seal/log-head.ts'
import { hexOf } from '../seal/merkle.ts'
import { sealSettings } from '../seal/settings.ts'
import { CHECKPOINT_PATH } from '../seal/tiles.ts'
import { TreeReader } from '../seal/tree.ts'
import type { Check } from './check.ts'

/** The state of one anchor, in short. */
export interface AnchorSummary {
  readonly id: string
  readonly lastSize?: string
  readonly lastTime?: string
  readonly lastError?: string
}

/** The state of a seal. */
export interface SealState {
  readonly origin: string
  /** The public key that signs now, as a vkey. */
  readonly key: string
  /** Leaves of the log, decimal; 64-bit. */
  readonly size: string
  /** Hex. */
  readonly root: string
  readonly sealed: SealedVersions
  /** Commits of the tables that no leaf explains yet. */
  readonly unsealed: number
  /** Tables that end before what was sealed of them, in words: they were put back, or cut off. */
  readonly behind: readonly string[]
  /** What becomes of received bytes. */
  readonly raw: string
  readonly anchors: readonly AnchorSummary[]
}

/**
 * Reads the state of a home's seal.
 * @throws AppError BAD_SEAL, BAD_KEY, BAD_LAKE; NO_LAKE where nothing has been sealed yet
 */
export async function sealState(home: Home): Promise<SealState> {
  const store = localStore(home.seal)
  const bytes = await store.read(`${LOG_FOLDER}/${CHECKPOINT_PATH}`)
  if (bytes === undefined) throw new AppError('NO_LAKE', `Nothing has been sealed in ${home.root} yet.`)
  const { newest, all } = await publicKeys(home.seal)
  const { origin, size, root } = openCheckpoint(bytes, all)
  const tree = new TreeReader((path) => store.read(`${LOG_FOLDER}/${path}`), size)
  const { sealed } = await lastSealed(tree)
  const { raw, rawKey } = await sealSettings(home)
  return {
    origin,
    key: newest.vkey,
    size: String(size),
    root: hexOf(root),
    sealed,
    ...(await compared(home, sealed)),
    raw:
      raw === 'keep' ? `received bytes are kept, ${rawKey === null ? 'not encrypted' : 'encrypted'}` : 'digests only',
    anchors: Object.entries(await readAnchorStates(store)).map(summary),
  }
}

/**
 * The newest checkpoint of a home, with the cosignatures it has got.
 * @throws AppError NO_LAKE where there is none yet
 */
export async function newestNote(home: Home): Promise<string> {
  const { size } = await sealState(home)
  const store = localStore(home.seal)
  const bytes = (await store.read(notePath(BigInt(size)))) ?? (await store.read(`${LOG_FOLDER}/${CHECKPOINT_PATH}`))
  return Buffer.from(bytes ?? []).toString('utf8')
}

/** Checkpoints of a home around a span of time: the last one signed before it, 0 if there is none, and the first after it. */
export async function periodSizes(
  home: Home,
  { fromMs = -Infinity, toMs = Infinity }: { readonly fromMs?: number; readonly toMs?: number },
): Promise<{ from: number; to: number }> {
  const store = localStore(home.seal)
  const { size } = await sealState(home)
  const tree = new TreeReader((path) => store.read(`${LOG_FOLDER}/${path}`), BigInt(size))
  const signed = (await store.list(`${CHECKPOINTS_FOLDER}/`)).map((key) => Number(key.slice(-20))).sort((a, b) => a - b)
  let [from, to] = [0, Number(size)]
  for (const each of signed) {
    const timeMs = Date.parse(parseEntry(await tree.entry(BigInt(each - 1))).time)
    if (timeMs < fromMs) from = each
    if (timeMs >= toMs) {
      to = each
      break
    }
  }
  return { from, to }
}

/** The check of the seal that `doctor` shows. */
export async function checkSeal(home: Home): Promise<Check> {
  try {
    const { size, unsealed, behind, anchors } = await sealState(home)
    if (behind.length > 0) return { name: 'seal', state: 'failed', finding: behind.join('; '), hint: RESTORE_HINT }
    const failing = anchors.filter(({ lastError }) => lastError !== undefined)
    const commits = unsealed === 0 ? 'every commit sealed' : `commits not sealed: ${unsealed}`
    const well =
      anchors.length === 0 ? 'no anchors' : `${anchors.length - failing.length} of ${anchors.length} anchors well`
    const finding = `${size} leaves, ${commits}, ${well}`
    if (unsealed === 0 && failing.length === 0) return { name: 'seal', state: 'ok', finding }
    const hint =
      failing.length > 0
        ? 'Run `bricktrail seal` to see what fails, and `bricktrail seal anchor` to try again.'
        : 'The next `bricktrail ingest` seals them.'
    return { name: 'seal', state: 'warning', finding, hint }
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    if (cause.code === 'NO_LAKE') return { name: 'seal', state: 'ok', finding: 'nothing sealed yet' }
    return { name: 'seal', state: 'failed', finding: cause.message, hint: cause.hint }
  }
}

const CHECKPOINTS_FOLDER = 'checkpoints'

const RESTORE_HINT =
  'If a backup was put back on purpose, run `bricktrail seal restore --reason TEXT`; if not, `bricktrail verify` tells more.'

const summary = ([id, { lastSize, lastTime, lastError }]: [string, AnchorState]): AnchorSummary => ({
  id,
  ...(lastSize === undefined ? {} : { lastSize }),
  ...(lastTime === undefined ? {} : { lastTime }),
  ...(lastError === undefined ? {} : { lastError: lastError.message }),
})

/** How the tables stand to what was sealed of them. */
async function compared(home: Home, sealed: SealedVersions): Promise<Pick<SealState, 'unsealed' | 'behind'>> {
  let unsealed = 0
  const behind: string[] = []
  const tables = [
    DeltaTable.at(home.events, EVENTS_TABLE),
    DeltaTable.at(home.rejects, REJECTS_TABLE),
    DeltaTable.at(home.findings, FINDINGS_TABLE),
  ]
  for (const table of tables) {
    const { name } = table.spec
    const { version } = await table.snapshot()
    const upTo = sealed[name] ?? -1
    if (version < upTo) behind.push(`${name} ends at version ${version}, and version ${upTo} was sealed`)
    else unsealed += version - upTo
  }
  return { unsealed, behind }
}
