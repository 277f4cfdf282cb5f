import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatVkey,
  isKeyName,
  KEY_TYPES,
  openNote,
  parseNote,
  parseVkey,
  type Signer,
  signatureLine,
  signerOf,
  signNote,
  withSignatures,
} from './note.ts'

/** A private key from its 32 bytes: the prefix is PKCS #8 around an Ed25519 seed (RFC 8410). */
const keyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })

const signer = (name: string, fill: number, type: Signer['type'] = KEY_TYPES.ed25519): Signer =>
  signerOf(name, keyOf(Buffer.alloc(32, fill)), type)

const alice = signer('example.com/alice', 1)
const bob = signer('example.com/bob', 2)
const witness = signer('witness.example.com/w1', 3, KEY_TYPES.cosignature)

const TEXT = 'example.com/alice\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'

describe('the published examples', () => {
  const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const NOTE =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

  it('of Go: the key is read and the note verified, and signing again gives the same bytes', () => {
    const key = parseVkey(VKEY)
    expect(key).toMatchObject({ name: 'PeterNeumann', id: 'c74f20a3', type: 1 })
    expect(openNote(NOTE, [key]).verified.map(({ name }) => name)).toEqual(['PeterNeumann'])
    const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
    const own = signerOf('PeterNeumann', keyOf(seed))
    expect(own.vkey).toBe(VKEY)
    expect(signNote(openNote(NOTE, [key]).text, [own])).toBe(NOTE)
  })

  it('of the specification: a text with blank lines of its own, and a cosignature', () => {
    const poem = 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n'
    const note = `${poem}\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n`
    expect(parseNote(note)).toMatchObject({
      text: poem,
      signatures: [{ name: 'quasimodo.example/salvatore', id: '367ba04b' }],
    })
    const cosigned =
      'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
      '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
      '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n'
    const [, line] = parseNote(cosigned).signatures
    expect(Buffer.from(line?.signature ?? []).readBigUInt64BE()).toBe(1_679_315_147n)
    expect(line?.signature).toHaveLength(72)
  })
})

describe('a note', () => {
  it('is opened by any key that signed it, and unknown keys are passed by', () => {
    const note = signNote(TEXT, [alice, bob])
    expect(openNote(Buffer.from(note), [bob])).toMatchObject({
      text: TEXT,
      verified: [{ name: 'example.com/bob', id: bob.id }],
      unverified: [{ name: 'example.com/alice' }],
    })
    expect(openNote(note, [alice, bob]).verified).toHaveLength(2)
    expect(() => openNote(note, [signer('example.com/alice', 9)])).toThrow('No known key has signed the note.')
    expect(() => openNote(note, [])).toThrow('No known key has signed the note.')
  })

  it('is refused whole if a known key has a signature that does not hold, even where another holds', () => {
    const forged = signNote(TEXT, [alice]) + signatureLine(`${TEXT}more\n`, bob)
    expect(openNote(forged, [alice]).verified).toHaveLength(1)
    expect(() => openNote(forged, [alice, bob])).toThrow(/signature of example.com\/bob\+\w+ does not fit/)
    const twice = signNote(TEXT, [alice]) + signatureLine(`${TEXT}more\n`, alice)
    expect(() => openNote(twice, [alice])).toThrow(/does not fit/)
    expect(openNote(signNote(TEXT, [alice, alice]), [alice, alice]).verified).toHaveLength(2)
  })

  it('is not opened after any change of a bit', () => {
    const bytes = Buffer.from(signNote(TEXT, [alice]))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => openNote(changed, [alice])).toThrow()
    }
  })

  it('carries up to a hundred signatures, cosignatures with their time among them', () => {
    const many = Array.from({ length: 98 }, (_, n) => signer(`k${n}`, n))
    const line = signatureLine(TEXT, witness, 1_762_950_000n)
    const note = withSignatures(signNote(TEXT, [alice, ...many]), [line, line])
    const { verified, unverified } = openNote(note, [alice, witness])
    expect([verified.length, unverified.length]).toEqual([2, 98])
    expect(verified[1]).toMatchObject({ name: 'witness.example.com/w1', timeSecs: 1_762_950_000n })
    expect(withSignatures(note, [line])).toBe(note)
    expect(() => withSignatures(note, [signatureLine(TEXT, bob)])).toThrow(/too many signatures/)
  })

  it('takes a cosignature for no other time and no plain signature, and the other way round', () => {
    const line = signatureLine(TEXT, witness, 1_762_950_000n)
    const bytes = Buffer.from(line.trim().split(' ')[2] ?? '', 'base64')
    bytes.writeBigUInt64BE(1_762_950_001n, 4)
    const later = `${TEXT}\n— witness.example.com/w1 ${bytes.toString('base64')}\n`
    expect(() => openNote(later, [witness])).toThrow(/does not fit/)
    bytes.writeBigUInt64BE(1n << 63n, 4)
    const never = `${TEXT}\n— witness.example.com/w1 ${bytes.toString('base64')}\n`
    expect(() => openNote(never, [witness])).toThrow(/does not fit/)
    const tooLate = `${TEXT}\n${signatureLine(TEXT, witness, 1n << 63n)}`
    expect(() => openNote(tooLate, [witness])).toThrow(/does not fit/)
    const plain = signer('witness.example.com/w1', 3)
    expect(plain.id).not.toBe(witness.id)
    expect(() => openNote(`${TEXT}\n${line}`, [plain])).toThrow('No known key has signed the note.')
    expect(() => signatureLine(TEXT, witness)).toThrow(RangeError)
    expect(() => signatureLine(TEXT, alice, 1n)).toThrow(RangeError)
    expect(() => signNote(TEXT, [witness])).toThrow(RangeError)
  })
})

describe('what is not a note', () => {
  const sound = signNote(TEXT, [alice])
  const line = sound.slice(TEXT.length + 1)
  const encoded = line.split(' ')[2]?.trim() ?? ''
  const loose = `${encoded.slice(0, -2)}${String.fromCharCode(encoded.charCodeAt(encoded.length - 2) + 1)}=`

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['no signature', `${TEXT}\n`],
    ['no blank line', `${TEXT}${line}`],
    ['no final newline', sound.slice(0, -1)],
    ['carriage returns', sound.replaceAll('\n', '\r\n')],
    ['a tab', sound.replace('\n7\n', '\n7\t\n')],
    ['a zero byte', sound.replace('\n7\n', '\n7\0\n')],
    ['a hyphen for the dash', `${TEXT}\n${line.replace('—', '-')}`],
    ['two spaces', `${TEXT}\n${line.replace('— ', '—  ')}`],
    ['a space at the end', `${TEXT}\n${line.replace('\n', ' \n')}`],
    ['something after the signature', `${sound}more\n`],
    ['text after the signatures', `${sound}\nmore\n`],
    ['a newline in the name', `${TEXT}\n— exam\nple.com/alice ${encoded}\n`],
    ['a line separator in the name', `${TEXT}\n— exam\u2028ple.com/alice ${encoded}\n`],
    ['a space without width in the name', `${TEXT}\n— exam\u200bple.com/alice ${encoded}\n`],
    ['a no-break space in the name', `${TEXT}\n— exam\u00a0ple.com/alice ${encoded}\n`],
    ['a reversed name', `${TEXT}\n— \u202eexample.com/alice ${encoded}\n`],
    ['a plus in the name', `${TEXT}\n— example.com+alice ${encoded}\n`],
    ['no name', `${TEXT}\n—  ${encoded}\n`],
    ['a byte order mark at the head of the line', `${TEXT}\n\ufeff${line}`],
    ['base64 without padding', `${TEXT}\n— example.com/alice ${encoded.replaceAll('=', '')}\n`],
    ['base64 with bits to spare', `${TEXT}\n— example.com/alice ${loose}\n`],
    ['base64url', `${TEXT}\n— example.com/alice ${'_'.repeat(92)}\n`],
    ['a signature of nothing', `${TEXT}\n— example.com/alice ${encoded.slice(0, 4)}\n`],
    ['half a character', Buffer.from(sound).subarray(0, sound.indexOf('—') + 1)],
    ['not UTF-8', Buffer.concat([Buffer.of(0xff, 0x0a), Buffer.from(sound)])],
    ['overlong UTF-8', Buffer.concat([Buffer.of(0xc0, 0x8a), Buffer.from(sound)])],
    ['half a surrogate pair', `\ud800${sound}`],
    ['too long', `${'x'.repeat(1_000_000)}\n${sound}`],
  ])('%s is refused', (_, note) => {
    expect(() => parseNote(note)).toThrow(/Not a signed note/)
    expect(() => openNote(note, [alice])).toThrow(/Not a signed note/)
  })

  it.each([
    ['a byte order mark before the text', `\ufeff${sound}`],
    ['another normal form', sound.replace('alice\n7', 'alic\u0065\u0301\n7')],
    ['a line before', `more\n${sound}`],
    ['a blank line and a second note before', `${TEXT}\n${sound}`],
  ])('%s makes another text, which nobody signed', (_, note) => {
    expect(() => openNote(note, [alice])).toThrow(/does not fit/)
  })

  it('is not signed either', () => {
    for (const text of ['', 'no newline', 'a\rb\n', 'a\u0000\n', '\ud800\n']) {
      expect(() => signNote(text, [alice])).toThrow(/Not a signed note/)
    }
  })

  it('is never opened, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => openNote(bytes, [alice])).toThrow()
      }),
    )
  })
})

describe('a public key', () => {
  it('is read as it was written, and in no other way', () => {
    expect(parseVkey(`${alice.vkey}\n`)).toEqual({
      name: alice.name,
      id: alice.id,
      type: 1,
      publicKey: alice.publicKey,
      vkey: alice.vkey,
    })
    for (let at = 0; at < alice.vkey.length; at++) {
      const other = String.fromCharCode(alice.vkey.charCodeAt(at) + 1)
      expect(() => parseVkey(alice.vkey.slice(0, at) + other + alice.vkey.slice(at + 1))).toThrow()
      expect(() => parseVkey(alice.vkey.slice(at + 1))).toThrow()
    }
  })

  it('of another kind is refused', () => {
    const parts = [Buffer.from('n\n'), Buffer.of(6), Buffer.alloc(32)]
    expect(() => parseVkey(formatVkey('n', 6 as never, Buffer.concat(parts.slice(2))))).toThrow(/not an Ed25519 key/)
    expect(() => parseVkey(formatVkey('n', 1, Buffer.alloc(31)))).toThrow(/not an Ed25519 key/)
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    expect(() => signerOf('n', rsa)).toThrow(/not a private Ed25519 key/)
  })

  it('has a name without spaces, controls or plus', () => {
    expect(['a', 'example.com/log', 'é', '日本'].map(isKeyName)).toEqual([true, true, true, true])
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u3000b', 'a\u200db', 'a\u0085b', '\ud800']) {
      expect(isKeyName(name)).toBe(false)
      expect(() => signerOf(name, keyOf(Buffer.alloc(32, 1)))).toThrow(/cannot name a key/)
    }
  })
})
