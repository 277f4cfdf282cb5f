import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AlertBench, aFinding, later } from '../../alert/findings.fixture.ts'
import { runCommand } from '../recorded-cli.fixture.ts'
import { registerAlerts } from './alerts.ts'

let bench: AlertBench
beforeEach(async () => {
  bench = await AlertBench.open()
  await bench.found(
    aFinding('f1'),
    aFinding('f2', { entity: 'bob@example.com', ruleId: 'rule-2', title: 'Token\u001b[31m made', level: 'low' }),
  )
  await bench.run()
  bench.told('pager')
})
afterEach(() => bench.close())

const alerts = (...argv: string[]) =>
  runCommand(registerAlerts, ['alerts', ...argv], { home: bench.home.root, now: later(10) })
const json = async (...argv: string[]) => JSON.parse((await alerts(...argv, '--json')).out)
const idOf = async (entity: string): Promise<string> => (await json('list', '--entity', entity)).alerts[0].id
const faultOf = (...argv: string[]) =>
  alerts(...argv).then(
    () => 'no fault',
    ({ message, hint }: { message: string; hint: string }) => `${message} ${hint}`,
  )

describe('bricktrail alerts', () => {
  it('lists open alerts, the most severe first, with nothing that acts on a terminal', async () => {
    const { out } = await alerts('list')
    const lines = out.trim().split('\n')
    expect(lines[0]).toMatch(
      /^[0-9a-f]{8} {2}high {10}new {11}2026-11-12 11:30Z {2}Account admin granted {2}ana@example.com$/,
    )
    expect(lines[1]).toContain('Token\\x1b[31m made')
    expect(lines).toHaveLength(2)
  })

  it('says what to move away, and what is lost, where the file is damaged; without it nobody is told twice', async () => {
    const listed = async () =>
      (await json('list')).alerts.map(({ created: _, updated: __, ...rest }: Record<string, unknown>) => rest)
    const before = await listed()
    const file = bench.home.alerts
    for (const more of ['-wal', '-shm']) await rm(`${file}${more}`, { force: true })
    await writeFile(file, (await readFile(file)).fill(0xa5, 4096))
    const fault = await faultOf('list')
    expect(fault).toContain('alerts.db is damaged')
    expect(fault).toContain('Lost with it is what people decided')
    expect(await faultOf('run')).toContain('alerts.db is damaged')
    await rm(file)
    await alerts('run')
    expect(await listed()).toEqual(before)
    expect(bench.told('pager')).toEqual([])
  })

  it('filters, and says where a word is wrong what may be meant', async () => {
    expect((await json('list', '--level', 'medium')).alerts).toHaveLength(1)
    expect((await json('list', '--rule', 'token')).alerts).toHaveLength(1)
    expect(await json('list', '--limit', '1')).toMatchObject({ hasMore: true, alerts: [{ level: 'high' }] })
    expect((await json('list', '--since', '2026-11-12T11:45Z')).alerts).toEqual([])
    expect(await faultOf('list', '--level', 'hihg')).toBe('--level takes no "hihg". Did you mean high?')
    expect(await faultOf('list', '--state', 'open')).toMatch(/Did you mean reopened/)
  })

  it('leads an alert from new to resolved and back, telling each time, and keeps its history', async () => {
    const id = (await idOf('ana')).slice(0, 6)
    expect((await alerts('ack', id, '--as', 'eve', '--note', 'Mine.')).out).toMatch(
      /acknowledged: Account admin granted/,
    )
    expect((await alerts('ack', id)).out).toMatch(/was acknowledged already/)
    await alerts('assign', 'eve', id, '--as', 'lea')
    await alerts('start', id, '--as', 'eve')
    await alerts('note', id, 'Asked ana.', '--as', 'eve')
    expect((await alerts('resolve', id, '--was', 'false-positive', '--as', 'eve')).out).toMatch(
      /resolved, false positive/,
    )
    expect((await json('list')).alerts).toHaveLength(1)
    expect(await faultOf('ack', id)).toMatch(/is resolved.*bricktrail alerts reopen/)
    await alerts('reopen', id, '--as', 'eve', '--note', 'Not so sure.')
    const { alert } = await json('show', id)
    expect(alert).toMatchObject({ state: 'reopened', outcome: null, assignee: 'eve', findingList: [{ id: 'f1' }] })
    expect(alert.history.map(({ who, what }: { who: string; what: string }) => `${who}: ${what}`)).toEqual([
      'bricktrail: opened',
      'bricktrail: told',
      'eve: acknowledged',
      'lea: assigned to eve',
      'eve: started',
      'eve: note',
      'eve: resolved: false positive',
      'eve: reopened',
      'bricktrail: told',
    ])
    expect(bench.told('pager').map(({ action }) => action)).toEqual(['acknowledged', 'resolved', 'reopened'])
    expect((await alerts('show', id)).out).toMatch(/history\n.*\n(.*\n)*.*eve: note \(Asked ana\.\)/)
  })

  it('does to several at once, or to none', async () => {
    const ids = [await idOf('ana'), await idOf('bob')]
    expect(await faultOf('ack', ids[0] ?? '', '00000000')).toMatch(/There is no alert 00000000/)
    expect((await json('list', '--state', 'new')).alerts).toHaveLength(2)
    expect(await json('ack', ...ids)).toMatchObject({ changed: 2 })
    await alerts('resolve', ids[0] ?? '', '--was', 'duplicate', '--of', ids[1] ?? '')
    expect((await json('show', ids[0] ?? '')).alert).toMatchObject({ outcome: 'duplicate', duplicateOf: ids[1] })
    expect(await faultOf('resolve', ids[1] ?? '', '--was', 'benign', '--of', ids[0] ?? '')).toMatch(/--of goes with/)
    expect(await faultOf('resolve', ids[1] ?? '', '--was', 'duplicate')).toMatch(/one of another alert/)
  })

  it('suggests the alert that was meant', async () => {
    const id = await idOf('ana')
    const wrong = `${id.slice(0, 7)}${id[7] === '0' ? '1' : '0'}`
    expect(await faultOf('show', wrong)).toContain(`Did you mean ${id.slice(0, 8)}?`)
  })

  it('silences what is alike for a while, and ends that', async () => {
    const id = await idOf('ana')
    expect(await faultOf('silence', '--for', '2h', '--reason', 'x')).toMatch(/silence everything/)
    expect(await faultOf('silence', id, '--reason', 'x')).toMatch(/has an end/)
    expect(await faultOf('silence', id, '--for', '367d', '--reason', 'x')).toMatch(/lasts a year at most/)
    const { silence } = await json('silence', id, '--for', '2h', '--reason', 'Migration.', '--as', 'eve')
    expect(silence).toMatchObject({ who: 'eve', about: 'rule=rule-1, entity=ana@example.com', inForce: true })
    await bench.found(aFinding('f1', { revision: 2, level: 'critical', events: 2 }))
    await alerts('run')
    expect(bench.told('pager')).toEqual([])
    expect((await json('list', '--quiet')).alerts).toMatchObject([
      { quiet: 'silenced by eve: Migration.', level: 'critical' },
    ])
    expect((await alerts('silences')).out).toMatch(/by eve: Migration\. {2}\(kept 1 quiet\)/)
    await alerts('unsilence', silence.id)
    expect((await alerts('silences')).out).toBe('No silences are in force.\n')
    expect(await faultOf('unsilence', silence.id)).toMatch(/No silence .* is in force/)
  })

  it('does what was asked where nobody can be told of it, and says so', async () => {
    const id = await idOf('ana')
    await bench.file('alerts.yaml', 'routes: [{ to: [pagr] }]')
    const { notes, out } = await alerts('ack', id)
    expect(out).toMatch(/acknowledged/)
    expect(notes).toMatch(
      /nobody is told of it yet: .*alerts.yaml:1:12: There is no destination pagr\.\nhint: Did you mean pager\?/,
    )
    expect(await faultOf('run')).toMatch(/There is no destination pagr/)
  })

  it('says where there is nothing at all', async () => {
    const nowhere = runCommand(registerAlerts, ['alerts', 'list'], { home: `${bench.folder}/nowhere` })
    await expect(nowhere).rejects.toMatchObject({ code: 'NO_LAKE' })
  })
})
