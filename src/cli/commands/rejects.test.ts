import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSmallLake } from '../../ask/small-lake.fixture.ts'
import { homeAt } from '../../core/home.ts'
import { DeltaTable, EVENTS_TABLE } from '../../lake/table.ts'
import { type Recorded, type RecordedOptions, runCommand } from '../recorded-cli.fixture.ts'
import { registerRejects } from './rejects.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-rejects-'))
  await writeSmallLake(homeAt(home))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const rejects = (argv: readonly string[], options: Partial<RecordedOptions> = {}): Promise<Recorded> =>
  runCommand(registerRejects, ['rejects', ...argv], { home, ...options })

it('counts rejects per reason first, then lists them', async () => {
  const { out, notes } = await rejects([])
  const lines = out.trimEnd().split('\n')
  expect(lines.slice(0, 4).map((line) => line.split(/\s+/))).toEqual([
    ['reason', 'rejects', 'objects'],
    expect.anything(),
    ['malformed_json', '2', '2'],
    ['not_a_record', '1', '1'],
  ])
  expect(lines.slice(5)).toHaveLength(5)
  expect(lines[7]).toMatch(/^a3a3a3a3 {2}not_a_record +3 +4 {2}logs\/two\.json {2}/)
  expect(notes).toContain('--show ID')
})

it('shows content with control characters escaped, and only its beginning', async () => {
  const { out } = await rejects([])
  expect(out).toContain('{"a": \\x1b[2J\\n')
  expect(out).toContain('\\x00A')
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  const { rejects: listed } = JSON.parse((await rejects(['--json'])).out)
  expect(listed.map((reject: { content: string }) => reject.content.length)).toEqual([4, 200, 11])
})

it('lists only a reason or an object when asked, with the counts of those', async () => {
  const byReason = JSON.parse((await rejects(['--json', '--reason', 'NOT_A*'])).out)
  expect(byReason.counts).toEqual([{ reason: 'not_a_record', rejects: 1, objects: 1 }])
  expect(byReason.rejects.map((reject: { line: number }) => reject.line)).toEqual([3])
  const byObject = JSON.parse((await rejects(['--json', '--object', '*two.json'])).out)
  expect(byObject.counts.map((count: { rejects: number }) => count.rejects)).toEqual([1, 1])
  expect((await rejects(['--reason', 'none'])).out).toBe('No rejects.\n')
})

it('says how many of how many it lists', async () => {
  expect((await rejects(['--limit', '1'])).notes).toMatch(/^The first 1 of 3/)
  const all = await rejects(['--limit', '0'])
  expect(all.out.trimEnd().split('\n')).toHaveLength(10)
  expect(all.notes).not.toMatch(/The first/)
  await expect(rejects(['--limit', 'all'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

it('says which text is UTF-16 and how to convert it', async () => {
  const said = 'logs/two.json is UTF-16 text: convert it (iconv -f UTF-16 -t UTF-8 IN > OUT)'
  expect((await rejects([])).notes).toContain(said)
  expect((await rejects(['--show', 'a3'])).notes).toContain(said)
  expect((await rejects(['--show', 'b2'])).notes).not.toContain('UTF-16')
  const { rejects: listed } = JSON.parse((await rejects(['--json'])).out)
  expect(listed.map((reject: { utf16: boolean }) => reject.utf16)).toEqual([true, false, false])
})

it('prints one reject whole, found by the beginning of its id', async () => {
  const { out } = await rejects(['--show', 'b2'], { tty: true })
  expect(out).toContain('reason  malformed_json: what is wrong with line 2')
  expect(out).toContain(`{"long": "${'x'.repeat(500)}`)
  const whole = JSON.parse((await rejects(['--json', '--show', 'A3A3'])).out)
  expect(Buffer.from(whole.contentBase64, 'base64')).toEqual(Buffer.from([0xff, 0xfe, 0x00, 0x41]))
  expect((await rejects(['--show', 'a1'], { tty: true })).out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

it('says when no reject or several rejects have an id', async () => {
  await expect(rejects(['--show', 'ffff'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: /no reject/ })
  await expect(rejects(['--show', 'a'])).rejects.toMatchObject({ code: 'BAD_ARGUMENT', message: /Several/ })
  await expect(rejects(['--show', "a' OR '1'='1"])).rejects.toMatchObject({ message: /no reject/ })
})

it('says that there are none where a lake has none, and that there is no lake where there is none', async () => {
  const other = await mkdtemp(join(home, 'other-'))
  await expect(rejects([], { home: other })).rejects.toMatchObject({ code: 'NO_LAKE' })
  await DeltaTable.at(homeAt(other).events, EVENTS_TABLE).commit({ adds: [], operation: 'WRITE' })
  expect((await rejects([], { home: other })).out).toBe('No rejects.\n')
  expect(JSON.parse((await rejects(['--json'], { home: other })).out)).toEqual({ counts: [], rejects: [] })
})
