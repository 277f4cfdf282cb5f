import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rowsSql, writeSmallLake } from '../../ask/small-lake.fixture.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { type Recorded, type RecordedOptions, runCommand } from '../recorded-cli.fixture.ts'
import { registerEvents } from './events.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-events-'))
  await writeSmallLake(homeAt(home))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const events = (argv: readonly string[], options: Partial<RecordedOptions> = {}): Promise<Recorded> =>
  runCommand(registerEvents, ['events', ...argv], { home, ...options })

const idsOf = ({ out }: Recorded): string[] =>
  out
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).event_id)

it('lists the newest events first: when, who, what, on what, from where, and how it ended', async () => {
  const { out, notes } = await events([])
  expect(out).toBe(
    [
      'time                         actor                    action                        target                            from         status',
      '───────────────────────────  ───────────────────────  ────────────────────────────  ────────────────────────────────  ───────────  ────────────',
      '2026-11-13T00:00:00.000Z     smith, john@example.com  accounts.addPrincipalToGroup  admins\\nforged → eve@example.com               FAILURE',
      '2026-11-12T09:00:00.123456Z  c0ffee                   unityCatalog.getTable         main.hr.salaries                  2001:db8::1  UNAUTHORIZED',
      '2026-11-12T08:15:30.000Z     Ada@Example.com          accounts.tokenLogin                                             10.1.2.3 DE  SUCCESS',
      '',
    ].join('\n'),
  )
  expect(notes).toMatch(/^3 events in/)
})

it('takes every filter, and all must match', async () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['--actor', 'ada@*'], ['1']],
    [
      ['--action', 'unitycatalog.*,addprincipal*'],
      ['3', '2'],
    ],
    [
      ['--service', 'accounts'],
      ['3', '1'],
    ],
    [['--category', 'identity'], ['3']],
    [['--target', 'main.hr.*'], ['2']],
    [
      ['--status', 'failure,unauthorized'],
      ['3', '2'],
    ],
    [['--ip', '10.0.0.0/8'], ['1']],
    [['--ip', '2001:db8::/32'], ['2']],
    [['--text', 'permission_denied'], ['2']],
    [
      ['--workspace', '42'],
      ['2', '1'],
    ],
    [['--key-event', 'role_permission_update'], ['3']],
    [
      ['--verb', 'add,re*'],
      ['3', '2'],
    ],
    [['--from', 'today'], ['3']],
    [
      ['--to', 'yesterday'],
      ['2', '1'],
    ],
    [['--from', '2026-11-12T08:15:30Z', '--to', '2026-11-12T09:00:00Z'], ['1']],
    [['--service', 'accounts', '--status', 'success'], ['1']],
    [['--service', 'nothing'], []],
  ]
  for (const [argv, expected] of cases) {
    expect(idsOf(await events([...argv, '--format', 'ndjson'])), argv.join(' ')).toEqual(expected)
  }
})

it('lists the oldest first when asked, and says when there are more', async () => {
  const oldest = await events(['--oldest', '--limit', '2', '--format', 'ndjson'])
  expect(idsOf(oldest)).toEqual(['1', '2'])
  expect(oldest.notes).toMatch(/^The first 2 events in .*there are more/)
})

it('gives whole events as JSON and one value a column as CSV', async () => {
  const [event] = JSON.parse((await events(['--actor', 'ada*', '--format', 'json'])).out)
  expect(Object.keys(event)).toEqual(EVENT_COLUMNS.map((column) => column.name))
  expect(event.request_params).toEqual({ user: 'ada@example.com', Note: '100% sure_' })
  const csv = (await events(['--actor', 'ada*', '--format', 'csv'])).out.split('\r\n')
  expect(csv[0]).toContain('event_id,event_time,workspace_id,service,action')
  expect(csv[1]).toContain('1,2026-11-12T08:15:30.000Z,42,accounts,tokenLogin,authentication')
})

it('prints one JSON object with --json', async () => {
  const report = JSON.parse((await events(['--json', '--limit', '1'])).out)
  expect(report).toMatchObject({ rowCount: 1, truncated: true, rows: [{ event_id: '3' }] })
})

it('cannot be made to print escape sequences or forged lines by what stands in a log', async () => {
  const { out } = await events([], { tty: true, width: 200 })
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  expect(out).not.toMatch(/^forged/m)
})

it('refuses a word that is in none of the closed lists, and names the nearest', async () => {
  const refused = (argv: string[], message: string, hint: RegExp) =>
    expect(events(argv)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      exit: 2,
      message,
      hint: expect.stringMatching(hint),
    })
  await refused(
    ['--category', 'identity,permissions'],
    'There is no category "permissions".',
    /^Did you mean permission\? There are authentication, /,
  )
  await refused(['--verb', 'raed'], 'There is no verb "raed".', /^Did you mean read\?/)
  await refused(['--key-event', 'cluster*,jobs_*'], 'There is no key-event "jobs_*".', /^There are cluster_conf/)
  await refused(['--status', 'failed'], 'There is no status "failed".', /FAILURE/)
  expect((await events(['--status', 'FAIL*', '--category', 'IDENTITY'])).notes).toMatch(/^1 event in [\d.]+ s$/)
})

it('says of a service or action that neither catalogue nor lake has, and answers all the same', async () => {
  const notesOf = async (...argv: string[]) => (await events(argv)).notes.split('\n').slice(1)
  expect(await notesOf('--service', 'unitycatlog,accounts')).toEqual([
    'Neither the catalogue nor the lake has a service "unitycatlog". Did you mean unityCatalog?',
  ])
  expect(await notesOf('--action', 'tokenLogon')).toEqual([
    expect.stringMatching(/an action "tokenLogon"\. Did you mean tokenLogin/),
  ])
  expect(await notesOf('--action', 'accounts.gettable,*nothing')).toEqual([
    expect.stringMatching(/an action "accounts\.gettable"/),
    'Neither the catalogue nor the lake has an action like "*nothing".',
  ])
  const json = await events(['--json', '--service', 'nothing-like-it'])
  expect(JSON.parse(json.out)).toMatchObject({ rowCount: 0 })
  expect(json.notes).toMatch(/^Neither the catalogue/)
})

it('says nothing of a service or action that the catalogue lists or that the lake has at another time', async () => {
  const other = await mkdtemp(join(tmpdir(), 'bricktrail-events-own-'))
  const engine = await Engine.open()
  try {
    const table = DeltaTable.at(homeAt(other).events, EVENTS_TABLE)
    const row = {
      event_id: "'1'",
      event_time: "TIMESTAMPTZ '2026-11-10 08:00:00Z'",
      event_date: "DATE '2026-11-10'",
      service: "'polisher'",
      action: "'polishRun'",
    }
    const write = { select: rowsSql(EVENT_COLUMNS, [row]), partition: '2026-11-10', stem: 'test' }
    const file = await writePartition(engine, table, write)
    await table.commit({ operation: 'WRITE', adds: file === undefined ? [] : [file] })
    const argv = ['--from', 'today', '--service', 'POLISHER,jobs', '--action', 'polisher.polish*,runNow']
    expect((await events(argv, { home: other })).notes).toMatch(/^0 events in [\d.]+ s$/)
  } finally {
    engine.close()
    await rm(other, { recursive: true })
  }
})

it('refuses filters and times it cannot read', async () => {
  await expect(events(['--from', 'someday'])).rejects.toMatchObject({ code: 'BAD_TIME' })
  await expect(events(['--from', 'today', '--to', 'last week'])).rejects.toMatchObject({ code: 'BAD_TIME' })
  await expect(events(['--ip', '10.0.0.0/99'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(events(['--actor', ''])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  await expect(events(['--format', 'parquet'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})
