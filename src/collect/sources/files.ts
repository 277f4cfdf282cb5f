/** Files on local disk: a file, a folder (with all below it), or a glob. */
import { glob, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Source, SourceObject } from '../contract.ts'

/** A file, a folder or a glob pattern. */
export const files: Source = {
  name: 'files',
  doc: 'A file, a folder with all below it, or a glob pattern.',
  takes: (spec) => spec !== '-' && !/^[a-z][a-z0-9+]+:\/\//i.test(spec),
  async list(spec) {
    const info = await stat(spec).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
      throw new AppError('UNREADABLE', `${spec} cannot be read: ${messageOf(cause)}`, { cause })
    })
    if (info?.isDirectory()) return inDayOrder(await walk(resolve(spec)))
    if (info !== undefined) return [await describe(resolve(spec), true)]
    const found: SourceObject[] = []
    for await (const match of glob(spec)) {
      const path = resolve(match)
      if (!isHidden(basename(path)) && (await stat(path)).isFile()) found.push(await describe(path, false))
    }
    if (found.length === 0) throw new AppError('NO_SOURCE', `${spec} is no file or folder, and no file matches it.`)
    return inDayOrder(found)
  },
}

/** Delta's own rule: names that begin so are no data. */
const isHidden = (name: string): boolean => name.startsWith('_') || name.startsWith('.')

async function walk(root: string): Promise<SourceObject[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw new AppError('UNREADABLE', `The folder ${root} cannot be read: ${messageOf(cause)}`, { cause })
  })
  const paths = entries
    .filter((entry) => !entry.isDirectory() && !isHidden(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.slice(root.length).split(/[/\\]/).some(isHidden))
  const objects = await Promise.all(paths.map((path) => describe(path, false).catch(() => undefined)))
  return objects.filter((object) => object !== undefined)
}

async function describe(path: string, named: boolean): Promise<SourceObject> {
  const info = await stat(path)
  return { key: path, path, sizeBytes: info.size, modifiedMs: Math.trunc(info.mtimeMs), named }
}

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
