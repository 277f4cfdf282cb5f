/** The keys that sign a log: made on first use or given by reference, and the public ones of all times. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'
import { localStore } from '../lake/stores/local.ts'
import { openCheckpoint } from './checkpoint.ts'
import { parseKeyReference } from './key-reference.ts'
import { sameHead } from './log-head.ts'
import { withSealLock } from './log-lock.ts'
import { handoverIn, isSignedBy, readPending } from './log-pending.ts'
import { parseVkey, type Signer, signerOf, type Verifier } from './note.ts'

/** Folder of the keys inside the seal's folder. */
export const KEYS_FOLDER = 'keys'

/** Holds the public key that signs now, below the seal's folder. */
export const NEWEST_VKEY = `${KEYS_FOLDER}/log.vkey`

/** Where a private key comes from and how a new log is named. */
export interface KeyOptions {
  /** `file:PATH` or `env:NAME`, a PKCS #8 PEM of an Ed25519 key; without it the key is in the seal's own folder. */
  readonly reference?: string
  /** Name of the log and of its keys, for a log that has none yet; random where absent. */
  readonly origin?: string
}

/** Bits that let anyone but the owner do something with a file. */
const OTHERS = 0o077

const restoreHint = 'Put the seal folder back from a backup, keys included.'

/** The keys of one log, those that sign with their private halves. */
export class SealKeys {
  readonly #folder: string
  #reference: string | undefined
  #active: Signer
  #next: Signer | undefined
  #nextReference: string | undefined
  #verifiers: readonly Verifier[]

  private constructor(folder: string, reference: string | undefined, active: Signer, verifiers: readonly Verifier[]) {
    this.#folder = folder
    this.#reference = reference
    this.#active = active
    this.#verifiers = verifiers
  }

  /**
   * The keys of the log in a seal's folder. A log that has none gets one: a new key of its own, or the one referred to.
   *
   * @throws AppError BAD_KEY if the private key is missing, readable by others, or not the one the log is signed with
   */
  static async load(folder: string, options: KeyOptions = {}): Promise<SealKeys> {
    if ((await newestVkey(folder)) === undefined) {
      await withSealLock(folder, async () => {
        if ((await newestVkey(folder)) === undefined) await firstKey(folder, options)
      })
    }
    const { newest, all } = await publicKeys(folder)
    const { reference } = options
    try {
      return new SealKeys(folder, reference, await privateKeyOf(folder, newest, reference), all)
    } catch (cause) {
      const keys = await SealKeys.#amidRotation(folder, newest, all, reference)
      if (keys === undefined) throw cause
      return keys
    }
  }

  /**
   * The keys of a log whose change of keys was interrupted, where the reference leads to the key that takes over already.
   * Both keys must have signed the record of that, or a stranger's log could have itself continued by the key referred to.
   */
  static async #amidRotation(
    folder: string,
    newest: Verifier,
    all: readonly Verifier[],
    reference: string | undefined,
  ): Promise<SealKeys | undefined> {
    const store = localStore(folder)
    const pending = await readPending(store)
    const told = pending && handoverIn(pending.entries)
    if (pending === undefined || told?.previous !== newest.vkey) return undefined
    const next = parseVkey(told.vkey)
    if (![newest, next].every((key) => isSignedBy(pending, key))) return undefined
    const following = await firstAtHand(folder, next, [reference, pending.references[next.vkey]])
    try {
      const { signer, reference: before } = await firstAtHand(folder, newest, [pending.references[newest.vkey]])
      const keys = new SealKeys(folder, before, signer, all)
      keys.#next = following.signer
      keys.#nextReference = following.reference
      return keys
    } catch (cause) {
      // Once both have signed the checkpoint, the one before is not needed any more.
      const note = await store.read('log/checkpoint')
      const head = note && openCheckpoint(note, [next, ...all])
      if (head && sameHead(head, pending.to) && head.note.verified.some(({ key }) => key.vkey === next.vkey)) {
        return new SealKeys(folder, following.reference, following.signer, [next, ...all])
      }
      throw cause
    }
  }

  /** Name of the log and of all its keys. */
  get origin(): string {
    return this.#active.name
  }

  /** The public key that signs now. */
  get vkey(): string {
    return this.#active.vkey
  }

  /** The key that signs now. */
  get active(): Signer {
    return this.#active
  }

  /** The key that is to take over, between {@link prepareRotation} and the leaf that says so. */
  get next(): Signer | undefined {
    return this.#next
  }

  /** Every public key the log ever had. */
  get verifiers(): readonly Verifier[] {
    return this.#verifiers
  }

  /**
   * Makes the key that is to take over, or takes the one referred to. It takes over with the append of a `key` entry that
   * says what is returned here; both keys sign that checkpoint.
   *
   * @throws AppError BAD_KEY
   */
  async prepareRotation(reference?: string): Promise<{ vkey: string; previous: string }> {
    const next =
      reference === undefined
        ? await makeKey(this.#folder, this.origin)
        : signerOf(this.origin, await referredKey(reference))
    if (this.#verifiers.some(({ vkey }) => vkey === next.vkey)) {
      throw new AppError('BAD_KEY', `The log has been signed with ${next.name}+${next.id} before.`, {
        hint: 'Refer to a new key: openssl genpkey -algorithm ed25519',
      })
    }
    this.#next = next
    this.#nextReference = reference
    return { vkey: next.vkey, previous: this.vkey }
  }

  /**
   * Takes up a change of keys that was interrupted: the key that was to take over is {@link next} again.
   *
   * @param reference where it was when the change began, if it was given by reference
   * @throws AppError BAD_KEY if it is not at hand
   */
  async resumeRotation(vkey: string, reference?: string): Promise<void> {
    if (this.#next?.vkey === vkey) return
    const found = await firstAtHand(this.#folder, parseVkey(vkey), [reference, this.#reference])
    this.#next = found.signer
    this.#nextReference = found.reference
  }

  /** Where those of some keys are that were given by reference, by their vkeys. */
  referencesOf(keys: readonly Verifier[]): Record<string, string> {
    const all = [
      [this.#active.vkey, this.#reference],
      [this.#next?.vkey, this.#nextReference],
    ] as const
    return Object.fromEntries(
      keys.flatMap(({ vkey }) => all.flatMap(([held, from]) => (held === vkey && from ? [[vkey, from]] : []))),
    )
  }

  /** From now on this key signs; the one before is removed if it is in the seal's own folder. Can be done twice. */
  async takeOver(next: Signer, previous: Verifier): Promise<void> {
    const store = localStore(this.#folder)
    await store.put(vkeyPath(next), Buffer.from(`${next.vkey}\n`))
    await store.put(NEWEST_VKEY, Buffer.from(`${next.vkey}\n`))
    // Whoever finds it later could only forge with it.
    await rm(keyPath(this.#folder, previous.id), { force: true })
    this.#verifiers = [next, ...this.#verifiers.filter(({ vkey }) => vkey !== next.vkey)]
    if (this.#next?.vkey === next.vkey) this.#reference = this.#nextReference
    this.#active = next
    this.#next = undefined
    this.#nextReference = undefined
  }

  /**
   * Loads the keys anew if another process has changed them since.
   *
   * @throws AppError BAD_KEY if the reference given still leads to the key before
   */
  async refresh(): Promise<void> {
    if ((await newestVkey(this.#folder))?.vkey === this.vkey) return
    const { newest, all } = await publicKeys(this.#folder)
    this.#active = await privateKeyOf(this.#folder, newest, this.#reference)
    this.#verifiers = all
  }
}

/**
 * The public keys of a log: the one that signs now, and all there ever were.
 *
 * @throws AppError BAD_KEY where there is none
 */
export async function publicKeys(folder: string): Promise<{ newest: Verifier; all: readonly Verifier[] }> {
  const newest = await newestVkey(folder)
  if (newest === undefined) {
    throw new AppError('BAD_KEY', `There is no ${NEWEST_VKEY} in ${folder}.`, { hint: restoreHint })
  }
  const store = localStore(folder)
  const paths = (await store.list(`${KEYS_FOLDER}/`)).filter((path) => path.endsWith('.vkey') && path !== NEWEST_VKEY)
  const texts = await Promise.all(paths.map((path) => store.read(path)))
  const all = texts.map((bytes) => parseVkey(String(Buffer.from(bytes ?? []))))
  return { newest, all: [newest, ...all.filter(({ vkey }) => vkey !== newest.vkey)] }
}

async function newestVkey(folder: string): Promise<Verifier | undefined> {
  const bytes = await localStore(folder).read(NEWEST_VKEY)
  return bytes && parseVkey(String(Buffer.from(bytes)))
}

async function firstKey(folder: string, { reference, origin }: KeyOptions): Promise<void> {
  const store = localStore(folder)
  for (const path of [`${KEYS_FOLDER}/head.json`, 'log/checkpoint']) {
    if (await store.stat(path)) {
      throw new AppError('BAD_KEY', `${folder} has ${path} but no ${NEWEST_VKEY}.`, { hint: restoreHint })
    }
  }
  const name = origin ?? `bricktrail/${randomBytes(16).toString('hex')}`
  const key = reference === undefined ? await makeKey(folder, name) : signerOf(name, await referredKey(reference))
  await store.put(vkeyPath(key), Buffer.from(`${key.vkey}\n`))
  await store.put(NEWEST_VKEY, Buffer.from(`${key.vkey}\n`))
}

// A name may be a path; its file stands beside the others all the same.
const vkeyPath = ({ name, id }: Verifier): string => `${KEYS_FOLDER}/${encodeURIComponent(name)}+${id}.vkey`

const keyPath = (folder: string, id: string): string => join(folder, KEYS_FOLDER, `${id}.key`)

/** Makes a new private key in the seal's own folder, readable by its owner only. */
async function makeKey(folder: string, name: string): Promise<Signer> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = signerOf(name, privateKey)
  const path = keyPath(folder, key.id)
  await mkdir(join(folder, KEYS_FOLDER), { recursive: true, mode: 0o700 })
  const temporary = join(folder, KEYS_FOLDER, `.tmp-${randomUUID()}`)
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  return key
}

/**
 * The private half of a public key.
 *
 * @throws AppError BAD_KEY if it is not there or another one
 */
async function privateKeyOf(folder: string, key: Verifier, reference?: string): Promise<Signer> {
  const where = reference ?? `file:${keyPath(folder, key.id)}`
  const found = signerOf(key.name, await referredKey(where))
  if (found.vkey === key.vkey) return found
  throw new AppError('BAD_KEY', `The key in ${where} is not ${key.name}+${key.id}, which signs this log.`, {
    where,
    hint: 'Refer to the key the log was begun with; `bricktrail seal key rotate` changes to another.',
  })
}

/**
 * The private half of a public key, from the first of some references that leads to it, or else from the seal's own folder.
 *
 * @throws AppError BAD_KEY if none does; about the first reference, where there is one
 */
async function firstAtHand(
  folder: string,
  key: Verifier,
  references: readonly (string | undefined)[],
): Promise<{ signer: Signer; reference: string | undefined }> {
  let failure: unknown
  for (const reference of [...references.filter((given) => given !== undefined), undefined]) {
    try {
      return { signer: await privateKeyOf(folder, key, reference), reference }
    } catch (cause) {
      failure ??= cause
    }
  }
  throw new AppError(
    'BAD_KEY',
    `A change of keys was interrupted, and ${key.name}+${key.id} is not at hand: ${messageOf(failure)}`,
    {
      hint: 'Give that key once more, where it was when the change began; the next run finishes it.',
      cause: failure,
    },
  )
}

/**
 * The key a reference names.
 *
 * @param reference `file:PATH` or `env:NAME`
 * @throws AppError BAD_KEY
 */
export async function referredKey(reference: string): Promise<KeyObject> {
  const pem = await referredText(reference)
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new AppError('BAD_KEY', `${reference} does not hold a private key in PEM.`, {
      where: reference,
      hint: 'Make one with: openssl genpkey -algorithm ed25519',
      cause,
    })
  }
}

async function referredText(reference: string): Promise<string> {
  const found = parseKeyReference(reference)
  if (found === undefined) throw new AppError('BAD_KEY', 'A key is given as file:PATH or env:NAME.')
  if (found.path !== undefined) return ownersText(found.path)
  const text = process.env[found.variable]
  if (text === undefined || text === '')
    throw new AppError('BAD_KEY', `The environment has no ${found.variable}.`, { where: reference })
  return text.replaceAll('\\n', '\n')
}

async function ownersText(path: string): Promise<string> {
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      throw new AppError('BAD_KEY', `Others can read the private key ${path}.`, {
        where: path,
        hint: `Run: chmod 600 ${path}`,
      })
    }
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('BAD_KEY', `The private key cannot be read: ${messageOf(cause)}`, {
      where: path,
      hint: `${restoreHint} Without it the log cannot go on.`,
      cause,
    })
  }
}
