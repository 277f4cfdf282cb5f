import { generateKeyPairSync } from 'node:crypto'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SealKeys } from './keys.ts'
import { guardPath, readGuard, writeGuard } from './keys-guard.ts'
import { SealLog } from './log.ts'
import { rootOfData } from './merkle.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-guard-'))
  await mkdir(join(folder, 'keys'))
  const { privateKey } = generateKeyPairSync('ed25519')
  await writeFile(pem(), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
})
afterEach(async () => {
  await chmod(join(folder, 'keys'), 0o700)
  await rm(folder, { recursive: true, force: true })
})

const pem = () => join(folder, 'keys/own.pem')
const seal = () => join(folder, 'seal')
const leaves = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`entry ${from + at}`))
async function open(at = seal(), origin = 'example.com/trail') {
  const keys = await SealKeys.load(at, { reference: `file:${pem()}`, origin })
  const log = await SealLog.open(at, keys, { now: () => new Date(1_762_950_000_000) })
  return { log, path: guardPath(`file:${pem()}`, keys.active) ?? expect.unreachable() }
}

describe('the guard beside a key file', () => {
  it('says what the key signed last, for each log that it signs', async () => {
    const { log, path } = await open()
    await log.append(leaves(2))
    await log.append(leaves(1, 2))
    expect(await readGuard(path)).toEqual({ size: 3n, root: rootOfData(leaves(3)) })
    const other = await open(join(folder, 'other'), 'example.com/other')
    await other.log.append(leaves(1))
    expect((await readGuard(other.path))?.size).toBe(1n)
    expect((await readGuard(path))?.size).toBe(3n)
    expect((await readdir(join(folder, 'keys'))).length).toBe(3)
  })

  it('refuses a home that was put back as a whole, and says how to go on', async () => {
    const { log, path } = await open()
    await log.append(leaves(2))
    await cp(seal(), join(folder, 'backup'), { recursive: true })
    await log.append(leaves(1, 2))
    await rm(seal(), { recursive: true })
    await cp(join(folder, 'backup'), seal(), { recursive: true })
    await expect(open()).rejects.toMatchObject({
      code: 'SEAL_FORKED',
      message: expect.stringMatching(/has 2 entries, but its key has signed 3/),
      where: path,
      hint: expect.stringContaining(path),
    })
    await rename(path, `${path}.kept`)
    expect((await (await open()).log.append(leaves(1, 9))).size).toBe(3n)
    await rename(`${path}.kept`, path)
    await expect(open()).rejects.toMatchObject({ message: expect.stringMatching(/not those its key has signed/) })
  })

  it('may be behind or absent, and is none where the folder of the key cannot be written', async () => {
    const { log, path } = await open()
    await log.append(leaves(2))
    const old = await readFile(path)
    await log.append(leaves(1, 2))
    await writeFile(path, old)
    await (await open()).log.append(leaves(1, 3))
    await rm(path)
    // A folder in its place: that refuses root as well, whom no mode bits do.
    await mkdir(path)
    await expect(open()).rejects.toMatchObject({ code: 'BAD_HOME' })
    await rm(path, { recursive: true })
    await writeGuard(join(pem(), 'x.head.json'), { size: 1n, root: rootOfData(leaves(1)) })
    await chmod(join(folder, 'keys'), 0o500)
    expect((await (await open()).log.append(leaves(1, 4))).size).toBe(5n)
  })

  it('is none for a key that is no file', () => {
    const key = { name: 'a', id: '00000000', type: 1, publicKey: new Uint8Array(32), vkey: '' } as const
    expect([guardPath('env:KEY', key), guardPath(undefined, key)]).toEqual([undefined, undefined])
  })
})
