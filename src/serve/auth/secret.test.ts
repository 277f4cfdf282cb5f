import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { csrfOf, kept, newId, newSecret, rowOf, sameText } from './secret.ts'

it('secrets are 32 random bytes behind their prefix, and only their digest is kept', () => {
  const secrets = new Set(Array.from({ length: 100 }, () => newSecret('btk_')))
  expect(secrets.size).toBe(100)
  for (const secret of secrets) {
    expect(secret).toMatch(/^btk_[\w-]{43}$/)
    const { lookup, hash } = kept(secret)
    expect(Buffer.from(hash).toString('hex')).toBe(createHash('sha256').update(secret).digest('hex'))
    expect(lookup).toHaveLength(12)
  }
})

it('ids begin as no option of a command line does', () => {
  const ids = Array.from({ length: 2000 }, newId)
  expect(ids.filter((id) => !/^\w[\w-]{11}$/.test(id))).toEqual([])
})

it('a row is found by the whole secret: one that shares the bytes it is looked up by is another', () => {
  const secret = newSecret('btk_')
  const { lookup, hash } = kept(secret)
  const nearly = { id: 'nearly', hash: Uint8Array.from(hash, (byte, at) => (at === 31 ? byte ^ 1 : byte)) }
  const short = { id: 'short', hash: hash.slice(0, 12) }
  const asked: string[] = []
  const find = (rows: readonly { id: string; hash: Uint8Array }[]) =>
    rowOf(secret, 'btk_', (by) => {
      asked.push(by)
      return rows
    })
  expect(find([nearly, short])).toBeUndefined()
  expect(find([nearly, short, { id: 'right', hash }])?.id).toBe('right')
  expect(asked).toEqual([lookup, lookup])
  expect(rowOf(secret, 'bts_', () => [{ hash }])).toBeUndefined()
})

it('texts are the same only where every byte is, whatever their length', () => {
  const right = newSecret('btk_')
  expect(sameText(right, right)).toBe(true)
  const wrongs = [...right].map(
    (letter, at) => `${right.slice(0, at)}${letter === 'A' ? 'B' : 'A'}${right.slice(at + 1)}`,
  )
  expect(wrongs.some((wrong) => sameText(wrong, right))).toBe(false)
  expect(['', right.slice(1), `${right} `, `\u0000${right}`].some((wrong) => sameText(wrong, right))).toBe(false)
})

it('the token against forged requests follows from the session and tells nothing of it', () => {
  const session = newSecret('bts_')
  expect(csrfOf(session)).toBe(csrfOf(session))
  expect(csrfOf(session)).not.toBe(csrfOf(newSecret('bts_')))
  expect(csrfOf(session)).not.toContain(session.slice(4, 12))
})
