/** Whether the record of use can be written, asked before a service starts: without it every answer would be a refusal. */
import { access, constants, lstat, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError, isAppError, messageOf } from '../core/errors.ts'

/**
 * Makes nothing: the first record does.
 * @throws AppError NOT_RECORDED naming the folder that cannot be written
 */
export async function checkOwnWritable(folder: string, now: Date): Promise<void> {
  for (const each of [folder, join(folder, `date=${now.toISOString().slice(0, 10)}`), `${folder}-begun`])
    await writable(each)
}

/** Of a folder that is not there yet, the one in which it will be made is asked. */
async function writable(folder: string): Promise<void> {
  try {
    const info = await stat(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined
      throw cause
    })
    if (info === undefined && (await isLink(folder))) throw new Error('it is a link to something that is not there')
    if (info === undefined) return await writable(dirname(folder))
    if (!info.isDirectory()) throw new Error('it is no folder')
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    if (isAppError(cause)) throw cause
    throw new AppError('NOT_RECORDED', `The record of use cannot be written to ${folder}: ${messageOf(cause)}.`, {
      hint: 'Let the account that runs the service write there, and start it again: nothing is answered that cannot be recorded.',
      where: folder,
      cause,
    })
  }
}

const isLink = (path: string): Promise<boolean> =>
  lstat(path).then(
    (info) => info.isSymbolicLink(),
    () => false,
  )
