/** What people have written for themselves stays out of what Bricktrail keeps. */
import { readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { AppError } from './errors.ts'
import type { Home } from './home.ts'

/** Links after one another that are followed; systems give up at about as many. */
const MOST_LINKS = 40

/** What SQLite keeps beside a database. */
const BESIDE_DATABASE = /-(?:wal|shm|journal)$/

/** Keys and settings that stand beside the folders of a home. */
const KEY_OR_SETTINGS = /\.(?:key|yaml)$/

/**
 * Refuses a file or folder to write, such as that of `--out`, that is one of the home's own or lies in one: also a key or settings
 * beside its folders. Other places in the home are the user's.
 * @throws AppError BAD_ARGUMENT
 */
export function refuseHomesOwn(home: Home, out: string): void {
  const { root, ...own } = home
  const path = truePath(resolve(out))
  const [trueRoot, file] = [truePath(root), path.replace(BESIDE_DATABASE, '')]
  const taken = Object.values(own).find((each) => isIn(truePath(each), file))
  const isBeside =
    dirname(path) === trueRoot &&
    KEY_OR_SETTINGS.test(path) &&
    statSync(path, { throwIfNoEntry: false })?.isFile() === true
  if (taken === undefined && !isBeside) return
  const name = taken === undefined ? basename(path) : relative(root, taken)
  throw new AppError('BAD_ARGUMENT', `${out} is in ${name} of the home, which Bricktrail keeps.`, {
    hint: `Name a place outside ${root}.`,
  })
}

const isIn = (folder: string, path: string): boolean => path === folder || path.startsWith(folder + sep)

/** A path behind all links, as far as it exists; that of a link to nothing is where a file would be made. */
function truePath(path: string, links = MOST_LINKS): string {
  try {
    return realpathSync.native(path)
  } catch {
    const parent = dirname(path)
    if (parent === path) return path
    const here = join(truePath(parent, links), basename(path))
    const target = links > 0 ? targetOf(here) : undefined
    return target === undefined ? here : truePath(resolve(dirname(here), target), links - 1)
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch {
    return undefined
  }
}
