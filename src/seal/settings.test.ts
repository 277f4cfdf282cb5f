import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../core/errors.ts'
import { checkedSettings, DEFAULT_SETTINGS, sealSettings, settingsDigest, settingsPath } from './settings.ts'

const FULL = {
  raw: 'digest-only',
  rawKey: 'file:/etc/bricktrail/raw.key',
  signingKey: 'env:SIGNING_KEY',
  origin: 'logs.example.com/bricktrail',
  witnesses: [{ url: 'https://witness.example.com/w', vkey: 'witness.example.com+0a1b2c3d+BAmA0OU=' }],
  timestamps: [{ url: 'http://tsa.example.com', ca: '/etc/ssl/tsa.pem' }],
  copies: [
    { kind: 'folder', path: '/mnt/worm' },
    { kind: 's3', bucket: 'b', prefix: 'p', region: 'eu-west-1', endpoint: 'https://s3.example.com', retainDays: 3650 },
  ],
}

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'bricktrail-settings-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function given(text: string): Promise<ReturnType<typeof sealSettings>> {
  await mkdir(dirname(settingsPath({ root })), { recursive: true })
  await writeFile(settingsPath({ root }), text)
  return sealSettings({ root })
}

const failureOf = (value: unknown): AppError => {
  try {
    checkedSettings(value, 'settings.json')
  } catch (cause) {
    if (cause instanceof AppError) return cause
    throw cause
  }
  return expect.fail(`taken: ${JSON.stringify(value)}`)
}

describe('The settings of a seal', () => {
  it('are the defaults where there is no file or nothing in it', async () => {
    expect(await sealSettings({ root })).toEqual(DEFAULT_SETTINGS)
    expect(await given('{}')).toEqual(DEFAULT_SETTINGS)
    expect(await given('\ufeff{"raw":"keep"}\n')).toEqual(DEFAULT_SETTINGS)
  })

  it('are taken as they are written, with defaults for the rest', async () => {
    expect(await given(JSON.stringify(FULL))).toEqual(FULL)
    const copies = [{ kind: 's3', bucket: 'b', region: 'r', retainDays: 1 }]
    expect(await given(JSON.stringify({ copies }))).toEqual({
      ...DEFAULT_SETTINGS,
      copies: [{ ...copies[0], prefix: '' }],
    })
  })

  it('cannot be changed once they are read', async () => {
    expect(Object.isFrozen(await given('{}'))).toBe(true)
  })

  it.each<[unknown, RegExp, RegExp]>([
    [[], /the whole is a list/, /an object/],
    [null, /the whole is null/, /an object/],
    [{ rawkey: null }, /rawkey is no setting/, /Known here: raw, rawKey, signingKey/],
    [{ raw: 'kep' }, /raw has a value that is not known/, /"keep" or "digest-only"/],
    [{ raw: true }, /raw has a value/, /"keep"/],
    [{ rawKey: 7 }, /rawKey is a number/, /double quotes/],
    [{ rawKey: 'key.bin' }, /rawKey is no reference/, /file:\/absolute\/path/],
    [{ rawKey: 'file:key.bin' }, /rawKey is no reference/, /file:\/absolute\/path/],
    [{ signingKey: 'env:A-B' }, /signingKey is no reference/, /env:NAME/],
    [{ origin: 'two words' }, /origin is no name/, /without blanks/],
    [{ origin: 'a+b' }, /origin is no name/, /"\+"/],
    [{ origin: 'a\u0000' }, /origin is no name/, /Write a name/],
    [{ witnesses: {} }, /witnesses is an object/, /a list/],
    [{ witnesses: [{}] }, /witnesses\[0\]\.url is missing/, /url, vkey/],
    [{ witnesses: [FULL.witnesses[0], { url: 'ftp://x', vkey: '' }] }, /witnesses\[1\]\.url is no web address/, /http/],
    [{ witnesses: [{ url: 'https://x/?token=1', vkey: 'x' }] }, /witnesses\[0\]\.url has a query/, /tokens/],
    [{ witnesses: [{ url: 'https://x', vkey: 'x' }] }, /witnesses\[0\]\.vkey is no public key/, /name\+id/],
    [{ timestamps: [{ url: 'https://x', ca: 'ca.pem' }] }, /timestamps\[0\]\.ca is no absolute path/, /root/],
    [{ timestamps: [{ url: 'https://x', ca: '/a', cert: 1 }] }, /timestamps\[0\]\.cert is no setting/, /url, ca/],
    [{ copies: [{ path: '/a' }] }, /copies\[0\]\.kind is missing or not known/, /"folder" or "s3"/],
    [{ copies: [{ kind: 'toString' }] }, /copies\[0\]\.kind is missing or not known/, /"folder" or "s3"/],
    [{ copies: [{ kind: 'folder' }] }, /copies\[0\]\.path is missing/, /kind, path/],
    [{ copies: [{ ...FULL.copies[1], retainDays: 0.5 }] }, /copies\[0\]\.retainDays is no whole number/, /1 to 36500/],
    [{ copies: [{ ...FULL.copies[1], bucket: '' }] }, /copies\[0\]\.bucket is empty/, /value/],
  ])('that are wrong are told by their key: %j', (value, message, hint) => {
    const told = failureOf(value)
    expect(told).toMatchObject({ exit: 3, where: 'settings.json' })
    expect(told.message).toMatch(/^settings\.json: /)
    expect(told.message).toMatch(message)
    expect(told.hint).toMatch(hint)
  })

  it('that are no JSON are told', async () => {
    await expect(given('{\n  "raw": keep\n}')).rejects.toThrow(/settings\.json is not JSON\.$/)
    await expect(given('')).rejects.toThrow(/settings\.json is not JSON/)
    await expect(given('{"__proto__": {"raw": "keep"}}')).rejects.toThrow(/a key is no setting/)
  })

  it('never show what stands in a wrong place', async () => {
    const secret = 'planted-secret-0123456789'
    const values: unknown[] = [
      { raw: secret },
      { rawKey: secret },
      { signingKey: `base64:${secret}` },
      { [secret]: 1 },
      { origin: `${secret} ` },
      { witnesses: [{ url: `https://user:${secret}@x`, vkey: FULL.witnesses[0]?.vkey }] },
      { witnesses: [secret] },
      { copies: [{ kind: secret }] },
      { copies: [{ ...FULL.copies[1], endpoint: `https://${secret}@x` }] },
      { copies: [{ ...FULL.copies[1], retainDays: secret }] },
    ]
    const failures = [...values.map(failureOf), await given(`{"rawKey": ${secret}}`).catch((cause) => cause)]
    for (const told of failures) {
      expect(told).toBeInstanceOf(AppError)
      expect(inspect(told, { depth: 9, showHidden: true })).not.toContain(secret)
      expect(`${told.hint}${told.where}`).not.toContain(secret)
    }
  })

  it('have a digest that tells a change, and not the order of keys', () => {
    const settings = checkedSettings(FULL, 'x')
    const turned = checkedSettings(Object.fromEntries(Object.entries(FULL).reverse()), 'x')
    expect(settingsDigest(turned)).toBe(settingsDigest(settings))
    expect(settingsDigest(settings)).toMatch(/^[0-9a-f]{64}$/)
    const digests = Object.keys(FULL).map((key) =>
      settingsDigest({ ...settings, [key]: DEFAULT_SETTINGS[key as 'raw'] }),
    )
    expect(new Set([...digests, settingsDigest(settings)]).size).toBe(Object.keys(FULL).length + 1)
  })
})
