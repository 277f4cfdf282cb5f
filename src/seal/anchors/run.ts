/** Takes the newest checkpoint to every anchor. Each works or fails by itself, and none fails what called it. */
import { type AppError, isAppError, messageOf } from '../../core/errors.ts'
import type { ObjectStore } from '../../lake/stores/contract.ts'
import { localStore } from '../../lake/stores/local.ts'
import { publicKeys } from '../keys.ts'
import type { SealLog } from '../log.ts'
import { withSealLock } from '../log-lock.ts'
import { loggedNote } from '../timestamp/imprint.ts'
import { type Anchor, type AnchoredCheckpoint, type AnchorOutcome, type AnchorsConfig, failed } from './contract.ts'
import { type CopyStore, keepCopy } from './copies.ts'
import { folderCopies } from './folder.ts'
import { type S3Sdk, s3Copies } from './s3.ts'
import { type AnchorState, holds, isWaiting, nextState, readAnchorStates, writeAnchorStates } from './state.ts'
import { timestampAnchor } from './timestamps.ts'
import { witnessAnchor } from './witnesses.ts'

/** Longer than any service takes that works. */
const LIMIT_MS = 30_000

/** What is anchored where. */
export interface AnchorRun {
  /** The home's `seal/` folder. */
  readonly folder: string
  readonly config: AnchorsConfig
  readonly log: Pick<SealLog, 'checkpoint' | 'hashReader'>
  readonly now: () => Date
  /** How long one anchor may take; half a minute where absent. */
  readonly limitMs?: number
  /** Gives the S3 SDK, where it is not installed beside Bricktrail. */
  readonly loadS3?: () => Promise<S3Sdk>
}

/** What became of one anchor. */
export interface AnchorResult {
  readonly id: string
  /** `done`: it holds this checkpoint already. `waiting`: it failed a while ago and is tried again later. */
  readonly outcome: AnchorOutcome | { readonly kind: 'done' } | { readonly kind: 'waiting' }
}

/** What became of all of them. */
export interface AnchorReport {
  /** Size of the checkpoint; undefined where there is none yet. */
  readonly size: bigint | undefined
  readonly anchors: readonly AnchorResult[]
  /** Where an anchor contradicts this log: forked, rolled back, or damaged. Never to be passed over in silence. */
  readonly alarms: readonly AppError[]
}

/**
 * Anchors the newest checkpoint of a log. Outcomes are in the report and, for later, in `seal/state.json`; an anchor that
 * failed is tried again by a later run.
 *
 * @throws AppError only where the seal itself cannot be read or written
 */
export async function anchorCheckpoint(run: AnchorRun): Promise<AnchorReport> {
  const { folder, log, now, limitMs = LIMIT_MS } = run
  const store = localStore(folder)
  const checkpoint = await newestCheckpoint(log)
  if (checkpoint === undefined) return { size: undefined, anchors: [], alarms: [] }
  const states = await readAnchorStates(store)
  const anchors = await anchorsOf(run, store)
  const results = await Promise.all(
    anchors.map(async (anchor): Promise<AnchorResult> => {
      const state = states[anchor.id]
      if (state !== undefined && holds(state, checkpoint)) return { id: anchor.id, outcome: { kind: 'done' } }
      if (state !== undefined && isWaiting(state, now())) return { id: anchor.id, outcome: { kind: 'waiting' } }
      return { id: anchor.id, outcome: await outcomeOf(anchor, checkpoint, limitMs) }
    }),
  )
  await withSealLock(folder, () => record(store, results, checkpoint, now()))
  const alarms = results.flatMap(({ outcome }) => (outcome.kind === 'alarm' ? [outcome.error] : []))
  return { size: checkpoint.size, anchors: results, alarms }
}

/** The newest checkpoint as the log signed it, without what witnesses added. */
async function newestCheckpoint(log: AnchorRun['log']): Promise<AnchoredCheckpoint | undefined> {
  const newest = await log.checkpoint()
  if (newest === undefined) return undefined
  const { origin, size, root, note } = newest
  const lines = [...note.verified, ...note.unverified].map(({ name, id, signature }) => {
    const bytes = Buffer.concat([Buffer.from(id, 'hex'), signature])
    return `— ${name} ${bytes.toString('base64')}\n`
  })
  return { origin, size, root, note: loggedNote(Buffer.from(`${note.text}\n${lines.join('')}`)) }
}

async function anchorsOf({ folder, config, log, now, loadS3 }: AnchorRun, store: ObjectStore): Promise<Anchor[]> {
  const { all } = await publicKeys(folder)
  const copy = (copies: CopyStore): Anchor => ({
    id: copies.id,
    anchor: (checkpoint, signal) => keepCopy(copies, checkpoint, all, signal),
  })
  const context = { folder, store, readHash: log.hashReader(), now }
  const s3 = { now, ...(loadS3 === undefined ? {} : { load: loadS3 }) }
  return [
    ...config.witnesses.map((witness) => witnessAnchor(witness, context)),
    ...config.timestamps.map((authority) => timestampAnchor(authority, store, now)),
    ...config.copies.map((place) => copy(place.kind === 'folder' ? folderCopies(place) : s3Copies(place, s3))),
  ]
}

/** Runs one anchor within its time, also one that does not look at the signal. */
async function outcomeOf(anchor: Anchor, checkpoint: AnchoredCheckpoint, limitMs: number): Promise<AnchorOutcome> {
  const stop = new AbortController()
  const late = failed(`it did not answer within ${limitMs / 1000} s`)
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<AnchorOutcome>((resolve) => {
    timer = setTimeout(() => {
      resolve(late)
      stop.abort(new DOMException('It took too long.', 'TimeoutError'))
    }, limitMs)
  })
  try {
    return await Promise.race([anchor.anchor(checkpoint, stop.signal).catch(faultOf), limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Whatever an anchor throws is its own failure: a share that is gone, a bucket that refuses, a package not installed. */
const faultOf = (cause: unknown): AnchorOutcome =>
  failed(isAppError(cause) ? `${cause.message} ${cause.hint}` : messageOf(cause))

async function record(
  store: ObjectStore,
  results: readonly AnchorResult[],
  checkpoint: AnchoredCheckpoint,
  now: Date,
): Promise<void> {
  const before = await readAnchorStates(store)
  const after: [string, AnchorState][] = results.flatMap(({ id, outcome }) => {
    const state = before[id]
    if (outcome.kind === 'done' || outcome.kind === 'waiting') return state === undefined ? [] : [[id, state]]
    return [[id, nextState(state, outcome, checkpoint, now)]]
  })
  await writeAnchorStates(store, Object.fromEntries(after))
}
