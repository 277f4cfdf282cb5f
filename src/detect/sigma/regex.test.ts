import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { duckdb } from '../sql/duckdb.ts'
import { regexFault } from './regex.ts'

let engine: Engine
beforeAll(async () => {
  engine = await Engine.open({ threads: 1 })
})
afterAll(() => engine.close())

const GOOD = [
  'a',
  '^a.*b$',
  '(?i)abc',
  '(?i:abc)d',
  '(?:a|b){2,3}?',
  'a{,3}',
  'x{2}{',
  '[]a]+',
  '[^]a\\]]',
  '[[:alpha:]\\d]',
  '\\d\\w\\s\\b\\B\\.\\/\\-\\_',
  '\\x41\\x{1F600}\\p{Greek}\\pL\\P{Lu}',
  '\\Qa*(b\\E+',
  '(?P<name>a)',
  '',
  'a|',
  '\\101',
  '(?:a{10}){100}',
  '(a{30}b{30}){30}',
  '(?:a{900})*b{900}',
]
const BAD = [
  'a(?=b)',
  '(?<!a)b',
  '(a)\\1',
  '(?>a)',
  'a++',
  'a**',
  '*a',
  'a|*',
  '(',
  'a)',
  '[a',
  '\\',
  'a{1001}',
  'a{3,2}',
  '\\Z',
  '\\u0041',
  '(?x)a',
  '\\k<n>',
  '(?<n>a)',
  '\\é',
  '(?:a{10}){101}',
  '((a{1,100}){1,100}b){1,100}',
  '(a|b{20,}){60}',
]

describe('regular expressions', () => {
  it.each(GOOD)('that the engine takes are taken: %s', async (pattern) => {
    expect(regexFault(pattern)).toBeUndefined()
    await engine.rows(`SELECT ${duckdb.regex("'x'", pattern)}`)
  })

  it.each(BAD)('that the engine refuses are refused before: %s', async (pattern) => {
    expect(regexFault(pattern)?.message).toMatch(/\w{3}/)
    await expect(engine.rows(`SELECT ${duckdb.regex("'x'", pattern)}`)).rejects.toThrow()
  })

  it('say where what cannot be used stands', () => {
    expect(regexFault('abc(?=d)')?.offset).toBe(3)
    expect(regexFault('[a\\Z]')?.offset).toBe(2)
  })
})
