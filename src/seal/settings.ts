/** What a home's owner decided about its seal: `seal/settings.json`. Secrets are references. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { canonicalize } from 'json-canonicalize'
import { AppError } from '../core/errors.ts'
import type { Home } from '../core/home.ts'
import type {
  AnchorsConfig,
  FolderCopyConfig,
  S3CopyConfig,
  TimestampConfig,
  WitnessConfig,
} from './anchors/contract.ts'
import { parseKeyReference } from './key-reference.ts'
import { choice, fields, type Keys, list, nothing, text, variant, whole } from './settings-shape.ts'

/** The settings, complete. */
export interface SealSettings extends AnchorsConfig {
  /** Whether received bytes are kept, or only their digest. */
  readonly raw: 'keep' | 'digest-only'
  /** Reference to the key that the raw archive is encrypted with; null for no encryption. */
  readonly rawKey: string | null
  /** Reference to the key that signs; null for one that the home makes itself. */
  readonly signingKey: string | null
  /** Name of the log; null for one that the home makes up. */
  readonly origin: string | null
}

/** Without a file everything received is kept, in the clear, and nothing outside is asked. */
export const DEFAULT_SETTINGS: SealSettings = {
  raw: 'keep',
  rawKey: null,
  signingKey: null,
  origin: null,
  witnesses: [],
  timestamps: [],
  copies: [],
}

/** Where the settings of a home are. */
export const settingsPath = (home: Pick<Home, 'root'>): string => join(home.root, 'seal', 'settings.json')

/**
 * The settings of a home; the defaults where it has no file.
 * @throws AppError BAD_HOME naming the file and the key that is wrong, never what it holds
 */
export async function sealSettings(home: Pick<Home, 'root'>): Promise<SealSettings> {
  const file = settingsPath(home)
  const content = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new AppError('BAD_HOME', `${file} cannot be read: ${cause.code ?? cause.message}`, { where: file, cause })
  })
  return content === undefined ? DEFAULT_SETTINGS : checkedSettings(parsed(content, file), file)
}

/**
 * Settings from a value that may be anything, whatever file it stood in.
 * @throws AppError BAD_HOME
 */
export function checkedSettings(value: unknown, file: string): SealSettings {
  const given = fields<Partial<SealSettings>>(SETTINGS, {})(value, { file, key: '' })
  return Object.freeze({ ...DEFAULT_SETTINGS, ...given })
}

/** SHA-256 of the settings' canonical JSON: says that they changed, and what a reference leads to is no part of it. */
export const settingsDigest = (settings: SealSettings): string =>
  createHash('sha256').update(canonicalize(settings)).digest('hex')

function parsed(content: string, file: string): unknown {
  try {
    return JSON.parse(content.replace(/^\ufeff/, ''))
  } catch {
    // The cause stays here: its message quotes the text, and a key may have been pasted there.
    throw new AppError('BAD_HOME', `${file} is not JSON.`, {
      where: file,
      hint: `Check quotes, commas and brackets, and take out comments; jq . ${file} shows the line.`,
    })
  }
}

const REFERENCE_HINT = 'Write "file:/absolute/path" or "env:NAME"; the key itself does not belong here.'

const reference = text((value) => {
  const { path, variable } = parseKeyReference(value) ?? {}
  const isGood = variable !== undefined || (path !== undefined && isAbsolute(path))
  return isGood ? undefined : ['is no reference to a key', REFERENCE_HINT]
})

// A key name of a signed note (C2SP) goes up to the first plus, and is one word.
const originName = text((value) =>
  /^[^\s+\p{C}]{1,255}$/u.test(value)
    ? undefined
    : ['is no name of a log', 'Write a name without blanks and "+", such as "logs.example.com/bricktrail".'],
)

const url = text((value) => {
  const parts = URL.canParse(value) ? new URL(value) : undefined
  if (parts?.protocol !== 'https:' && parts?.protocol !== 'http:')
    return ['is no web address', 'Write an address that begins with https:// or http://.']
  if (parts.username !== '' || parts.password !== '')
    return ['has a user name or password in it', 'Leave them out: secrets do not belong in settings.']
  if (parts.search !== '' || parts.hash !== '')
    return [
      'has a query or a fragment in it',
      'Leave it out: settings stand in the log for good, and tokens do not belong there.',
    ]
  return undefined
})

const vkey = text((value) =>
  /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(value)
    ? undefined
    : ['is no public key', 'Write the line that the witness shows: name+id+base64.'],
)

const absolutePath = text((value) =>
  isAbsolute(value) ? undefined : ['is no absolute path', 'Write the path from the root.'],
)

const plain = text((value) => (value === '' ? ['is empty', 'Write its value, or leave the key out.'] : undefined))

/** S3 keeps no lock longer than a hundred years. */
const MOST_DAYS = 36_500

const folderCopy: Keys<FolderCopyConfig> = { kind: choice('folder'), path: absolutePath }
const s3Copy: Keys<S3CopyConfig> = {
  kind: choice('s3'),
  bucket: plain,
  prefix: text(() => undefined),
  region: plain,
  endpoint: url,
  retainDays: whole(1, MOST_DAYS),
}

const SETTINGS: Keys<SealSettings> = {
  raw: choice('keep', 'digest-only'),
  rawKey: nothing(reference),
  signingKey: nothing(reference),
  origin: nothing(originName),
  witnesses: list(fields<WitnessConfig>({ url, vkey }, { url: true, vkey: true })),
  timestamps: list(fields<TimestampConfig>({ url, ca: absolutePath }, { url: true, ca: true })),
  copies: list(
    variant<FolderCopyConfig | S3CopyConfig>('kind', {
      folder: fields<FolderCopyConfig>(folderCopy, { kind: true, path: true }),
      s3: fields<S3CopyConfig>(s3Copy, { kind: true, bucket: true, region: true, retainDays: true }, { prefix: '' }),
    }),
  ),
}
