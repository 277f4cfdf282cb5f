/** Failures told apart: those of the data, which concern one object, and those of the machine, which concern all. */
import { AppError, isAppError, messageOf } from '../core/errors.ts'

const codeOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const SHUT: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENOENT'])

/**
 * What went wrong with the home, in the words of the error table; any other cause as it is.
 *
 * @param what the thing that was written
 */
export function homeFailure(cause: unknown, what: string): unknown {
  if (isAppError(cause)) return cause
  const message = messageOf(cause)
  // SQLite tells a write beyond a limit as an I/O error, with no code of the system's.
  if (FULL.has(codeOf(cause)) || /database or disk is full|disk I\/O error/i.test(message))
    return new AppError('DISK_FULL', `${what} cannot be written: ${message}`, { cause })
  if (SHUT.has(codeOf(cause)) || /readonly database|unable to open database/i.test(message))
    return new AppError('BAD_HOME', `${what} cannot be used: ${message}`, { cause })
  return cause
}

const isOfEngine = (cause: unknown): cause is AppError => isAppError(cause) && cause.code === 'ENGINE'

/** True where the engine could not do with the memory it may use. */
export const isAboutMemory = (cause: unknown): cause is AppError =>
  isOfEngine(cause) && /out of memory|failed to (?:allocate|offload|pin)|could not allocate/i.test(cause.message)

/** True for a failure that reading other objects, or less of these, may avoid. */
export const isAboutData = (cause: unknown): cause is AppError =>
  isOfEngine(cause) ? !/interrupted/i.test(cause.message) : isAppError(cause) && cause.code === 'UNREADABLE'
