import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ObjectRecord, RawRecord } from '../entry.ts'
import { RawArchive } from '../raw/archive.ts'
import { Hasher } from './hasher.ts'
import { RawCheck } from './raw-check.ts'
import { Findings, type Report } from './report.ts'

const MASTER = Buffer.alloc(32, 7)
const RECEIVED = '{"action":"login"}\n'.repeat(20_000)

let home: string
let record: RawRecord
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bricktrail-raw-check-'))
  await writeFile(join(home, 'key'), MASTER.toString('hex'), { mode: 0o600 })
  await writeFile(join(home, 'log.json'), RECEIVED)
  const archive = await RawArchive.open({ root: home }, { raw: 'keep', rawKey: `file:${join(home, 'key')}` })
  record = await archive.keep({ path: join(home, 'log.json'), firstByte: 0, lastByte: RECEIVED.length })
})
afterEach(() => rm(home, { recursive: true }))

async function checked(raw: RawRecord, masterKey?: Uint8Array): Promise<Report> {
  const findings = new Findings()
  const check = new RawCheck(home, findings, masterKey)
  check.take([{ raw } as ObjectRecord], 3)
  const hasher = new Hasher(1)
  await check.check(hasher, () => {})
  await hasher.settled()
  check.end(true)
  await hasher.close()
  return findings.report()
}

describe('an encrypted object', () => {
  it('is checked as stored without the key, and says that this is all', async () => {
    const report = await checked(record)
    expect(report).toMatchObject({ ok: true, checked: { rawObjects: 1 } })
    expect(report.notChecked).toEqual([expect.stringMatching(/1 raw objects are encrypted/)])
  })

  it('is checked as received with it', async () => {
    const report = await checked(record, MASTER)
    expect(report).toMatchObject({ ok: true, notChecked: [] })
  })

  it('says that the key is another one', async () => {
    const [finding, ...more] = (await checked(record, Buffer.alloc(32, 8))).findings
    expect(finding).toMatchObject({ kind: 'unverifiable', where: record.stored?.path, leaf: 3 })
    expect(finding?.what).toMatch(/key/)
    expect(more).toEqual([])
  })

  it('that was changed is found with and without the key', async () => {
    const path = join(home, record.stored?.path ?? '')
    const bytes = await readFile(path)
    bytes[100] = (bytes[100] ?? 0) ^ 1
    await writeFile(path, bytes)
    for (const key of [undefined, MASTER]) {
      expect((await checked(record, key)).findings).toMatchObject([{ kind: 'changed', leaf: 3 }])
    }
  })

  it('that was sealed with another digest of what was received is found with the key', async () => {
    expect((await checked({ ...record, bytes: record.bytes + 1 }, MASTER)).ok).toBe(false)
    const named = { ...record, sha256: record.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }
    expect((await checked(named)).findings).toMatchObject([{ kind: 'unverifiable' }])
  })
})

it('objects of which only digests are kept are counted as not checked', async () => {
  const { sha256, bytes } = record
  expect((await checked({ sha256, bytes })).notChecked).toContainEqual(expect.stringMatching(/1 objects were not kept/))
})
