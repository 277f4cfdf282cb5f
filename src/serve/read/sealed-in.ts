/** Which leaf of the seal tells of a data file: an index over the log, carried on as it grows. */
import { basename } from 'node:path'
import { sealState } from '../../ask/seal-state.ts'
import { isAppError } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import { localStore } from '../../lake/stores/local.ts'
import { parseEntry } from '../../seal/entry.ts'
import { LOG_FOLDER } from '../../seal/log.ts'
import { Manifests } from '../../seal/manifests.ts'
import { TreeReader } from '../../seal/tree.ts'

/** Files of an ingestion are called after its batch. */
const BATCH = /^b\d+-[0-9a-f]{8}/
/** The size of the log is looked up at most so often. */
const LOOK_EVERY_MS = 2000

/** How far the seal of a home goes, and when it last grew. */
export interface SealSummary {
  readonly size: string
  readonly unsealed: number
  readonly lastSealed: string | null
}

/** See {@link SealSummary}; null where nothing is sealed, or where the seal is damaged, which its own page tells. */
export async function sealSummary(home: Home): Promise<SealSummary | null> {
  try {
    const { size, unsealed } = await sealState(home)
    const last = BigInt(size) - 1n
    const lastSealed = last < 0n ? null : parseEntry(await treeOf(home, BigInt(size)).entry(last)).time
    return { size, unsealed, lastSealed }
  } catch (cause) {
    if (isAppError(cause)) return null
    throw cause
  }
}

function treeOf(home: Home, size: bigint): TreeReader {
  const store = localStore(home.seal)
  return new TreeReader((path) => store.read(`${LOG_FOLDER}/${path}`), size)
}

/** Looks files of `events` up. */
export class SealedIn {
  readonly #home: Home
  readonly #leaves = new Map<string, number>()
  #next = 0n
  #turn: Promise<void> = Promise.resolve()
  #looked = Number.NEGATIVE_INFINITY

  constructor(home: Home) {
    this.#home = home
  }

  /** The leaf that adds a file; undefined where none does yet, or nothing is sealed here. */
  async leafOf(file: string): Promise<number | undefined> {
    if (performance.now() - this.#looked >= LOOK_EVERY_MS) {
      this.#looked = performance.now()
      this.#turn = this.#turn.then(() => this.#carryOn())
    }
    await this.#turn
    const batch = BATCH.exec(basename(file))?.[0]
    return this.#leaves.get(file) ?? (batch === undefined ? undefined : this.#leaves.get(batch))
  }

  async #carryOn(): Promise<void> {
    try {
      const size = BigInt((await sealState(this.#home)).size)
      const tree = treeOf(this.#home, size)
      const manifests = new Manifests(this.#home.seal)
      for (; this.#next < size; this.#next += 1n) await this.#take(tree, manifests, this.#next)
    } catch (cause) {
      // A seal that is damaged or not there yet is told by its own page; an event is shown without its leaf.
      if (!isAppError(cause)) throw cause
    }
  }

  async #take(tree: TreeReader, manifests: Manifests, leaf: bigint): Promise<void> {
    const entry = parseEntry(await tree.entry(leaf))
    if (entry.kind !== 'commit' || entry.table !== 'events' || entry.manifest === undefined) return
    if (entry.batch !== undefined) {
      this.#leaves.set(entry.batch, Number(leaf))
      return
    }
    const { adds = [] } = await manifests.read(entry.manifest.sha256)
    for (const { path } of adds) this.#leaves.set(path, Number(leaf))
  }
}
