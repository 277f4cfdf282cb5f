import { describe, expect, it } from 'vitest'
import { imprintOf, loggedNote } from './imprint.ts'

const TEXT = 'example.com/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
const OWN = '— example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\n'
const SECOND = '— example.com/log Bz3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\n'
const WITNESS = '— witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHe\n'
const bytes = (...parts: readonly string[]): Buffer => Buffer.from(parts.join(''))

describe('a checkpoint as its log signed it', () => {
  it('loses cosignatures wherever they stand, and keeps each signature of the log', () => {
    const note = bytes(TEXT, '\n', OWN, WITNESS, SECOND, WITNESS)
    expect(Buffer.from(loggedNote(note)).toString()).toBe(`${TEXT}\n${OWN}${SECOND}`)
  })

  it('does not take a key whose name only begins like the origin for the log', () => {
    const note = bytes(TEXT, '\n', OWN, '— example.com/log2 AAAA\n')
    expect(Buffer.from(loggedNote(note)).toString()).toBe(`${TEXT}\n${OWN}`)
  })

  it('stays what it is where there is nothing to take away, or no note', () => {
    for (const note of [
      bytes(TEXT, '\n', OWN),
      bytes('no note'),
      bytes(''),
      bytes('\n\n'),
      bytes(TEXT, '\n', WITNESS),
    ]) {
      expect(Buffer.from(loggedNote(note))).toEqual(note)
    }
  })

  it('has one imprint before and after witnesses signed', () => {
    expect(imprintOf(bytes(TEXT, '\n', OWN, WITNESS))).toEqual(imprintOf(bytes(TEXT, '\n', OWN)))
    expect(imprintOf(bytes(TEXT, '\n', SECOND))).not.toEqual(imprintOf(bytes(TEXT, '\n', OWN)))
  })
})
