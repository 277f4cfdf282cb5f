import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { vkeyOf } from '../../ingest/sealed-home.fixture.ts'
import { deliveryLines, NOW, TakingBench } from '../../ingest/taking.fixture.ts'
import { verifyBundle, verifyProof } from '../../seal/verify.ts'
import { type Recorded, runCommand } from '../recorded-cli.fixture.ts'
import { registerProve } from './prove.ts'

let bench: TakingBench
let key: string
let id: string
beforeAll(async () => {
  bench = await TakingBench.open()
  await bench.take(await bench.file('a.json', deliveryLines(1, 70)))
  await bench.take(await bench.file('b.json', `${deliveryLines(101, 103)}no JSON\n`))
  key = await vkeyOf(bench.home)
  const [row] = await bench.events<{ event_id: string }>('event_id', "WHERE request_id = 'request-66'")
  id = row?.event_id ?? expect.unreachable()
}, 60_000)
afterAll(() => bench.close())

const prove = (...argv: readonly string[]): Promise<Recorded> =>
  runCommand(registerProve, ['prove', ...argv], { home: bench.home.root, now: NOW })

describe('bricktrail prove, for an event', () => {
  it('writes a file that verifies with the key alone, and says how', async () => {
    const path = join(bench.folder, 'event.tlog-proof')
    const { out } = await prove(id.slice(0, 10), '--out', path)
    expect(out).toMatch(
      new RegExp(`^Event ${id} is row \\d+ of event_date=2026-11-10/\\S+, which leaf 2 of 5 names\\.\n`),
    )
    expect(out).toContain(`bricktrail verify ${path} --key VKEY`)
    const { findings, proven } = verifyProof(await readFile(path), { keys: key })
    expect(findings).toEqual([])
    expect(proven?.values).toMatchObject({ event_id: id, request_id: 'request-66' })
  })

  it('prints the proof where it is asked to', async () => {
    const { out } = await prove(id, '--out', '-')
    expect(verifyProof(out, { keys: key }).ok).toBe(true)
  })

  it('tells a script where the event stands', async () => {
    const path = join(bench.folder, 'again.tlog-proof')
    const told = JSON.parse((await prove(id, '--out', path, '--json')).out)
    expect(told).toEqual({
      eventId: id,
      file: expect.stringMatching(/^event_date=/),
      position: expect.any(Number),
      leaf: '2',
      size: '5',
      out: path,
    })
  })

  it('is refused without an event, and with an event and a period', async () => {
    for (const words of [[], [id, '--from', '2026-11-01']])
      await expect(prove(...words)).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringContaining('Give either'),
      })
    await expect(prove('ffffffffffff')).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })
})

describe('bricktrail prove, for a period', () => {
  it('writes a folder that verifies without the home', async () => {
    const out = join(bench.folder, 'period')
    const { out: text } = await prove('--from', '2026-11-01', '--out', out)
    expect(text).toContain(`Leaves 0 to 4 of the log are in ${out}`)
    const report = await verifyBundle(out, { key })
    expect(report.findings).toEqual([])
    expect(report.checked).toMatchObject({ leaves: 5, events: 73, rawObjects: 2 })
  })

  it('leaves out files and what was received where it is asked to, and the verifier says so', async () => {
    const out = join(bench.folder, 'slim')
    const told = JSON.parse((await prove('--to', '2026-12-01', '--out', out, '--no-files', '--no-raw', '--json')).out)
    expect(told).toMatchObject({ from: 0, to: 5, out, leaves: 5, gone: 0 })
    expect([existsSync(join(out, 'raw')), existsSync(join(out, 'lake'))]).toEqual([false, false])
    const report = await verifyBundle(out, { key })
    expect(report.findings).toEqual([])
    expect(report.checked.files).toBe(0)
    expect(report.notChecked.length).toBeGreaterThan(1)
  })

  it('is refused without a folder, or for one in use', async () => {
    await expect(prove('--from', '2026-11-01')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining('--out'),
    })
    const used = join(bench.folder, 'used')
    await bench.file('used/a', 'a')
    await expect(prove('--from', '2026-11-01', '--out', used)).rejects.toMatchObject({
      message: expect.stringContaining('not empty'),
    })
    expect(await readdir(used)).toEqual(['a'])
  })
})
