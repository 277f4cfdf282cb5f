/** What the seal of a home says, read from its files, for tests that look at what became of an ingestion. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Home } from '../core/home.ts'
import { localStore } from '../lake/stores/local.ts'
import { openCheckpoint } from '../seal/checkpoint.ts'
import { type CommitEntry, type Entry, type ManifestLists, parseEntry } from '../seal/entry.ts'
import { publicKeys } from '../seal/keys.ts'
import { Manifests } from '../seal/manifests.ts'
import { TreeReader } from '../seal/tree.ts'
import { type Report, verifyHome } from '../seal/verify.ts'

/** All leaves of a home's log, in order. */
export async function leavesOf({ seal }: Home): Promise<Entry[]> {
  const { all } = await publicKeys(seal)
  const { size } = openCheckpoint(await readFile(join(seal, 'log/checkpoint')), all)
  const store = localStore(join(seal, 'log'))
  const reader = new TreeReader((path) => store.read(path), size)
  const leaves: Entry[] = []
  for await (const entry of reader.entries(0n)) leaves.push(parseEntry(entry))
  return leaves
}

/** The leaves of commits, of one table or of all. */
export const commitsOf = async (home: Home, table?: string): Promise<CommitEntry[]> =>
  (await leavesOf(home)).filter(
    (entry): entry is CommitEntry => entry.kind === 'commit' && (table === undefined || entry.table === table),
  )

/** The lists of the manifest that a leaf names. */
export async function listsOf({ seal }: Home, { manifest }: Entry): Promise<ManifestLists> {
  if (manifest === undefined) throw new Error('The leaf names no manifest.')
  return new Manifests(seal).read(manifest.sha256)
}

/** The key that signs now, as a vkey. */
export const vkeyOf = async ({ seal }: Home): Promise<string> =>
  (await readFile(join(seal, 'keys/log.vkey'), 'utf8')).trim()

/** The verdict on a home, by its newest key. */
export const verified = async (home: Home): Promise<Report> => verifyHome(home.root, { key: await vkeyOf(home) })

/** What leaves are about, in short: `commit events 0`, `clean events vacuum`, `config`. */
export const inShort = (leaves: readonly Entry[]): string[] =>
  leaves.map((entry) => {
    if (entry.kind === 'commit') return `commit ${entry.table} ${entry.version}`
    if (entry.kind === 'clean') return `clean ${entry.table} ${entry.reason}`
    return entry.kind === 'restore' ? `restore ${entry.table} ${entry.version}` : entry.kind
  })
