import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../engine/duckdb.ts'
import { detectRecords, type RecordsReport } from './over-records.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detect-records-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const rule = (name: string, line: string, more = ''): string =>
  `title: ${name}\nname: ${name}\nlogsource: { product: any }\ndetection:\n  selection:\n    ${line}\n  condition: selection\n${more}`

async function detected(rules: string, records: readonly unknown[], timeField?: string): Promise<RecordsReport> {
  const file = join(folder, 'log.json')
  await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  await writeFile(join(folder, 'rules.yml'), rules)
  const engine = await Engine.open({ threads: 2 })
  try {
    return await detectRecords(engine, { files: [file], rules: [join(folder, 'rules.yml')], pipelines: [], timeField })
  } finally {
    engine.close()
  }
}

const timesOf = async (values: readonly unknown[]) => {
  const records = values.map((timestamp) => ({ x: 1, timestamp }))
  const { findings, timeless } = await detected(rule('one', 'x: 1'), records)
  return { times: findings.map(({ first_time }) => first_time), timeless }
}

describe('the time of a record', () => {
  it.each([
    ['2026-11-01T10:00:00Z', '2026-11-01 10:00:00+00'],
    ['2026-11-01T10:00:00.5+0100', '2026-11-01 09:00:00.5+00'],
    ['2026-11-01 10:00:00,25', '2026-11-01 10:00:00.25+00'],
    ['2026-11-01', '2026-11-01 00:00:00+00'],
    [1793000000, '2026-10-26 07:33:20+00'],
    [1793000000.5, '2026-10-26 07:33:20.5+00'],
    [1793000000123, '2026-10-26 07:33:20.123+00'],
    ['1793000000123', '2026-10-26 07:33:20.123+00'],
    [1793000000123456, '2026-10-26 07:33:20.123456+00'],
    ['1793000000000000000', '2026-10-26 07:33:20+00'],
  ])('may be written as %s', async (value, time) => {
    expect(await timesOf([value])).toEqual({ times: [time], timeless: 0 })
  })

  it('is not known where it is no time, and then it is no year 1970', async () => {
    expect(await timesOf([0, 12, '20261101', true, '', 'soon', null])).toEqual({ times: [null], timeless: 7 })
  })

  it('is that of the first field that holds one', async () => {
    const { findings } = await detected(rule('one', 'x: 1'), [{ x: 1, timestamp: 'soon', eventTime: '2026-11-01' }])
    expect(findings).toMatchObject([{ first_time: '2026-11-01 00:00:00+00' }])
    const named = await detected(
      rule('one', 'x: 1'),
      [{ x: 1, timestamp: '2026-11-01', at: { ms: 1793000000123 } }],
      'at.ms',
    )
    expect(named.findings).toMatchObject([{ first_time: '2026-10-26 07:33:20.123+00' }])
  })
})

describe('the files', () => {
  it.each([
    ['lines', '\uFEFF{"x":1}\r\n{"x":1,"n":2}\r\n'],
    ['a list', '\uFEFF[{"x":1},\n {"x":1,"n":2}]'],
  ])('may begin with a byte order mark, and be compressed whatever their name: %s', async (form, text) => {
    const engine = await Engine.open({ threads: 2 })
    const files = [join(folder, `${form}.json`), join(folder, `${form}.gz`), join(folder, form)]
    await writeFile(files[0] ?? '', text)
    await writeFile(files[1] ?? '', gzipSync(text))
    await writeFile(files[2] ?? '', gzipSync(text.slice(1)))
    await writeFile(join(folder, 'rules.yml'), rule('one', 'x: 1'))
    try {
      const read = await detectRecords(engine, { files, rules: [join(folder, 'rules.yml')], pipelines: [] })
      expect(read).toMatchObject({ records: 6, unreadable: 0 })
    } finally {
      engine.close()
    }
  })
})

describe('files of other programs', () => {
  const readOf = async (...files: readonly string[]) => {
    await writeFile(join(folder, 'rules.yml'), rule('one', 'x: 1'))
    const engine = await Engine.open({ threads: 2 })
    try {
      return await detectRecords(engine, { files, rules: [join(folder, 'rules.yml')], pipelines: [] })
    } finally {
      engine.close()
    }
  }
  const lines = '{"x":1,"who":"Zoë"}\r\n{"x":1}\r\n'
  const little = (text: string) => Buffer.from(text, 'utf16le')

  it.each([
    ['little', little(`\uFEFF${lines}`)],
    ['big', little(`\uFEFF${lines}`).swap16()],
    ['unmarked', little(lines)],
    ['compressed', gzipSync(little(`\uFEFF${lines}`))],
  ])('may be in UTF-16: %s', async (name, bytes) => {
    const file = join(folder, `${name}.json`)
    await writeFile(file, bytes)
    expect(await readOf(file)).toMatchObject({ records: 2, unreadable: 0, damaged: [], findings: [{ events: '2' }] })
  })

  it('that are cut are read as far as they are whole, and named', async () => {
    const file = join(folder, 'cut.json.gz')
    const many = Array.from({ length: 5000 }, (_, n) => `{"x":1,"n":${n},"id":"${Math.sin(n)}"}\n`).join('')
    const whole = gzipSync(many)
    await writeFile(file, whole.subarray(0, whole.length / 2))
    const { records, damaged } = await readOf(file)
    expect(records).toBeGreaterThan(1000)
    expect(records).toBeLessThan(4000)
    expect(damaged).toEqual([{ file, why: 'unexpected end of file' }])
    await writeFile(file, whole.subarray(0, 15))
    await expect(readOf(file)).rejects.toMatchObject({
      code: 'NO_RECORDS',
      message: `No JSON object was found in ${file}. ${file} cannot be read to its end: unexpected end of file.`,
    })
  })
})

describe('records without a time', () => {
  const base = rule('one', 'x: 1')
  const count =
    'title: count\nname: count\ncorrelation:\n  type: event_count\n  rules: [one]\n  timespan: 1h\n  generate: true\n  condition: { gte: 2 }\n'

  it('are one finding beside those with one, and in no window', async () => {
    const records = [{ x: 1 }, { x: 1, n: 2 }, { x: 1, timestamp: '2026-11-01T10:00:00Z' }]
    const { findings, timeless } = await detected(`${base}---\n${count}`, records)
    expect(timeless).toBe(2)
    expect(findings.map(({ title, events, first_time, summary }) => [title, events, first_time, summary])).toEqual([
      ['one', '1', '2026-11-01 10:00:00+00', 'one, 1 event at 2026-11-01 10:00:00 UTC.'],
      ['one', '2', null, 'one, 2 events, time not known.'],
    ])
    const counted = await detected(`${base}---\n${count}`, [...records, { x: 1, timestamp: '2026-11-01T10:30:00Z' }])
    expect(counted.findings.filter(({ title }) => title === 'count')).toMatchObject([{ events: '2', measure: '2' }])
  })

  it('are no habit', async () => {
    const baseline =
      'title: first\nname: first\nlogsource: { product: any }\nbaseline:\n  type: first_seen\n  select:\n    selection: { x: 1 }\n    condition: selection\n  by: [who]\n  value: [ip]\n  learn: 1d\n'
    const timed = Array.from({ length: 10 }, (_, n) => ({
      x: 1,
      who: 'a',
      ip: n < 9 ? '1' : '2',
      timestamp: `2026-11-${String(n + 1).padStart(2, '0')}`,
    }))
    const { findings, problems } = await detected(baseline, [
      ...timed,
      { x: 1, who: 'a', ip: '2' },
      { x: 1, who: 'a', ip: '3' },
    ])
    expect(problems).toEqual([])
    expect(findings).toMatchObject([{ title: 'first', events: '1', first_time: '2026-11-10 00:00:00+00' }])
  })
})

describe('a name with a dot', () => {
  it('is a member of that name or a member of a member, and either counts where a record has both', async () => {
    const records = [
      { 'o.p': 'hit' },
      { o: { p: 'hit' } },
      { 'o.p': 'no', o: { p: 'hit' } },
      { 'o.p': 'hit', o: { p: 'no' } },
      { 'o.p': null, o: { p: 'hit' } },
      { 'o.p': 'no', o: [{ p: 'no' }, { p: 'hit' }] },
      { 'o.p': 'no', o: { p: 'no' } },
      { o: { q: 'hit' } },
    ].map((record, n) => ({ ...record, timestamp: `2026-11-0${n + 1}` }))
    const days = async (line: string) =>
      (await detected(rule('one', line), records)).findings
        .map(({ first_time }) => String(first_time).slice(9, 10))
        .join('')
    expect(await days('o.p: hit')).toBe('123456')
    expect(await days('o.p|exists: true')).toBe('1234567')
    expect(await days('o.p: null')).toBe('8')
  })
})
