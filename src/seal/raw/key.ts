/**
 * The key of the raw archive: 32 bytes, named by a reference (`file:/path` or `env:NAME`). What it holds is in no message, no
 * error and no print of an object.
 */
import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { parseKeyReference } from '../key-reference.ts'

const KEY_BYTES = 32

/** What per-file keys are derived for (the `info` of RFC 5869); a key used elsewhere too gives other ones there. */
const PURPOSE = 'bricktrail raw 1'

const FORMS = '32 bytes, or their 64 hex digits, or their base64'

/** A master key. Prints as its id only. */
export class RawKey {
  readonly #key: KeyObject
  /** First 8 hex digits of the SHA-256 of the key: enough to tell keys apart, and nothing to find one by. */
  readonly id: string

  private constructor(bytes: Uint8Array) {
    this.#key = createSecretKey(bytes)
    this.id = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
  }

  /** The key of these 32 bytes. */
  static of(bytes: Uint8Array): RawKey {
    if (bytes.length !== KEY_BYTES)
      throw new AppError('BAD_KEY', `A key of the raw archive has ${KEY_BYTES} bytes, not ${bytes.length}.`, {
        hint: `Give ${FORMS}.`,
      })
    return new RawKey(bytes)
  }

  /** The key that one file is encrypted with. */
  fileKey(salt: Uint8Array): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync('sha256', this.#key, salt, PURPOSE, KEY_BYTES)))
  }

  /** The key itself, to be handed to a worker. */
  reveal(): Uint8Array {
    return this.#key.export()
  }

  toJSON(): string {
    return `key ${this.id}`
  }
}

/**
 * The key a reference names.
 *
 * @param reference `file:/path` or `env:NAME`
 * @param setting what to call the setting in messages, such as `rawKey in …/settings.json`
 * @throws AppError BAD_KEY, which never quotes what it read
 */
export async function readRawKey(
  reference: string,
  setting = 'rawKey',
  env: NodeJS.ProcessEnv = process.env,
): Promise<RawKey> {
  const { path, variable } = parseKeyReference(reference) ?? {}
  if (variable !== undefined) return fromVariable(variable, setting, env)
  if (path !== undefined && isAbsolute(path)) return fromFile(path, setting)
  throw new AppError('BAD_KEY', `${setting} is no reference to a key.`, {
    hint: 'Write file:/absolute/path or env:NAME; a key itself does not belong in settings.',
    where: setting,
  })
}

function fromVariable(name: string, setting: string, env: NodeJS.ProcessEnv): RawKey {
  const text = env[name]
  if (text === undefined || text.trim() === '') {
    throw new AppError('BAD_KEY', `${setting}: the environment variable ${name} is not set.`, {
      hint: `Set ${name} to the 64 hex digits or the base64 of the key; openssl rand -hex 32 makes one.`,
      where: setting,
    })
  }
  return parsed(Buffer.from(text), `the environment variable ${name}`, setting)
}

async function fromFile(path: string, setting: string): Promise<RawKey> {
  const bytes = await readKeyFile(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof AppError) throw cause
    const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code ?? 'unknown error'})`
    throw new AppError('BAD_KEY', `${setting}: the key file ${path} ${why}.`, {
      hint: `If there was a key, put it back: what was kept under it needs it. If there never was: (umask 077; openssl rand -hex 32 > ${path})`,
      where: path,
    })
  })
  return parsed(bytes, path, setting)
}

/** No key file is longer; a wrong path may name something endless. */
const KEY_FILE_BYTES = 4096

async function readKeyFile(path: string): Promise<Buffer> {
  const info = await stat(path)
  if (!info.isFile() || info.size > KEY_FILE_BYTES) return Buffer.alloc(0)
  if (process.platform !== 'win32' && (info.mode & 0o007) !== 0) {
    throw new AppError('BAD_KEY', `The key file ${path} is open to every user of this machine.`, {
      hint: `Run: chmod 600 ${path}`,
      where: path,
    })
  }
  return readFile(path)
}

function parsed(bytes: Buffer, what: string, setting: string): RawKey {
  const text = bytes.toString('latin1').trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return RawKey.of(Buffer.from(text, 'hex'))
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return RawKey.of(Buffer.from(text, 'base64'))
  // 32 hex digits are a key half as long, written down: taken as 32 bytes it would be far weaker than it looks.
  if (bytes.length === KEY_BYTES && !/^[0-9a-f]{32}$/i.test(text)) return RawKey.of(bytes)
  throw new AppError('BAD_KEY', `${setting}: ${what} holds no key of ${KEY_BYTES} bytes.`, {
    hint: `It must hold ${FORMS}; openssl rand -hex 32 makes one.`,
    where: setting,
  })
}
