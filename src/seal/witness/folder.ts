/** The folder of a witness: its key, its memory, and the newest checkpoint it signed of each log. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../../core/errors.ts'
import { localStore } from '../../lake/stores/local.ts'
import { referredKey } from '../keys.ts'
import { KEY_TYPES, parseVkey, type Signer, signerOf } from '../note.ts'
import { WitnessMemory } from './memory.ts'

/** Vkey in the first line, then the private key as PEM: one file, so that neither is without the other. */
const KEY_FILE = 'witness.key'
const VKEY_FILE = 'witness.vkey'
const MEMORY_FILE = 'witness.db'

/** An opened folder. */
export interface WitnessFolder {
  readonly signer: Signer
  readonly memory: WitnessMemory
  /** Writes a note where the owner of the witness finds it, and says where that is; `name` may be any text. */
  publish(kind: 'checkpoints' | 'contradictions', name: string, note: string): Promise<string>
}

/**
 * Opens the folder of a witness; a new or empty one gets a key.
 *
 * @param name names the key, for a new one; random where absent
 * @throws AppError BAD_KEY, BAD_HOME; a folder with a key and no memory is refused, since a witness that forgot what it
 * signed can be led to sign something else
 */
export async function openWitnessFolder(folder: string, name?: string): Promise<WitnessFolder> {
  await makeFolder(folder)
  const [keyPath, memoryPath] = [join(folder, KEY_FILE), join(folder, MEMORY_FILE)]
  if (existsSync(keyPath) && !existsSync(memoryPath)) {
    throw new AppError('BAD_HOME', `The witness in ${folder} has lost its memory: there is no ${MEMORY_FILE}.`, {
      hint: `Put ${MEMORY_FILE} back as it was last, or begin again with a new key in another folder.`,
    })
  }
  const memory = WitnessMemory.open(memoryPath)
  try {
    await ownerOnly(memoryPath)
    if (!existsSync(keyPath)) await makeKey(folder, name ?? `witness/${randomBytes(8).toString('hex')}`)
    const signer = await loadKey(keyPath)
    if (name !== undefined && name !== signer.name) {
      throw new AppError('BAD_ARGUMENT', `The witness in ${folder} is called ${signer.name}, not ${name}.`, {
        hint: 'Leave --name out, or take another folder for another witness.',
      })
    }
    const store = localStore(folder)
    await store.put(VKEY_FILE, Buffer.from(`${signer.vkey}\n`))
    const publish: WitnessFolder['publish'] = async (kind, name, note) => {
      const key = `${kind}/${encodeURIComponent(name)}.txt`
      await store.put(key, Buffer.from(note))
      return join(folder, key)
    }
    return { signer, memory, publish }
  } catch (cause) {
    memory.close()
    throw cause
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new AppError('BAD_HOME', `The folder of the witness cannot be made: ${messageOf(cause)}`, {
      hint: 'Name a folder you can write to with --data DIR.',
      cause,
    })
  }
}

async function ownerOnly(path: string): Promise<void> {
  if (process.platform !== 'win32') await chmod(path, 0o600)
}

async function makeKey(folder: string, name: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { vkey } = signerOf(name, privateKey, KEY_TYPES.cosignature)
  const temporary = join(folder, `.${KEY_FILE}.new`)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${vkey}\n${privateKey.export({ type: 'pkcs8', format: 'pem' })}`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(folder, KEY_FILE))
}

async function loadKey(path: string): Promise<Signer> {
  const privateKey = await referredKey(`file:${path}`)
  const [first = ''] = (await readFile(path, 'utf8')).split('\n', 1)
  const announced = parseVkey(first)
  const signer = signerOf(announced.name, privateKey, KEY_TYPES.cosignature)
  if (signer.vkey === announced.vkey) return signer
  throw new AppError(
    'BAD_KEY',
    `The public key in the first line of ${path} is not that of the private key below it.`,
    {
      where: path,
      hint: 'Put the file back from a backup.',
    },
  )
}
