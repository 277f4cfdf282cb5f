/** What people have written for themselves stays out of what Bricktrail keeps. */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { AppError } from './errors.ts'
import type { Home } from './home.ts'

/**
 * Refuses a file or folder to write, such as that of `--out`, that is one of the home's own or lies in one. Other places in the home
 * are the user's.
 * @throws AppError BAD_ARGUMENT
 */
export function refuseHomesOwn(home: Home, out: string): void {
  const { root, ...own } = home
  const path = truePath(resolve(out))
  const taken = Object.values(own).find((each) => isIn(truePath(each), path))
  if (taken === undefined) return
  throw new AppError('BAD_ARGUMENT', `${out} is in ${relative(root, taken)} of the home, which Bricktrail keeps.`, {
    hint: `Name a place outside ${root}.`,
  })
}

const isIn = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep)

/** A path behind all links, as far as it exists. */
function truePath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(truePath(parent), basename(path))
  }
}
