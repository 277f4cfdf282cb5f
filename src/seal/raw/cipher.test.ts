import { createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gathered } from './archive.fixture.ts'
import { decrypted, Encryptor, encrypted, encryptedPieces } from './cipher.ts'
import { RawKey } from './key.ts'

const MASTER = randomBytes(32)
const KEY = RawKey.of(MASTER)
const [HEADER, CHUNK, TAG] = [48, 65_536, 16]
const SEALED = CHUNK + TAG
const SIZES = [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7]

/** The bytes in pieces of this length. */
async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

const encryptedWhole = (bytes: Uint8Array, key: RawKey): Buffer => Buffer.concat(encryptedPieces([bytes], key))
const decrypt = (file: Buffer, key = KEY, piece = 100_000, known: { keyId?: string; bytes?: number } = {}) =>
  gathered(decrypted(inPieces(file, piece), key, { where: 'x.enc', bytes: file.length, ...known }))

/** How reading fails. */
const fault = (file: Buffer, key = KEY): Promise<string> =>
  decrypt(file, key).then(
    () => 'none',
    (cause) => cause.fault ?? cause.code,
  )

/** Reads by the letter of docs/design/005-seal.md, sharing nothing with the code. */
function byThePage(file: Buffer, master: Buffer): Buffer {
  expect(file.subarray(0, 12)).toEqual(Buffer.from('425249434b5241570100' + '0000', 'hex'))
  expect(file.subarray(12, 16)).toEqual(createHash('sha256').update(master).digest().subarray(0, 4))
  const fileKey = Buffer.from(hkdfSync('sha256', master, file.subarray(16, 48), 'bricktrail raw 1', 32))
  const chunks: Buffer[] = []
  for (let at = HEADER, index = 0; index === 0 || at < file.length; at += SEALED, index++) {
    const chunk = file.subarray(at, at + SEALED)
    const isLast = at + SEALED >= file.length
    const nonce = Buffer.from(index.toString(16).padStart(24, '0'), 'hex')
    const gcm = createDecipheriv('aes-256-gcm', fileKey, nonce, { authTagLength: TAG })
    gcm.setAAD(Buffer.concat([file.subarray(0, HEADER), Buffer.of(isLast ? 1 : 0)]))
    gcm.setAuthTag(chunk.subarray(-TAG))
    chunks.push(Buffer.concat([gcm.update(chunk.subarray(0, -TAG)), gcm.final()]))
    // Without a tool for GCM: counter mode that begins at 2 gives the same, unchecked.
    const ctr = createDecipheriv('aes-256-ctr', fileKey, Buffer.concat([nonce, Buffer.of(0, 0, 0, 2)]))
    expect(ctr.update(chunk.subarray(0, -TAG)).equals(chunks[index] as Buffer)).toBe(true)
  }
  return Buffer.concat(chunks)
}

describe('An encrypted file', () => {
  it.each(SIZES)('of %i bytes is read by the page, and by us in pieces of any length', async (size) => {
    const plain = randomBytes(size)
    const whole = encryptedWhole(plain, KEY)
    const streamed = await gathered(encrypted(inPieces(plain, 10_007), KEY))
    expect(whole.length).toBe(HEADER + size + TAG * Math.max(1, Math.ceil(size / CHUNK)))
    expect(streamed.length).toBe(whole.length)
    for (const file of [whole, streamed]) {
      expect(byThePage(file, MASTER).equals(plain)).toBe(true)
      for (const piece of [1_000_000, 65_552, 4096, 47])
        expect((await decrypt(file, KEY, piece)).equals(plain)).toBe(true)
    }
  })

  it('gives back any bytes, in whatever pieces they come and go', async () => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 200_000, size: 'max' }),
      fc.integer({ min: 900, max: 300_000 }),
      fc.integer({ min: 900, max: 300_000 }),
      async (bytes, pieceIn, pieceOut) => {
        const plain = Buffer.from(bytes)
        const file = await gathered(encrypted(inPieces(plain, pieceIn), KEY))
        expect((await decrypt(file, KEY, pieceOut)).equals(plain)).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })

  it('has a salt of its own each time', () => {
    const salts = Array.from({ length: 100 }, () => new Encryptor(KEY).header.toString('hex', 16))
    expect(new Set(salts).size).toBe(100)
  })

  it.each(SIZES)('of %i bytes with any byte changed is refused', async (size) => {
    const file = encryptedWhole(randomBytes(size), KEY)
    const places = new Set([...Array(HEADER + 4).keys(), file.length - 1, file.length - TAG, file.length >> 1])
    for (let chunk = HEADER; chunk < file.length; chunk += SEALED) places.add(chunk).add(Math.max(0, chunk - 1))
    for (const at of [...places].filter((place) => place < file.length)) {
      const other = Buffer.from(file)
      other[at] = (other[at] ?? 0) ^ 0x80
      // The key's id alone reads as another key, unless the name of the file says which it is.
      expect(await fault(other), `byte ${at}`).toBe(at >= 12 && at < 16 ? 'BAD_KEY' : 'changed')
      await expect(decrypt(other, KEY, 100_000, { keyId: KEY.id })).rejects.toMatchObject({ fault: 'changed' })
    }
  })

  it('that was cut between chunks or within the header is told so; cut elsewhere it is refused', async () => {
    const file = encryptedWhole(randomBytes(3 * CHUNK + 7), KEY)
    for (const end of [0, 1, 47, 48, HEADER + 3, HEADER + SEALED, HEADER + 2 * SEALED, HEADER + 3 * SEALED])
      expect(await fault(file.subarray(0, end)), `${end} bytes`).toBe('cut')
    for (const end of [HEADER + 100, HEADER + SEALED + 5000, HEADER + 3 * SEALED + 20])
      await expect(decrypt(file.subarray(0, end))).rejects.toThrow(/or cut there/)
  })

  it('with chunks swapped, taken out or repeated is told so', async () => {
    const file = encryptedWhole(randomBytes(4 * CHUNK), KEY)
    const chunk = (index: number) => file.subarray(HEADER + index * SEALED, HEADER + (index + 1) * SEALED)
    const madeOf = (...indexes: number[]) => Buffer.concat([file.subarray(0, HEADER), ...indexes.map(chunk)])
    expect(await fault(madeOf(0, 1, 2, 3))).toBe('none')
    for (const order of [
      [1, 0, 2, 3],
      [0, 2, 1, 3],
      [3, 1, 2, 0],
      [0, 2, 3],
      [0, 0, 1, 2, 3],
      [0, 1, 3, 2],
      [0, 1, 1, 3],
    ])
      expect(await fault(madeOf(...order)), order.join()).toBe('reordered')
    expect(await fault(madeOf(0, 1, 2, 3, 3))).toBe('changed')
    await expect(decrypt(madeOf(0, 2, 1, 3))).rejects.toThrow(/chunk 2 in the place of chunk 1/)
  })

  it('with a chunk or the header of another is refused', async () => {
    const [a, b] = [encryptedWhole(randomBytes(2 * CHUNK), KEY), encryptedWhole(randomBytes(2 * CHUNK), KEY)]
    expect(await fault(Buffer.concat([a.subarray(0, HEADER + SEALED), b.subarray(HEADER + SEALED)]))).toBe('changed')
    expect(await fault(Buffer.concat([a.subarray(0, HEADER), b.subarray(HEADER)]))).toBe('changed')
  })

  it('gives out no byte behind the first that is wrong', async () => {
    const plain = randomBytes(4 * CHUNK)
    const file = encryptedWhole(plain, KEY)
    file[HEADER + 2 * SEALED + 9] = (file[HEADER + 2 * SEALED + 9] ?? 0) ^ 1
    const given: Buffer[] = []
    const read = async () => {
      for await (const piece of decrypted(inPieces(file, 9999), KEY, { where: 'x.enc' })) given.push(piece)
    }
    await expect(read()).rejects.toMatchObject({ fault: 'changed', where: 'x.enc' })
    expect(Buffer.concat(given).equals(plain.subarray(0, 2 * CHUNK))).toBe(true)
  })

  it('of another key says which', async () => {
    const other = RawKey.of(randomBytes(32))
    await expect(decrypt(encryptedWhole(randomBytes(9), other))).rejects.toMatchObject({
      code: 'BAD_KEY',
      message: `x.enc is encrypted with key ${other.id}; the key given is ${KEY.id}.`,
    })
  })
})
