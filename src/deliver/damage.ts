/** SQLite files that are damaged: told as what they are, with what is lost if they are moved away. */
import { AppError } from '../core/errors.ts'

/** SQLITE_CORRUPT and SQLITE_NOTADB (https://www.sqlite.org/rescode.html); extended codes have them in their last byte. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26])

const isDamage = (cause: unknown): boolean => {
  const { errcode } = (cause ?? {}) as { errcode?: number }
  return errcode !== undefined && DAMAGED.has(errcode & 0xff)
}

/** What to tell of a file. */
export interface Losable {
  readonly path: string
  /** What it is, such as "The outbox". */
  readonly what: string
  /** What is lost with it, and what is not, after the words on how to move it away. */
  readonly loss: string
}

/**
 * Does something with the file.
 * @throws AppError BAD_HOME where the file is damaged; whatever else is thrown, as it is
 */
export function unlessDamaged<T>({ path, what, loss }: Losable, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!isDamage(cause)) throw cause
    throw new AppError('BAD_HOME', `${what} ${path} is damaged: ${(cause as Error).message}.`, {
      where: path,
      hint: `Stop what uses it, and put a copy from a backup there, or move it away with its -wal and -shm. ${loss}`,
      cause,
    })
  }
}
