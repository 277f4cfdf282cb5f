import { cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeAt } from '../../core/home.ts'
import { verified } from '../../ingest/sealed-home.fixture.ts'
import { shareCache } from '../../ingest/taking.fixture.ts'
import { FINDINGS_TABLE } from '../../lake/spec.ts'
import { DeltaTable } from '../../lake/table.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerDetect } from './detect.ts'
import { registerFindings } from './findings.ts'
import { registerIngest } from './ingest.ts'
import { registerQuery } from './query.ts'
import { registerSeal } from './seal.ts'

let folder: string
let home: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bricktrail-detect-'))
  home = join(folder, 'home')
  await shareCache(homeAt(home))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const RULE = `title: Table dropped
id: 4f3a52a8-6f83-4f2c-9f9e-0e1a3f1f7b10
name: table_dropped
level: high
tags: [attack.impact, attack.t1485]
logsource: { product: databricks }
detection:
  selection: { serviceName: unityCatalog, actionName: deleteTable }
  condition: selection
bricktrail:
  threat: destruction
  entity: actor.email
  runbook:
    - title: What else they did
      sql: SELECT action FROM events WHERE actor.email = :entity AND event_time BETWEEN :from AND :to
`

const BROKEN = "title: Broken\nlogsource: {}\ndetection:\n  s: { a|re: '(?=x)' }\n  condition: s\n"

const record = (minute: number, who: string): string =>
  `${JSON.stringify({
    timestamp: Date.parse(`2026-11-12T10:${String(minute).padStart(2, '0')}:00Z`),
    serviceName: 'unityCatalog',
    actionName: 'deleteTable',
    userIdentity: { email: who },
    requestParams: { full_name_arg: 'main.hr.salaries' },
    response: { statusCode: 200 },
    requestId: `r${minute}`,
  })}\n`

describe('a home', () => {
  const run = (register: typeof registerDetect, ...argv: readonly string[]): Promise<Recorded> =>
    runCommand(register, argv, { home })
  const found = async (...argv: readonly string[]) =>
    JSON.parse((await run(registerFindings, 'findings', '--json', ...argv)).out).rows as Record<string, unknown>[]

  it('is looked at with each ingestion, by its own rules', async () => {
    await mkdir(join(home, 'rules'), { recursive: true })
    await writeFile(join(home, 'rules/dropped.yml'), RULE)
    await writeFile(join(home, 'rules/broken.yml'), BROKEN)
    await writeFile(join(home, 'detect.yaml'), 'shipped: false\nrules: [./rules]\n')
    const logs = join(folder, 'one.json')
    await writeFile(logs, record(0, 'ada@x.io') + record(5, 'ada@x.io') + record(7, 'bob@x.io'))
    const { out, notes } = await run(registerIngest, 'ingest', logs)
    expect(out).toMatch(/findings {4}2 new or grown/)
    expect(notes).toMatch(/broken\.yml:4:\d+: error: .*look-ahead/)
    expect(await found()).toMatchObject([
      { entity: 'bob@x.io', events: 1, evidence: [{ leaf: 2 }] },
      { entity: 'ada@x.io', events: 2, level: 'high', threat: 'destruction', tags: ['attack.impact', 'attack.t1485'] },
    ])
  })

  it('tells of what grew, and shows the newest only', async () => {
    const logs = join(folder, 'two.json')
    await writeFile(logs, record(30, 'ada@x.io'))
    await run(registerIngest, 'ingest', '--no-detect', logs)
    expect(await found('--entity', 'ada*')).toMatchObject([{ revision: 1 }])
    expect(JSON.parse((await run(registerDetect, 'detect', '--json')).out)).toMatchObject({ events: 1, findings: 1 })
    expect(await found('--entity', 'ada*')).toMatchObject([{ revision: 2, events: 3 }])
    expect((await run(registerDetect, 'detect', '--rebuild')).out).toMatch(/none[\s\S]*state made anew \(asked\)/)
    const { out } = await run(registerQuery, 'query', '--format', 'csv', 'select count(*) as n from findings')
    expect(out).toBe('n\r\n2\r\n')
  })

  it('lists by level, rule and time, and shows one with its reasons', async () => {
    expect(await found('--level', 'critical')).toEqual([])
    expect(await found('--rule', 'table_dropped', '--from', '2026-11-12T10:08')).toMatchObject([{ entity: 'ada@x.io' }])
    expect(await found('--to', '2026-11-11')).toEqual([])
    const { out } = await run(registerFindings, 'findings', '--level', 'medium')
    expect(out.split('\n')[2]).toMatch(/^[0-9a-f]{32} {2}high {3}Table dropped {2}ada@x\.io +3 {2}/)
    const id = String((await found('--entity', 'bob*'))[0]?.finding_id)
    const shown = (await run(registerFindings, 'findings', 'show', id.slice(0, 8))).out
    expect(shown).toContain('Table dropped: bob@x.io, 1 event at 2026-11-12 10:07:00 UTC.')
    expect(shown).toContain('  selection: actionName = deleteTable')
    expect(shown).toMatch(/event_date=2026-11-12\/b\d+-\w+-0\.parquet {2}leaf 2/)
    const [, sql = ''] = /What else they did\n {4}(SELECT .*)\n/.exec(shown) ?? []
    expect((await run(registerQuery, 'query', '--format', 'csv', sql)).out).toBe('action\r\ndeleteTable\r\n')
    await expect(run(registerFindings, 'findings', '--rule', 'droped')).rejects.toMatchObject({
      message: 'There is no rule droped.',
      hint: expect.stringContaining('Did you mean dropped?'),
    })
    // A rule that has found nothing is no slip.
    const quiet = RULE.replace('4f3a52a8', '5f3a52a8')
      .replace('table_dropped', 'quiet')
      .replace('dropped', 'left alone')
    await writeFile(join(home, 'rules/quiet.yml'), quiet)
    expect(await found('--rule', 'left alone')).toEqual([])
    await rm(join(home, 'rules/quiet.yml'))
    // Findings do not have the file of a rule with a name; it is known as a name of the rule all the same.
    await rename(join(home, 'rules/dropped.yml'), join(home, 'rules/gone.yml'))
    expect(await found('--rule', 'gone')).toHaveLength(2)
    await writeFile(join(home, 'rules/gone.yml'), `${RULE}---\n${quiet}`)
    await expect(run(registerFindings, 'findings', '--rule', 'gone')).rejects.toMatchObject({
      message: '2 rules go by the name gone.',
      hint: expect.stringContaining('4f3a52a8-'),
    })
    await rm(join(home, 'rules/gone.yml'))
    await writeFile(join(home, 'rules/dropped.yml'), RULE)
    await expect(run(registerFindings, 'findings', 'show', 'ffff')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(run(registerFindings, 'findings', '--level', 'x')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('has its findings sealed, verified, and put back like the other tables', async () => {
    expect(await verified(homeAt(home))).toMatchObject({ ok: true, findings: [] })
    const findings = DeltaTable.at(homeAt(home).findings, FINDINGS_TABLE)
    const { version } = await findings.snapshot()
    const backup = join(folder, 'backup')
    await cp(findings.root, backup, { recursive: true })
    const more = join(folder, 'three.json')
    await writeFile(more, record(59, 'eve@x.io'))
    await run(registerIngest, 'ingest', more)
    expect(await found()).toHaveLength(3)
    await rm(findings.root, { recursive: true })
    await cp(backup, findings.root, { recursive: true })
    await expect(run(registerDetect, 'detect')).rejects.toMatchObject({ code: 'SEAL_FORKED' })
    await run(registerSeal, 'seal', 'restore', '--reason', 'a slip')
    expect(await verified(homeAt(home))).toMatchObject({ ok: true, findings: [] })
    expect((await findings.snapshot()).version).toBeGreaterThanOrEqual(version)
    expect(await found()).toHaveLength(2)
    expect((await run(registerDetect, 'detect')).out).toMatch(
      /1 new or grown[\s\S]*state made anew \(findings put back\)/,
    )
    expect(await found('--entity', 'eve*')).toHaveLength(1)
    expect(await verified(homeAt(home))).toMatchObject({ ok: true, findings: [] })
  })
})

describe('files', () => {
  const detect = (...argv: readonly string[]): Promise<Recorded> =>
    runCommand(registerDetect, ['detect', ...argv], { home: join(folder, 'nothing') })
  const rules = `title: Who am I
logsource: { product: windows }
detection:
  s: { CommandLine|contains: whoami, Tags.name: x }
  condition: s
level: low
`

  it('of any JSON are looked at by any rules, whatever else is in them', async () => {
    const [logs, list, rule] = [join(folder, 'a.ndjson'), join(folder, 'b.json'), join(folder, 'whoami.yml')]
    await writeFile(rule, `${rules}---\n${BROKEN}`)
    const line = (at: unknown, tag: string) => ({ UtcTime: at, CommandLine: 'cmd /c WHOAMI', Tags: [{ name: tag }] })
    await writeFile(
      logs,
      `${JSON.stringify(line('2026-11-01 10:00:00', 'X'))}\nno json\n${JSON.stringify(line(null, 'y'))}\n`,
    )
    await writeFile(list, JSON.stringify({ Records: [line(Date.parse('2026-11-01T10:30:00Z'), 'x'), line(1, 'y')] }))
    const { out, notes, exitCode } = await detect('--input', logs, list, '--rules', rule, '--format', 'ndjson')
    const [finding, ...more] = out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(more).toEqual([])
    expect(finding).toMatchObject({
      title: 'Who am I',
      level: 'low',
      events: '2',
      first_time: '2026-11-01 10:00:00+00',
      last_time: '2026-11-01 10:30:00+00',
      explanation: [
        { selection: 's', field: 'CommandLine', value: 'cmd /c WHOAMI' },
        { selection: 's', field: 'Tags.name', value: 'X' },
      ],
    })
    expect(exitCode).toBe(1)
    expect(notes).toMatch(
      /whoami\.yml:\d+:\d+: error: [\s\S]*1 finding of 1 rule in 4 records[\s\S]*1 line is no JSON[\s\S]*2 records have no time/,
    )
    expect((await detect('--input', logs, '--rules', rule)).out).toMatch(/level +title[\s\S]*low +Who am I/)
  })

  it('need rules, and rules need files', async () => {
    await expect(detect('--input', 'x')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(detect('--rules', 'x')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(detect('--input', join(folder, 'none'), '--rules', join(folder, 'whoami.yml'))).rejects.toMatchObject({
      code: 'NO_SOURCE',
    })
  })

  it('are not said to be clean where no rule could be used', async () => {
    const [logs, rule] = [join(folder, 'clean.ndjson'), join(folder, 'broken.yml')]
    await writeFile(logs, '{"a":1}\n')
    await writeFile(rule, BROKEN)
    await expect(detect('--input', logs, '--rules', rule)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'None of the rules could be used, so nothing was looked for.',
    })
  })
})
