import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verifyHome } from './home.ts'
import { hexOf, jcs, SealedHome, type TestKey, testKey, tileName } from './sealed-home.fixture.ts'

let home: SealedHome
beforeEach(async () => {
  home = await SealedHome.make()
  await home.commit({ received: Buffer.from('{"a":1}\n') })
  await home.commit({ received: Buffer.from('{"a":2}\n') })
})
afterEach(() => home.dispose())

const PENDING = 'seal/pending.json'
const CHECKPOINT = 'seal/log/checkpoint'
const headAt = (size: number) => ({ size: String(size), root: home.rootAt(size).toString('hex') })
const vkeyFile = (key: TestKey) => `seal/keys/${encodeURIComponent(key.name)}+${key.vkey.split('+')[1]}.vkey`

async function verified(key = home.key.vkey) {
  const { findings, notChecked } = await verifyHome(home.root, { key })
  return {
    findings: findings.map(({ kind, leaf, where }) => `${kind} ${leaf ?? '-'} ${where}`),
    isCutShort: notChecked.some((line) => /append to the log was cut short/.test(line)),
  }
}

/** Puts the record of an append from one size to another on disk, as the page of the seal has it. */
async function pend(from: number, to: number, keys: readonly TestKey[], more: object = {}): Promise<void> {
  const record = {
    v: 2,
    from: headAt(from),
    to: headAt(to),
    time: '2026-03-01T09:00:00.000Z',
    references: {},
    entries: home.entries.slice(from, to).map((entry) => Buffer.from(entry).toString('base64')),
    ...more,
  }
  const text = `bricktrail pending append\n${home.origin}\n${hexOf(jcs(record))}\n`
  await home.put(PENDING, jcs({ ...record, signatures: keys.map((key) => key.line(text)) }))
}

/** Appends, and takes the checkpoint back: the files are there, the signature is not. Returns the size before. */
async function unsigned(append: () => Promise<unknown>): Promise<number> {
  const checkpoint = await home.read(CHECKPOINT)
  const guard = await home.read('seal/keys/head.json')
  const size = home.entries.length
  await append()
  await rm(home.at(`seal/checkpoints/${String(home.entries.length).padStart(20, '0')}`))
  await home.put(CHECKPOINT, checkpoint)
  await home.put('seal/keys/head.json', guard)
  return size
}

const config = () => home.leaf({ kind: 'config', settings: {} })

describe('an append that was cut short', () => {
  it('is no finding where the log’s key has signed its record, before the checkpoint and after', async () => {
    const from = await unsigned(config)
    await pend(from, from + 1, [home.key])
    expect(await verified()).toEqual({ findings: [], isCutShort: true })
    home.entries.pop()
    await config()
    await pend(from, from + 1, [home.key])
    expect(await verified()).toEqual({ findings: [], isCutShort: false })
  })

  it('is a finding, and so is every file beyond the head, where the record is not signed by that key', async () => {
    const from = await unsigned(config)
    const attacker = testKey(home.origin)
    await home.put(vkeyFile(attacker), `${attacker.vkey}\n`)
    const files = ['entries' as const, 0].map((level) => `unverifiable ${from} ${tileName(level, 0, from + 1)}`)
    for (const keys of [[], [attacker], [testKey('bricktrail/another-home')]]) {
      await pend(from, from + 1, keys)
      const { findings, isCutShort } = await verified()
      expect(findings).toEqual(expect.arrayContaining([`unverifiable ${from} ${PENDING}`, ...files]))
      expect(isCutShort).toBe(false)
    }
    // The attacker's signature beside that of the log makes it no key of the log.
    const checkpoint = await home.read(CHECKPOINT)
    await home.put(CHECKPOINT, `${checkpoint}${attacker.line(home.textOf(from))}`)
    await pend(from, from + 1, [attacker])
    expect((await verified()).findings).toContain(`unverifiable ${from} ${PENDING}`)
  })

  it('is a finding where a record was altered, starts elsewhere, leads elsewhere, or is none', async () => {
    const from = await unsigned(config)
    await pend(from, from + 1, [home.key])
    const record = String(await home.read(PENDING))
    await home.put(PENDING, record.replace('09:00', '09:01'))
    expect((await verified()).findings).toContain(`unverifiable ${from} ${PENDING}`)
    for (const change of [{ from: headAt(1) }, { to: headAt(2) }, { entries: [] }, { v: 1 }]) {
      await pend(from, from + 1, [home.key], change)
      expect((await verified()).findings).toContain(`unverifiable ${from} ${PENDING}`)
    }
    for (const text of ['', '{}', 'x', jcs({ v: 2 })]) {
      await home.put(PENDING, text)
      expect((await verified()).findings).toContain(`unverifiable ${from} ${PENDING}`)
    }
  })

  it('excuses only the files it writes itself', async () => {
    const from = await unsigned(async () => {
      await config()
      await config()
    })
    await pend(from, from + 2, [home.key])
    expect((await verified()).findings).toContain(`unverifiable ${from} ${tileName(0, 0, from + 1)}`)
    await home.put(tileName(0, 7, 3), Buffer.alloc(96))
    expect((await verified()).findings).toContain(`unverifiable ${from} ${tileName(0, 7, 3)}`)
  })
})

describe('the newest key file', () => {
  it('may be the one before while a change of keys is being finished, and no other', async () => {
    const before = home.key
    const from = home.entries.length
    await home.rotate()
    await home.put('seal/keys/log.vkey', `${before.vkey}\n`)
    expect((await verified()).findings).toEqual(['changed - seal/keys/log.vkey'])
    await pend(from, from + 1, [home.key, before])
    expect((await verified()).findings).toEqual([])
    const attacker = testKey(home.origin)
    await home.put('seal/keys/log.vkey', `${attacker.vkey}\n`)
    expect((await verified()).findings).toEqual(['changed - seal/keys/log.vkey'])
    await home.put('seal/keys/log.vkey', `${home.key.vkey}\n`)
    await pend(from, from + 1, [before])
    expect((await verified()).findings).toEqual([`unverifiable ${from + 1} ${PENDING}`])
  })

  it('is not excused by a record that changes no keys', async () => {
    const attacker = testKey(home.origin)
    await home.put('seal/keys/log.vkey', `${attacker.vkey}\n`)
    const from = await unsigned(config)
    await pend(from, from + 1, [home.key])
    expect((await verified()).findings).toEqual(['changed - seal/keys/log.vkey'])
  })
})
