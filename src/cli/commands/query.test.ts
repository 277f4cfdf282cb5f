import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSmallLake } from '../../ask/small-lake.fixture.ts'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { type Recorded, type RecordedOptions, runCommand } from '../recorded-cli.fixture.ts'
import { registerQuery } from './query.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-query-'))
  await writeSmallLake(homeAt(home))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const query = (argv: readonly string[], options: Partial<RecordedOptions> = {}): Promise<Recorded> =>
  runCommand(registerQuery, ['query', ...argv], { home, ...options })

it('prints a table, and on standard error how many rows and how long', async () => {
  const { out, notes, exitCode } = await query(['select service, count(*) as n from events group by all order by all'])
  expect(out).toBe(['service       n', '────────────  ─', 'accounts      2', 'unityCatalog  1', ''].join('\n'))
  expect(notes).toMatch(/^2 rows in \d+\.\d\d s$/)
  expect(exitCode).toBe(0)
})

it('answers over events and rejects together', async () => {
  const { out } = await query([
    '--format',
    'json',
    'select (select count(*) from events) as events, (select count(*) from rejects) as rejects, max(event_time) as last from events',
  ])
  expect(JSON.parse(out)).toEqual([{ events: 3, rejects: 3, last: '2026-11-13T00:00:00.000Z' }])
})

it('writes JSON lines and CSV with exact times and nested values', async () => {
  const sql = 'select event_time, request_params from events where event_id <= 2::varchar order by event_time'
  const lines = (await query([sql, '--format', 'ndjson'])).out.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { event_time: '2026-11-12T08:15:30.000Z', request_params: { user: 'ada@example.com', Note: '100% sure_' } },
    { event_time: '2026-11-12T09:00:00.123456Z', request_params: null },
  ])
  const csv = (await query([sql, '--format', 'csv'])).out.split('\r\n')
  expect(csv[2]).toBe('2026-11-12T09:00:00.123456Z,')
})

it('prints one JSON object with --json', async () => {
  const { out, notes } = await query(['--json', 'select event_id from events order by 1', '--limit', '2'])
  expect(JSON.parse(out)).toEqual({
    columns: [{ name: 'event_id', type: 'VARCHAR' }],
    rows: [{ event_id: '1' }, { event_id: '2' }],
    rowCount: 2,
    truncated: true,
    elapsedMs: expect.any(Number),
  })
  expect(notes).toBe('')
})

it('says when there are more rows than the limit', async () => {
  const { out, notes } = await query(['select * from range(5000)', '--limit', '3'])
  expect(out.trimEnd().split('\n')).toHaveLength(5)
  expect(notes).toMatch(/^The first 3 rows in .*--limit 0 all\.$/)
  const all = await query(['select * from range(5000)', '--limit', '0', '--format', 'csv'])
  expect(all.out.trimEnd().split('\r\n')).toHaveLength(5001)
})

it('names the columns that a terminal has no room for', async () => {
  const { out, notes } = await query(['select * from events'], { tty: true, width: 80 })
  for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(notes).toMatch(/Columns without room here: .* more\. Name those you want/)
})

it('prints no escape sequence of a log on a terminal or in a pipe', async () => {
  for (const tty of [true, false]) {
    for (const format of ['table', 'json', 'ndjson']) {
      const { out } = await query(['select user_agent, actor, targets from events', '--format', format], { tty })
      expect(out).toContain('[2J')
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    }
  }
})

it('reads the statement from standard input', async () => {
  const { out } = await query(['-', '--format', 'csv'], { stdin: 'select count(*) as n\nfrom events' })
  expect(out).toBe('n\r\n3\r\n')
})

it('writes Parquet and other files by their extension, whole or not at all', async () => {
  const parquet = join(home, 'answer.parquet')
  const { notes } = await query(['select event_id, actor, request_params from events', '--out', parquet])
  expect(notes).toContain('3 rows in')
  const engine = await Engine.open()
  const rows = await engine.rows(`SELECT event_id, actor.email FROM read_parquet('${parquet}') ORDER BY 1 LIMIT 1`)
  engine.close()
  expect(rows).toEqual([{ event_id: '1', email: 'Ada@Example.com' }])
  const csv = join(home, 'answer.csv')
  await query(['select * from range(3000) t(n)', '--out', csv])
  expect((await readFile(csv, 'utf8')).trimEnd().split('\r\n')).toHaveLength(3001)
  await expect(
    query(['select * from range(10) t(n), events where n = (1 / 0)::int + x', '--out', csv]),
  ).rejects.toMatchObject({
    code: 'BAD_SQL',
  })
  expect((await readFile(csv, 'utf8')).trimEnd().split('\r\n')).toHaveLength(3001)
  expect((await readdir(home)).filter((name) => name.includes('partial'))).toEqual([])
})

it('takes - after --out for standard output', async () => {
  expect((await query(['select 1 as x', '--out', '-', '--format', 'csv'])).out).toBe('x\r\n1\r\n')
  await expect(query(['select 1', '--out', '-', '--format', 'parquet'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

it('refuses what it cannot do, saying what would work', async () => {
  await expect(query(['select 1', '--format', 'parquet'])).rejects.toMatchObject({ hint: 'Add --out FILE.' })
  await expect(query(['select 1', '--format', 'xml'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(query(['select 1', '--limit', 'many'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(query(['select 1', '--timeout', 'soon'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  const tables = 'The tables are events, rejects, findings, objects; files and system tables cannot be read.'
  await expect(query(['select * from evnets'])).rejects.toMatchObject({
    message: 'There is no table evnets here.',
    hint: `Did you mean events? ${tables}`,
  })
  await expect(query(["select * from '/etc/passwd'"])).rejects.toMatchObject({ code: 'SQL_REFUSED', hint: tables })
  await expect(query(['drop table events'])).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  const nowhere = join(home, 'none', 'a.csv')
  await expect(query(['select 1', '--out', nowhere])).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: `The folder of ${nowhere} does not exist.`,
  })
  await expect(query(['select 1'], { home: join(home, 'elsewhere') })).rejects.toMatchObject({ code: 'NO_LAKE' })
})

it('stops after its time limit', async () => {
  const endless = 'select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3'
  await expect(query([endless, '--timeout', '300ms'])).rejects.toMatchObject({ code: 'SQL_TIMEOUT' })
})

it('stops at Ctrl-C, says so, and ends with the exit code of an interrupted program', async () => {
  const endless = 'select count(*) from range(10000000) a, range(10000000) b where a.range * b.range % 7 = 3'
  const running = query([endless, '--timeout', '60s'])
  await sleep(1000)
  // The terminal sends it, and so do npm and the launcher.
  process.emit('SIGINT')
  process.emit('SIGINT')
  expect(await running).toMatchObject({ out: '', notes: 'Stopped.', exitCode: 130 })
  expect(process.listenerCount('SIGINT')).toBe(0)
})

it('leaves the home as it was, spill folder empty', async () => {
  expect(await readdir(join(home, 'tmp'))).toEqual([])
})
