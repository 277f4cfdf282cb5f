import { afterAll, describe, expect, it } from 'vitest'
import { newSite } from './site.fixture.ts'
import { readWatchlists } from './watchlists.ts'

const site = await newSite()
afterAll(() => site.remove())

const PLACE = { file: 'detect.yaml', line: 1, column: 1 }

/** The entries of a file, or what is wrong with it. */
async function entriesOf(name: string, text: string, column?: string): Promise<readonly string[] | string> {
  const file = await site.write(name, text)
  const source = { name: 'w', place: PLACE, file, ...(column === undefined ? {} : { column }) }
  const { lists, problems } = await readWatchlists([source])
  const [problem] = problems
  return problem === undefined ? (lists.w ?? []) : `${problem.message} ${problem.hint}`.replaceAll(file, name)
}

describe('a watchlist', () => {
  it.each([
    ['commas', 'who,note\na@x.io,one\nb@x.io,two\n', ['a@x.io', 'b@x.io']],
    ['semicolons', 'who;note\r\na@x.io;one\r\nb@x.io;two\r\n', ['a@x.io', 'b@x.io']],
    ['quotes', '\uFEFF"who","note"\n"a ""x"", b","line\none"\n\nc,d', ['a "x", b', 'c']],
    ['doubles, blanks and an empty field', 'note,who\n1, a \n2,a\n3,\n', ['a']],
  ])('is a column of CSV with %s', async (_, text, entries) => {
    expect(await entriesOf('a.csv', text, 'who')).toEqual(entries)
  })

  it('is the only column of a CSV that has no other', async () => {
    expect(await entriesOf('a.csv', 'who\na\n')).toEqual(['a'])
  })

  it.each([
    [
      'plain',
      '# ours\n- a@x.io\n- 10.0.0.0/8\n- 0012\n- s3://bucket/x\n',
      ['a@x.io', '10.0.0.0/8', '0012', 's3://bucket/x'],
    ],
    ['quoted', '- "a: b"\n- \'x # y\'\n- z # last\n', ['a: b', 'x # y', 'z']],
    ['in brackets', '---\n[a, b]\n', ['a', 'b']],
  ])('is a YAML list, %s', async (_, text, entries) => {
    expect(await entriesOf('a.yml', text)).toEqual(entries)
  })

  it('is a line for each entry of a text', async () => {
    expect(await entriesOf('a.txt', '# ours\r\na b\r\n\r\nc # theirs\r\n  # d\r\ne#f\r\n')).toEqual(['a b', 'c', 'e#f'])
  })

  it.each([
    ['a.csv', 'who,note\na,b\n', 'whom', 'a.csv has no column whom. Did you mean who?'],
    ['a.csv', 'who,note\na,b\n', undefined, 'a.csv has several columns. Add `column:` with one of who, note.'],
    ['a.csv', '', 'who', 'a.csv is empty.'],
    ['a.yml', 'a: b\n', undefined, 'a.yml is no list. Write entries that begin with a dash.'],
    ['a.yml', '- "a\n', undefined, /a\.yml:\d+:\d+: /],
    ['a.txt', 'a\n', 'who', 'a.txt is no CSV, so it has no columns. Remove `column:`.'],
    ['a.xlsx', 'a\n', undefined, 'a.xlsx is of an unknown kind.'],
  ])('in %s that cannot be used is told with what to do (%#)', async (name, text, column, told) => {
    expect(await entriesOf(name, text, column)).toEqual(
      typeof told === 'string' ? expect.stringContaining(told) : expect.stringMatching(told),
    )
  })

  it.each([
    ['a.csv', 'note,who\na,b\nc\nd,e\n', 'who', ['b', 'e'], 3, 'It has 1 of 2 fields. Fill in the row.'],
    ['a.csv', 'who\na\n"b\nc\n', 'who', ['a', 'c'], 3, 'A quote that it opens is not closed. Close it with a ".'],
    [
      'a.yml',
      '# ours\n- a\n- {b: c}\n- d\n',
      undefined,
      ['a', 'd'],
      3,
      'Entry 2 is no text. Write one text for each entry.',
    ],
  ])('in %s with a broken line keeps the others, and names it', async (name, text, column, entries, line, told) => {
    const file = await site.write(name, text)
    const source = { name: 'w', place: PLACE, file, ...(column === undefined ? {} : { column }) }
    const { lists, problems } = await readWatchlists([source])
    expect(lists.w).toEqual(entries)
    expect(problems.map(({ message, hint, place }) => [`${message} ${hint}`, place])).toEqual([
      [`This line of the watchlist w is passed over. ${told}`, { file, line, column: 1 }],
    ])
  })

  it('with very many broken lines names the first of them', async () => {
    const file = await site.write('many.csv', `a,b\n${'x\n'.repeat(500)}y,z\n`)
    const { lists, problems } = await readWatchlists([{ name: 'w', place: PLACE, file, column: 'b' }])
    expect([lists.w, problems.length]).toEqual([['z'], 10])
    expect(problems.at(-1)?.message).toContain('So are 490 more.')
  })

  it('that is not there stops no other', async () => {
    const missing = { name: 'gone', place: PLACE, file: site.path('gone.csv') }
    const { lists, problems } = await readWatchlists([missing, { name: 'w', place: PLACE, entries: ['a', 'a', ' '] }])
    expect(lists).toEqual({ w: ['a'] })
    expect(problems).toMatchObject([{ message: expect.stringContaining('ENOENT'), place: PLACE }])
  })

  it.each(['csv', 'yml', 'txt'])('of 100,000 entries is read, from %s', async (kind) => {
    const entries = Array.from({ length: 100_000 }, (_, at) => `user${at}@example.com`)
    const lines = { csv: ['who', ...entries], yml: entries.map((entry) => `- ${entry}`), txt: entries }[kind] ?? []
    expect(await entriesOf(`big.${kind}`, lines.join('\n'))).toEqual(entries)
  })
})
