/** Whether the record of use can be written, asked before a service starts: without it every answer would be a refusal. */
import { access, constants, lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'

const FOLDER_MODE = 0o700

/** A full disk is no reason not to start: what runs holds back, says so, and goes on once there is room. */
const FULL: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT'])

/**
 * Makes the folder of the record where it is not there.
 * @throws AppError NOT_RECORDED naming the folder that cannot be written
 */
export async function checkOwnWritable(folder: string, now: Date): Promise<void> {
  await writable(folder, true)
  for (const each of [join(folder, `date=${now.toISOString().slice(0, 10)}`), `${folder}-begun`])
    await writable(each, false)
}

async function writable(folder: string, isNeeded: boolean): Promise<void> {
  try {
    const isThere = await lstat(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined
      throw cause
    })
    if (isThere === undefined && !isNeeded) return
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    if (FULL.has((cause as NodeJS.ErrnoException).code)) return
    throw new AppError('NOT_RECORDED', `The record of use cannot be written to ${folder}: ${messageOf(cause)}.`, {
      hint: 'Let the account that runs the service write there, and start it again: nothing is answered that cannot be recorded.',
      where: folder,
      cause,
    })
  }
}
