/** Objects as files in a folder. Durable by fsync, atomic by hard link (put if absent) and rename (replace). */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import { type ObjectStore, STAGING_DIR, TEMP_PREFIX } from './contract.ts'

/** A store over the folder `root`, which is made on the first write. */
export function localStore(root: string): ObjectStore {
  const base = resolve(root)
  const pathOf = (key: string): string => join(base, key)

  async function writeBeside(path: string, bytes: Uint8Array): Promise<string> {
    await makeFolder(dirname(path))
    const temp = join(dirname(path), `${TEMP_PREFIX}${randomUUID()}`)
    const file = await open(temp, 'wx')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    return temp
  }

  return {
    list: (prefix, startAfter) => guarded(prefix, () => listKeys(base, prefix, startAfter)),
    read: (key) => guarded(key, () => absentAsUndefined(readFile(pathOf(key)))),
    stat: (key) =>
      guarded(key, async () => {
        const info = await absentAsUndefined(stat(pathOf(key)))
        return info && { sizeBytes: info.size, modifiedMs: Math.trunc(info.mtimeMs) }
      }),
    putIfAbsent: (key, bytes) =>
      guarded(key, async () => {
        const path = pathOf(key)
        const temp = await writeBeside(path, bytes)
        try {
          return await linkOnce(temp, path)
        } finally {
          await rm(temp, { force: true })
        }
      }),
    put: (key, bytes) =>
      guarded(key, async () => {
        const path = pathOf(key)
        const temp = await writeBeside(path, bytes)
        await rename(temp, path).catch(async (cause) => {
          await rm(temp, { force: true })
          throw cause
        })
        await syncFolder(dirname(path))
      }),
    delete: (key) => guarded(key, () => rm(pathOf(key), { force: true })),
    stage: (extension) =>
      guarded(STAGING_DIR, async () => {
        const folder = join(base, STAGING_DIR)
        await makeFolder(folder)
        return join(folder, `${randomUUID()}.${extension}`)
      }),
    publish: (staged, key) =>
      guarded(key, async () => {
        const path = pathOf(key)
        await syncFile(staged)
        await makeFolder(dirname(path))
        if (!(await linkOnce(staged, path))) return false
        await rm(staged, { force: true })
        return true
      }),
    discard: (staged) => guarded(staged, () => rm(staged, { force: true })),
    locate: pathOf,
  }
}

async function listKeys(base: string, prefix: string, startAfter: string | undefined): Promise<string[]> {
  const entries = await absentAsUndefined(readdir(join(base, prefix), { recursive: true, withFileTypes: true }))
  const keys = (entries ?? [])
    .filter((entry) => entry.isFile())
    .map((entry) => relative(base, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
  return keys.filter((key) => startAfter === undefined || key > startAfter).sort()
}

/** Gives `existing` the further name `path`, durably; false if the name is taken. */
async function linkOnce(existing: string, path: string): Promise<boolean> {
  try {
    await link(existing, path)
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  }
  await syncFolder(dirname(path))
  return true
}

/** Makes a folder and its parents; each new name is synced in its parent, or a crash could lose it with its files. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no handle on a folder to sync; NTFS journals names itself.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw cause
  }
}

const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined

const syscallOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'syscall' in cause ? cause.syscall : undefined

/** What file systems without hard links answer; FAT says EPERM instead. */
const LINKLESS: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** What a folder answers that may not be written, or that is no folder. */
const REFUSED: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR'])

/** Runs file work and names the failures a user can mend; any other is a bug and goes on up. */
async function guarded<T>(where: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = codeOf(cause)
    const detail = { where, cause }
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new AppError('DISK_FULL', `The disk is full: ${messageOf(cause)}`, detail)
    }
    if (LINKLESS.has(String(code)) || (code === 'EPERM' && syscallOf(cause) === 'link')) {
      throw new AppError('BAD_HOME', `The file system cannot make hard links: ${messageOf(cause)}`, {
        ...detail,
        hint: 'Put the home on a local file system such as ext4, xfs, btrfs, APFS or NTFS.',
      })
    }
    if (REFUSED.has(String(code))) {
      throw new AppError('BAD_HOME', `The lake cannot be read or written: ${messageOf(cause)}`, detail)
    }
    throw cause
  }
}
