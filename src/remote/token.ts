/** The token a person asks with. It is never an argument: those stand in histories and in lists of processes. */
import type { Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError, isAppError, messageOf } from '../core/errors.ts'

/** Where a token can stand. */
export interface TokenPlaces {
  /** `--token-file`; stronger than the variable. */
  readonly file?: string | undefined
  /** `BRICKTRAIL_TOKEN`. */
  readonly variable?: string | undefined
}

const SHAPE = /^btk_[A-Za-z0-9_-]{20,200}$/
/** A token is short; a file of another kind should not be read whole. */
const MOST_BYTES = 4096
/** Read or write for group or others. */
const OTHERS = 0o077

/**
 * The token.
 * @throws AppError UNAUTHENTICATED where there is none; BAD_ARGUMENT for a text that is none and a file that others can read; UNREADABLE
 */
export async function tokenFrom({ file, variable }: TokenPlaces): Promise<string> {
  if (file !== undefined) return checked(await textOf(file), `What stands in ${file}`)
  if (variable !== undefined && variable.trim() !== '') return checked(variable, 'What BRICKTRAIL_TOKEN holds')
  throw new AppError('UNAUTHENTICATED', 'There is no token to ask the server with.', {
    hint: 'Set BRICKTRAIL_TOKEN, or name a file with --token-file; `bricktrail token create` on the machine of the home makes one.',
  })
}

async function textOf(path: string): Promise<string> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    checkMode(path, await handle.stat())
    const buffer = Buffer.alloc(MOST_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, MOST_BYTES)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (cause) {
    if (isAppError(cause)) throw cause
    throw new AppError('UNREADABLE', `The file of the token cannot be read: ${messageOf(cause)}`, { cause })
  } finally {
    await handle?.close()
  }
}

/** A pipe is whose end it is; Windows keeps elsewhere who may read a file. */
function checkMode(path: string, info: Stats): void {
  if (!info.isFile() || process.platform === 'win32' || (info.mode & OTHERS) === 0) return
  throw new AppError('BAD_ARGUMENT', `Others on this machine can read or change ${path}.`, {
    hint: `Keep it to yourself: chmod 600 ${path}. Who may have read it could have used the token; \`bricktrail token revoke\` ends it.`,
  })
}

/** Its text is in no message, whatever it is. */
function checked(text: string, named: string): string {
  const token = text.trim()
  if (SHAPE.test(token)) return token
  throw new AppError('BAD_ARGUMENT', `${named} is no token of Bricktrail: ${whyNot(token)}.`, {
    hint: '`bricktrail token create` prints one, this once.',
  })
}

/** So many characters stand behind the prefix of one that was copied whole. */
const USUAL_LENGTH = 43

function whyNot(token: string): string {
  if (!token.startsWith('btk_')) return 'those begin with btk_'
  const { length } = token.slice(4)
  return length === USUAL_LENGTH || !/^[\w-]*$/.test(token)
    ? 'it has other characters than letters, digits, _ and -'
    : `it has ${length} characters after btk_, and a token has ${USUAL_LENGTH}`
}
