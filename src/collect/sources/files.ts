/** Files on local disk: a file, a folder (with all below it), or a glob. */
import type { Dirent, Stats } from 'node:fs'
import { createReadStream, statSync } from 'node:fs'
import { glob, readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Home } from '../../core/home.ts'
import type { Source, SourceObject } from '../contract.ts'
import { Pace } from '../pace.ts'
import { spooled } from './stdin.ts'

/** A file, a folder or a glob pattern. */
export const files: Source = {
  name: 'files',
  doc: 'A file, a folder with all below it, or a glob pattern.',
  takes: (spec) => spec !== '-' && !/^[a-z][a-z0-9+]+:\/\//i.test(spec),
  async list(spec, context) {
    const info = await stat(spec).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
      throw new AppError('UNREADABLE', `${spec} cannot be read: ${messageOf(cause)}`, { cause })
    })
    if (info?.isDirectory()) return inDayOrder(await walk(resolve(spec), context.home))
    if (info?.isFile()) return [described(resolve(spec), info)]
    // A pipe, such as a shell's <(…), can be read but once.
    if (info !== undefined) return [await spooled(createReadStream(spec), context.tmp, 'pipe')]
    const found: SourceObject[] = []
    const pace = new Pace()
    for await (const match of glob(spec)) {
      const path = resolve(match)
      if (!isHidden(basename(path)) && !isOfHome(path, context.home)) found.push(...(await fileAt(path, pace)))
    }
    if (found.length === 0) throw new AppError('NO_SOURCE', `${spec} is no file or folder, and no file matches it.`)
    return inDayOrder(found)
  },
}

/** Delta's own rule: names that begin so are no data. */
const isHidden = (name: string): boolean => name.startsWith('_') || name.startsWith('.')

/** True for what Bricktrail itself keeps: a lake is no log. Its record of use is one, where that is what was asked for. */
function isOfHome(path: string, home: Home, root?: string): boolean {
  const { lake, seal, raw, manifests, detect, own, tmp, cache } = home
  const isBelow = (at: string, folder: string) => at === folder || at.startsWith(folder + sep)
  const folders = [lake, seal, raw, manifests, detect, tmp, cache]
  if (folders.some((folder) => isBelow(path, folder))) return true
  if (isBelow(path, own)) return root === undefined || !isBelow(root, own)
  return [home.ledger, home.writerLock, home.serviceLock, home.alerts, home.outbox, home.access].some((file) =>
    path.startsWith(file),
  )
}

/** All files below a folder; links are followed, each folder is entered once. */
async function walk(root: string, home: Home): Promise<SourceObject[]> {
  const entered = new Set<string>()
  const objects: SourceObject[] = []
  const pace = new Pace()
  const enter = async (folder: string): Promise<void> => {
    const real = await realpath(folder).catch(() => folder)
    if (entered.has(real)) return
    entered.add(real)
    const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
      if (folder === root)
        throw new AppError('UNREADABLE', `The folder ${root} cannot be read: ${messageOf(cause)}`, { cause })
      objects.push(unseen(folder))
      return [] as Dirent[]
    })
    const wanted = entries
      .filter(({ name }) => !isHidden(name))
      .map((entry) => ({ entry, path: join(folder, entry.name) }))
      .filter(({ path }) => !isOfHome(path, home, root) && path !== home.root)
    const found = await Promise.all(
      wanted.map(({ entry, path }) => (entry.isDirectory() ? path : fileOrFolder(path, pace))),
    )
    for (const each of found.flat()) {
      if (typeof each === 'string') await enter(each)
      else objects.push(each)
    }
  }
  await enter(root)
  return objects
}

/** An object for a file, the path for a folder, nothing for what is neither, such as a socket. */
async function fileOrFolder(path: string, pace: Pace): Promise<(SourceObject | string)[]> {
  const info = await pace
    .call<Stats | undefined>(
      () => statSync(path, { throwIfNoEntry: false }),
      () => stat(path),
    )
    .catch(() => undefined)
  if (info === undefined) return [unseen(path)]
  return info.isDirectory() ? [path] : info.isFile() ? [described(path, info)] : []
}

const fileAt = async (path: string, pace: Pace): Promise<SourceObject[]> =>
  (await fileOrFolder(path, pace)).filter((each) => typeof each !== 'string')

const described = (path: string, { size, mtimeMs }: Stats): SourceObject => ({
  key: path,
  path,
  sizeBytes: size,
  modifiedMs: Math.trunc(mtimeMs),
})

/** What cannot even be looked at, such as a link to nowhere. It is listed, so that reading it says why. */
const unseen = (path: string): SourceObject => ({ key: path, path, sizeBytes: 0, modifiedMs: 0 })

/** Day in a delivery path (`date=2026-11-12`) or an Azure one (`y=2026/m=11/d=12`). */
const dayOf = (path: string): string =>
  /date=(\d{4}-\d\d-\d\d)/.exec(path)?.[1] ?? /y=(\d{4})[/\\]m=(\d\d)[/\\]d=(\d\d)/.exec(path)?.slice(1).join('-') ?? ''

/** One day's objects together: a batch then touches few partitions, and each file of the lake holds one stretch of time. */
function inDayOrder(objects: SourceObject[]): SourceObject[] {
  return objects
    .map((object) => ({ object, day: dayOf(object.key) }))
    .sort((a, b) => (a.day === b.day ? compare(a.object.key, b.object.key) : compare(a.day, b.day)))
    .map(({ object }) => object)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
