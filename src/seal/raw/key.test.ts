import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../core/errors.ts'
import { RawKey, readRawKey } from './key.ts'

const BYTES = randomBytes(32)
const ID = createHash('sha256').update(BYTES).digest('hex').slice(0, 8)
const WRITTEN = {
  hex: BYTES.toString('hex'),
  HEX: BYTES.toString('hex').toUpperCase(),
  base64: BYTES.toString('base64'),
  base64url: BYTES.toString('base64url'),
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-key-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileOf(content: string | Uint8Array, mode = 0o600): Promise<string> {
  const path = join(folder, `key-${randomBytes(4).toString('hex')}`)
  await writeFile(path, content, { mode })
  return path
}

/** How reading a key fails. */
const failure = (reference: string, env: NodeJS.ProcessEnv = {}): Promise<AppError> =>
  readRawKey(reference, 'rawKey in settings.json', env).then(
    () => expect.fail('the key was taken'),
    (cause) => cause,
  )

describe('A key', () => {
  it('is read from a file or a variable, in bytes, hex or base64', async () => {
    expect((await readRawKey(`file:${await fileOf(BYTES)}`)).id).toBe(ID)
    for (const text of Object.values(WRITTEN)) {
      for (const around of [text, `${text}\n`, ` ${text}\r\n`]) {
        expect((await readRawKey(`file:${await fileOf(around)}`)).id).toBe(ID)
        expect((await readRawKey('env:K', 'rawKey', { K: around })).id).toBe(ID)
      }
    }
    expect((await readRawKey('env:K', 'rawKey', { K: WRITTEN.hex })).reveal()).toEqual(BYTES)
  })

  it('that is missing or ill-formed is told with the setting and what to do', async () => {
    const half = randomBytes(16).toString('hex')
    const cases: [string, NodeJS.ProcessEnv, RegExp, RegExp][] = [
      [
        `file:${join(folder, 'none')}`,
        {},
        /key file .*none does not exist/,
        /put it back.* openssl rand -hex 32 > .*none/,
      ],
      [`file:${folder}`, {}, /holds no key of 32 bytes/, /64 hex digits/],
      [`file:${await fileOf('')}`, {}, /holds no key of 32 bytes/, /openssl rand/],
      [`file:${await fileOf(half)}`, {}, /holds no key of 32 bytes/, /64 hex digits/],
      [`file:${await fileOf(randomBytes(31))}`, {}, /holds no key/, /32 bytes/],
      [`file:${await fileOf(randomBytes(10_000))}`, {}, /holds no key/, /32 bytes/],
      ['env:NOT_SET', {}, /variable NOT_SET is not set/, /Set NOT_SET/],
      ['env:BLANK', { BLANK: ' ' }, /variable BLANK is not set/, /Set BLANK/],
      ['env:HALF', { HALF: half }, /variable HALF holds no key/, /64 hex digits/],
      [`env:${'a'.repeat(64)}`, {}, /^rawKey in settings.json is no reference to a key\.$/, /env:NAME/],
      [`env:${'0'.repeat(64)}`, {}, /^rawKey in settings.json is no reference to a key\.$/, /env:NAME/],
      ['file:relative/path', {}, /no reference/, /file:\/absolute\/path or env:NAME/],
      ['', {}, /no reference/, /env:NAME/],
    ]
    for (const [reference, env, message, hint] of cases) {
      const told = await failure(reference, env)
      expect(told).toBeInstanceOf(AppError)
      expect(told).toMatchObject({ code: 'BAD_KEY', exit: 3 })
      expect(told.message).toMatch(message)
      expect(told.message).toContain('rawKey in settings.json')
      expect(told.hint).toMatch(hint)
    }
  })

  it.skipIf(process.platform === 'win32')('in a file that everybody can read is refused', async () => {
    const path = await fileOf(WRITTEN.hex, 0o604)
    expect(await failure(`file:${path}`)).toMatchObject({ code: 'BAD_KEY', hint: `Run: chmod 600 ${path}` })
    expect((await readRawKey(`file:${await fileOf(WRITTEN.hex, 0o440)}`)).id).toBe(ID)
  })

  it('or what stands in its place is never told', async () => {
    const planted = 'planted-secret-0123456789'
    const failures = [
      await failure(planted),
      await failure(WRITTEN.hex),
      await failure(`base64:${WRITTEN.base64}`),
      await failure('env:K', { K: planted }),
      await failure(`file:${await fileOf(planted)}`),
      await failure(`file:${await fileOf(`${WRITTEN.hex}${WRITTEN.hex}`)}`),
    ]
    for (const told of failures) {
      const text = [inspect(told, { depth: 9, showHidden: true }), told.hint, told.where, JSON.stringify(told)].join()
      for (const secret of [planted, WRITTEN.hex, WRITTEN.base64]) expect(text).not.toContain(secret)
    }
  })

  it('prints as its id', () => {
    const key = RawKey.of(BYTES)
    expect(JSON.stringify({ key })).toBe(`{"key":"key ${ID}"}`)
    expect(inspect(key)).toBe(`RawKey { id: '${ID}' }`)
  })

  it('has 32 bytes', () => {
    expect(() => RawKey.of(randomBytes(16))).toThrow(/32 bytes, not 16/)
  })
})
