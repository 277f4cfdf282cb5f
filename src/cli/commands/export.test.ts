import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSmallLake } from '../../ask/small-lake.fixture.ts'
import { homeAt } from '../../core/home.ts'
import { FORMAT_NAMES } from '../../export/registry.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerExport } from './export.ts'

let home: string
let out: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-export-'))
  out = await mkdtemp(join(tmpdir(), 'bricktrail-export-out-'))
  await writeSmallLake(homeAt(home))
})
afterAll(async () => {
  await rm(home, { recursive: true, force: true })
  await rm(out, { recursive: true, force: true })
})

const run = (...argv: readonly string[]): Promise<Recorded> => runCommand(registerExport, ['export', ...argv], { home })

const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8')).trimEnd().split('\n')

it('writes every format, into a file and into a folder with one file a day', async () => {
  for (const format of FORMAT_NAMES) {
    const file = join(out, `all.${format === 'system-table' ? 'parquet' : format}`)
    expect((await run('--format', format, '--out', file)).out).toMatch(`3 events as ${format}, `)
    expect((await run('--format', format, '--out', join(out, 'days'))).out).toMatch('in 2 files')
  }
  expect((await readdir(join(out, 'days'))).sort()).toEqual([...FORMAT_NAMES].sort())
  expect((await readdir(join(out, 'days', 'ocsf'))).sort()).toEqual(['date=2026-11-12', 'date=2026-11-13'])
})

it('keeps to the range, a day given as --to included', async () => {
  const file = join(out, 'range.ndjson')
  const uids = async (...range: string[]) => {
    await run('--format', 'ocsf', '--out', file, ...range)
    return (await linesOf(file)).map((line) => JSON.parse(line).metadata.uid).sort()
  }
  expect(await uids('--to', '2026-11-12')).toEqual(['1', '2'])
  expect(await uids('--from', '2026-11-12T08:15:30Z', '--to', '2026-11-12T09:00:00.123456Z')).toEqual(['1'])
  expect(await uids('--from', 'today')).toEqual(['3'])
})

it('says so where there is nothing to export, and leaves no file', async () => {
  const file = join(out, 'nothing.cef')
  const result = await run('--format', 'cef', '--out', file, '--from', '2027-01-01')
  expect(result).toEqual({ out: '', notes: 'No events in this range; nothing was written.', exitCode: 0 })
  expect(await readdir(out)).not.toContain('nothing.cef')
})

it('prints one object with --json', async () => {
  const file = join(out, 'json.csv.gz')
  const report = JSON.parse((await run('--json', '--format', 'csv', '--out', file)).out)
  const zipped = await readFile(file)
  expect(report).toEqual({
    format: 'csv',
    events: 3,
    files: [{ path: file, events: 3, bytes: zipped.length }],
    bytes: zipped.length,
  })
  expect(gunzipSync(zipped).toString('utf8').split('\r\n')).toHaveLength(5)
})

it('writes to standard output for -, with what it has to say on standard error', async () => {
  for (const format of ['uam', 'ocsf', 'system-table', 'cef']) {
    const { out: text, notes } = await run('--format', format, '--out', '-')
    expect(text.trimEnd().split('\n'), format).toHaveLength(3)
    expect(notes).toMatch(new RegExp(`^3 events as ${format}, `))
  }
  const csv = (await run('--format', 'csv', '--out', '-')).out.split('\r\n')
  expect(csv.filter((line) => line.startsWith('event_id,'))).toHaveLength(1)
  expect(csv).toHaveLength(5)
  const none = await run('--format', 'cef', '--out', '-', '--from', '2027-01-01')
  expect(none).toEqual({ out: '', notes: 'No events in this range; nothing was written.', exitCode: 0 })
})

it('prints on a terminal nothing that it would act on', async () => {
  const { out: text } = await runCommand(registerExport, ['export', '--format', 'csv', '--out', '-'], {
    home,
    tty: true,
  })
  expect(text).toContain('\\x1b[2J')
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

it('validates a sample of OCSF when asked', async () => {
  const result = await run('--format', 'ocsf', '--out', join(out, 'checked.ndjson'), '--validate')
  expect(result.notes).toBe('OCSF: 3 of 3 sampled events are valid.')
  expect(result.exitCode).toBe(0)
  await expect(run('--format', 'cef', '--out', out, '--validate')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

it('writes nothing into what the home keeps', async () => {
  const inside = join(home, 'lake', 'events', 'a.csv')
  await expect(run('--format', 'csv', '--out', inside)).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    hint: `Name a place outside ${home}.`,
  })
})

it('refuses what it cannot do before it writes anything', async () => {
  const refused = (code: string, ...argv: string[]) => expect(run(...argv)).rejects.toMatchObject({ code })
  await refused('BAD_ARGUMENT', '--format', 'xml', '--out', out)
  await refused('BAD_ARGUMENT', '--format', 'parquet', '--out', out, '--gzip')
  await refused('BAD_ARGUMENT', '--format', 'parquet', '--out', '-')
  await refused('BAD_ARGUMENT', '--format', 'cef', '--out', '-', '--json')
  const gzipped = ['export', '--format', 'cef', '--out', '-', '--gzip']
  await expect(runCommand(registerExport, gzipped, { home, tty: true })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await refused('BAD_TIME', '--format', 'cef', '--out', out, '--from', 'someday')
  const empty = await mkdtemp(join(tmpdir(), 'bricktrail-export-empty-'))
  await expect(
    runCommand(registerExport, ['export', '--format', 'cef', '--out', out], { home: empty }),
  ).rejects.toMatchObject({ code: 'NO_LAKE' })
  expect(await readdir(empty)).toEqual([])
  await rm(empty, { recursive: true })
})
