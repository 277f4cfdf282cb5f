/** Secrets of a home: random keys in files of their owner's. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from './errors.ts'
import { OWNERS_FOLDER } from './home.ts'

const KEY_BYTES = 32
const KEY = new RegExp(`^[0-9a-f]{${KEY_BYTES * 2}}\\n$`)

/**
 * Reads a key, or makes it where there is none.
 *
 * @param loss what another key would mean, said where this one is damaged
 * @throws AppError BAD_HOME where it is damaged or cannot be read
 */
export function homeSecret(path: string, loss: string): string {
  for (;;) {
    const text = textAt(path)
    if (text !== undefined && KEY.test(text)) return text.trim()
    if (text !== undefined)
      throw new AppError('BAD_HOME', `${path} is no key.`, { hint: `Put back its copy, or remove it: ${loss}` })
    make(path)
  }
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new AppError('BAD_HOME', `${path} cannot be read.`, { cause })
  }
}

/** Two processes at once make one key: a link, unlike a rename, replaces nothing. */
function make(path: string): void {
  mkdirSync(dirname(path), OWNERS_FOLDER)
  const made = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(made, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(made, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    rmSync(made, { force: true })
  }
}
