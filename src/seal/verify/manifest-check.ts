/** Manifests against the leaves that name them: digest, shape, and each list's root. */
import { join } from 'node:path'
import type { Entry, ListName, ListSummary, ManifestLists } from '../entry.ts'
import { listSummary } from '../lists.ts'
import { hexOf, sha256 } from '../merkle.ts'
import { bytesOf, faultAt } from './log-files.ts'
import type { Findings } from './report.ts'
import { asManifest, manifestFault } from './shapes.ts'

/** Path of a manifest inside a home. */
export const manifestKey = (digest: string): string => `seal/manifests/${digest.slice(0, 2)}/${digest}.json`

/**
 * Reads the manifest of an entry.
 *
 * @returns its lists; undefined, with a finding, if it is missing or not the one that was sealed
 */
export function checkManifest(home: string, entry: Entry, leaf: number, findings: Findings): ManifestLists | undefined {
  const { manifest, lists = {} } = entry
  if (manifest === undefined) return {}
  const where = manifestKey(manifest.sha256)
  // One byte more than it should have is enough to see that it is too long.
  const bytes = bytesOf(join(home, where), manifest.bytes)
  if (bytes === undefined || bytes.length !== manifest.bytes || hexOf(sha256(bytes)) !== manifest.sha256) {
    noteLoss(join(home, where), where, leaf, findings)
    return undefined
  }
  const value = jsonOf(bytes)
  const fault = value === undefined ? 'it is not JSON' : manifestFault(value)
  if (fault !== undefined) {
    findings.add('unverifiable', where, `The manifest was sealed like this, but ${fault}.`, leaf)
    return undefined
  }
  findings.checked.manifests += 1
  checkLists(asManifest(value), lists, where, leaf, findings)
  return asManifest(value)
}

const LOSSES = {
  missing: 'is missing',
  unverifiable: 'cannot be read',
  changed: 'is not the one that was sealed',
}

function noteLoss(path: string, where: string, leaf: number, findings: Findings): void {
  const kind = faultAt(path)
  findings.add(kind, where, `The manifest of leaf ${leaf} ${LOSSES[kind]}.`, leaf)
}

function checkLists(
  manifest: ManifestLists,
  lists: NonNullable<Entry['lists']>,
  where: string,
  leaf: number,
  findings: Findings,
): void {
  for (const list of new Set([...Object.keys(manifest), ...Object.keys(lists)]) as Set<ListName>) {
    const records = manifest[list]
    const said = lists[list]
    const found = records && summaryOf(records)
    if (said === undefined || said.count !== found?.count || said.root !== found.root) {
      findings.add('unverifiable', where, `The leaf and its manifest do not agree on the list ${list}.`, leaf)
    } else findings.checked.records += said.count
  }
}

/** Of records that are nested without an end, there is none. */
function summaryOf(records: readonly unknown[]): ListSummary | undefined {
  try {
    return listSummary(records)
  } catch (cause) {
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
