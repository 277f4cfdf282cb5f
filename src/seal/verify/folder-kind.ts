/** What a folder is that somebody wants verified: the answer must not hang on a file that anyone can put into it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PERIOD_FILE } from '../period.ts'
import { namesIn } from './log-files.ts'

/** `both` has the marks of a home and of an exported period: which of them is meant, somebody has to say. */
export type FolderKind = 'home' | 'period' | 'proofs' | 'both' | 'neither'

/** Ending of the files that prove single events. */
export const PROOF_ENDING = '.tlog-proof'

/** What every home has and no export: a single one is enough, for the others may have been taken away. */
const HOME_MARKS = ['seal/log', 'seal/keys/head.json', 'seal/settings.json', 'ledger.db']

/** Tells what a folder is. Proofs in a home do not make it anything else. */
export function folderKind(folder: string): FolderKind {
  const has = (path: string): boolean => existsSync(join(folder, path))
  const isPeriod = has(PERIOD_FILE)
  const isHome = HOME_MARKS.some(has) || (!isPeriod && has('lake'))
  if (isHome) return isPeriod ? 'both' : 'home'
  if (isPeriod) return 'period'
  return proofsIn(folder).length > 0 ? 'proofs' : 'neither'
}

/** Names of the proof files right in a folder, in order. */
export const proofsIn = (folder: string): string[] =>
  namesIn(folder)
    .filter((name) => name.endsWith(PROOF_ENDING))
    .sort()

/** True for a folder that is an exported period or nothing but proofs. */
export const isBundle = (folder: string): boolean => ['period', 'proofs'].includes(folderKind(folder))
