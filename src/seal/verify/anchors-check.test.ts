import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AnchorsOptions, checkTimestamps } from './anchors-check.ts'
import { Findings } from './report.ts'

const RECORDED = join(import.meta.dirname, '../../../fixtures/timestamps')
const recorded = (name: string): Promise<Buffer> => readFile(join(RECORDED, name))
const SIZE = 20
const STAMP = `seal/timestamps/${String(SIZE).padStart(20, '0')}.tsr`

let home: string
let findings: Findings
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-anchors-'))
  findings = new Findings()
  await mkdir(join(home, 'seal/timestamps'), { recursive: true })
  await mkdir(join(home, 'seal/checkpoints'), { recursive: true })
  await writeFile(join(home, 'seal/checkpoints', String(SIZE).padStart(20, '0')), await recorded('checkpoint'))
  await writeFile(join(home, STAMP), await recorded('good.tsr'))
})
afterEach(() => rm(home, { recursive: true }))

const check = async (more: Partial<AnchorsOptions>) => {
  const times = Array.from({ length: SIZE }, (_, at) => Date.parse('2026-01-01T00:00:00Z') + at)
  const tsaCa = (await recorded('ca.pem')).toString()
  await checkTimestamps({ home, headSize: SIZE, times, witnesses: [], tsaCa, findings, ...more })
  return findings.report()
}

describe('timestamps', () => {
  it('that hold are counted, and the newest is told', async () => {
    const report = await check({})
    expect(report).toMatchObject({ ok: true, checked: { timestamps: 1 } })
    expect(report.statements).toEqual([expect.stringMatching(/^Test stamper stamped the first 20 of 20 leaves at 20/)])
  })

  it('are not looked at without certificates, which is said', async () => {
    const { tsaCa: _, ...without } = { home, headSize: SIZE, times: [], witnesses: [], findings, tsaCa: '' }
    await checkTimestamps(without)
    expect(findings.report().notChecked).toEqual([expect.stringMatching(/1 timestamps.*--tsa-ca/)])
  })

  it('of another authority do not count, and are no finding beside one that holds', async () => {
    const other = (await recorded('other-ca.pem')).toString()
    expect((await check({ tsaCa: other })).findings).toMatchObject([
      { kind: 'unverifiable', where: 'seal/timestamps', what: expect.stringMatching(/no timestamp that holds/) },
    ])
    expect(findings.report().notChecked).toEqual([expect.stringMatching(`^${STAMP} does not count: no chain from`)])
    findings = new Findings()
    await writeFile(join(home, STAMP.replace('.tsr', '.2.tsr')), await recorded('expired.tsr'))
    const both = await check({})
    expect(both).toMatchObject({ ok: true, checked: { timestamps: 1 } })
    expect(both.notChecked).toEqual([
      expect.stringMatching(/2\.tsr does not count: the certificate ".*" was not valid/),
    ])
  })

  it('about another checkpoint, changed, or of none that is kept prove nothing', async () => {
    const stamp = await recorded('good.tsr')
    stamp[stamp.length - 9] = (stamp[stamp.length - 9] ?? 0) ^ 1
    const found = async (headSize = SIZE) => {
      findings = new Findings()
      return (await check({ headSize })).findings.map(({ where, what, leaf }) => `${leaf ?? '-'} ${where}: ${what}`)
    }
    const none = expect.stringMatching(/^- seal\/timestamps: There is no timestamp that holds/)
    await writeFile(join(home, STAMP), stamp)
    expect(await found()).toEqual([none, expect.stringMatching(`^19 ${STAMP}: The timestamp proves nothing`)])
    await writeFile(join(home, STAMP), await recorded('good.tsr'))
    const kept = join(home, 'seal/checkpoints', String(SIZE).padStart(20, '0'))
    await writeFile(kept, 'other\n1\nAAAA\n\n— other x\n')
    expect(await found()).toEqual([none, expect.stringMatching(`^19 ${STAMP}: The timestamp proves nothing`)])
    await rm(kept)
    expect(await found()).toEqual([none, expect.stringMatching(`^19 ${STAMP}: There is no checkpoint of this size`)])
    await mkdir(join(home, 'seal/log'), { recursive: true })
    await writeFile(join(home, 'seal/log/checkpoint'), await recorded('checkpoint'))
    expect(await found()).toEqual([])
    expect(await found(SIZE + 1)).toEqual([none, expect.stringMatching(`^19 ${STAMP}: There is no checkpoint of`)])
    expect(await found(SIZE - 1)).toEqual([none, expect.stringMatching(`^19 ${STAMP}: It is of 20 leaves by its name`)])
  })

  it('are missed where certificates were given, and where leaves have waited for long', async () => {
    const days = (count: number) =>
      Array.from({ length: SIZE + 3 }, (_, at) => Date.UTC(2026, 0, at < SIZE ? 1 : at - SIZE + count))
    expect((await check({ headSize: SIZE + 2, times: days(3) })).findings).toEqual([])
    expect((await check({ headSize: SIZE + 3, times: days(3) })).findings).toMatchObject([
      {
        kind: 'unverifiable',
        where: 'seal/timestamps',
        leaf: SIZE,
        what: expect.stringMatching(/^No timestamp authority has seen leaf 20/),
      },
    ])
    findings = new Findings()
    expect((await check({ headSize: SIZE + 3, times: days(3), maxUnseenMs: 3 * 86_400_000 })).ok).toBe(true)
    await rm(join(home, 'seal/timestamps'), { recursive: true })
    findings = new Findings()
    expect((await check({})).findings).toMatchObject([{ kind: 'unverifiable', where: 'seal/timestamps' }])
  })

  it('older than what they saw tell of a wrong clock', async () => {
    const times = Array.from({ length: SIZE }, () => Date.parse('2099-01-01T00:00:00Z'))
    expect((await check({ times })).findings).toMatchObject([{ kind: 'reordered', where: STAMP, leaf: 19 }])
  })
})
