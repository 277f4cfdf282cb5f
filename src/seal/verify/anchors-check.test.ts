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

  it('of another authority, about another checkpoint or changed prove nothing', async () => {
    const other = (await recorded('other-ca.pem')).toString()
    expect((await check({ tsaCa: other })).findings).toMatchObject([{ kind: 'unverifiable', where: STAMP, leaf: 19 }])
    const stamp = await recorded('good.tsr')
    stamp[stamp.length - 9] = (stamp[stamp.length - 9] ?? 0) ^ 1
    await writeFile(join(home, STAMP), stamp)
    expect((await check({})).findingCount).toBe(2)
    await writeFile(join(home, STAMP), await recorded('good.tsr'))
    await writeFile(join(home, 'seal/checkpoints', String(SIZE).padStart(20, '0')), 'other\n1\nAAAA\n\n— other x\n')
    expect((await check({})).findingCount).toBe(3)
    await rm(join(home, 'seal/checkpoints'), { recursive: true })
    expect((await check({})).findings.at(-1)?.what).toMatch(/no checkpoint of this size/)
  })

  it('older than what they saw tell of a wrong clock', async () => {
    const times = Array.from({ length: SIZE }, () => Date.parse('2099-01-01T00:00:00Z'))
    expect((await check({ times })).findings).toMatchObject([{ kind: 'reordered', where: STAMP, leaf: 19 }])
  })
})
