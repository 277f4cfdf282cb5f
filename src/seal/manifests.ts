/** Manifests on disk: canonical JSON by its digest, written once. */
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { ObjectStore } from '../lake/stores/contract.ts'
import { localStore } from '../lake/stores/local.ts'
import { canonical, type Entry, type ListName, type ManifestLists } from './entry.ts'
import { textsSummary } from './lists.ts'
import { hexOf, sha256 } from './merkle.ts'

/** Folder of the manifests inside `seal/`. */
export const MANIFESTS = 'manifests'

/** Path of a manifest inside `seal/`. */
export const manifestPath = (digest: string): string => `${MANIFESTS}/${digest.slice(0, 2)}/${digest}.json`

/** What an entry says of its manifest. */
export type ManifestSummary = Required<Pick<Entry, 'manifest' | 'lists'>>

/** The manifests of a `seal/` folder. */
export class Manifests {
  readonly #store: ObjectStore

  constructor(sealFolder: string) {
    this.#store = localStore(join(sealFolder))
  }

  /** Writes a manifest durably, once, and returns what its entry says of it. */
  async write(lists: ManifestLists): Promise<ManifestSummary> {
    // As `canonical` of all, of which each record's text is a part; ten thousand objects make it once.
    const texts = Object.entries(lists)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, records]) => [name, records.map(canonical)] as const)
    const bytes = Buffer.from(`{${texts.map(listText).join(',')}}`)
    const digest = hexOf(sha256(bytes))
    await this.#store.putIfAbsent(manifestPath(digest), bytes)
    const summaries = texts.map(([name, records]) => [name, textsSummary(records)] as const)
    const byName: Partial<Record<ListName, ReturnType<typeof textsSummary>>> = Object.fromEntries(summaries)
    return { manifest: { sha256: digest, bytes: bytes.length }, lists: byName }
  }

  /**
   * Reads a manifest back.
   * @throws AppError BAD_SEAL if it is missing or other than its digest says
   */
  async read(digest: string): Promise<ManifestLists> {
    const where = this.#store.locate(manifestPath(digest))
    const bytes = await this.#store.read(manifestPath(digest))
    if (bytes === undefined) throw new AppError('BAD_SEAL', `The manifest ${where} is missing.`, { where })
    if (hexOf(sha256(bytes)) !== digest) {
      throw new AppError('BAD_SEAL', `The manifest ${where} was changed.`, { where })
    }
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as ManifestLists
  }
}

const listText = ([name, texts]: readonly [string, readonly string[]]): string =>
  `${JSON.stringify(name)}:[${texts.join(',')}]`
