import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { AnswerColumn } from '../engine/sandbox-messages.ts'
import { type Reader, type TextFormat, writeAnswer, writeTo } from './formats.ts'

const COLUMNS: readonly AnswerColumn[] = [
  { name: 'at', type: 'TIMESTAMP WITH TIME ZONE' },
  { name: 'actor', type: 'VARCHAR' },
  { name: 'n', type: 'BIGINT' },
  { name: 'params', type: 'MAP(VARCHAR, VARCHAR)' },
]
const ROWS = [
  ['2026-11-12T08:15:30.123Z', 'ada@example.com', 7, { a: 'b, "c"' }],
  ['2026-11-12T08:15:31.000Z', '', '9007199254740993', null],
]

async function written(
  format: TextFormat,
  rows: readonly (readonly unknown[])[] = ROWS,
  reader: Reader = { tty: false },
  columns = COLUMNS,
): Promise<string> {
  let text = ''
  await writeAnswer(
    { columns, batches: [rows.slice(0, 1), rows.slice(1)] },
    format,
    async (part) => {
      text += part
    },
    reader,
  )
  return text
}

it('writes JSON as one array, exact for large numbers', async () => {
  const text = await written('json')
  expect(JSON.parse(text)).toEqual([
    { at: '2026-11-12T08:15:30.123Z', actor: 'ada@example.com', n: 7, params: { a: 'b, "c"' } },
    { at: '2026-11-12T08:15:31.000Z', actor: '', n: '9007199254740993', params: null },
  ])
  expect(JSON.parse(await written('json', []))).toEqual([])
})

it('writes JSON lines, one row a line', async () => {
  const lines = (await written('ndjson')).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).n)).toEqual([7, '9007199254740993'])
  expect(await written('ndjson', [])).toBe('')
})

it('writes CSV after RFC 4180, where null and empty text differ', async () => {
  expect(await written('csv')).toBe(
    'at,actor,n,params\r\n' +
      '2026-11-12T08:15:30.123Z,ada@example.com,7,"{""a"":""b, \\""c\\""""}"\r\n' +
      '2026-11-12T08:15:31.000Z,"",9007199254740993,\r\n',
  )
  expect(await written('csv', [['a\nb', ' c', 'd"e', null]])).toBe('at,actor,n,params\r\n"a\nb"," c","d""e",\r\n')
})

it('writes a table with numbers to the right and nested values as JSON', async () => {
  expect(await written('table')).toBe(
    [
      'at                        actor                           n  params',
      '────────────────────────  ───────────────  ────────────────  ────────────────',
      '2026-11-12T08:15:30.123Z  ada@example.com                 7  {"a":"b, \\"c\\""}',
      '2026-11-12T08:15:31.000Z                   9007199254740993',
      '',
    ].join('\n'),
  )
})

it('writes only the heading of a table without rows', async () => {
  expect((await written('table', [])).split('\n')).toHaveLength(3)
})

it('fits a table into the terminal: long cells are cut, numbers are not, columns left out are named', async () => {
  const rows = [['2026-11-12T08:15:30.123Z', 'x'.repeat(300), '9007199254740993', { key: 'y'.repeat(300) }]]
  for (const width of [60, 80, 120]) {
    const lines = (await written('table', rows, { tty: true, width })).trimEnd().split('\n')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
    expect(lines[2]).toContain('9007199254740993')
    expect(lines[2]).toContain('…')
  }
  const { hidden } = await writeAnswer({ columns: COLUMNS, batches: [rows] }, 'table', async () => {}, {
    tty: true,
    width: 30,
  })
  expect(hidden).toEqual(['n', 'params'])
})

it('prints nothing of a log raw that a terminal would act on', async () => {
  const evil = '\x1b[2J\x9b31m\r\nfake line\u202e\x07'
  const rows = [[evil, evil, 1, { [evil]: evil }]]
  for (const format of ['table', 'json', 'ndjson', 'csv'] as const) {
    const columns = [{ name: evil, type: 'VARCHAR' }, ...COLUMNS.slice(1)]
    const text = await written(format, rows, { tty: true, width: 200 }, columns)
    expect(text.replaceAll(/\r?\n/g, ''), format).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect(text, format).not.toMatch(/^fake line/m)
  }
})

it('keeps the bytes of a value in CSV that goes to a file', async () => {
  expect(await written('csv', [['\x1b[31m', '', null, null]])).toContain('\x1b[31m')
})

it('shows a plan with its lines', async () => {
  const columns = [
    { name: 'explain_key', type: 'VARCHAR' },
    { name: 'explain_value', type: 'VARCHAR' },
  ]
  expect(await written('table', [['physical_plan', '┌──┐\n│\x1b│']], { tty: true, width: 80 }, columns)).toBe(
    '┌──┐\n│\\x1b│\n',
  )
})

it('lays a table out by its first rows and cuts later ones to fit', async () => {
  const many = Array.from({ length: 1500 }, (_, at) => ['t', at < 1000 ? 'short' : 'a very long actor', at, null])
  const lines = (await written('table', many)).trimEnd().split('\n')
  expect(lines).toHaveLength(1502)
  expect(lines.at(-1)).toMatch(/^t {3}a ve…/)
})

it('waits for a slow reader', async () => {
  const stream = new PassThrough({ highWaterMark: 10 })
  const write = writeTo(stream)
  let done = false
  const writing = write('x'.repeat(100)).then(() => {
    done = true
  })
  await sleep(20)
  expect(done).toBe(false)
  stream.resume()
  await writing
  expect(done).toBe(true)
})
