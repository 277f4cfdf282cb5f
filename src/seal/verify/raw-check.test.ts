import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unwrap } from '../../core/result.ts'
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

async function checked(raws: RawRecord | readonly RawRecord[], masterKey?: Uint8Array): Promise<Report> {
  const findings = new Findings()
  const check = new RawCheck(home, findings, masterKey)
  check.take(
    [raws].flat().map((raw) => ({ raw }) as ObjectRecord),
    3,
  )
  const hasher = new Hasher(1)
  await check.checkPacks(hasher, () => {})
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

describe.each([{ name: 'in the clear' }, { name: 'encrypted', master: MASTER }])(
  'objects in a pack, $name',
  ({ master }) => {
    let records: RawRecord[]
    beforeEach(async () => {
      const rawKey = master === undefined ? null : `file:${join(home, 'key')}`
      const archive = await RawArchive.open({ root: home }, { raw: 'keep', rawKey })
      const sources = await Promise.all(
        Array.from({ length: 50 }, async (_, at) => {
          const path = join(home, `small-${at}`)
          await writeFile(path, `{"n":${at}}\n`.repeat(at + 1))
          return { path, firstByte: 0, lastByte: Buffer.byteLength(`{"n":${at}}\n`) * (at + 1) }
        }),
      )
      records = (await archive.keepAll(sources)).map(unwrap)
    })

    it('are all checked, each as it was received', async () => {
      expect(new Set(records.map(({ stored }) => stored?.path)).size).toBe(1)
      expect(await checked(records, master)).toMatchObject({ ok: true, checked: { rawObjects: 50 } })
    })

    it('are found to be missing with their pack, or changed with it', async () => {
      const path = join(home, records[0]?.stored?.path ?? '')
      const bytes = await readFile(path)
      bytes[bytes.length - 20] = (bytes.at(-20) ?? 0) ^ 1
      await writeFile(path, bytes)
      expect((await checked(records, master)).findings).toMatchObject([{ kind: 'changed', leaf: 3 }])
      await rm(path)
      expect((await checked(records, master)).findings).toMatchObject([{ kind: 'missing', leaf: 3 }])
    })

    it('that were sealed as something else are found, whatever the pack is', async () => {
      const [first, ...more] = records as [RawRecord, ...RawRecord[]]
      const longer = { ...first, bytes: first.bytes + 1 }
      const other = { ...first, sha256: first.sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }
      for (const lie of [longer, other])
        expect((await checked([lie, ...more], master)).findings).toMatchObject([{ kind: 'changed', leaf: 3 }])
      expect((await checked([longer, ...records], master)).findings[0]).toMatchObject({ kind: 'unverifiable', leaf: 3 })
    })
  },
)

it('an encrypted pack is checked as stored without the key, and says of how many objects this is all', async () => {
  const archive = await RawArchive.open({ root: home }, { raw: 'keep', rawKey: `file:${join(home, 'key')}` })
  const path = join(home, 'log.json')
  const sources = Array.from({ length: 40 }, (_, at) => ({ path, firstByte: at * 19, lastByte: at * 19 + 190 + at }))
  const kept = (await archive.keepAll(sources)).map(unwrap)
  const report = await checked(kept)
  const objects = new Set(kept.map(({ sha256 }) => sha256)).size
  expect(report.notChecked).toContainEqual(expect.stringMatching(`${objects} raw objects are encrypted`))
  const { findings } = await checked([...kept, record], randomBytes(32))
  expect(findings).toHaveLength(1)
  expect(findings[0]?.what).toMatch(
    new RegExp(`^${objects + 1} raw objects are encrypted with another key .*key given is`),
  )
})

it('objects of which only digests are kept are counted as not checked', async () => {
  const { sha256, bytes } = record
  expect((await checked({ sha256, bytes })).notChecked).toContainEqual(expect.stringMatching(/1 objects were not kept/))
})
