import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rowsSql } from '../../ask/small-lake.fixture.ts'
import { EVENT_COLUMNS } from '../../core/event.ts'
import { homeAt } from '../../core/home.ts'
import { Engine } from '../../engine/duckdb.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { writePartition } from '../../lake/write.ts'
import { catalogue } from '../../normalise/catalogue/catalogue.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerCatalogue } from './catalogue.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-catalogue-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const run = (...argv: string[]): Promise<Recorded> => runCommand(registerCatalogue, ['catalogue', ...argv], { home })

it('lists every action without a filter', async () => {
  const { out, notes } = await run()
  expect(out.trimEnd().split('\n')).toHaveLength(catalogue().length + 2)
  expect(out.split('\n')[0]).toMatch(/^service +action +category +verb +key event +targets +level +evidence$/)
  expect(notes).toBe(`${catalogue().length} of ${catalogue().length} actions.`)
})

it('narrows the list by lists and stars, in any case, and all filters must match', async () => {
  const { out } = await run('--service', 'JOBS,clusters', '--action', 'change*acl', '--verb', 'grant')
  expect(
    out
      .split('\n')
      .slice(2, -1)
      .map((line) => line.split(/ {2,}/).slice(0, 2).join('.')),
  ).toEqual(['clusters.changeClusterAcl', 'jobs.changeJobAcl'])
})

it('prints whole entries as JSON', async () => {
  const { out } = await run('--json', '--key-event', 'vendor_access')
  const { entries } = JSON.parse(out)
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ service: 'genie', action: 'databricksAccess', verb: 'grant', evidence: 'code' })
})

it('refuses a word that is in no closed list, and says which there are', async () => {
  await expect(run('--evidence', 'hearsay')).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: 'There is no evidence "hearsay".',
    hint: 'There are documented, code, recalled.',
  })
  await expect(run('--verb', 'granted')).rejects.toMatchObject({
    message: 'There is no verb "granted".',
    hint: expect.stringMatching(/^Did you mean grant\? There are login, /),
  })
  await expect(run('--category', ',')).rejects.toMatchObject({ message: '--category is empty.' })
})

it('counts the actions of the lake that it does not know', async () => {
  await expect(run('--unknown')).rejects.toMatchObject({ code: 'NO_LAKE' })
  const engine = await Engine.open()
  const event = (id: number, service: string, action: string) => ({
    event_id: `'${id}'`,
    event_time: `TIMESTAMPTZ '2026-11-12 08:15:0${id}Z'`,
    event_date: "DATE '2026-11-12'",
    service: `'${service}'`,
    action: `'${action}'`,
  })
  const rows = [event(1, 'accounts', 'tokenLogin'), event(2, 'jobs', 'polishRun'), event(3, 'jobs', 'polishRun')]
  const table = DeltaTable.at(homeAt(home).events, EVENTS_TABLE)
  try {
    const write = { select: rowsSql(EVENT_COLUMNS, rows), partition: '2026-11-12', stem: 'test' }
    const file = await writePartition(engine, table, write)
    await table.commit({ operation: 'WRITE', adds: file === undefined ? [] : [file] })
  } finally {
    engine.close()
  }
  const { out, notes } = await run('--unknown')
  expect(out.split('\n')[2]).toMatch(
    /^jobs +polishRun +2 +2026-11-12T08:15:02\.000Z +2026-11-12T08:15:03\.000Z +job, unknown$/,
  )
  expect(notes).toBe('1 action that the catalogue does not list; the events are kept.')
  expect((await run('--unknown', '--service', 'accounts')).out).toBe('Every action in the lake is in the catalogue.\n')
  expect(JSON.parse((await run('--unknown', '--json')).out).unknown).toHaveLength(1)
})
