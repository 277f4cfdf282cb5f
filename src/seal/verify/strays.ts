/** Files that lie among the evidence and that no leaf names. None is read, so none is a finding; who meets one should know. */
import { join } from 'node:path'
import { keysUnder, UNFINISHED } from './log-files.ts'
import type { Findings } from './report.ts'

/** Records of batches that a restore undid are put aside there. */
const UNDONE = 'undone/'

/** The name of a timestamp: the size that it is of, and its authority. */
export const TIMESTAMP_NAME: RegExp = /^\d{20}\b.*\.tsr$/

/** Tells of a path in the home whether a leaf names it. */
export type IsNamed = (path: string) => boolean

/** Notes what stands in `manifests/`, `seal/manifests/` and `seal/timestamps/` without a name in the log. */
export function tellStrays(home: string, isNamed: IsNamed, findings: Findings): void {
  const tell = (folder: string, isKnown: (key: string) => boolean, why: string): void => {
    for (const key of keysUnder(join(home, folder))) {
      const name = key.slice(key.lastIndexOf('/') + 1)
      if (!name.startsWith(UNFINISHED) && !isKnown(key))
        findings.stranger(`files in ${folder}/ ${why}`, `${folder}/${key}`)
    }
  }
  const byName = (folder: string) => (key: string) => isNamed(`${folder}/${key}`)
  tell('manifests', (key) => key.startsWith(UNDONE) || byName('manifests')(key), 'are named by no leaf')
  tell('seal/manifests', byName('seal/manifests'), 'are named by no leaf')
  tell('seal/timestamps', (key) => !key.includes('/') && TIMESTAMP_NAME.test(key), 'are no timestamps')
}
