import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { KEY_TYPES, signatureLine, signerOf, signNote } from './note.ts'

const key = (fill: number) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, fill)]),
    format: 'der',
    type: 'pkcs8',
  })
const ORIGIN = 'example.com/trail'
const log = signerOf(ORIGIN, key(1))
const witness = signerOf('witness.example.com', key(2), KEY_TYPES.cosignature)
const ROOT = Buffer.from(EMPTY_ROOT).toString('base64')
const text = formatCheckpoint({ origin: ORIGIN, size: 7n, root: EMPTY_ROOT })

describe('the text of a checkpoint', () => {
  it('is read as it was written, up to the largest size', () => {
    expect(text).toBe(`${ORIGIN}\n7\n${ROOT}\n`)
    for (const size of [0n, 1n, 10n, (1n << 64n) - 1n]) {
      const head = { origin: ORIGIN, size, root: EMPTY_ROOT }
      expect(parseCheckpoint(formatCheckpoint(head))).toEqual({ ...head, extensions: [] })
    }
  })

  it('keeps the further lines of another log', () => {
    expect(parseCheckpoint(`${text}one\ntwo\n`).extensions).toEqual(['one', 'two'])
  })

  it.each([
    ['no origin', `\n7\n${ROOT}\n`],
    ['two lines', `${ORIGIN}\n7\n`],
    ['no final newline', `${ORIGIN}\n7\n${ROOT}`],
    ['a size with zeros before it', `${ORIGIN}\n07\n${ROOT}\n`],
    ['a size with a sign', `${ORIGIN}\n+7\n${ROOT}\n`],
    ['a size in hex', `${ORIGIN}\n0x7\n${ROOT}\n`],
    ['a size with a space', `${ORIGIN}\n7 \n${ROOT}\n`],
    ['a size in other digits', `${ORIGIN}\n٧\n${ROOT}\n`],
    ['a size of 2^64', `${ORIGIN}\n18446744073709551616\n${ROOT}\n`],
    ['no size', `${ORIGIN}\n\n${ROOT}\n`],
    ['a root of 31 bytes', `${ORIGIN}\n7\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root of 33 bytes', `${ORIGIN}\n7\n${Buffer.alloc(33).toString('base64')}\n`],
    ['a root without padding', `${ORIGIN}\n7\n${ROOT.slice(0, -1)}\n`],
    ['a root with bits to spare', `${ORIGIN}\n7\n${ROOT.replace('U=', 'V=')}\n`],
    ['a blank line', `${text}\nmore\n`],
  ])('is refused with %s', (_, wrong) => {
    expect(() => parseCheckpoint(wrong)).toThrow(/Not a checkpoint/)
  })

  it('is not written with an origin that is two lines', () => {
    expect(() => formatCheckpoint({ origin: 'a\nb', size: 7n, root: EMPTY_ROOT })).toThrow(/Not a checkpoint/)
    expect(() => formatCheckpoint({ origin: '', size: 7n, root: EMPTY_ROOT })).toThrow(/Not a checkpoint/)
  })
})

describe('a checkpoint', () => {
  it('is opened with the key of its log, whoever else signed', () => {
    const note = signNote(text, [log]) + signatureLine(text, witness, 9n)
    expect(openCheckpoint(note, [log])).toMatchObject({ origin: ORIGIN, size: 7n })
    expect(openCheckpoint(note, [log, witness]).note.verified).toHaveLength(2)
  })

  it('is not opened on the word of a witness alone, nor with the key of another log', () => {
    const cosigned = `${text}\n${signatureLine(text, witness, 9n)}`
    expect(() => openCheckpoint(cosigned, [log, witness])).toThrow(`No known key of "${ORIGIN}" signed`)
    const other = signerOf('example.com/other', key(3))
    expect(() => openCheckpoint(signNote(text, [other]), [log, other])).toThrow(`No known key of "${ORIGIN}" signed`)
    const lookalike = signerOf(ORIGIN, key(4))
    expect(() => openCheckpoint(signNote(text, [lookalike]), [log])).toThrow('No known key has signed the note.')
  })
})
