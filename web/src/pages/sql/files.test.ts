import { expect, it } from 'vitest'
import { csvOf } from './files.ts'

const answer = (...values: unknown[]) => ({
  columns: values.map((_, at) => ({ name: `c${at}`, type: 'VARCHAR' })),
  rows: [values],
  truncated: false,
  elapsedMs: 1,
})

it('writes fields as RFC 4180 has them', () => {
  expect(csvOf(answer('a,b', 'say "x"', null, '', 1.5, ['x']))).toBe(
    'c0,c1,c2,c3,c4,c5\r\n"a,b","say ""x""",,"",1.5,"[""x""]"\r\n',
  )
})

it('makes texts harmless that a spreadsheet would run, and leaves numbers as they are', () => {
  expect(csvOf(answer('=1+1', '@SUM(1)', '-2+3', -2)).split('\r\n')[1]).toBe("'=1+1,'@SUM(1),'-2+3,-2")
})
