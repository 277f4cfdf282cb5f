import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { publicKeys, SealKeys } from './keys.ts'
import { parseVkey } from './note.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-keys-'))
})
afterEach(async () => {
  delete process.env.SEAL_TEST_KEY
  await rm(folder, { recursive: true, force: true })
})

const seal = () => join(folder, 'seal')
const pem = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
const refuse = async (message: RegExp, options = {}) => {
  await expect(SealKeys.load(seal(), options)).rejects.toMatchObject({
    code: 'BAD_KEY',
    message: expect.stringMatching(message),
  })
}

describe('a key of the log’s own', () => {
  it('is made on first use, for its owner only, and is the same ever after', async () => {
    const { active, origin, vkey } = await SealKeys.load(seal())
    expect(origin).toMatch(/^bricktrail\/[0-9a-f]{32}$/)
    expect(parseVkey(await readFile(join(seal(), 'keys/log.vkey'), 'utf8')).vkey).toBe(vkey)
    expect(await modeOf(join(seal(), 'keys'))).toBe(0o700)
    expect(await modeOf(join(seal(), `keys/${active.id}.key`))).toBe(0o600)
    expect((await SealKeys.load(seal(), { origin: 'ignored' })).vkey).toBe(vkey)
    expect((await publicKeys(seal())).all.map((key) => key.vkey)).toEqual([vkey])
  })

  it('is one key, however many ask for it first', async () => {
    const loaded = await Promise.all(
      Array.from({ length: 6 }, () => SealKeys.load(seal(), { origin: 'example.com/t' })),
    )
    expect(new Set(loaded.map(({ vkey }) => vkey)).size).toBe(1)
    expect((await readdir(join(seal(), 'keys'))).filter((name) => name.endsWith('.key'))).toHaveLength(1)
  })

  it('is refused where others can read it, with the command that mends it', async () => {
    const { active } = await SealKeys.load(seal())
    const path = join(seal(), `keys/${active.id}.key`)
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      await chmod(path, mode)
      await refuse(/Others can read the private key/)
      await expect(SealKeys.load(seal())).rejects.toMatchObject({ hint: `Run: chmod 600 ${path}` })
    }
    await chmod(path, 0o400)
    expect((await SealKeys.load(seal())).vkey).toBe(active.vkey)
  })

  it('is not replaced by a new one when it is lost', async () => {
    const { active } = await SealKeys.load(seal())
    await rm(join(seal(), `keys/${active.id}.key`))
    await refuse(/private key cannot be read/)
    await rm(join(seal(), 'keys/log.vkey'))
    await mkdir(join(seal(), 'log'))
    await writeFile(join(seal(), 'log/checkpoint'), 'note')
    await refuse(/has log\/checkpoint but no keys\/log.vkey/)
  })

  it('is refused when it is another key, or none', async () => {
    const { active } = await SealKeys.load(seal())
    const path = join(seal(), `keys/${active.id}.key`)
    await writeFile(path, pem())
    await refuse(/is not bricktrail\/\w+\+\w+, which signs this log/)
    await writeFile(path, 'not a key')
    await refuse(/does not hold a private key/)
  })
})

describe('a key given by reference', () => {
  it('comes from a file or the environment, and no private key is written', async () => {
    const path = join(folder, 'own.pem')
    await writeFile(path, pem(), { mode: 0o600 })
    const options = { reference: `file:${path}`, origin: 'example.com/trail' }
    const { vkey } = await SealKeys.load(seal(), options)
    process.env.SEAL_TEST_KEY = await readFile(path, 'utf8')
    expect((await SealKeys.load(seal(), { reference: 'env:SEAL_TEST_KEY' })).vkey).toBe(vkey)
    process.env.SEAL_TEST_KEY = process.env.SEAL_TEST_KEY.replaceAll('\n', '\\n')
    expect((await SealKeys.load(seal(), { reference: 'env:SEAL_TEST_KEY' })).vkey).toBe(vkey)
    expect((await readdir(join(seal(), 'keys'))).filter((name) => name.endsWith('.key'))).toEqual([])
    await chmod(path, 0o644)
    await refuse(/Others can read/, options)
  })

  it('is refused if it is missing, of another kind, or not the key of the log', async () => {
    process.env.SEAL_TEST_KEY = pem()
    await SealKeys.load(seal(), { reference: 'env:SEAL_TEST_KEY' })
    process.env.SEAL_TEST_KEY = pem()
    await refuse(/The key in env:SEAL_TEST_KEY is not/, { reference: 'env:SEAL_TEST_KEY' })
    await refuse(/The environment has no SEAL_TEST_NONE/, { reference: 'env:SEAL_TEST_NONE' })
    await refuse(/cannot be read/, { reference: `file:${join(folder, 'none')}` })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    process.env.SEAL_TEST_KEY = rsa.export({ type: 'pkcs8', format: 'pem' }).toString()
    await refuse(/not a private Ed25519 key/, { reference: 'env:SEAL_TEST_KEY' })
  })

  it('is never shown, though it stands where the reference should', async () => {
    const secret = pem()
    for (const reference of [secret, `env:${secret}`, `file:${secret}`, `env:${secret.replaceAll('\n', '')}`]) {
      const failure = await SealKeys.load(seal(), { reference }).catch((cause) => cause)
      expect(failure).toMatchObject({ code: 'BAD_KEY', message: 'A key is given as file:PATH or env:NAME.' })
      expect(JSON.stringify({ ...failure, text: String(failure) })).not.toContain(secret.slice(30, 60))
    }
  })

  it('cannot take over from itself or come back', async () => {
    process.env.SEAL_TEST_KEY = pem()
    const keys = await SealKeys.load(seal(), { reference: 'env:SEAL_TEST_KEY' })
    await expect(keys.prepareRotation('env:SEAL_TEST_KEY')).rejects.toMatchObject({ code: 'BAD_KEY' })
  })
})
