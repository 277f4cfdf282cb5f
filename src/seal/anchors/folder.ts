/** Copies as files on a mounted write-once share: made once, never written again. */
import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import type { FolderCopyConfig } from './contract.ts'
import type { CopyStore } from './copies.ts'

/** Nobody may write; where the share keeps files that are read-only, as many do, this is what fixes them. */
const READ_ONLY = 0o444

/** What file systems without hard links answer. */
const LINKLESS: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EMLINK', 'EXDEV'])

/** The store over a folder; the folder itself must be there, or an unmounted share would go unnoticed. */
export function folderCopies({ path }: FolderCopyConfig): CopyStore {
  const root = resolve(path)
  return {
    id: `folder ${root}`,
    async put(key, bytes) {
      const target = join(root, key)
      await makeParent(root, target)
      const made = await createOnce(target, bytes)
      if (made) await chmod(target, READ_ONLY)
      return made ? 'made' : 'taken'
    },
    versions: async (key) => [await readFile(join(root, key))],
    async list(prefix, after) {
      const names = await readdir(join(root, prefix)).catch((cause: unknown) => {
        if (codeOf(cause) === 'ENOENT') return []
        throw cause
      })
      const keys = names.filter((name) => /^\d{20}$/.test(name)).map((name) => `${prefix}${name}`)
      return keys.filter((key) => after === undefined || key > after).sort()
    },
  }
}

async function makeParent(root: string, target: string): Promise<void> {
  try {
    await mkdir(dirname(target))
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return
    const message = `The folder for copies ${root} cannot be written: ${messageOf(cause)}`
    throw new AppError('BAD_HOME', message, {
      where: root,
      hint: 'Mount the share, or mend copies in the settings.',
      cause,
    })
  }
}

/** Makes the file whole or not at all; false if there is one. */
async function createOnce(target: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = join(dirname(target), `.tmp-${randomUUID()}`)
  await writeNew(temporary, bytes)
  try {
    await link(temporary, target)
    return true
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'EEXIST') return false
    if (!LINKLESS.has(String(code))) throw cause
    return await writeExclusive(target, bytes)
  } finally {
    // A share that keeps everything keeps this too; it is never listed.
    await rm(temporary, { force: true }).catch(() => {})
  }
}

async function writeExclusive(target: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeNew(target, bytes)
    return true
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false
    throw cause
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

const codeOf = (cause: unknown): unknown =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
